"""Exp cores without coefficients: a table, chords of powers of two, powers of two alone."""

from __future__ import annotations

from fractions import Fraction

from narrowmax.architectures.cores import exp_table, exponential
from narrowmax.architectures.parameters import KNOB, Number, Word, exp_format
from narrowmax.architectures.parts.octaves import ARGUMENT, BASE, bounded, octaves
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.powers import falling
from narrowmax.architectures.powers import power_of_two as on_chords
from narrowmax.architectures.reciprocals import scaled
from narrowmax.datapath import Wire, block
from narrowmax.formats import Fixed


@part(exp_format())
def table(d: Wire, exp: Fixed) -> Wire:
    """exp(-d) from a table of all distances up to its first 0."""
    return exponential(d, exp_table(Fraction(1, 1 << d.point), d.hi, exp))


@part(
    Number(
        name="segments",
        default="4",
        source=KNOB,
        choices=tuple(1 << k for k in range(9)),
        doc="chords of 2**f on [0, 1)",
    ),
    BASE,
    ARGUMENT,
    exp_format("UQ1.8"),
)
def chords(d: Wire, segments: int, base: str, argument: int, exp: Fixed) -> Wire:
    """2**-t on chords of 2**f; one chord is 2**f taken as 1 + f."""
    return block("exp", falling(base))(_chorded)(d, segments, base, argument, exp)


def _chorded(d: Wire, segments: int, base: str, argument: int, exp: Fixed) -> Wire:
    """base**-d by a shift and a chord of 2**f."""
    most = exp.fraction_bits + 2
    t = octaves(bounded(d, base, argument, most), base, argument)
    whole = (t + ((1 << t.point) - 1)).drop(t.point).minimum(most)  # upwards, so that a fraction is left to raise 2 to
    fine = Fixed(1, exp.fraction_bits + 2, False, exp.rounding)
    return scaled(on_chords((-t).low_bits(t.point), segments, fine), whole, most, exp)


@part(
    Word(
        name="round", default="nearest", source=KNOB, choices=("nearest", "down", "up"),
        doc="how the octaves become an integer; nearest takes a half upwards",
    ),
    BASE,
    ARGUMENT,
    exp_format("UQ1.8"),
)  # fmt: skip
def power_of_two(d: Wire, round: str, base: str, argument: int, exp: Fixed) -> Wire:
    """A power of two: the octaves rounded to an integer."""
    return block("exp", falling(base))(_shifted)(d, round, base, argument, exp)


def _shifted(d: Wire, round: str, base: str, argument: int, exp: Fixed) -> Wire:
    """The power of two near base**-d."""
    most = exp.fraction_bits + 2
    t = octaves(bounded(d, base, argument, most), base, argument)
    added = {"down": 0, "nearest": 1 << t.point >> 1, "up": (1 << t.point) - 1}[round]
    one = d.drawing.constant(1 << exp.fraction_bits, exp.fraction_bits)
    return scaled(one, (t + added).drop(t.point).minimum(most), most, exp)
