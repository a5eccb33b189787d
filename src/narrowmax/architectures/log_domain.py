"""Division-free: the logarithm of the sum is taken off, and an exponential taken again.

    d = max(x) - x                 exact
    e = exp(d)                     the core that `exp` names
    sum = e added over the row     as `sum` says
    log = ln(sum)                  as `log` says, once for each row
    l = d + log                    exact; what is below 0 is 0
    output = back(l)               the core that `back` names, rounded and fitted by the output's words

Wang's variant, of shifts and adds alone, is `log_domain(exp=line, log=mitchell, back=line)`:

    exp, back   y + (y>>1) - (y>>4) = u + v of y = -d or -l, u an integer;  (1 + v) * 2**u
    log         sum = 2**w * k;  y = w + k - 1;  (y>>1) + (y>>3) + (y>>4)

Source: B. Yuan, "Efficient Hardware Architecture of Softmax Layer in Deep Neural Network", SOCC 2016; M. Wang,
S. Lu, D. Zhu, J. Lin, Z. Wang, "A High-Speed and Low-Complexity Architecture for Softmax Function in Deep
Learning", APCCAS 2018, from memory of it.

Published: Yuan's order of the steps; Wang's constants 1.0111b for log2(e) and 0.1011b for ln(2), its 1 + v
and k - 1, that another constant may replace the 1, and that the constants of both exponentials may differ.
Wang's figures: 0.015 mm2, 6.976 G/s and 463.04 Gb/(mm2 mW) in 28 nm, with 8 bits of input.

Knobs: all widths; how Yuan's exponentials and its logarithm are made (tables here, with lines between the entries
of the exponentials); whether Wang's shifts drop bits (`base`, `ln2`); all rounding words.  Yuan's unit can also
hand out -l where order alone counts; that one is not drawn.

Limits: rows of up to 2**20 elements with an exact sum; with the default parameters an element more than 5.5 below
a single maximum has the output 0; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output wherever `back` falls with the distance, unless
the output wraps: the same logarithm is added to all.  A `line` whose offset is below 1 does not: it rises with the
distance where an octave ends.

Hazards: an error of the logarithm becomes a relative error of the whole row: half a unit of 8 fraction bits
is 0.2 %.  The default logarithm is that of the edge of its cell, so that a row sums to up to 1.6 % more than one.
Wang's constants are 0.36 % low for log2(e), a temperature, and 0.81 % low for ln(2), so that a flat row of n
sums to n**0.012 times what 1 + v makes of it, which is up to 6.15 % too much.

Oracle: the steps in plain integers.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, input_format, output_format
from narrowmax.architectures.parts import EXPONENTIALS, choice, exponential, logarithms, sum_of
from narrowmax.architectures.parts.composition import least_of
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, fit, largest, round_off


@architecture(
    input_format(),
    exponential("interpolated"),
    sum_of(),
    choice("log", "table", KNOB, "how the sum's logarithm is made", logarithms.table, logarithms.mitchell),
    choice("back", "interpolated", KNOB, "how a logarithm becomes a probability", *EXPONENTIALS),
    output_format("UQ1.8:floor"),
)
def log_domain(row: Row, input, exp, sum, log, back, output) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    total, _, word = sum(exp(d).named("e"), least_of(exp, d))
    p = back((d + log(total, word).named("log")).maximum(0).named("l"))
    more = output.fraction_bits - p.point
    p = p.extend(more) if more >= 0 else round_off(p, -more, output.rounding)
    return fit(p, 0, output.highest_code, output.overflow).named("p")
