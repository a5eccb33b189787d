"""Softmax by two CORDIC engines, architectures.md 2.29.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

Hyperbolic rotation with the iterations i = 1, 2, 3, 4, 4, 5, .. 13, 13, ..; division by linear vectoring.

The text leaves open, and here is:
- all words of the rotation have `fraction` fraction bits (the guard bits are among them); constants 1/K, atanh(2**-i),
  ln 2 and log2 e are rounded half up to it (ln2_code, log2_code and start override); K is the product over the
  iterations really made.
- t = x - m, exact; k = RHU(t * log2 e) of the code product, r = t - k * ln2_code.
- z >= 0 turns positive; the shifts cut; the last index is `iterations`.
- e = (X + Y) * 2**k cut to `exp_fraction` bits, at least 0; the sum is exact.
- the division: e and the sum are aligned to `quotient` fraction bits with the sum's leading bit at 1.0 (what
  falls below is cut), Y = e, X = sum, Z = 0; for i = first .. quotient: where Y >= 0, Y -= X >> i and Z += 2**-i; else
  the other way round.  Z, held to 0 .. 1, is cut to output_fraction, and held at `output_most`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import mpmath
from tests.architectures.restated.common import greatest, limited, real, rounded, taking_part


def indices(last: int) -> list[int]:
    return [i for i in range(1, last + 1) for _ in range(2 if i in (4, 13, 40) else 1)]


@cache
def constants(fraction: int, last: int) -> tuple[int, int, int, dict[int, int]]:
    """(1/K, ln 2, log2 e, atanh(2**-i) by i), as codes."""

    def code(value: Callable[[], mpmath.mpf]) -> int:
        return rounded(real(value) * 2**fraction, "half_up")

    def gain() -> mpmath.mpf:
        return 1 / mpmath.sqrt(mpmath.fprod(1 - mpmath.mpf(4) ** -i for i in indices(last)))

    angles = {i: code(lambda i=i: mpmath.atanh(mpmath.mpf(2) ** -i)) for i in indices(last)}
    return code(gain), code(lambda: mpmath.log(2)), code(lambda: 1 / mpmath.log(2)), angles


def rotate(z: int, start: int, last: int, angles: dict[int, int]) -> int:
    """cosh z + sinh z."""
    x, y = start, 0
    for i in indices(last):
        if z >= 0:
            x, y, z = x + (y >> i), y + (x >> i), z - angles[i]
        else:
            x, y, z = x - (y >> i), y - (x >> i), z + angles[i]
    return x + y


def divide(y: int, x: int, quotient: int, first: int) -> int:
    z = 0
    for i in range(first, quotient + 1):
        sign = 1 if y >= 0 else -1
        y, z = y - sign * (x >> i), z + sign * (1 << (quotient - i))
    return z


def cordic(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    input_fraction: int = 4,
    fraction: int = 16,
    iterations: int = 13,
    start: int | None = None,
    ln2_code: int | None = None,
    log2_code: int | None = None,
    exp_fraction: int = 12,
    quotient: int = 12,
    first: int = 0,
    output_fraction: int = 8,
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    gain, ln2, log2, angles = constants(fraction, iterations)
    start = gain if start is None else start
    ln2, log2 = (ln2 if ln2_code is None else ln2_code), (log2 if log2_code is None else log2_code)

    def exponential(x: int) -> int:
        t = (x - top) << (fraction - input_fraction)
        k = rounded(Fraction(t * log2, 1 << (2 * fraction)), "half_up")
        value = rotate(t - k * ln2, start, iterations, angles)
        return max(0, rounded(value * Fraction(2) ** (k + exp_fraction - fraction)))

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    total, most = sum(e), 1 << output_fraction if output_most is None else output_most
    if total == 0:
        return [0] * len(codes)
    align = Fraction(2) ** (quotient + 1 - total.bit_length())
    below = rounded(total * align)
    outputs = []
    for v, p in zip(e, part):
        z = limited(divide(rounded(v * align), below, quotient, first), 0, 1 << quotient) if p else 0
        outputs.append(min(rounded(Fraction(z << output_fraction, 1 << quotient)), most))
    return outputs
