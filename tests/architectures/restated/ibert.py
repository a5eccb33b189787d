"""I-BERT's integer softmax, architectures.md 2.13: the code's steps in exact integers.

Inputs are integers, value = code * scale; outputs have `output_bits` fraction bits; an absent element gives 0.

The text leaves open, and here is:
- the code holds its integers in float32 tensors, which cannot hold them; here nothing is rounded but where written.
  `q0`, `bi`, `ci` are the exact floors of the published decimals over the double given as `scale`.
- step 5's range is what a checkpoint stores: `stored_range`, in codes of e; None is the settled one, ci * 2**30.
- `requantise`: "net", round(32767 * e / range) half to even, as the text's net effect; or "dyadic", with the ratio's
  mantissa rounded half up to 31 bits and both roundings half to even, of exact products (the code's are float64).
- an absent element takes no part in maximum and sum.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import floor

from tests.architectures.restated.common import greatest, limited, rounded, taking_part

A = Fraction("0.35815147")
B = Fraction("0.96963238") / A
C = 1 / A


@lru_cache(maxsize=1 << 16)
def dyadic(e: int, old: Fraction, new: Fraction) -> int:
    """The dyadic path: from codes of scale `old`, which the incoming e is divided by, to codes of scale `new`."""
    ratio, places = old / new, 0
    while ratio >= 1:
        ratio, places = ratio / 2, places - 1
    while ratio < Fraction(1, 2):
        ratio, places = ratio * 2, places + 1
    mantissa = rounded(ratio * 2**31, "half_up")
    return rounded(rounded(e / old, "half_even") * mantissa / Fraction(2) ** (31 + places), "half_even")


def ibert(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    scale: float | Fraction = Fraction(1, 16),
    output_bits: int = 8,
    max_bit: int = 32,
    const: int = 30,
    requantise: str = "net",
    stored_range: Fraction | int | None = None,
) -> list[int]:
    part, s = taking_part(codes, present), Fraction(scale)
    if not any(part):
        return [0] * len(codes)
    q0 = floor(Fraction("-0.6931") / s)
    bi, ci = floor(B / s), floor(C / s**2)
    top, bound = greatest(codes, part), Fraction(ci << const if stored_range is None else stored_range)

    def exponential(x: int) -> int:
        q = max(x - top, const * q0)
        z = q // q0
        r = q - q0 * z
        e = max(0, (r * (r + bi) + ci) << (const - z))
        if requantise == "dyadic":
            code = dyadic(e, A * s**2 / 2**const, bound / 32767)
        else:
            code = rounded(e * 32767 / bound, "half_even")
        return limited(code, -32768, 32767)

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    factor = 2**max_bit // sum(e)
    return [(v * factor) >> (max_bit - output_bits) for v in e]
