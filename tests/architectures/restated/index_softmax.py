"""IntAttention's IndexSoftmax, architectures.md 2.32.

Inputs are integer logits, value = code * scale; outputs are 0 .. peak; an absent element gives 0.

The text leaves open, and here is:
- `rounding` of the final integer division, T[k] * peak / sum T: "floor" by default, or "half_up".
- the "fixed-point scale to the index": None is the exact truncation of min(d, clip) * (entries-1) / clip, `clip` and
  `scale` taken as the rational numbers given (6.6 is 66/10); a pair (multiplier, places) is
  min(entries - 1, d * multiplier >> places) of the integer difference instead.
- `whole`: the clip is first cut to whole steps of the input, c = floor(clip / scale), k = min(d, c) * (entries-1) / c
  of the integer difference; the table keeps the clip as given.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from tests.architectures.restated.common import e_to, greatest, rounded, taking_part


@cache
def table(clip: Fraction, entries: int, peak: int) -> tuple[int, ...]:
    last = entries - 1
    return tuple(0 if k == last else rounded(peak * e_to(-k * clip / last), "half_up") for k in range(entries))


def index_softmax(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    scale: float | Fraction = Fraction(1, 16),
    clip: Fraction | str = "6.6",
    entries: int = 32,
    peak: int = 255,
    rounding: str = "floor",
    fixed: tuple[int, int] | None = None,
    whole: bool = False,
) -> list[int]:
    part, clip, scale, last = taking_part(codes, present), Fraction(clip), Fraction(scale), entries - 1
    top = greatest(codes, part)

    def index(d: int) -> int:
        if fixed is not None:
            return min(last, d * fixed[0] >> fixed[1])
        reach = rounded(clip / scale) if whole else clip / scale
        return rounded(min(d, reach) * last / Fraction(reach))

    e = [table(clip, entries, peak)[index(top - x)] if p else 0 for x, p in zip(codes, part)]
    total = sum(e)
    return [rounded(Fraction(v * peak, total), rounding) if total else 0 for v in e]
