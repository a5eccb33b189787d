"""Exponentials and divisions that several architectures share, as named blocks."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from narrowmax import exact
from narrowmax.datapath import Table, Wire, block, fit
from narrowmax.datapath.operations import Divide
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


def _own_error(error_of, numerator: Wire, divisor: Wire, output: Fixed):
    """The error rule of a quotient: that of the operands, and what the output's rounding adds.

    The half that a rounding adds belongs to it, not to what the quotient means; a wrap has no rule.
    """
    errors = error_of(numerator), error_of(divisor)
    above, below = _shifts(numerator, divisor, output.fraction_bits)
    ranges = [tuple(end << by for end in wire.range) for wire, by in ((numerator, above), (divisor, below))]
    if None in errors or (output.overflow == "wrap" and _largest(ranges, output.rounding) > output.highest_code):
        return None
    scaled = [tuple(end * 2**by for end in error) for error, by in zip(errors, (above, below), strict=True)]
    found = Divide(0).error(ranges, scaled)
    if found is None or _DIVISIONS[output.rounding] is _floor:
        return found
    return found[0] + Fraction(1, 2) - Fraction(1, ranges[1][1]), found[1] + Fraction(1, 2)


def _largest(ranges, mode: str) -> int:
    """The largest rounded quotient of integers in two ranges; infinite where the divisor may be 0."""
    most, least = ranges[0][1], ranges[1][0]
    return math.floor(Fraction(most, least) + (mode not in _DOWN) * Fraction(1, 2)) if least > 0 else math.inf


@block("divide", approximates=lambda numerator, divisor: numerator / divisor, error=_own_error)
def quotient(numerator: Wire, divisor: Wire, output: Fixed) -> Wire:
    """The quotient, rounded and fitted to the output's format."""
    rounded = _DIVISIONS[output.rounding](numerator, divisor, output.fraction_bits)
    return fit(rounded, output.lowest_code, output.highest_code, output.overflow)


def _floor(numerator: Wire, divisor: Wire, point: int) -> Wire:
    above, below = _at(numerator, divisor, point)
    return above.divide(below, 0).at_point(point)


def _half_up(numerator: Wire, divisor: Wire, point: int) -> Wire:
    """floor(a/b + 1/2) as floor((2a + b) / 2b)."""
    twice, below = _at(numerator, divisor, point + 1)
    return (twice + below.at_point(twice.point)).divide(below << 1, 0).at_point(point)


def _half_even(numerator: Wire, divisor: Wire, point: int) -> Wire:
    """As half_up, but one less where that was a tie and came out odd; a tie leaves no remainder."""
    twice, below = _at(numerator, divisor, point + 1)
    raised = (twice + below.at_point(twice.point)).at_point(0)
    up = raised.divide((below << 1).at_point(0), 0)
    tie = (up * (below << 1).at_point(0)).equals(raised)
    return (up - tie * up.low_bits(1)).at_point(point)


def _at(numerator: Wire, divisor: Wire, point: int) -> tuple[Wire, Wire]:
    """Both, so that the quotient of their integers has `point` fraction bits: one of them is extended."""
    above, below = _shifts(numerator, divisor, point)
    return numerator.extend(above), divisor.extend(below) if below else divisor


def _shifts(numerator: Wire, divisor: Wire, point: int) -> tuple[int, int]:
    more = point + divisor.point - numerator.point
    return max(more, 0), max(-more, 0)


_DOWN = ("floor", "toward_zero")  # of what is not negative
_DIVISIONS = {
    "floor": _floor,
    "toward_zero": _floor,
    "half_up": _half_up,
    "half_away": _half_up,
    "half_even": _half_even,
}
