"""What the restated units share: who takes part, exact rounding, and real functions to 300 bits.  Plain integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor

import mpmath


def taking_part(codes: Sequence[int], present: Sequence[bool] | None) -> list[bool]:
    """One flag an element; without `present`, all of them."""
    flags = [True] * len(codes) if present is None else [bool(p) for p in present]
    if len(flags) != len(codes):
        raise ValueError(f"present has {len(flags)} elements, codes has {len(codes)}")
    return flags


def greatest(codes: Sequence[int], part: Sequence[bool]) -> int:
    """The row's maximum over who takes part; 0 for a row in which nobody does."""
    return max((x for x, p in zip(codes, part) if p), default=0)


def rounded(value: Fraction | int, how: str = "floor") -> int:
    """An exact rational number to an integer."""
    if how == "floor":
        return floor(value)
    if how == "half_up":
        return floor(value + Fraction(1, 2))
    if how == "half_away":
        return floor(value + Fraction(1, 2)) if value >= 0 else ceil(value - Fraction(1, 2))
    if how == "half_even":
        return round(Fraction(value))
    if how == "toward_zero":
        return int(value)
    raise ValueError(f"rounding {how!r}")


def right(code: int, by: int, how: str = "floor") -> int:
    """code * 2**-by, rounded; `by` may be negative."""
    return rounded(Fraction(code) / Fraction(2) ** by, how) if how != "floor" or by < 0 else code >> by


def limited(code: int, least: int, most: int) -> int:
    return min(max(code, least), most)


def wrapped(code: int, bits: int) -> int:
    """Modulo 2**bits, unsigned."""
    return code % (1 << bits)


def real(value: Callable[[], mpmath.mpf]) -> Fraction:
    """A real number to 300 bits; exact where mpmath is (powers of two, exp(0)), so that rounding it is safe."""
    with mpmath.workprec(300):
        sign, mantissa, exponent, _ = mpmath.mpf(value())._mpf_
    return Fraction(-1 if sign else 1) * int(mantissa) * Fraction(2) ** int(exponent)


def e_to(exponent: Fraction) -> Fraction:
    """exp of an exact rational number, to 300 bits."""
    return real(lambda: mpmath.exp(mpmath.mpf(exponent.numerator) / exponent.denominator))


def two_to(exponent: Fraction) -> Fraction:
    """2**exponent, to 300 bits; exact for an integer."""
    return real(lambda: mpmath.power(2, mpmath.mpf(exponent.numerator) / exponent.denominator))


def quotients(parts: list[int], total: int, fraction: int, how: str, most: int) -> list[int]:
    """Each part over the total with `fraction` bits, at most `most`; all 0 over nothing."""
    if total == 0:
        return [0] * len(parts)
    return [min(rounded(Fraction(p << fraction, total), how), most) for p in parts]
