"""A polynomial exponential and Newton's reciprocal, architectures.md 2.30 (and 2.1's EFSHA): the rule of evaluation.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The text does NOT give coefficients or any width.  So `coefficients`, lowest power first, of `coefficient_fraction`
fraction bits, have no default, and the rule around them is this, all of it open in the text:
- t = (x - m) * log2_code * 2**-log2_fraction, rounded by `argument_rounding` to `argument_fraction` bits.
- t = k + v: `split` "up", k = floor(t), v in [0, 1); "down", k = ceil(t), v in (-1, 0]; "near" (EFSHA), k = RHU(t),
  v in [-1/2, 1/2).  With `distance` True it is t = (m - x) * log2 that is rounded and split, k = floor(t), and
  e = p(v) * 2**-k.
- Horner: p = c[n], then p = rounded(p * v) + c[i] in coefficient_fraction bits, by `horner_rounding`.
- p is held in `mantissa` (None: as it is).
- e = p * 2**k rounded once to `exp_fraction` bits by `exp_rounding`, held at 0 below and at `exp_most` above.
- the sum is exact.
- `steps` None: p_i = e_i * 2**output_fraction / sum, rounded by `output_rounding`.  Else Newton: the sum is
  d * 2**w, d in [1/2, 1), exact; r starts at seed[0] + seed[1] * d (48/17 - 32/17 d), and is r * (2 - r * d), with
  each product and the seed cut to `reciprocal_fraction` bits; p_i = e_i * r * 2**-w.
- an output is held at `output_most`.

`poly2` is the section's ready-made integer exponential: all its numbers are in the text; its `round` is taken as half
to even, its decimals as exact.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from tests.architectures.restated.common import greatest, limited, quotients, rounded, taking_part


def poly2(x: Fraction) -> tuple[int, int]:
    """(k, E): exp(x) is about E * 2**(k - 14)."""
    k = round(x * Fraction("1.4427"))
    r = round((x - k * Fraction("0.69315")) * 2**14)
    u = round(round(Fraction("1.0151") * 2**14) + Fraction(r, 2))
    return k, round(2**14 + Fraction(round(Fraction(u * r, 2**14))))


def newton(total: int, steps: int, seed: tuple[Fraction, Fraction], fraction: int) -> tuple[int, int]:
    """(r, w): 1 / total is about r * 2**-fraction * 2**-w."""
    w = total.bit_length()
    d, one = Fraction(total, 1 << w), 1 << fraction
    r = floor((seed[0] + seed[1] * d) * one)
    for _ in range(steps):
        r = floor(Fraction(r * (2 * one - floor(r * d)), one))
    return r, w


def polynomial(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    coefficients: list[int],
    coefficient_fraction: int,
    input_fraction: int = 4,
    log2_code: int = 1,
    log2_fraction: int = 0,
    argument_fraction: int = 14,
    argument_rounding: str = "half_up",
    split: str = "up",
    distance: bool = False,
    mantissa: tuple[int, int] | None = None,
    horner_rounding: str = "floor",
    exp_fraction: int = 14,
    exp_rounding: str = "floor",
    exp_most: int | None = None,
    steps: int | None = None,
    seed: tuple[Fraction, Fraction] = (Fraction(48, 17), Fraction(-32, 17)),
    reciprocal_fraction: int = 16,
    output_fraction: int = 12,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    unit = 1 << argument_fraction

    def exponential(x: int) -> int:
        exact = Fraction((top - x if distance else x - top) * log2_code, 1 << (input_fraction + log2_fraction))
        t = Fraction(rounded(exact * unit, argument_rounding), unit)
        k = floor(t) if distance else {"up": floor(t), "down": ceil(t), "near": floor(t + Fraction(1, 2))}[split]
        p = coefficients[-1]
        for c in coefficients[-2::-1]:
            p = rounded(p * (t - k), horner_rounding) + c
        p, k = p if mantissa is None else limited(p, *mantissa), -k if distance else k
        e = rounded(p * Fraction(2) ** (k + exp_fraction - coefficient_fraction), exp_rounding)
        return limited(e, 0, e if exp_most is None else exp_most) if e > 0 else 0

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    total, most = sum(e), 1 << output_fraction if output_most is None else output_most
    if steps is None or total == 0:
        return quotients(e, total, output_fraction, output_rounding, most)
    r, w = newton(total, steps, seed, reciprocal_fraction)
    scale = Fraction(2) ** (output_fraction - reciprocal_fraction - w)
    return [min(rounded(v * r * scale, output_rounding), most) for v in e]
