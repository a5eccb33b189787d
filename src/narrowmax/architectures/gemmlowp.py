"""Fixed-point steps on 32-bit words as gemmlowp defines them and TFLite's quantised kernels use them.

A word of k integer bits, besides its sign, has 31 - k fraction bits: Q0.31 holds -1 to 1, Q5.26 -32 to 32.
The product of two words keeps the upper half, so its integer bits are those of both together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from narrowmax.datapath import Row, Table, Wire, block, fit, round_off, total
from narrowmax.formats import Affine, Fixed

WORD = (-(1 << 31), (1 << 31) - 1)
ONE = WORD[1]  # 1.0 in Q0.31
SCALED = 26  # fraction bits of scaled differences, Q5.26

_QUARTER = 1 << (SCALED - 2)
_EXP_OF_EIGHTH, _THIRD = 1895147668, 715827883  # e**(-1/8) and 1/3 in Q0.31
# e**-(1/4), e**-(1/2), ... e**-16 in Q0.31
_EXP_OF_BIT = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_SEED, _SEED_SLOPE = 1515870810, -1010580540  # 48/17 and -32/17 in Q2.29
_STEPS = 3
_BYTE = Fixed.of(False, 8, 0)


@block("high_multiply")
def high_multiply(a: Wire, b: Wire) -> Wire:
    """The upper half of twice the product of two words, rounded half up; -1 times -1 saturates."""
    return fit(round_off(a * b, 31, "half_up"), *WORD, "saturate")


def times(a: Wire, code: int, point: int = 31) -> Wire:
    """`high_multiply` by a constant."""
    return high_multiply(a, a.drawing.constant(code, point))


def raised(wire: Wire, bits: int) -> Wire:
    """The same value with `bits` integer bits less, saturated: a shift to the left."""
    return fit(wire.extend(bits), *WORD, "saturate")


@dataclass(frozen=True)
class Scaling:
    """A factor as `multiplier` * 2**(shift - 31), with 2**30 <= multiplier < 2**31."""

    multiplier: int
    shift: int

    @classmethod
    def of(cls, factor: float) -> Scaling:
        """The scaling nearest to a factor above 0, ties away from zero."""
        mantissa, shift = math.frexp(factor)
        multiplier = math.floor(mantissa * 2**31 + 0.5)  # exact in float64
        return cls(1 << 30, shift + 1) if multiplier == 1 << 31 else cls(multiplier, shift)

    @classmethod
    def to_scaled_differences(cls, factor: float) -> Scaling:
        """From integer differences, a step of which is worth `factor`, to Q5.26."""
        return cls.of(min(factor * 2.0**SCALED, float(ONE)))

    @property
    def least(self) -> int:
        """The smallest difference that is not skipped: about -31 once it is scaled."""
        return -math.floor(31 * 2**SCALED / 2**self.shift)


@block("rescale")
def rescaled(integer: Wire, scaling: Scaling) -> Wire:
    """An integer times a factor: shifted left, which forbids overflow, or right, halves away from zero."""
    shifted = fit(integer << max(scaling.shift, 0), *WORD, "forbid")
    return _quotient(times(shifted, scaling.multiplier, 0), max(-scaling.shift, 0)).at_point(0)


def scaled_difference(difference: Wire, scaling: Scaling) -> Wire:
    """A difference in Q5.26, not beyond the smallest that is not skipped."""
    return rescaled(difference.maximum(scaling.least), scaling).at_point(SCALED)


@block("exp", approximates=math.exp)
def exp_of_negative(a: Wire) -> Wire:
    """e**a in Q0.31 of a in Q5.26, not above 0: a polynomial below a quarter, a constant for each higher bit."""
    rest = (a.at_point(0).low_bits(SCALED - 2) - _QUARTER).at_point(SCALED)  # -1/4 <= rest < 0
    bits = ((rest - a) >> (SCALED - 2)).at_point(0)
    e = _exp_of_rest(raised(rest, 5))
    for k, code in enumerate(_EXP_OF_BIT):
        e = (bits >> k).low_bits(1).select(times(e, code), e)
    return a.equals(0).select(ONE, e)


@block("exp_quarter", approximates=math.exp)
def _exp_of_rest(a: Wire) -> Wire:
    """e**a of -1/4 <= a < 0 in Q0.31: Taylor's polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    sixths = times(_quotient(x4, 2) + x3, _THIRD) + x2
    e = x.drawing.constant(_EXP_OF_EIGHTH, 31)
    return e + high_multiply(e, x + _quotient(sixths, 1))


def _quotient(wire: Wire, bits: int) -> Wire:
    """Divided by 2**bits, halves away from zero."""
    return round_off(wire, bits, "half_away").at_point(wire.point)


def exp_of_difference(difference: Wire, step: float) -> Wire:
    """The exponential in Q0.31 of an integer difference, one of which is worth `step`; 0 far down."""
    scaling = Scaling.to_scaled_differences(step)
    e = exp_of_negative(scaled_difference(difference, scaling).named("scaled"))
    return (difference < scaling.least).select(0, e)


@lru_cache(maxsize=64)
def exp_table(step: float) -> Table:
    """`exp_of_difference` of 0, -1, ... -255: the values of its wire over a byte."""
    entries = exp_of_difference(-Row(_BYTE, 1, None).x, step).values
    made = "gemmlowp's exponential on 32-bit words"
    return Table("exp", tuple(entries.tolist()), 31, f"exp(-{step:.9g}*k)", made, lambda k: math.exp(-k * step))


@block("reciprocal", approximates=lambda t: 1 / (1 + t))
def reciprocal_of_one_plus(t: Wire) -> Wire:
    """1/(1 + t) in Q0.31 of 0 <= t < 1: a linear seed and three Newton steps."""
    half = (t + (1 << 31)) >> 1  # (t + 1)/2, rounded away from zero where 1 is 2**31 - 1
    x = (times(half, _SEED_SLOPE, 29) + _SEED).at_point(29)
    for step in range(_STEPS):
        x = _newton(x, half, 29 - (4, 8, 12)[step])
    return raised(x.at_point(30), 1)


@block("newton")
def _newton(x: Wire, half: Wire, bits: int) -> Wire:
    """One step of Newton's method towards 1/half."""
    error = (1 << 29) - high_multiply(half, x)
    error = error.known(-(1 << bits), 1 << bits, "the seed is wrong by at most 1/17, and each step squares that")
    return x + raised(high_multiply(x, error), 2)


@block("scale")
def scaled_down(product: Wire, bits: int, more: Wire) -> Wire:
    """A product that is not negative, divided by 2**(bits + more), halves away from zero."""
    return round_off((product.at_point(0) >> (bits - 1)) >> more, 1, "half_away").at_point(0)


def normalised(e: Wire, output: Affine) -> Wire:
    """Exponentials in Q0.31 over their sum in Q12.19, as codes of an affine output whose scale is 2**-bits."""
    sum = total(_quotient(e, 12).at_point(19))
    sum = fit(sum, 0, ONE, "forbid")
    sum = sum.known(1 << 19, sum.hi, "the largest element contributes exp(0)").named("sum")
    top = (32 - sum.leading_zeros(32)).named("length")
    inverse = reciprocal_of_one_plus(sum.normalise(32).low_bits(31).at_point(31)).named("inverse")
    share = scaled_down(high_multiply(inverse, e), 31 - output.bits, top - 20)
    return fit(share + output.lowest_code, output.lowest_code, output.highest_code, "saturate")
