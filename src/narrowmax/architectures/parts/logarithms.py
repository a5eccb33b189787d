"""Natural logarithms of a row's sum, as parts: functions of the sum and of the bits of a word that holds it.

A sum is k * 2**w with 1 <= k < 2, so that its logarithm is w * ln(2) + ln(k).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Word
from narrowmax.architectures.parts.normalisers import logarithm
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.reciprocals import normalised
from narrowmax.datapath import Table, Wire, block

FRACTION = Number(
    name="fraction", default="12", source=KNOB, choices=range(1, 25), turns=range(1, 17),
    doc="fraction bits of the logarithm",
)  # fmt: skip


@part(
    Number(
        name="address", default="6", source=KNOB, choices=range(13), turns=range(1, 13),
        doc="bits behind the sum's first one that address the table",
    ),
    Word(
        name="at", default="edge", source=KNOB, choices=("edge", "centre"),
        doc="where in its cell an entry of the table is exact; at the edge ln(1) is 0",
    ),
    FRACTION,
)  # fmt: skip
def table(sum: Wire, word: int, address: int, at: str, fraction: int) -> Wire:
    """The place of the sum's first one times ln(2), and a table of what is behind it."""
    return _tabulated(sum, word, _logarithms(address, at, fraction), address)


@block("ln", approximates=math.log)
def _tabulated(sum: Wire, word: int, table: Table, address: int) -> Wire:
    """ln(sum) by the place of its first one and a table."""
    behind, length = normalised(sum, word, address)
    ln2 = sum.drawing.constant(exact.rounded("log", 2, table.point), table.point)
    return (length - (1 + sum.point)) * ln2 + behind.at_point(0).lookup(table)


@lru_cache(maxsize=256)
def _logarithms(address: int, at: str, fraction: int) -> Table:
    """ln(k) for the 2**address cells of [1, 2)."""
    half = Fraction(at == "centre", 2)
    cells = [1 + (k + half) / 2**address for k in range(2**address)]
    entries = tuple(exact.tabulate("log", cells, fraction))
    text = f"ln(1 + (k + {half})/{2**address})"
    return Table("ln", entries, fraction, text, "correctly rounded, half_up", lambda k: math.log(cells[k]))


@part(
    Word(
        name="ln2", default="shifts", source=PUBLISHED, choices=("shifts", "11/16", "ln2"),
        doc="what octaves are multiplied by: y/2 + y/8 + y/16 in shifts that each drop bits, the same as an exact "
        "product whose bits are dropped then, or ln(2) rounded to as many fraction bits",
    ),
    FRACTION,
)  # fmt: skip
def mitchell(sum: Wire, word: int, ln2: str, fraction: int) -> Wire:
    """Mitchell's log2(k) as k - 1, and a product with ln(2) by shifts."""
    return _by_octaves(sum, word, ln2, fraction)


@block("ln", approximates=math.log)
def _by_octaves(sum: Wire, word: int, ln2: str, fraction: int) -> Wire:
    """ln(sum) as ln(2) * (w + k - 1)."""
    y = logarithm(sum, word, fraction) - ((1 + sum.point) << fraction)
    if ln2 == "shifts":
        return (y >> 1) + (y >> 3) + (y >> 4)
    if ln2 == "11/16":
        return (y * 11).at_point(fraction + 4).drop(4)
    return (y * exact.rounded("log", 2, fraction)).at_point(2 * fraction).drop(fraction)
