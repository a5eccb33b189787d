"""What a number format would clip, flush to zero or round, and how much of it is used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np

from narrowmax.errors import DataError
from narrowmax.formats import Fixed, Float, Format, parse

SIGNIFICANT = 26
"""Columns of the table of digits: significant bits 1 to 24 of a float32; 25 means more than 24."""

_BIAS, _FRACTION_BITS = 127, 23  # of a float32


@dataclass(frozen=True)
class Limits:
    """The range and grid of a fixed or float format.

    The numbers are NumPy's float64, beside which a float32 is widened before it is compared; beside
    Python's they would be narrowed.

    A value `x` fits when `bottom <= x <= top`; it is clipped when rounding to nearest takes it
    beyond; it is flushed when it is not zero and rounds to zero.
    """

    format: Format
    bottom: np.float64
    top: np.float64
    clip_below: np.float64  # clipped when x < clip_below
    clip_above: np.float64
    flush: np.float64  # flushed when 0 < |x| <= flush
    lowest_weight: int  # log2 of the smallest step
    fraction_bits: int  # of a float; for a fixed format so many that they never matter


_NUMBERS = [one.name for one in fields(Limits)][1:]


def limits(text: str | Format) -> Limits:
    """Limits of a fixed or float format.  Other formats are refused with a DataError."""
    fmt = parse(text) if isinstance(text, str) else text
    if not isinstance(fmt, (Fixed, Float)):
        raise DataError(
            f"format {fmt} has no power-of-two grid to compare with; give fixed or float formats such as Q5.3 or fp16"
        )
    top, below_top = fmt.decode(fmt.highest_code), fmt.decode(fmt.highest_code - 1)
    odd = fmt.highest_code % 2 == 1
    smallest = fmt.step
    bottom = fmt.decode(fmt.lowest_code)
    # Half a step beyond the last code, a tie goes to the even code: beyond the range if the last is odd.
    above = _beyond(np.float64(top + (top - below_top) / 2), odd, np.inf)
    if isinstance(fmt, Float):
        below = -above
    else:
        below = _beyond(np.float64(bottom - smallest / 2), fmt.lowest_code % 2 == 1, -np.inf)
    weight = int(math.log2(smallest))
    bits = fmt.fraction_bits if isinstance(fmt, Float) else SIGNIFICANT
    return Limits(fmt, np.float64(bottom), np.float64(top), below, above, np.float64(smallest / 2), weight, bits)


def _beyond(edge: np.float64, tie_clips: bool, towards: float) -> np.float64:
    """The last value that is not clipped: `edge`, or its neighbour inwards when the tie itself is clipped."""
    return np.nextafter(edge, -towards) if tie_clips else edge


def digits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponent `floor(log2|x|)` (at least -126) and significant bits (1 to 25) of non-zero values.

    25 stands for a float64 with more than the 24 bits of a float32.
    """
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    bits = near.view(np.int32) & 0x7FFFFFFF
    exponent = np.maximum(bits >> _FRACTION_BITS, 1)
    fraction = (bits & 0x7FFFFF) | np.where(bits >= 0x800000, 0x800000, 0)
    lowest = (fraction & -fraction).astype(np.float32).view(np.int32) >> _FRACTION_BITS
    significant = np.where(near == values, 24 - (lowest - _BIAS), 25)
    return (exponent - _BIAS).astype(np.int16), significant.astype(np.int16)


class Fits:
    """Counts of the values that each of some formats clips, flushes and rounds; counts add up.

    numbers: by format, those of its `Limits`, in their order
    counts: by format, values that are clipped, that are flushed, and that lie beyond the range though the digits fit
    """

    def __init__(self, formats: Iterable[str | Format]):
        self.limits = {text: limits(text) for text in sorted({str(form) for form in formats})}
        self.numbers = np.array([_numbers(one) for one in self.limits.values()], np.float64).reshape(-1, len(_NUMBERS))
        self.counts = np.zeros((len(self.limits), 3), np.int64)

    def update(self, values: np.ndarray, exponent: np.ndarray, significant: np.ndarray, times: int = 1) -> None:
        """Count non-zero `values` with their `digits`, each so many times."""
        magnitudes = np.abs(values)
        for limits, counts in zip(self.limits.values(), self.counts, strict=True):
            clipped = (values > limits.clip_above) | (values < limits.clip_below)
            beyond = (values > limits.top) | (values < limits.bottom)
            beyond &= ~finer(limits, exponent, significant)
            counts += [np.count_nonzero(which) * times for which in (clipped, magnitudes <= limits.flush, beyond)]

    def of(self, text: str, digits: Digits) -> tuple[int, int, int]:
        """How many values a format clips, flushes and does not have, of those with these `digits`."""
        clipped, flushed, beyond = self.counts[list(self.limits).index(text)].tolist()
        exponents, significant = np.nonzero(digits.table)
        fine = finer(self.limits[text], exponents - _BIAS, significant)
        return clipped, flushed, beyond + int(digits.table[exponents, significant][fine].sum())


def _numbers(limits: Limits) -> list[float]:
    return [getattr(limits, name) for name in _NUMBERS]


def finer(limits: Limits, exponent: np.ndarray, significant: np.ndarray) -> np.ndarray:
    """Whether the lowest bit of a value with these `digits` lies below the grid of its binade."""
    return (significant > limits.fraction_bits + 1) | (exponent - significant < limits.lowest_weight - 1)


@dataclass
class Digits:
    """Histogram of exponents and significant bits of the non-zero values seen."""

    table: np.ndarray = field(default_factory=lambda: np.zeros((256, SIGNIFICANT), np.int64))

    def update(self, exponent: np.ndarray, significant: np.ndarray, times: int = 1) -> None:
        """Count digits, each so many times."""
        key = (exponent + np.int16(_BIAS)) * np.int16(SIGNIFICANT) + significant
        self.table += np.bincount(key, minlength=256 * SIGNIFICANT).reshape(256, SIGNIFICANT) * times

    def bits_used(self, limits: Limits, low: float, high: float) -> int:
        """Bits of the format that the values seen between `low` and `high` need.

        A sign bit if anything is negative.  Fixed: bits from the highest weight to the lowest weight
        that occur inside the range.  Float: bits to tell the binades that occur (and zero) apart, and
        the most fraction bits that occur.
        """
        exponents, significant = np.nonzero(self.table)
        exponents = exponents - _BIAS
        sign = int(low < 0)
        lowest = exponents - significant + 1
        if isinstance(limits.format, Fixed):
            return sign + _fixed_bits(exponents, lowest, limits, low, high)
        return sign + _float_bits(exponents, lowest, limits)


def _fixed_bits(exponents: np.ndarray, lowest: np.ndarray, limits: Limits, low: float, high: float) -> int:
    kept = exponents >= limits.lowest_weight
    if not kept.any():
        return 0
    largest = max(min(high, limits.top), -1 - max(low, limits.bottom), 0.0)
    finest = max(int(lowest[kept].min()), limits.lowest_weight)
    # Weights from `finest` up to below 2**bits that hold `largest`.
    return max(0, math.frexp(largest)[1] - finest) if largest else int(low < 0) * max(0, -finest)


def _float_bits(exponents: np.ndarray, lowest: np.ndarray, limits: Limits) -> int:
    top_binade = math.frexp(limits.top)[1] - 1
    kept = (exponents <= top_binade) & (exponents >= limits.lowest_weight)
    if not kept.any():
        return 0
    smallest_normal = limits.lowest_weight + limits.fraction_bits
    # Subnormal values share one exponent field, and so does zero.
    fields = np.maximum(exponents[kept], smallest_normal - 1)
    span = int(fields.max()) - max(int(fields.min()), smallest_normal - 1) + 1
    weights = np.maximum(lowest[kept], np.maximum(exponents[kept] - limits.fraction_bits, limits.lowest_weight))
    fraction = int((exponents[kept] - weights).max())
    return math.ceil(math.log2(span + 1)) + fraction
