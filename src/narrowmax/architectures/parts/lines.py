"""Exp cores on one line for each octave, or for each step of a table."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from narrowmax.architectures.cores import LARGEST_TABLE, exp_table
from narrowmax.architectures.integers import as_written
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Real, exp_format
from narrowmax.architectures.parts.octaves import ARGUMENT, BASE, bounded, octaves
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.powers import falling
from narrowmax.architectures.reciprocals import scaled
from narrowmax.datapath import Table, Wire, block
from narrowmax.exact import round_rational
from narrowmax.formats import Fixed


@part(
    Number(
        name="address", default="3", source=KNOB, choices=range(9), turns=range(9),
        doc="fraction bits of the distance that address the table, whose entries are 2**-address apart",
    ),
    exp_format("UQ1.12"),
)  # fmt: skip
def interpolated(d: Wire, address: int, exp: Fixed) -> Wire:
    """exp(-d) between the entries of a table, on the line from one to the next, rounded down."""
    return _interpolated(d, address, exp_table(Fraction(1, 1 << address), LARGEST_TABLE, exp))


@block("exp", approximates=lambda d: math.exp(-d))
def _interpolated(d: Wire, address: int, heights: Table) -> Wire:
    """exp(-d) on the lines between a table's entries; beyond the last of them the last."""
    ends = (*heights.entries[1:], heights.entries[-1])
    drops = tuple(a - b for a, b in zip(heights.entries, ends, strict=True))
    falls = Table("fall", drops, heights.point, "what exp loses to the next entry", "differences of the entries")
    d = d.extend(max(0, address - d.point))
    rest = d.point - address
    d = d.at_point(0).minimum(len(drops) - 1 << rest)
    segment = d >> rest
    height = segment.lookup(heights)
    e = (height.extend(rest) - (segment.lookup(falls) * d.low_bits(rest)).at_point(height.point + rest)).drop(rest)
    return e.known(0, height.hi, "a line lies between its ends")


@part(
    Real(
        name="offset", default="1.0", source=PUBLISHED, least=0.5, most=1.0,
        doc="what the fraction of the octaves is added to, rounded half up to the fraction bits of exp",
    ),
    replace(BASE, default="shifts", source=PUBLISHED),
    ARGUMENT,
    exp_format("UQ1.12:floor"),
)  # fmt: skip
def line(d: Wire, offset: float, base: str, argument: int, exp: Fixed) -> Wire:
    """2**-t as an offset and the fraction of -t, shifted."""
    return block("exp", falling(base))(_on_a_line)(d, offset, base, argument, exp)


def _on_a_line(d: Wire, offset: float, base: str, argument: int, exp: Fixed) -> Wire:
    """base**-d by a shift and a sum."""
    most = exp.fraction_bits + 2
    t = octaves(bounded(d, base, argument, most), base, argument)
    whole = (t + ((1 << t.point) - 1)).drop(t.point).minimum(most)  # upwards, so that a fraction is left to add
    start = round_rational(as_written(offset) * 2**exp.fraction_bits, "half_up")
    e = scaled((-t).low_bits(t.point) + t.drawing.constant(start, exp.fraction_bits), whole, most, exp)
    one = min(1 << exp.fraction_bits, exp.highest_code)
    return e if e.hi <= one else e.known(0, one, "below the distance 0 it is at most half of 2")
