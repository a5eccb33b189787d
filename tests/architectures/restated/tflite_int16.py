"""TFLite's and CMSIS-NN's int16 softmax by two tables, architectures.md 2.16.

Inputs are integers, value = code * scale + anything; outputs are Q0.15; an absent element gives 0.

The text leaves open, and here is:
- `requant` is not spelt out: taken as RDP(RDHM(D << max(shift, 0), mult), max(-shift, 0)), the two roundings of
  gemmlowp; `single_rounding=True` rounds once, half up.  Operands beyond int32 are refused.
- the tables' k: 2**16 over the output's range, that is 2**16 / (65535 * 2/65535) = 32768; a parameter of `table`.
- the tables' points: lowest + i * step, lowest + i * step + half step, lowest + (i + 1) * step, where lowest and
  highest are scale * (least or greatest code - zero point) and step is (highest - lowest) / 512, each product, sum and
  quotient rounded to float32 (half to even) as it is made; exp itself correctly rounded to float32.
- `round` in the tables is half away from zero.
- the reciprocal's index, 32768 at most: saturated (TFLite) or, with `cast=True`, wrapped (CMSIS).
- an output above 32767 (a row of one element gives 32768) is held at 32767.
- an absent element is outside maximum and sum.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import cache

from tests.architectures.restated.common import e_to, greatest, limited, rounded, taking_part
from tests.architectures.restated.tflite_int8 import MOST, multiplier, rdhm, rdp


def single(value: Fraction) -> Fraction:
    """The nearest float32, ties to even: scaled so that one unit is its last place, then rounded."""
    if value == 0:
        return value
    last = Fraction(2) ** (abs(value.numerator).bit_length() - value.denominator.bit_length() - 24)
    while abs(value) >= 2**24 * last:
        last *= 2
    result = round(value / last) * last
    assert struct.unpack("f", struct.pack("f", float(result)))[0] == result
    return result


def by_table(function, scale: Fraction, zero: int, k: int) -> tuple[int, ...]:
    scale = single(scale)
    lowest, highest = single(scale * (-32768 - zero)), single(scale * (32767 - zero))
    step = single(single(highest - lowest) / 512)
    half = single(step / 2)

    def near(value: Fraction) -> int:
        return rounded(value, "half_away")

    def at(i: int) -> Fraction:
        return single(lowest + single(i * step))

    entries = []
    for i in range(512):
        left, middle = single(function(at(i)) * k), single(function(single(at(i) + half)) * k)
        following = single(function(at(i + 1)) * k)
        between = near(single(single(following + near(left)) / 2))
        entries.append(near(left) - near(single(Fraction(between - near(middle), 2))))
    entries.append(near(single(function(highest) * k)))
    return tuple(limited(v, -32768, 32767) for v in entries)


@cache
def exp_table(k: int = 32768) -> tuple[int, ...]:
    return by_table(lambda x: single(e_to(x)), Fraction(10, 65535), 32767, k)


@cache
def reciprocal_table(k: int = 32768) -> tuple[int, ...]:
    return by_table(lambda x: single(1 / single(1 + x)), Fraction(1, 65535), -32768, k)


def interpolated(table: tuple[int, ...], value: int) -> int:
    i, offset = 256 + (value >> 7), value & 127
    return table[i] + (((table[i + 1] - table[i]) * offset + 64) >> 7)


def tflite_int16(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    scale: float | Fraction = Fraction(1, 4096),
    beta: float | Fraction = 1,
    single_rounding: bool = False,
    cast: bool = False,
    k: int = 32768,
) -> list[int]:
    part = taking_part(codes, present)
    if not any(part):
        return [0] * len(codes)
    mult, shift = multiplier(Fraction(scale) * Fraction(beta) * 65535 / 10)
    top = greatest(codes, part)

    def exponential(x: int) -> int:
        d = x - top
        if single_rounding:
            v = rounded(Fraction(d * mult) / Fraction(2) ** (31 - shift), "half_up")
        else:
            if (-d << max(shift, 0)) > MOST + 1:
                raise OverflowError(f"a difference of {d} shifted by {shift} does not fit int32")
            v = rdp(rdhm(d << max(shift, 0), mult), max(-shift, 0))
        return interpolated(exp_table(k), limited(v + 32767, -32768, 32767))

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    total = sum(e)
    if total > MOST:
        raise OverflowError(f"a sum of {total} does not fit int32")
    zeros = 32 - total.bit_length()
    index = (((total << (zeros - 1)) + 2**13) >> 14) - 98304
    index = (index + 32768) % 65536 - 32768 if cast else min(index, 32767)
    r = interpolated(reciprocal_table(k), index)
    return [limited((v * r + 2 ** (30 - zeros)) >> (31 - zeros), 0, 32767) if p else 0 for v, p in zip(e, part)]
