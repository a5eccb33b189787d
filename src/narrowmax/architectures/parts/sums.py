"""Sums of a row's exponentials, as parts: a function of e and of the least e of a row's largest element.

Each gives the sum, the least that it can be where something is present, and the bits of a word that
holds it for rows as long as the design takes (a width may not depend on the length of a row).
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, FixedFormat
from narrowmax.architectures.parts.record import choice, part
from narrowmax.datapath import Wire, fit, round_off, total
from narrowmax.formats import Fixed

GROWTH = 20  # an exact sum is at most 2**20 times the largest exponential
_WHY = "the largest element contributes its exponential"


@part()
def exact(e: Wire, least: int) -> tuple[Wire, int, int]:
    """As wide as the row needs."""
    sum = total(e)
    return sum.known(min(least, sum.hi), sum.hi, _WHY).named("sum"), least, e.hi.bit_length() + GROWTH


@part(
    FixedFormat(
        name="sum", default="UQ10.6:floor", source=KNOB, accumulates=True,
        doc="the accumulator; each addend is brought to its fraction bits by its rounding word",
        integer=range(25), fraction=range(25), signs=(False,), turns={"integer": range(1, 13), "fraction": range(13)},
    )
)  # fmt: skip
def rounded(e: Wire, least: int, sum: Fixed) -> tuple[Wire, int, int]:
    """Addends rounded to the fraction bits of an accumulator of a fixed width."""
    more = sum.fraction_bits - e.point

    def brought(wire: Wire) -> Wire:
        return wire.extend(more) if more >= 0 else round_off(wire, -more, sum.rounding)

    least = brought(e.drawing.constant(least, e.point)).lo
    found = fit(total(brought(e)), 0, sum.highest_code, sum.overflow)
    least = 0 if sum.overflow == "wrap" else min(least, sum.highest_code)
    return found.known(min(least, found.hi), found.hi, _WHY).named("sum"), least, max(1, sum.bits)


def sum_of(default: str = "exact", source: str = KNOB):
    """The parameter `sum`."""
    return choice("sum", default, source, "how a row's exponentials are added", exact, rounded)
