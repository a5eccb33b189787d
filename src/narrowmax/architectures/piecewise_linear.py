"""Exponentials on straight lines: the segment by comparisons, its slope and bias from tables, one product.

    d = max(x) - x                       exact
    k = the segment that holds d         comparisons with all places where segments begin
    e = bias[k] - fall[k] * d in `exp`   exact, kept in [0, 1], rounded once; 0 beyond the last end
    sum = e added over the row           as `sum` says
    output = e / sum in `output`         as `normalise` says

Source: J. Yu, J. Park, S. Park, M. Kim, S. Lee, D. H. Lee, J. Choi, "NN-LUT: Neural Approximation of
Non-Linear Operations for Efficient Transformer Inference", DAC 2022, for the rule of evaluation; relatives
are TEA-S (TCAS-II 2023) and its PLAC segments.

Published: the rule and 16 segments.  Coefficients were not: `fit=public` has those of a third party's table of 15
neurons (neulxf/NN-LUT), to 5 decimals.

Knobs: how segments are found, by dynamic programming on a grid of up to 512 distances: `minimax`, the least
largest error, or `squares`, the least sum of squares; coefficient bits; every width; the normaliser.

Limits: rows of up to 2**20 elements with an exact sum; beyond the last end (6.8 for 16 segments, 7.54 in the public
table) the exponential is 0; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output with `fit=minimax` and `fit=squares`, unless the
output wraps (proven: no line rises, and each begins no higher than the one before it ends).  Not so with `fit=public`,
whose lines meet at cuts only before they are rounded.

Hazards: the public table has segments 0.0002 wide, which a coarser input never meets, and exp(0) is 0.9947 there.
Where a segment ends depends on the distance alone, so that inputs of few fraction bits leave segments unused.

Oracle: the steps in integers, with the lines judged apart.
"""

from __future__ import annotations

from narrowmax.architectures import parts
from narrowmax.architectures.parameters import input_format, output_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire


@architecture(
    input_format(),
    *parts.piecewise_linear.parameters,
    parts.sum_of(),
    parts.normaliser("divide"),
    output_format("UQ0.8:half_up"),
)
def piecewise_linear(row: Row, input, sum, normalise, output, **core) -> Wire:
    return parts.softmax(row, parts.piecewise_linear.given(core), "exact", sum, normalise, output)
