"""SOLE's E2Softmax, architectures.md 2.19.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The text leaves open, and here is:
- Log2Exp(t): t in `input_fraction + guard` bits, t + (t >> 1) - (t >> 4), each shift cutting (towards minus infinity);
  then `rounding` "floor" or "half_up" to an integer; negated, held to 0 .. 15.  The same for a maximum that grows.
- the sum has 15 fraction bits and no width; its shift cuts.
- the maximum runs over chunks of `chunk` elements (1: one by one); a chunk's terms are taken against the maximum that
  includes it.  Absent elements are skipped.
- c is 0.818 (leading fraction bit of the sum 0) or 0.568 (1), as `constants`, rounded half up to `constant_fraction`
  bits; c * 2**-(k' + ks) is rounded by `output_rounding` to output_fraction bits, and held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction

from tests.architectures.restated.common import limited, rounded, taking_part


def sole(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    input_fraction: int = 4,
    guard: int = 0,
    rounding: str = "floor",
    chunk: int = 1,
    constants: tuple[str, str] = ("0.818", "0.568"),
    constant_fraction: int = 8,
    output_fraction: int = 8,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)

    def log2exp(t: int) -> int:
        y = t << guard
        y = y + (y >> 1) - (y >> 4)
        return limited(-rounded(Fraction(y, 1 << (input_fraction + guard)), rounding), 0, 15)

    top, total, stored = None, 0, []
    for start in range(0, len(codes), chunk):
        here = [x if p else None for x, p in zip(codes[start : start + chunk], part[start : start + chunk])]
        there = [x for x in here if x is not None]
        if there:
            new = max(there) if top is None else max(top, *there)
            total = total if top is None else total >> log2exp(top - new)
            top = new
        for x in here:
            k = None if x is None else log2exp(x - top)
            total += 0 if k is None else 1 << (15 - k)
            stored.append((k, top))
    if top is None:
        return [0] * len(codes)
    lead = total.bit_length() - 1
    constant = constants[(total << 1 >> lead) & 1]
    c = rounded(Fraction(constant) * 2**constant_fraction, "half_up")
    most = (1 << output_fraction) - 1 if output_most is None else output_most

    def output(k: int, used: int) -> int:
        k = min(15, k + log2exp(used - top))
        exact = c * Fraction(2) ** (output_fraction - constant_fraction - k - (lead - 15))
        return min(rounded(exact, output_rounding), most)

    return [0 if k is None else output(k, used) for k, used in stored]
