"""Pseudo-softmax, architectures.md 2.10.

Inputs are integers.  An output is the packed code exponent * 256 + mantissa, exponent in nine bits of two's
complement, value = mantissa / 128 * 2**exponent with the mantissa in 128 .. 255; or, with `output_fraction`,
that value cut to so many fraction bits.  An absent element gives 0, as does what `threshold` removes.

The text leaves open, and here is:
- the alignment shift cuts, as does the renormalisation (`adder`: a rounding of the aligned operand, then of the sum).
- the tree pairs neighbours by element index, level by level; an absent element is skipped in its place.
- "8-bit result" of the reciprocal: y in (1/2, 31/32] with 8 fraction bits, that is eight significant bits which,
  doubled, are the mantissa in [1, 2).
- where it is cut to 8 bits, `cut`: "terms" (each of the two shifted x, before they are subtracted), "product" (their
  exact sum), "result" (y).  The reported maximum error of 0.03125 holds for the first two, and is 0.03131 for the
  third; the reported mean of 0.011151 is met by none of the three (0.0064 to 0.0087), which is left unexplained.
- an exponent below -256, which x_i - exponent of the sum - 1 can reach, is refused in the packed form.
- `threshold`: an output whose exponent is below it becomes 0; None keeps all.
"""

from __future__ import annotations

from fractions import Fraction

from tests.architectures.restated.common import right, rounded, taking_part

FRACTION = 8


def added(a: tuple[int, int] | None, b: tuple[int, int] | None, how: str) -> tuple[int, int] | None:
    """The sum of two floats (mantissa 256 .. 511, exponent); None is nothing."""
    if a is None or b is None:
        return b if a is None else a
    (m, high), (other, low) = (a, b) if a[1] >= b[1] else (b, a)
    total = m + right(other, high - low, how)
    while total >= 2 << FRACTION:
        total, high = right(total, 1, how), high + 1
    return total, high


def reciprocal(mantissa: int, cut: str = "terms") -> int:
    """1 / (mantissa / 256) by two lines, in 8 fraction bits."""
    near = mantissa < 384
    constant, first, second = (408, 1, 3) if near else (288, 2, 4)
    if cut == "terms":
        return constant - (mantissa >> first) - (mantissa >> second)
    product = Fraction(mantissa, 1 << first) + Fraction(mantissa, 1 << second)
    return constant - rounded(product) if cut == "product" else rounded(constant - product)


def pseudo_softmax(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    adder: str = "floor",
    cut: str = "terms",
    threshold: int | None = None,
    output_fraction: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)
    level = [(1 << FRACTION, x) if p else None for x, p in zip(codes, part)]
    while len(level) > 1:
        level.append(None)
        level = [added(level[i], level[i + 1], adder) for i in range(0, len(level) - 1, 2)]
    if not level or level[0] is None:
        return [0] * len(codes)
    mantissa, exponent = level[0]
    y = reciprocal(mantissa, cut)

    def output(x: int) -> int:
        power = x - exponent - 1
        if threshold is not None and power < threshold:
            return 0
        if output_fraction is not None:
            return rounded(y * Fraction(2) ** (power + 1 - FRACTION + output_fraction))
        if not -256 <= power < 256:
            raise OverflowError(f"exponent {power} does not fit nine bits")
        return (power % 512) << 8 | y

    return [output(x) if p else 0 for x, p in zip(codes, part)]
