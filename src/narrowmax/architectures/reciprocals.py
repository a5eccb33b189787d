"""Division by a reciprocal, as named blocks: normalise the sum, look its reciprocal up, multiply, scale.

A sum of `length` bits (its first one included) is m * 2**(length - 1) in its last bits, with
1 <= m < 2.  Its reciprocal is that of m, shifted by its length.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np

from narrowmax import exact
from narrowmax.datapath import Table, Wire, block, fit, round_off
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed


def divided(
    numerator: Wire, sum: Wire, least: int, word: int, bits: int, look_up: Callable[[Wire], Wire], output: Fixed
) -> Wire:
    """numerator / sum in `output`, by the reciprocal that `look_up` finds from `bits` bits behind the sum's first one.

    The sum is never below the integer `least` and fits in `word` bits.
    """
    behind, length = normalised(sum, word, bits)
    r = look_up(behind).named("r")
    product = (numerator.at_point(0) * r.at_point(0)).at_point(numerator.point + r.point)
    shortest = least.bit_length()
    unit = product.at_point(product.point - sum.point + shortest - 1)  # as if the sum had the shortest length
    return scaled(unit, (length - shortest).named("amount"), word, output)


@block("normalise")
def normalised(sum: Wire, word: int, bits: int) -> tuple[Wire, Wire]:
    """The `bits` bits behind the first one of a sum, which fits in `word` bits, and its length."""
    word = max(word, bits + 1)
    behind = (sum.normalise(word) >> (word - 1 - bits)).low_bits(bits).at_point(bits)
    return behind, word - sum.leading_zeros(word)


@lru_cache(maxsize=256)
def reciprocal_table(bits: int, at: str, reciprocal: Fixed) -> Table:
    """1/m for the 2**bits cells of [1, 2), each at its left edge or its centre, in the format `reciprocal`."""
    half = Fraction(at == "centre", 2)
    cells = exact.Ratios((2 << bits) + 2 * np.arange(1 << bits) + (at == "centre"), 2 << bits)
    return _table("reciprocal", cells, reciprocal, f"1/(1 + (k + {half})/{2**bits})")


def _table(name: str, cells: exact.Ratios, reciprocal: Fixed, text: str) -> Table:
    entries = exact.table("reciprocal", cells, reciprocal.fraction_bits, reciprocal.rounding)
    if reciprocal.overflow == "forbid" and entries[0] > reciprocal.highest_code:
        raise GraphError(f"1/1 overflows {reciprocal}, which forbids it; add an integer bit or saturate")
    entries = np.minimum(entries, reciprocal.highest_code)
    made = f"correctly rounded, {reciprocal.rounding}"
    return Table(name, entries, reciprocal.fraction_bits, text, made, lambda k: 1 / cells[k])


@block("reciprocal", approximates=lambda behind: 1 / (1 + behind))
def tabulated(behind: Wire, table: Table) -> Wire:
    """The reciprocal of 1 + behind, from a table addressed by all its bits."""
    return behind.at_point(0).lookup(table)


@block("reciprocal", approximates=lambda behind: 1 / (1 + behind))
def chords(behind: Wire, bits: int, reciprocal: Fixed) -> Wire:
    """The reciprocal of 1 + behind, on the chords of 2**bits segments; what the slope takes off is rounded down."""
    edges = exact.Ratios(np.arange(1 << bits, (2 << bits) + 1), 1 << bits)
    heights = _table("reciprocal_edge", edges, reciprocal, f"1/(1 + k/{2**bits})")
    falls = tuple(a - b for a, b in zip(heights.entries, heights.entries[1:]))
    slopes = Table(
        "reciprocal_slope", falls, heights.point, "what the reciprocal loses in segment k", "differences of the edges"
    )
    rest = behind.point - bits
    segment = behind.at_point(0) >> rest
    fall = segment.lookup(slopes).at_point(0) * behind.at_point(0).low_bits(rest)
    return segment.lookup(heights) - (fall >> rest).at_point(heights.point)


@block("scale")
def scaled(product: Wire, amount: Wire, most: int, output: Fixed) -> Wire:
    """product / 2**amount, rounded once and fitted to the output's format; amount is at most `most`."""
    # what the rounding looks at must outlive the shift: nothing, the first bit dropped, or all of them
    seen = {"floor": 0, "toward_zero": 0, "half_up": 1, "half_away": 1, "half_even": most + 1}[output.rounding]
    kept = output.fraction_bits + seen + (max(0, product.point - output.fraction_bits) if seen > 1 else 0)
    shifted = product.extend(max(0, kept - product.point)) >> amount
    rounded = round_off(shifted, shifted.point - output.fraction_bits, output.rounding)
    return fit(rounded, output.lowest_code, output.highest_code, output.overflow)
