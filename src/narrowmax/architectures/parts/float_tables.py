"""Exponentials of floats from a table of every difference that matters, each rounded once."""

from __future__ import annotations

import math
from bisect import bisect
from fractions import Fraction
from functools import lru_cache

import numpy as np

from narrowmax import exact
from narrowmax.architectures.parts.floats import Number, is_nan, not_a_number, one, positive
from narrowmax.datapath import Magnitude, Table, Wire, block
from narrowmax.errors import GraphError
from narrowmax.formats import Float

LARGEST_TABLE = 1 << 16
_LN2_BITS = 256  # no difference of a float lies so near a multiple of ln 2 that these bits do not tell them apart


def exponential(d: Number, into: Float) -> Number:
    """exp(-|d|) in another format, or the same."""
    return positive(_exponential(d.magnitude, d.format, into), into)


@block("exp", lambda d: math.exp(-d), scales=lambda _, source, into: (Magnitude(source), Magnitude(into)))
def _exponential(magnitude: Wire, source: Float, into: Float) -> Wire:
    """exp(-d) from a table of the magnitudes that are neither 1 nor 0."""
    first, table = exp_table(source, into)
    found = (magnitude.maximum(first) - first).minimum(len(table) - 1).lookup(table)
    if source.overflow == "saturate":
        return found
    nan = not_a_number(into) if into.overflow == "infinity" else into.highest_code
    return is_nan(positive(magnitude, source)).select(nan, found)


@lru_cache(maxsize=64)
def exp_table(source: Float, into: Float) -> tuple[int, Table]:
    """The last magnitude before which exp(-d) is 1, and a table from there to the first 0, or the largest.

    Raises GraphError if that is more than 65,536 entries.
    """
    first, last = _last_one(source, into), _first_zero(source, into)
    if last - first >= LARGEST_TABLE:
        raise GraphError(
            f"the table of exponentials would have {last - first + 1:,} entries, and {LARGEST_TABLE:,} are allowed; "
            "give the input fewer fraction bits"
        )
    distances = source.values(np.arange(first, min(last, source.highest_code) + 1))
    entries = _encoded(distances, into)
    if last > source.highest_code:  # what lies beyond is infinite
        entries = np.append(entries, 0)
    text = f"the magnitude in {into} of exp(-d), where {first} + k is that of d in {source}"
    return first, Table("float_exp", entries, 0, text, f"correctly rounded, {into.rounding}")


def _last_one(source: Float, into: Float) -> int:
    """The largest magnitude of which the exponential is 1 in `into`, as it is of all before."""
    return _last(source, lambda d: _encoded_one(d, into) == one(into))


def _first_zero(source: Float, into: Float) -> int:
    """The least magnitude from which on the exponential is 0 in `into`; if there is none, what follows the largest."""
    found = _last(source, lambda d: _encoded_one(d, into) > 0) + 1
    return found if source.overflow == "infinity" and not source.finite else min(found, source.highest_code)


def _last(source: Float, holds) -> int:
    """The last magnitude of which `holds`, which it does up to some magnitude, 0 among them, and not beyond."""
    low, high = 0, source.highest_code + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(source.decode(middle)) else (low, middle)
    return low


def _encoded(distances: np.ndarray, into: Float) -> np.ndarray:
    """The magnitudes of exp(-d) of rising float64, which do not rise with d; what `into` flushes is 0."""
    octaves = _octaves(distances, into)
    magnitudes = np.zeros(len(distances), np.int64)
    for octave in np.unique(octaves).tolist():
        these = octaves == octave
        # the leading one of a normal significand adds one to the exponent
        significands = exact.table("exp", -distances[these], _fraction_bits(octave, into), into.rounding)
        magnitudes[these] = significands + (octave << into.fraction_bits)
    return magnitudes


def _encoded_one(distance: Fraction, into: Float) -> int:
    octave = _octave(distance, into)
    significand = exact.rounded("exp", -distance, _fraction_bits(octave, into), into.rounding)
    return significand + (octave << into.fraction_bits)


def _fraction_bits(octave: int, into: Float) -> int:
    return into.fraction_bits - octave - into.smallest_exponent


def _octaves(distances: np.ndarray, into: Float) -> np.ndarray:
    """`_octave` of rising float64: where it changes is found by halving."""
    found, start = np.zeros(len(distances), np.int64), 0
    while start < len(distances):
        octave = _octave(Fraction(distances[start]), into)
        places = range(len(distances))
        end = bisect(places, -octave, start, key=lambda k: -_octave(Fraction(distances[k]), into))
        found[start:end], start = octave, end
    return found


def _octave(distance: Fraction, into: Float) -> int:
    """The exponent of exp(-d) above the smallest of `into`."""
    return max(0, math.floor(-distance / _ln2()) - into.smallest_exponent)


@lru_cache(maxsize=1)
def _ln2() -> Fraction:
    return Fraction(exact.tabulate("log", [2], _LN2_BITS)[0], 1 << _LN2_BITS)
