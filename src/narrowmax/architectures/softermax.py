"""Base 2, in chunks: a running maximum of integers, sums and numerators shifted when it grows.

    y = x                                   with base=e: x * 23/16, exact (log2(e) is 1.4427)
    integer = ceil(y) or floor(y)           `maximum`
    local = max(integer) of the chunk;  running = max(local) so far;  final = that of the row
    u = power(y - floor(y)) >> (local - floor(y))   in `power`; the bits shifted out are dropped
    power(f) = 2**f on the chords of `segments` segments of [0, 1): the edges are 2**(k/segments)
               in `power` (2 at the end), height + (difference of edges * rest) rounded down
    slice = u added over the chunk          `truncate=addend`: each u brought to `sum`'s point first;
                                            `slice`: the slice is; `running`: only the running sum is
    s = slice >> (running - local)
    sum = (sum >> growth of running) + s    fitted to `sum` by its overflow word
    v = u >> (final - local)                numerators are stored with the maximum they were taken against
    r = 1/m of sum = m * 2**(L-1) last bits, 1 <= m < 2: `normaliser=chords` of `pieces` segments, m
               cut to `reciprocal`'s fraction bits; `table`: one entry for each of `pieces` cells, at their centres
    output = v * r / 2**(L-1) in `output`   (as values) the exact product, shifted, rounded once, fitted

Source: J. R. Stevens, R. Venkatesan, S. Dai, B. Khailany, A. Raghunathan, "Softermax: Hardware/
Software Co-Design of an Efficient Softmax for Transformers", DAC 2021; formats from a third
party's notes of it.  23/16 is Wang et al.'s log2(e), APCCAS 2018.

Published: input Q6.2, chunk 16 or 32, integer maximum by ceiling, 4 segments, power UQ1.15, sum UQ10.6,
reciprocal and output Q1.7, the order of the steps; e is replaced by 2 and the network fine-tuned.  Its
figures: in 7 nm, against a 16-bit float unit, the exponentials take 0.25 of the area and 0.10 of the energy,
normalising 0.65 and 0.39; no task of BERT loses more than 0.5 % once fine-tuned (second-hand).

Knobs: where the sum is truncated, the kind and pieces of the reciprocal, all rounding words: not published.
`base=e` serves networks that were not retrained.  `maximum=floor, normaliser=chords, pieces=8,
power=UQ1.15, output=UQ1.7:floor` with a sum as fine as `power` is near the variant in DeepWok's mase.

Limits: a sum of I integer bits holds rows of fewer than 2**I equal maxima (UQ10.6: 1,023, in whole
chunks of 16 1,008), beyond which it saturates unless its format says otherwise; a row with nothing
present gives 0 everywhere.

Order: in a row a larger element never has the smaller output unless that wraps, across chunks too (proven: shifts
that drop bits compose, so every element sees the row's maximum alone).  Raising one element can
lower its own output, where the sum's bits or the reciprocal's steps are coarser than that of e:
by up to 3 codes (0.023) with the default parameters (by exhaustion: one element beside 1, 3 or 7
equal others).

Hazards: in base 2 it is softmax at temperature 1/ln 2 = 1.44: probabilities are flatter, order
is kept.  Truncated far terms leave a long row's sum low (`addend` most), so outputs sum to more than
one.  A sum without fraction bits, or one that wraps, can be 0, and is then taken as half its last bit.

Oracle: integer arithmetic on correctly rounded edges.
"""

from __future__ import annotations

import math
from fractions import Fraction

from narrowmax.architectures.parameters import (
    KNOB,
    PUBLISHED,
    FixedFormat,
    Number,
    Word,
    input_format,
    output_format,
    reciprocal_format,
)  # fmt: skip
from narrowmax.architectures.powers import power_of_two
from narrowmax.architectures.reciprocals import chords, divided, reciprocal_table, tabulated
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Rate, Row, Wire, fit, largest, round_off, scan, total
from narrowmax.formats import Fixed

_POWERS_OF_TWO = tuple(1 << k for k in range(9))


@architecture(
    input_format("Q6.2", PUBLISHED),
    Number(
        name="chunk", default="16", source=PUBLISHED, choices=tuple(1 << k for k in range(11)),
        doc="elements whose maximum is taken together; the published unit has 16 or 32",
    ),
    Word(
        name="base", default="2", source=PUBLISHED, choices=("2", "e"),
        doc="what is raised to a power; e multiplies the input by 23/16",
    ),
    Word(
        name="maximum", default="ceil", source=PUBLISHED, choices=("ceil", "floor"),
        doc="how the maximum is made an integer",
    ),
    Number(name="segments", default="4", source=PUBLISHED, choices=_POWERS_OF_TWO, doc="chords of 2**f on [0, 1)"),
    FixedFormat(
        name="power", default="UQ1.15", source=PUBLISHED,
        doc="the numerators; its rounding word makes the edges of the chords",
        integer=range(1, 2), fraction=range(1, 25), signs=(False,), overflows=("saturate",),
        turns={"fraction": range(1, 17)},
    ),
    FixedFormat(
        name="sum", default="UQ10.6:floor", source=PUBLISHED,
        doc="the running sum; its rounding word says how bits are truncated",
        integer=range(25), fraction=range(25), signs=(False,), accumulates=True,
        turns={"integer": range(1, 13), "fraction": range(13)},
    ),
    Word(
        name="truncate", default="slice", source=KNOB, choices=("addend", "slice", "running"),
        doc="what is brought to the sum's fraction bits: each addend, each slice's sum, or the running sum",
    ),
    Word(
        name="normaliser", default="chords", source=KNOB, choices=("chords", "table"),
        doc="how the reciprocal is made",
    ),
    Number(
        name="pieces", default="8", source=KNOB, choices=_POWERS_OF_TWO,
        doc="chords or cells of the reciprocal on [1, 2)",
    ),
    reciprocal_format("UQ1.7", PUBLISHED),
    output_format("UQ1.7", PUBLISHED),
)  # fmt: skip
def softermax(
    row: Row, input, base, maximum, segments, power, sum, truncate, normaliser, pieces, reciprocal, output
) -> Wire:
    y = row.x if base == "2" else (row.x * 23).at_point(row.x.point + 4).named("y")
    floor, ceil = y.drop(y.point), (y + ((1 << y.point) - 1)).drop(y.point)
    whole = (floor if maximum == "floor" else ceil).named("whole")
    local = largest(whole, to=Rate.CHUNK).named("slice_max")
    before, running, final = scan(lambda top, new: top.maximum(new), local, start=_least(input, base, maximum))

    # shifted by the element's own integer first: this alone shows that u is at most the largest power
    u = power_of_two(y.low_bits(y.point), segments, power) >> (whole - floor)
    u = (u >> (local - whole)).named("u")
    s = (_truncated(u, truncate, sum) >> (running.named("running_max") - local)).named("s")
    growth, start = (running - before).named("growth"), (0, sum.fraction_bits)
    s = scan(lambda *state: _accumulated(*state, sum), s, growth, start=(start,))[2]
    least = 0 if sum.overflow == "wrap" else 1 << sum.fraction_bits >> 1
    s = s.known(least, sum.highest_code, "the chunk of the largest element contributes at least a half").named("sum")

    v = (u >> (final.named("row_max") - local)).named("v")
    bits, look_up = _reciprocal(normaliser, pieces.bit_length() - 1, reciprocal)
    return divided(v, s, least, sum.bits, bits, look_up, output).named("p")


def _least(input: Fixed, base: str, maximum: str) -> int:
    """The integer of the smallest input."""
    lowest = input.lowest * (1 if base == "2" else Fraction(23, 16))
    return math.floor(lowest) if maximum == "floor" else math.ceil(lowest)


def _truncated(u: Wire, truncate: str, sum: Fixed) -> Wire:
    """The sum of a chunk, at the running sum's point unless that is where bits are truncated."""
    if truncate == "addend":
        return total(_brought(u, sum), to=Rate.CHUNK)
    slice = total(u, to=Rate.CHUNK)
    return slice if truncate == "running" else _brought(slice, sum)


def _accumulated(old: Wire, new: Wire, growth: Wire, sum: Fixed) -> Wire:
    """The running sum with one more chunk, where the maximum grew by `growth`."""
    kept = old.extend(max(0, new.point - old.point)) >> growth
    return fit(_brought(kept + new, sum), 0, sum.highest_code, sum.overflow)


def _brought(wire: Wire, sum: Fixed) -> Wire:
    """The wire at the sum's binary point, rounded by its word."""
    more = sum.fraction_bits - wire.point
    return wire.extend(more) if more >= 0 else round_off(wire, -more, sum.rounding)


def _reciprocal(normaliser: str, piece_bits: int, reciprocal: Fixed):
    """How many bits behind the sum's first one are looked at, and the function from them to the reciprocal."""
    if normaliser == "table":
        cells = reciprocal_table(piece_bits, "centre", reciprocal)
        return piece_bits, lambda behind: tabulated(behind, cells)
    bits = reciprocal.fraction_bits
    return bits, lambda behind: chords(behind, min(bits, piece_bits), reciprocal)
