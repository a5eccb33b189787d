"""Powers of two over a power of two ("aggressive approximation"), architectures.md 2.11.

Inputs are integers (codes with `input_fraction` fraction bits, 0 by default); an output is 2**-k with
`output_fraction` bits, k = (m - x) + log2 of the sum; or, with `output_fraction` None, the code k itself
(None for an absent element).  An absent element gives 0.

`power_of_two_division` is the second half alone: non-negative numerators shifted by the sum's leading one.

The text leaves open, and here is:
- a fractional difference m - x becomes an integer by `difference` rounding ("floor").
- the sum's terms 2**-(m - x) are exact, or cut to `sum_fraction` bits each.
- `log2` of the sum: "floor" (leading one), "nearest" (RHU of the real log2: up where the sum's mantissa is sqrt 2
  or more) or "half" (up where the bit below the leading one is set).
- what falls below the output's last bit is cut; an output is held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction

from tests.architectures.restated.common import greatest, rounded, taking_part


def places(total: Fraction, log2: str) -> int:
    w = 0
    while total >= 2:
        total, w = total / 2, w + 1
    while total < 1:
        total, w = total * 2, w - 1
    up = {"floor": False, "nearest": total * total >= 2, "half": total >= Fraction(3, 2)}[log2]
    return w + up


def power_of_two_division(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    log2: str = "floor",
    output_fraction: int = 8,
    output_most: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)
    total = sum(v for v, p in zip(codes, part) if p)
    if total == 0:
        return [0] * len(codes)
    scale = Fraction(2) ** (output_fraction - places(Fraction(total), log2))
    held = [rounded(v * scale) if p else 0 for v, p in zip(codes, part)]
    return held if output_most is None else [min(v, output_most) for v in held]


def power_of_two(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    input_fraction: int = 0,
    difference: str = "floor",
    sum_fraction: int | None = None,
    log2: str = "floor",
    output_fraction: int | None = 8,
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    down = [rounded(Fraction(top - x, 1 << input_fraction), difference) for x in codes]

    def term(k: int) -> Fraction:
        exact = Fraction(1, 1 << k)
        return exact if sum_fraction is None else Fraction(rounded(exact * 2**sum_fraction), 1 << sum_fraction)

    total = sum((term(k) for k, p in zip(down, part) if p), Fraction(0))
    if total == 0:
        return [0 if output_fraction is not None else None] * len(codes)
    w = places(total, log2)
    if output_fraction is None:
        return [k + w if p else None for k, p in zip(down, part)]
    held = [rounded(Fraction(2) ** (output_fraction - k - w)) if p else 0 for k, p in zip(down, part)]
    return held if output_most is None else [min(v, output_most) for v in held]
