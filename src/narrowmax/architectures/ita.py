"""Powers of two by shifts alone, in chunks: the input's scale makes e**x a power of two.

    value of a code = code * ln(2)/2**shift    so that e**value is 2**(code/2**shift)
    exponent(d) = d/2**shift rounded half up
    running = max(code) over the chunks so far;  final = that of the row
    slice = 2**f >> exponent(running - code)   added over the chunk, f being `sum`'s fraction bits
    sum = (sum >> exponent(growth of running)) + slice   fitted to `sum` by its overflow word
    inverse = 255 * 2**f / sum                 rounded down
    output = inverse >> exponent(final - code) its low 8 bits, in 255ths

Source: G. Islamoglu, M. Scherer, G. Paulin, T. Fischer, V. J. B. Jung, A. Garofalo, L. Benini, "ITA: An
Energy-Efficient Attention and Softmax Accelerator for Quantized Transformers", ISLPED 2023; its
SystemVerilog and PyITA, pulp-platform/ITA at ba96519.

Published: 8-bit input, 16 lanes, 19 bits of sum with 1.0 = 256, the inverse of 65,280, the order of the
steps, both rounded shifts.  The paper's shift is 5 (the scale ln(2)/32; from memory of it); the
repository's is 0 (the scale ln(2), so that nothing is rounded).  Its figures: 16.9 TOPS/W and 5.93 TOPS/mm2
in 22 nm at 0.8 V, of the whole accelerator.

Knobs: the input's bits, the chunk, the sum's width and what it does at its end.  The largest inverse
of a sum that wrapped to 0 is taken as the divider of the SystemVerilog gives it, all ones.

Limits: 19 bits of sum hold rows of fewer than 2,048 equal maxima.  Beside one maximum an element 240
codes (5.2) below it has the output 0 with shift 5, 8 codes (5.5) with shift 0; a row with nothing present
gives 0 everywhere.

Order: in a row a larger element never has the smaller output while the sum does not wrap (proven: all share
the inverse, and shifts do not rise with the element).  Where it wraps the inverse can pass 8 bits, and its low 8
are the output: 2,048 equal maxima have 224, and an element 150 codes below them 255.  The order of the
elements counts: rounded shifts do not compose, so a row that is permuted across chunks, or taken in other
chunks, has another sum.

Hazards: 2,048 equal maxima wrap the sum to 0, and every output becomes 255, as though each were certain.
With shift 5 an exponential is wrong by -29 % to +41 %, and a maximum that rises by fewer than 16 codes
leaves the sum as it is.

Oracle: the published steps in plain integers.
"""

from __future__ import annotations

import math

from narrowmax.architectures.parameters import PUBLISHED, FixedFormat, Number
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Rate, Row, Wire, fit, largest, round_off, scan, total
from narrowmax.formats import Affine, Fixed

OUTPUT = Affine(8, 1 / 255, signed=False)


@architecture(
    Number(
        name="bits", default="8", source=PUBLISHED, choices=range(2, 17), turns=range(3, 10), doc="the input's width"
    ),
    Number(
        name="shift", default="5", source=PUBLISHED, choices=range(13), turns=range(8),
        doc="codes whose difference is 2**shift are an octave apart: 5 in the paper, 0 in its repository",
    ),
    Number(
        name="chunk", default="16", source=PUBLISHED, choices=tuple(1 << k for k in range(11)),
        doc="elements whose maximum is taken together",
    ),
    FixedFormat(
        name="sum", default="UQ11.8:floor:wrap", source=PUBLISHED, doc="the running sum of powers of two",
        integer=range(1, 25), fraction=range(1, 17), signs=(False,), roundings=("floor",), accumulates=True,
        turns={"integer": range(1, 13), "fraction": range(1, 13)},
    ),
    formats=lambda parameters: (Affine(parameters["bits"], math.log(2) / 2 ** parameters["shift"]), OUTPUT),
)  # fmt: skip
def ita(row: Row, bits: int, shift: int, sum: Fixed) -> Wire:
    local = largest(row.x, to=Rate.CHUNK).named("chunk_max")
    before, running, final = scan(lambda top, new: top.maximum(new), local, start=row.x.lo)
    power = row.drawing.constant(1 << sum.fraction_bits, sum.fraction_bits) >> _octaves(
        running.named("running_max") - row.x, shift
    )
    slice, growth = total(power.named("power"), to=Rate.CHUNK), _octaves(running - before, shift)
    s = scan(lambda old, new, by: _fitted((old >> by) + new, sum), slice.named("slice"), growth, start=(0,))[2]
    if sum.overflow != "wrap":
        s = s.known(1 << sum.fraction_bits, s.hi, "the chunk of the largest element adds 1")
    everything = row.drawing.constant(255 << sum.fraction_bits, sum.fraction_bits)
    inverse = everything.divide(s.named("sum"), by_zero=sum.highest_code).named("inverse")
    return (inverse >> _octaves(final.named("row_max") - row.x, shift)).low_bits(8).named("p")


def _octaves(difference: Wire, shift: int) -> Wire:
    return round_off(difference.at_point(shift), shift, "half_up")


def _fitted(sum: Wire, form: Fixed) -> Wire:
    return fit(sum, 0, form.highest_code, form.overflow)
