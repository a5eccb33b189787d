"""Exponentials from two tables that are added, and again for the outputs: no product, no division.

    d = max(x) - x                          exact; brought to `argument` fraction bits, the rest dropped
    d = (x0, x1, x2)                        `high`, `middle` and `low` bits; a d beyond them has the exponential 0
    e(d) = T0[x0, x1] + T1[x0, x2]          in `exp`, kept in [0, 1]
    T0 = exp(-d) in the middle of x2        both rounded to the fraction bits of `exp`, and `guard` more
    T1 = the slope of exp(-d) in the middle of (x1, x2), times what x2 is from its middle
    sum = e added over the row              as `sum` says
    log = w * 89/128 + L[k]/128             ln(sum); sum = 2**w * (1 + k/16 ...); kept in [0, 16)
    output = e(d + log) in `output`         the same tables

L = 0, 8, 15, 22, 29, 35, 41, 47, 53, 58, 63, 68, 73, 78, 82, 87.

Source: a bipartite-table softmax without division, Micromachines 17(1):84, 2026, as a public Verilog unit has it.

Published: 16 input bits with 7 of fraction, five, three and three bits of address, two tables of 256 entries
of 16 bits, a sum of 24 bits, the logarithm's constants, both clamps.  Its figures: 2n + 5 cycles for a row of
n, one element a cycle in each of two passes, three block memories of 18 kbit.

Knobs: the tables' contents, which were not seen: `at=points` takes the middle of the points of a field, `cell` that
of the interval they stand for.  What a sum does beyond its bits was not published: `sum=rounded(UQ9.15:floor:wrap)`.

Limits: 24 bits hold 514 equal maxima (an exponential of the maximum is 0.9944), beyond which the sum saturates;
elements from 16.0 below the maximum on have the output 0; a row with nothing present gives 0 everywhere.

Order: not kept: within x0 the slope is that of its middle, so that where x1 carries the exponential rises with the
distance, by up to 0.0023; raising one element can lower its own output
too.  A finer x0 keeps it (`high=7, middle=3, low=1`, by exhaustion).

Hazards: exponentials are up to 0.0056 too small, at 0 most, or 0.0048 too large; one element alone has the output
0.9944.  89/128 is 0.3 % above ln(2), L between 0.046 below the logarithm, since it sees four bits, and 0.018 above it:
rows sum to 0.97 to 1.07.

Oracle: the steps once more in integers, by another author.
"""

from __future__ import annotations

from narrowmax.architectures import parts
from narrowmax.architectures.parameters import PUBLISHED, input_format, output_format
from narrowmax.architectures.parts.bipartition import logarithm
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, fit, largest, round_off


@architecture(
    input_format("Q9.7", PUBLISHED),
    *parts.bipartite.parameters,
    parts.sum_of("rounded(sum=UQ9.15:floor)", PUBLISHED),
    output_format("UQ1.15", PUBLISHED),
)
def bipartite(row: Row, input, sum, output, **core) -> Wire:
    core = parts.bipartite.given(core)
    d = (largest(row.x).named("top") - row.x).named("d")
    s, _, word = sum(core(d).named("e"), parts.least_of(core, d))
    p = core((d + logarithm(s, word).named("log")).named("v"))
    more = output.fraction_bits - p.point
    p = p.extend(more) if more >= 0 else round_off(p, -more, output.rounding)
    return fit(p, 0, output.highest_code, output.overflow).named("p")
