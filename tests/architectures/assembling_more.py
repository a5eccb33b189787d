"""Cores of digits, of two tables and of rotations, and division by steps, in the manner of `assembling`."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
from tests.architectures.models import encoded, real


def rounded(above, count, word: str):
    """above / 2**count, above of any sign."""
    if np.ndim(count) == 0 and count <= 0:
        return above << -count
    down, rest, half = above >> count, above & (1 << count) - 1, 1 << count - 1
    up = {
        "floor": rest < 0,
        "toward_zero": (above < 0) & (rest > 0),
        "half_up": rest >= half,
        "half_away": (rest > half) | (rest == half) & (above >= 0),
        "half_even": (rest > half) | (rest == half) & (down & 1 == 1),
    }
    return down + up[word]


def nearest(value) -> int:
    return int(mpmath.floor(value + 0.5))


# -- digits -------------------------------------------------------------------------------------------------------
def places(largest: int, p: int, digit: int, fraction: int) -> list[tuple[int, int]]:
    """Where digits begin, and their bits."""
    reach = min(largest, -(-(fraction + 1) * 7 * 2**p // 10))
    width = max(1, reach.bit_length())
    return [(at, min(digit, width - at)) for at in range(0, width, digit)]


def basic_split(d, p, largest, digit, first, factor, product, exp: object):
    """`largest` is the largest distance that the input has."""
    fields = places(largest, p, digit, exp.fraction_bits)
    d = np.minimum(d, (1 << sum(bits for _, bits in fields)) - 1)
    factors = []
    for at, bits in fields:
        entries = [encoded(real(mpmath.exp(-mpmath.mpf(k << at) / 2**p)), factor) for k in range(1 << bits)]
        factors.append(np.array(entries)[d >> at & (1 << bits) - 1])
    found, *others = factors if first == "lowest" else factors[::-1]
    point = factor.fraction_bits
    for one in others:
        found, cut = found * one, max(0, point + factor.fraction_bits - product.fraction_bits)
        found, point = rounded(found, cut, product.rounding), point + factor.fraction_bits - cut
        found = np.minimum(found, (1 << product.integer_bits + point) - 1)
    return np.minimum(rounded(found, point - exp.fraction_bits, exp.rounding), exp.highest_code)


# -- two tables ---------------------------------------------------------------------------------------------------
def bipartite(d, p, high, middle, low, argument, at, guard, exp: object):
    d = d >> max(0, p - argument) << max(0, argument - p)
    past = d >> high + middle + low > 0
    d = np.where(past, 0, d)
    first, second = two_tables(high, middle, low, argument, at, exp.fraction_bits + guard, exp.rounding)
    above = first[d >> low] + second[(d >> middle + low << low) + (d & (1 << low) - 1)]
    e = np.clip(rounded(above, guard, exp.rounding), 0, min(1 << exp.fraction_bits, exp.highest_code))
    return np.where(past, 0, e)


@cache
def two_tables(high, middle, low, argument, at, bits, word):
    """Values in the middle of `low`; slopes in the middle of `middle` and `low`, times what is left."""

    def entry(place, factor=1):
        value = factor * real(mpmath.exp(-mpmath.mpf(place.numerator) / place.denominator / 2**argument))
        return int(rounded(math.floor(value * 2 ** (bits + 60)), 60, word))

    less = at == "points"
    centre, half = Fraction(2**low - less, 2), Fraction(2 ** (middle + low) - less, 2)
    first = [entry(k * 2**low + centre) for k in range(1 << high + middle)]
    rests = [(centre - j) / 2**argument for j in range(1 << low)]
    second = [entry(k * 2 ** (middle + low) + half, rest) for k in range(1 << high) for rest in rests]
    return np.array(first), np.array(second)


# -- rotations ----------------------------------------------------------------------------------------------------
def shifts_of(iterations: int) -> list[int]:
    found = [i for i in range(1, 50) for _ in range(1 + (i in (4, 13, 40)))]
    return found[:iterations]


def cordic(d, p, iterations, guard, shifts, base, exp: object):
    bits, octave = exp.fraction_bits + guard, mpmath.log(2)
    unit = octave if base == "2" else 1  # of what angles are measured in
    d = np.minimum(d >> max(0, p - bits), 40 << min(p, bits))
    p = min(p, bits)
    whole = rounded(d * nearest(unit / octave * 2**bits), bits + p, "half_up")
    z = whole * nearest(octave / unit * 2**bits) - (d << bits - p)
    gain = mpmath.sqrt(mpmath.fprod(1 - mpmath.mpf(4) ** -i for i in shifts_of(iterations)))
    x, y = np.full_like(z, nearest(2**bits / gain)), np.zeros_like(z)
    for i in shifts_of(iterations):
        turn, sign = nearest(mpmath.atanh(mpmath.mpf(2) ** -i) / unit * 2**bits), np.where(z < 0, -1, 1)
        x, y, z = x + sign * rounded(y, i, shifts), y + sign * rounded(x, i, shifts), z - sign * turn
    e = rounded(np.maximum(x + y, 0), guard + np.minimum(whole, exp.fraction_bits + 3), exp.rounding)
    return np.minimum(e, min(1 << exp.fraction_bits, exp.highest_code))


def length(codes):
    return np.frexp(codes.astype(np.float64))[1].astype(np.int64)


def steps(e, f, S, g, iterations, align, guard, shifts):
    """Linear CORDIC: a division of e with f fraction bits by S with g, as numerators and a denominator."""
    bits = iterations - 1
    if align == "leading":
        more = bits + guard + 1 - length(S)
        x = S << np.maximum(more, 0) >> np.maximum(-more, 0)
        more = more + g - f
        y = e << np.maximum(more, 0) >> np.maximum(-more, 0)
    else:
        fine = max(f, g) + guard
        x, y = S << fine - g, e << fine - f
    z = np.zeros_like(y)
    for i in range(iterations):
        sign = np.where(y < 0, -1, 1)
        y, z = y - sign * rounded(x, i, shifts), z + sign * (1 << bits - i)
    return np.maximum(z, 0), np.int64(1 << bits)
