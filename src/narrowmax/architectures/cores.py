"""Exponentials and divisions that several architectures share, as named blocks."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from narrowmax import exact
from narrowmax.datapath import Table, Wire, block, fit
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed

LARGEST_TABLE = 1 << 16
_LN2_ABOVE = Fraction(7, 10)


@lru_cache(maxsize=64)  # of up to half a megabyte each
def exp_table(step: Fraction, last: int, exp: Fixed) -> Table:
    """exp(-k * step) in the format `exp` for k = 0, 1, ... up to `last` or the first entry that is 0.

    Raises GraphError if that is more than 65,536 entries, or if 1.0 does not fit and overflow is forbidden.
    """
    zero = math.ceil((exp.fraction_bits + 1) * _LN2_ABOVE / step)  # from here on the entries round to 0
    count = min(last, zero) + 1
    if count > LARGEST_TABLE:
        raise GraphError(
            f"the table of exponentials would have up to {count:,} entries, and {LARGEST_TABLE:,} are allowed; "
            "give the input or the exponentials fewer fraction bits"
        )
    rounded = exact.table("exp", exact.Ratios.multiples(-step, count), exp.fraction_bits, exp.rounding)
    if exp.overflow == "forbid" and rounded[0] > exp.highest_code:
        raise GraphError(f"exp(0) = 1 overflows {exp}, which forbids it; add an integer bit or saturate")
    entries = np.minimum(rounded, exp.highest_code)
    entries = entries[: 1 + np.append(np.flatnonzero(entries == 0), count)[0]]
    text = f"exp(-k/{step.denominator})" if step.numerator == 1 else f"exp(-{step}*k)"
    return Table("exp", entries, exp.fraction_bits, text, f"correctly rounded, {exp.rounding}",
                 lambda k: math.exp(-k * step))  # fmt: skip


@block("exp", approximates=lambda d: math.exp(-d))
def exponential(d: Wire, table: Table) -> Wire:
    """exp(-d) from a table; beyond its last entry the last entry."""
    return d.minimum(len(table) - 1).lookup(table)


@block("divide", approximates=lambda numerator, divisor: numerator / divisor)
def quotient(numerator: Wire, divisor: Wire, output: Fixed) -> Wire:
    """The quotient, rounded and fitted to the output's format."""
    rounded = _DIVISIONS[output.rounding](numerator, divisor, output.fraction_bits)
    return fit(rounded, output.lowest_code, output.highest_code, output.overflow)


def _floor(numerator: Wire, divisor: Wire, point: int) -> Wire:
    return numerator.extend(point + divisor.point - numerator.point).divide(divisor, 0).at_point(point)


def _half_up(numerator: Wire, divisor: Wire, point: int) -> Wire:
    """floor(a/b + 1/2) as floor((2a + b) / 2b)."""
    twice = _twice(numerator, divisor, point)
    return (twice + divisor.at_point(twice.point)).divide(divisor << 1, 0).at_point(point)


def _half_even(numerator: Wire, divisor: Wire, point: int) -> Wire:
    """As half_up, but one less where that was a tie and came out odd; a tie leaves no remainder."""
    twice = _twice(numerator, divisor, point)
    raised = (twice + divisor.at_point(twice.point)).at_point(0)
    up = raised.divide((divisor << 1).at_point(0), 0)
    tie = (up * (divisor << 1).at_point(0)).equals(raised)
    return (up - tie * up.low_bits(1)).at_point(point)


def _twice(numerator: Wire, divisor: Wire, point: int) -> Wire:
    return numerator.extend(point + 1 + divisor.point - numerator.point)


_DIVISIONS = {
    "floor": _floor,
    "toward_zero": _floor,
    "half_up": _half_up,
    "half_away": _half_up,
    "half_even": _half_even,
}
