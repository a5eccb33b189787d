"""Schraudolph's exponential of a bf16 number: its product with 1/ln 2 is the result's exponent and fraction, corrected.

2**(k + f) is nearly 2**k * (1 + f); what that is too large, one of two parabolas takes off, for a half of [0, 1) each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from narrowmax.datapath import Magnitude, SignMagnitude, Wire, block
from narrowmax.formats import parse

BF16 = parse("bf16")
_LOG2E = 23637  # 2**14 / ln 2
_BITS = 14
_WIDEST = 8  # 2**8 and more, doubled, is beyond both ends
_BIAS, _FRACTION = 127, 7


@dataclass(frozen=True)
class Parabolas:
    """f becomes alpha f (f + gamma1) below a half, 1 - beta (1 - f) (f + gamma2) from there on.

    alpha and beta in units of 2**-`fine`, gamma1 and gamma2 in units of 2**-7.
    """

    fine: int
    alpha: int
    beta: int
    gamma1: int
    gamma2: int


SOFTEX = Parabolas(4, 4, 7, 363, 278)
VEXP = Parabolas(5, 7, 14, 422, 278)
CONSTANTS = {"softex": SOFTEX, "vexp": VEXP, "none": None}


@block("exp", math.exp, scales=lambda *_: (SignMagnitude(BF16), Magnitude(BF16)))
def exponential(sign: Wire, magnitude: Wire, constants: Parabolas | None) -> Wire:
    """The magnitude of exp(x) in bf16; what is below the normal numbers is 0, what is beyond them infinite."""
    octaves = _octaves(magnitude)
    z = -octaves if sign.lo else sign.select(-octaves, octaves)
    exponent, fraction = (z >> _FRACTION) + _BIAS, z.low_bits(_FRACTION)
    if constants is not None:
        fraction = _corrected(fraction, constants)
    found = (exponent < 1).select(0, (exponent.maximum(0) << _FRACTION) + fraction)
    return found.minimum(BF16.highest_code + 1)


def _octaves(magnitude: Wire) -> Wire:
    """|x| / ln 2 in units of 2**-7: cut below the 14th bit behind the point, rounded, a half upwards."""
    field = magnitude >> _FRACTION
    product = (magnitude.low_bits(_FRACTION) + (1 << _FRACTION)) * _LOG2E
    last = _BIAS + _WIDEST
    cut = (product << _WIDEST) >> (last - field.minimum(last)).minimum((product.hi << _WIDEST).bit_length())
    return (cut >> _BITS) + (cut >> (_BITS - 1)).low_bits(1)


@block("correct")
def _corrected(fraction: Wire, at: Parabolas) -> Wire:
    """The fraction of 2**f for f: one product of 2f + 1/128 or its complement, and one more."""
    low, half = fraction < 1 << (_FRACTION - 1), fraction.low_bits(_FRACTION - 1)
    complement = ((1 << (_FRACTION - 1)) - 1 - half) * 2 + 1
    scaled = low.select(half * (2 * at.alpha), complement * at.beta)
    found = (scaled * (fraction + low.select(at.gamma1, at.gamma2))) >> (_FRACTION + at.fine + 1)
    return low.select(found, (1 << _FRACTION) - 1 - found)
