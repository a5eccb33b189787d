"""I-ViT's Shiftmax, architectures.md 2.14.

Inputs are integers, value = code * scale; outputs have output_bits - 1 fraction bits; an absent element gives 0.

The text leaves open, and here is:
- `q0` = floor(-1 / scale): exact, of the double given; the code divides in float32.  `q0` itself may be given.
- everything is an exact integer, where the code holds integers in float tensors.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from tests.architectures.restated.common import greatest, taking_part


def ivit_shiftmax(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    scale: float | Fraction = Fraction(1, 16),
    output_bits: int = 8,
    n: int = 15,
    q0: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)
    q0 = floor(-1 / Fraction(scale)) if q0 is None else q0
    top = greatest(codes, part)

    def exponential(x: int) -> int:
        q = x - top
        q = q + q // 2 - q // 16
        q = max(q, n * q0)
        z = q // q0
        r = q - q0 * z
        return max(0, ((r - 2 * q0) << (n - z)) // 2)

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    if not any(part):
        return [0] * len(codes)
    most = 2**31 - 1
    factor = most // min(sum(e), most)
    return [(v * factor) >> (31 - output_bits + 1) for v in e]
