"""Mitchell's division of each part by the sum, architectures.md 2.21 step 5 (Hyft).

`codes` are the numerators, non-negative integers of one common scale; outputs are numerator / sum of numerators with
`output_fraction` bits; an absent element gives 0, and so does a numerator 0.

The text leaves open, and here is:
- the sum is exact.
- a and b are the fractions below the leading one, cut to `mantissa` bits (None: all of them).
- the quotient is rounded once, by `output_rounding`, and held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction

from tests.architectures.restated.common import rounded, taking_part


def logarithm(value: int, mantissa: int | None) -> tuple[int, Fraction]:
    """(exponent, fraction): value is about (1 + fraction) * 2**exponent."""
    lead = value.bit_length() - 1
    fraction = Fraction(value, 1 << lead) - 1
    if mantissa is not None:
        fraction = Fraction(rounded(fraction * 2**mantissa), 1 << mantissa)
    return lead, fraction


def quotient(part: int, total: int, mantissa: int | None = None) -> Fraction:
    high, a = logarithm(part, mantissa)
    low, b = logarithm(total, mantissa)
    value = 1 + a - b if a >= b else (2 + a - b) / 2
    return value * Fraction(2) ** (high - low)


def mitchell(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    mantissa: int | None = None,
    output_fraction: int = 8,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)
    total = sum(v for v, p in zip(codes, part) if p)
    most = 1 << output_fraction if output_most is None else output_most
    return [
        min(rounded(quotient(v, total, mantissa) * 2**output_fraction, output_rounding), most) if p and v > 0 else 0
        for v, p in zip(codes, part)
    ]
