"""SoftEx's exponential on bfloat16, architectures.md 2.22 steps 1 to 3, element by element.

Inputs and outputs are bfloat16 bit patterns; an absent element gives 0.  The whole softmax (steps 4, 5) is not here:
the text does not fix the order of the sum over lanes and beats, nor how the reciprocal's products round.

The text leaves open, and here is:
- infinities and NaN are not special: their exponent 255 overflows as written, to +inf or 0.
- a zero and a subnormal follow the same rule and give 1.
"""

from __future__ import annotations

from tests.architectures.restated.common import taking_part

INFINITY = 0x7F80


def exponential(code: int) -> int:
    sign, exponent, mantissa = code >> 15, code >> 7 & 255, 128 + (code & 127)
    product = mantissa * 23637
    t = product << (exponent - 127) if exponent >= 127 else product >> (127 - exponent)
    z = (t >> 14) + (t >> 13 & 1)
    z = -z if sign else z
    power, n = (z >> 7) + 127, z & 127
    if power >= 255:
        return INFINITY
    if power <= 0:
        return 0
    if n < 64:
        n = (2 * n * 4 * (n + 363)) >> 12
    else:
        n = 127 - (((255 - 2 * n) * 7 * (n + 278)) >> 12)
    return power << 7 | n


def softex_exponential(codes: list[int], present: list[bool] | None = None) -> list[int]:
    return [exponential(x) if p else 0 for x, p in zip(codes, taking_part(codes, present))]
