"""Piecewise-linear exponential (NN-LUT's rule), architectures.md 2.23, on quantised lines.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The rule: t = x - m <= 0; the segment is the number of cuts <= t; e = slope * t + intercept.  `cuts` (codes of
t, rising), `slopes` and `intercepts` (one more of each) are given, with their fraction bits.

The text does NOT give the public 16-segment table in full: the 15 cuts to four places and the first and the last
line (PUBLIC_*), not the fourteen lines between; so only those can be checked here.

The text leaves open, and here is:
- how e is rounded to `exp_fraction` bits: once, of the exact slope * t + intercept, by `exp_rounding`; a negative
  value becomes 0, one above `exp_most` becomes `exp_most` (None: no limit above).
- where the sum's reciprocal goes through a second table: here a division, p = e * 2**output_fraction / sum by
  `output_rounding`, held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction

from tests.architectures.restated.common import greatest, quotients, rounded, taking_part

PUBLIC_CUTS = (
    *("-7.5375", "-5.3353", "-5.3329", "-4.0789", "-4.0785", "-3.2013", "-2.5259", "-1.9838", "-1.9828", "-1.9827"),
    *("-1.5389", "-1.1569", "-0.8222", "-0.5216", "-0.2496"),
)
PUBLIC_FIRST, PUBLIC_LAST = ("0", "0"), ("0.88327", "0.99466")


def piecewise_linear(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    cuts: list[int],
    slopes: list[int],
    intercepts: list[int],
    slope_fraction: int,
    intercept_fraction: int,
    input_fraction: int = 4,
    cut_fraction: int | None = None,
    exp_fraction: int = 8,
    exp_rounding: str = "floor",
    exp_most: int | None = None,
    output_fraction: int = 8,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    edges = [Fraction(c, 1 << (input_fraction if cut_fraction is None else cut_fraction)) for c in cuts]

    def exponential(x: int) -> int:
        t = Fraction(x - top, 1 << input_fraction)
        k = sum(edge <= t for edge in edges)
        y = Fraction(slopes[k], 1 << slope_fraction) * t + Fraction(intercepts[k], 1 << intercept_fraction)
        e = max(0, rounded(y * (1 << exp_fraction), exp_rounding))
        return e if exp_most is None else min(e, exp_most)

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    most = 1 << output_fraction if output_most is None else output_most
    return quotients(e, sum(e), output_fraction, output_rounding, most)
