"""Any exp core, sum and normaliser put together, in two passes.

    d = top - x                    exact; `maximum`: top is the row's maximum, or the least integer not below it
    e = exp(d)                     the core that `exp` names, in the core's own format
    sum = e added over the row     as `sum` says
    output = normalise(e, sum)     as `normalise` says, rounded and fitted by the output's words

Source: for the default parts, the steps of Hyft, T. Xia, S. Q. Zhang, "Hyft: A Reconfigurable Softmax
Accelerator with Hybrid Numeric Format", arXiv 2311.13290; for `exp=power_of_two(base=2), normalise=
power_of_two`, F. Spagnolo, S. Perri, P. Corsonello, "Aggressive Approximation of the SoftMax Function for
Power-Efficient Hardware Implementations", TCAS-II 2022.  The steps of both are from memory of them.

Published: Hyft multiplies by log2(e) as t + t/2 - t/16 (the base 23/16), takes 2**v as 1 + v (one chord), and
divides by Mitchell's logarithms; its inputs and outputs are floats, which these are not.  Spagnolo's
exponentials are powers of two of the difference, and its sum becomes the power of two below it.  Their
figures: Hyft has a tenth of the resources and a sixth of the latency of float units on an FPGA; Spagnolo 65 %
less silicon than its competitors in 28 nm and less than 1 pJ.

Knobs: the parts and all widths.  No source fixes the widths.

Limits: rows of up to 2**20 elements with an exact sum; a rounded sum of I integer bits saturates beyond
2**I; a row with nothing present gives 0 everywhere.

Order: kept wherever the core falls with the distance, as table, polynomial, chords and power_of_two do,
since the divisor is common, unless the output wraps.  Raising one element can lower its own output, where the
divisor is coarse.

Hazards: with `normalise=power_of_two` a row sums to up to 2; an exponential format without an integer bit
makes 1.0 the code below it, which `to=below` then doubles.  With `maximum=ceil` the largest exponential
can be as small as 1/e, so that a bit or two of the others is lost.

Oracle: the steps in integers.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, input_format, output_format
from narrowmax.architectures.parts import MAXIMUM, exponential, normaliser, softmax, sum_of
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire


@architecture(
    input_format(),
    MAXIMUM,
    exponential("chords(segments=1, base=23/16, exp=UQ1.8)", KNOB),
    sum_of(),
    normaliser("mitchell"),
    output_format("UQ1.8:half_up"),
)
def composed(row: Row, input, output, **parts) -> Wire:
    return softmax(row, **parts, output=output)
