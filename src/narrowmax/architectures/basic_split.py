"""Exponentials as products: a table for each digit of the distance.

    d = max(x) - x                            exact, held at the largest that the digits can write
    digits of d                               `digit` bits each, the highest what is left; as many as reach the distance
                                              from which on exp(-d) rounds to 0 in `exp`
    entry = exp(-digit * its place) in `factor`
    product = entry * entry * ...             from the digit that `first` names on, each brought to `product`
    e = product in `exp`                      rounded once more
    sum = e added over the row                as `sum` says
    output = e / sum in `output`              as `normalise` says

Source: Q. Sun, Z. Di, Z. Lv et al., "A High Speed SoftMax VLSI Architecture Based on Basic-Split", ICSICT 2018.
Two such tables are multiplied in A3 (HPCA 2020) and ConSmax (ICCAD 2024).

Published: one table entry for each digit group, multiplied; an error of the order 1e-8.  Its clock: up to 1
GHz in 65 nm.

Knobs: everything else, as no width was published: bits of a digit, the order of the products, every format, the
normaliser.  `digit=4, factor=UQ1.30, product=UQ1.30:floor, exp=UQ1.28` has the published error.

Limits: rows of up to 2**20 elements with an exact sum; tables of up to 4,096 entries for a digit; a row with nothing
present gives 0 everywhere.

Order: in a row a larger element never has the smaller output with the default parameters (by exhaustion).  There is no
proof for others: where a digit carries, what products drop can outweigh the step, if `factor` and `product` are hardly
finer than `exp`.

Hazards: an entry of the highest digit is a small number with few bits, so that far terms have large relative errors.
Each product that is cut loses up to a bit.  Without an integer bit in `factor` every digit of 0 takes a bit away.

Oracle: the steps once more in integers, by another author.
"""

from __future__ import annotations

from narrowmax.architectures import parts
from narrowmax.architectures.parameters import input_format, output_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire


@architecture(
    input_format(),
    *parts.basic_split.parameters,
    parts.sum_of(),
    parts.normaliser("divide"),
    output_format("UQ0.8:half_up"),
)
def basic_split(row: Row, input, sum, normalise, output, **core) -> Wire:
    return parts.softmax(row, parts.basic_split.given(core), "exact", sum, normalise, output)
