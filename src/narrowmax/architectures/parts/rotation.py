"""The exp core by hyperbolic CORDIC: the distance's whole octaves by a shift, the rest by rotations."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Word, exp_format
from narrowmax.architectures.parts.octaves import log2_e
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.reciprocals import scaled
from narrowmax.datapath import Wire, block, round_off
from narrowmax.formats import Fixed

REPEATED = (4, 13, 40)  # without these repeats some angles could not be reached
_FAR = Fraction(3, 4)  # in few bits ln 2 is coarse; the rotations reach 1.118

SHIFTS = Word(
    name="shifts", default="floor", source=PUBLISHED, choices=("floor", "half_up"),
    doc="how what is shifted is rounded",
)  # fmt: skip


def order(count: int) -> list[int]:
    """The shifts of so many rotations: 1, 2, 3, 4, 4, 5, ..."""
    found, shift = [], 1
    while len(found) < count:
        found += [shift] * (1 + (shift in REPEATED))
        shift += 1
    return found[:count]


@part(
    Number(
        name="iterations", default="10", source=KNOB, choices=range(1, 43), turns=range(4, 21),
        doc="rotations, the repeated ones counted",
    ),
    Number(
        name="guard", default="3", source=KNOB, choices=range(2, 17), turns=range(2, 9),
        doc="fraction bits that x, y and the angle have more than exp",
    ),
    SHIFTS,
    Word(name="base", default="e", source=KNOB, choices=("e", "2"), doc="what is raised to a power"),
    exp_format("UQ1.8"),
)  # fmt: skip
def cordic(d: Wire, iterations: int, guard: int, shifts: str, base: str, exp: Fixed) -> Wire:
    """exp(-d) by hyperbolic rotations, and a shift."""
    return _BLOCKS[base](d, iterations, guard, shifts, base, exp)


def _rotated(d: Wire, iterations: int, guard: int, shifts: str, base: str, exp: Fixed) -> Wire:
    """base**-d as cosh + sinh of what is left of the distance, shifted by its octaves."""
    bits, most = exp.fraction_bits + guard, exp.fraction_bits + 3
    whole, z = _reduced(d, base, bits, most)
    x, y = d.drawing.constant(first(iterations, bits), bits), d.drawing.constant(0, bits)
    for shift in order(iterations):
        x, y, z = rotate(x, y, z, shift, angle(shift, base, bits), shifts)
    one = 1 << exp.fraction_bits
    return scaled((x + y).maximum(0), whole, most, exp).minimum(one)


_BLOCKS = {
    "e": block("exp", approximates=lambda d: math.exp(-d))(_rotated),
    "2": block("exp", approximates=lambda d: 2.0**-d)(_rotated),
}


@block("reduce")
def _reduced(d: Wire, base: str, bits: int, most: int) -> tuple[Wire, Wire]:
    """The nearest octaves, and the angle that is left to turn by; a distance is cut to `bits` fraction bits."""
    factor, point = (1, 0) if base == "2" else (log2_e(bits), bits)
    d = d.drop(max(0, d.point - bits))
    point += d.point
    d = d.minimum((((2 * most + 1) << point) - 1) // (2 * factor))  # what is further is 0 already
    whole = round_off((d * factor).at_point(point), point, "half_up")
    z = (whole * octave(base, bits)).at_point(bits) - d
    far = int(_FAR * 2**bits)
    return whole, z.known(-far, far, "the nearest octave is half an octave away at most")


@block("rotate")
def rotate(x: Wire, y: Wire, z: Wire, shift: int, angle: int, shifts: str) -> tuple[Wire, Wire, Wire]:
    """One hyperbolic rotation, towards the angle 0."""
    below = z < 0
    across, along = shifted(y, shift, shifts), shifted(x, shift, shifts)
    return (
        below.select(x - across, x + across),
        below.select(y - along, y + along),
        below.select(z + angle, z - angle),
    )


def shifted(wire: Wire, count: int, shifts: str) -> Wire:
    """wire / 2**count at the wire's own binary point."""
    return round_off(wire.at_point(count), count, shifts).at_point(wire.point)


def _atanh(x: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    low, high = exact.FUNCTIONS["log"].enclose((1 + x) / (1 - x), digits)
    return low / 2, high / 2


def _octaves(x: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    low, high = exact.FUNCTIONS["log2"].enclose((1 + x) / (1 - x), digits)
    return low / 2, high / 2


_ANGLES = {"e": exact.Function("atanh", enclose=_atanh), "2": exact.Function("log2((1+x)/(1-x))/2", enclose=_octaves)}


@lru_cache(maxsize=1024)
def angle(shift: int, base: str, bits: int) -> int:
    """atanh(2**-shift), to nearest; with base 2 in octaves."""
    return exact.rounded(_ANGLES[base], Fraction(1, 1 << shift), bits)


@lru_cache(maxsize=64)
def octave(base: str, bits: int) -> int:
    """ln 2, to nearest; with base 2 it is 1."""
    return exact.rounded("log", 2, bits) if base == "e" else 1 << bits


@lru_cache(maxsize=64)
def first(iterations: int, bits: int) -> int:
    """What x begins with, 1.2075: the inverse of the factor by which these rotations change lengths, to nearest."""
    square = Fraction(1)
    for shift in order(iterations):
        square /= 1 - Fraction(1, 4**shift)
    scaled_square = 4 * square * 4**bits  # of twice the value
    return (math.isqrt(scaled_square.numerator // scaled_square.denominator) + 1) >> 1
