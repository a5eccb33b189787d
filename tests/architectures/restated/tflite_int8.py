"""TensorFlow Lite's softmax on gemmlowp's words, architectures.md 2.15.

Inputs are integers, value = code * scale + anything; `kind` of the output: "int8" (zero point -128, scale 1/256),
"uint8" (0, 1/256), "int16" (-32768, 1/65536).  An absent element gives the minimum code, as one far below the maximum.

The text leaves open, and here is:
- `scale` and `beta` are the rational numbers given; mult is their exact product's mantissa, rounded half away.
- a scale below 2**-26 (a negative shift) and a sum of 2**31 or more (N >= 4096) are refused.
- RDP by more than 31 places (rows of many equal elements) is the mathematical one.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from tests.architectures.restated.common import greatest, limited, rounded, taking_part

MOST = 2**31 - 1
STEPS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
KINDS = {"int8": (8, -128), "uint8": (8, 0), "int16": (16, -32768)}


def rdhm(a: int, b: int) -> int:
    """Saturating rounding doubling high multiply."""
    if a == b == -(2**31):
        return MOST
    product = a * b
    total = product + (2**30 if product >= 0 else 1 - 2**30)
    return total >> 31 if total >= 0 else -(-total >> 31)


def rdp(x: int, places: int) -> int:
    """Rounding divide by 2**places, ties away from zero."""
    mask = (1 << places) - 1
    return (x >> places) + ((x & mask) > (mask >> 1) + (1 if x < 0 else 0))


def smp(x: int, places: int) -> int:
    """Saturating left shift."""
    return limited(x << places, -(2**31), MOST)


def multiplier(factor: Fraction) -> tuple[int, int]:
    """(mult, shift): factor = mult * 2**(shift - 31), mult in [2**30, 2**31)."""
    shift = 0
    while factor >= 1:
        factor, shift = factor / 2, shift + 1
    while factor < Fraction(1, 2):
        factor, shift = factor * 2, shift - 1
    mult = rounded(factor * 2**31, "half_away")
    return (mult // 2, shift + 1) if mult == 2**31 else (mult, shift)


def exp_negative(a: int) -> int:
    """exp of a Q5.26 number <= 0, in Q0.31."""
    if a == 0:
        return MOST
    within = (a & (2**24 - 1)) - 2**24
    rest = within - a
    x = (within << 5) + 2**28
    x2 = rdhm(x, x)
    x3, x4 = rdhm(x2, x), rdhm(x2, x2)
    t = rdp(rdhm(rdp(x4, 2) + x3, 715827883) + x2, 1)
    r = 1895147668 + rdhm(1895147668, x + t)
    for k, step in enumerate(STEPS):
        if rest >> (24 + k) & 1:
            r = rdhm(r, step)
    return r


def inverse(total: int) -> tuple[int, int]:
    """(1 / the normalised sum, its leading zeros)."""
    zeros = 32 - total.bit_length()
    half = ((total << zeros) - 2**31 + 2**31) // 2
    x = 1515870810 + rdhm(half, -1010580540)
    for _ in range(3):
        x += smp(rdhm(x, 2**29 - rdhm(half, x)), 2)
    return smp(x, 1), zeros


def tflite_int8(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    scale: float | Fraction = Fraction(1, 16),
    beta: float | Fraction = 1,
    kind: str = "int8",
) -> list[int]:
    part, (bits, least) = taking_part(codes, present), KINDS[kind]
    mult, shift = multiplier(min(Fraction(beta) * Fraction(scale) * 2**26, Fraction(MOST)))
    if shift < 0:
        raise ValueError(f"scale * beta = {float(scale) * float(beta)} is below 2**-26")
    furthest, top = -floor(Fraction(31 * 2**26, 2**shift)), greatest(codes, part)
    e = [
        exp_negative(rdhm((x - top) << shift, mult)) if p and x - top >= furthest else None for x, p in zip(codes, part)
    ]
    total = sum(rdp(v, 12) for v in e if v is not None)
    if total == 0:
        return [least] * len(codes)
    if total > MOST:
        raise OverflowError(f"a sum of {total} does not fit int32")
    inv, zeros = inverse(total)
    places = 12 - zeros + 31 - bits
    return [least if v is None else limited(rdp(rdhm(inv, v), places) + least, least, least + 2**bits - 1) for v in e]
