"""Bipartite tables without a division, architectures.md 2.31.

Inputs are codes with 7 fraction bits (16 bits), outputs are Q1.15; an absent element gives 0.

The text leaves open, and here is:
- the ROMs, of which only "standard bipartite construction (mid-point initial values, centred slopes)" is said, from
  memory: `t0` and `t1` may be given (256 entries each, index x0 * 8 + x1 and x0 * 8 + x2); by default
  T0 = exp(-(x0, x1, 3.5 codes)), T1 = -exp(-(x0, 3.5 of x1, 3.5 codes)) * (x2 - 3.5 codes), rounded half up to Q1.15
  (the slope is the derivative at the middle of x0's cell).
- d of 16.0 or more gives 0, in both passes; T0 + T1 is held to 0 .. 32768.
- the mantissa's top four bits are those below the leading one, zeros where the sum has fewer; ln S in 7 fraction
  bits is held to 0 .. 2047.
- the sum's 24 bits: a larger one is refused; `wrap=True` keeps its low 24 bits.  A sum of 0 gives zeros.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from tests.architectures.restated.common import e_to, greatest, limited, rounded, taking_part

LN = (0, 8, 15, 22, 29, 35, 41, 47, 53, 58, 63, 68, 73, 78, 82, 87)
HALF = Fraction(7, 2)


@cache
def roms() -> tuple[tuple[int, ...], tuple[int, ...]]:
    def entry(codes: Fraction, factor: Fraction = Fraction(1)) -> int:
        return rounded(e_to(-codes / 128) * factor * 2**15, "half_up")

    cells = [(high, low) for high in range(32) for low in range(8)]
    return (
        tuple(entry(64 * x0 + 8 * x1 + HALF) for x0, x1 in cells),
        tuple(entry(64 * x0 + 8 * HALF + HALF, (HALF - x2) / 128) for x0, x2 in cells),
    )


def bipartite(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    t0: list[int] | None = None,
    t1: list[int] | None = None,
    wrap: bool = False,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    first, second = roms() if t0 is None or t1 is None else (t0, t1)

    def exponential(d: int) -> int:
        if d >= 2048:
            return 0
        x0, x1, x2 = d >> 6, d >> 3 & 7, d & 7
        return limited(first[x0 * 8 + x1] + second[x0 * 8 + x2], 0, 32768)

    total = sum(exponential(top - x) for x, p in zip(codes, part) if p)
    if total >> 24 and not wrap:
        raise OverflowError(f"a sum of {total} does not fit 24 bits")
    total %= 1 << 24
    if total == 0:
        return [0] * len(codes)
    lead = total.bit_length() - 1
    mantissa = (total << 4 >> lead) & 15
    ln = limited((lead - 15) * 89 + LN[mantissa], 0, 2047)
    return [exponential(top - x + ln) if p else 0 for x, p in zip(codes, part)]
