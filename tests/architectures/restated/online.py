"""Online softmax, architectures.md 2.34: m' = max(m, x), S' = S exp(m - m') + exp(x - m'), with any exp core.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The text gives the rule in real arithmetic, and says that any exp core can be used and that results depend on chunk and
order.  Open in it, and here:
- `exponential(distance)`: the core, from m - x (exact, >= 0) to a code of `exp_fraction` bits.  `factor`: the core
  of exp(m - m'), of `factor_fraction` bits; None takes the same core.
- `chunk` elements come at once: m' is the maximum of m and theirs, S decays once, their exponentials are taken
  against m' and added, from left to right.  A chunk in which nobody takes part changes nothing.
- before the first chunk S is 0 (m does not matter).
- `decay`: S * exp(m - m') is rounded to `sum_fraction` bits by this word; "none" leaves all bits (a sum without end).
  `still`: whether a maximum that did not grow multiplies all the same (by the core's own exp(0), which may not be 1)
  or leaves S as it is.
- `addend`: each exponential is brought to `sum_fraction` bits by this word; or, `whole` being True, old and new are
  added exactly and rounded once, by `decay`.
- the sum is held at `sum_most` (None: no limit), after each chunk.
- `numerator`: "again", exp(M - x) with the row's maximum M, in a second pass; "rescaled", the stored exp(m - x)
  times exp(M - m), m that of its chunk, cut to `exp_fraction` bits by `rescale`; "stepwise", FlashAttention's: every
  stored numerator is multiplied and rounded whenever the maximum grows.
- `divide(numerator, sum)`, both exact values, gives the output's code; None is the quotient rounded by
  `output_rounding`, held at `output_most`; 0 over a sum of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from tests.architectures.restated.common import rounded, taking_part


def online(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    exponential: Callable[[Fraction], int],
    exp_fraction: int,
    factor: Callable[[Fraction], int] | None = None,
    factor_fraction: int | None = None,
    chunk: int = 1,
    input_fraction: int = 4,
    sum_fraction: int | None = None,
    sum_most: int | None = None,
    decay: str = "floor",
    still: bool = True,
    addend: str = "floor",
    whole: bool = False,
    numerator: str = "again",
    rescale: str = "floor",
    divide: Callable[[Fraction, Fraction], int] | None = None,
    output_fraction: int = 8,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)
    point = exp_fraction if sum_fraction is None else sum_fraction

    def brought(value: Fraction, fraction: int, how: str) -> Fraction:
        return value if how == "none" else Fraction(rounded(value * 2**fraction, how), 1 << fraction)

    def e(distance: Fraction) -> Fraction:
        return Fraction(exponential(distance), 1 << exp_fraction)

    def f(distance: Fraction) -> Fraction:
        if distance == 0 and not still:
            return Fraction(1)
        return e(distance) if factor is None else Fraction(factor(distance), 1 << factor_fraction)

    m, total, stored = None, Fraction(0), []
    for start in range(0, len(codes), chunk):
        here = range(start, min(start + chunk, len(codes)))
        x = {i: Fraction(codes[i], 1 << input_fraction) for i in here if part[i]}
        if not x:
            stored += [(Fraction(0), m)] * len(here)
            continue
        new = max(x.values()) if m is None else max(m, *x.values())
        old = total * f(new - (new if m is None else m))
        added = [e(new - v) for v in x.values()]
        if whole:
            total = brought(old + sum(added), point, decay)
        else:
            total = brought(old, point, decay) + sum(brought(v, point, addend) for v in added)
        if sum_most is not None:
            total = min(total, Fraction(sum_most, 1 << point))
        if numerator == "stepwise" and m is not None and new != m:
            stored = [(brought(v * f(new - m), exp_fraction, rescale), new) for v, _ in stored]
        stored += [(e(new - x[i]), new) if i in x else (Fraction(0), new) for i in here]
        m = new
    if m is None:
        return [0] * len(codes)

    def last(i: int) -> Fraction:
        if numerator == "again":
            return e(m - Fraction(codes[i], 1 << input_fraction))
        value, then = stored[i]
        return value if numerator == "stepwise" else brought(value * f(m - then), exp_fraction, rescale)

    def output(value: Fraction) -> int:
        if total == 0:
            return 0
        if divide is not None:
            return divide(value, total)
        code = rounded(value / total * 2**output_fraction, output_rounding)
        return code if output_most is None else min(code, output_most)

    return [output(last(i)) if p else 0 for i, p in enumerate(part)]
