"""Exponentials from a table, one reciprocal for each row from another table, a product for each element.

    d = max(x) - x                         exact
    e = table[d], exp(-d) in `exp`         the table ends at its first 0, which then stands for all larger d
    sum = e added over the row             exact; a sum of L bits is m * 2**(L-1) last bits, 1 <= m < 2
    r = table[first `address` bits of m behind the point], 1/m in `reciprocal`
    output = e * r / 2**(L-1) in `output`  (e and r as values, the sum's point allowed for) the exact
                                           product, shifted, rounded once and fitted by the output's words

Source: the structure of hls4ml's softmax (Duarte et al., JINST 13 P07027, 2018), with the sum
normalised before its reciprocal is looked up, as range-reducing reciprocals do.

Published: the structure; no source fixes these widths.

Knobs: every width, the number of address bits, and whether an entry is the reciprocal at the centre
of its cell (`at=centre`, error up to 2**-(address+1)) or at its left edge (`at=edge`, up to 2**-address).

Limits: rows of up to 2**20 elements; a difference at or beyond (exp.fraction + 1) ln 2 has the
exponential 0; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output unless that wraps (proven: every other step is
monotone and the reciprocal is common).  Raising one element can lower its own output, where one step of the
input moves the sum into the next cell of the reciprocal and e by less: never with the default
parameters, by one code with `input=Q3.7` (by exhaustion: one element beside 1, 3 or 7 equal others).

Hazards: the reciprocal's error scales a whole row, so that it does not sum to one, but never
changes an order; without normalisation, as in hls4ml, half a step of the sum would be the error.

Oracle: integer arithmetic on correctly rounded tables.
"""

from __future__ import annotations

from narrowmax.architectures.cores import exp_table, exponential
from narrowmax.architectures.parameters import (
    KNOB,
    Number,
    Word,
    exp_format,
    input_format,
    output_format,
    reciprocal_format,
)
from narrowmax.architectures.reciprocals import divided, reciprocal_table, tabulated
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, largest, total
from narrowmax.formats import Fixed

GROWTH = 20  # a sum is at most 2**20 times the exponential of the largest element


@architecture(
    input_format(),
    exp_format(),
    Number(
        name="address", default="6", source=KNOB, choices=range(13), turns=range(1, 13),
        doc="bits of the normalised sum that address the table of reciprocals",
    ),
    Word(
        name="at", default="centre", source=KNOB, choices=("centre", "edge"),
        doc="where in its cell an entry of the table of reciprocals is exact",
    ),
    reciprocal_format("UQ1.8"),
    output_format("UQ0.8:half_up"),
)  # fmt: skip
def table_reciprocal(row: Row, input: Fixed, exp: Fixed, address, at, reciprocal: Fixed, output: Fixed) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    table = exp_table(input.step, input.highest_code - input.lowest_code, exp)
    e = exponential(d, table).named("e")
    sum, least = total(e), int(table.array[0])
    sum = sum.known(least, sum.hi, "the largest element contributes exp(0)").named("sum")
    cells = reciprocal_table(address, at, reciprocal)
    word = least.bit_length() + GROWTH
    return divided(e, sum, least, word, address, lambda behind: tabulated(behind, cells), output).named("p")
