"""Divisions by a row's sum, as parts: functions of e, the sum, its least value, its word and the output's format."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

from narrowmax.architectures import reciprocals
from narrowmax.architectures.cores import quotient
from narrowmax.architectures.parameters import KNOB, Number, Word, reciprocal_format
from narrowmax.architectures.parts.record import PartOf, choice, part
from narrowmax.architectures.parts.vectoring import cordic
from narrowmax.architectures.reciprocals import divided, normalised, reciprocal_table, scaled, tabulated
from narrowmax.datapath import Wire, block, fit, round_off
from narrowmax.exact import round_rational
from narrowmax.formats import Fixed


@part()
def divide(e: Wire, sum: Wire, least: int, word: int, output: Fixed) -> Wire:
    """One integer division for each element."""
    return quotient(e, sum, output)


@part(
    Number(
        name="address", default="6", source=KNOB, choices=range(13), turns=range(1, 13),
        doc="bits of the normalised sum that address the table of reciprocals",
    ),
    Word(
        name="at", default="centre", source=KNOB, choices=("centre", "edge"),
        doc="where in its cell an entry of the table is exact",
    ),
    reciprocal_format("UQ1.8"),
)  # fmt: skip
def table(e: Wire, sum: Wire, least: int, word: int, output: Fixed, address: int, at: str, reciprocal: Fixed) -> Wire:
    """A reciprocal from a table of the normalised sum, a product for each element."""
    cells = reciprocal_table(address, at, reciprocal)
    return divided(e, sum, least, word, address, partial(tabulated, table=cells), output)


@part(
    Number(
        name="pieces", default="8", source=KNOB, choices=tuple(1 << k for k in range(9)),
        doc="chords of the reciprocal on [1, 2)",
    ),
    reciprocal_format("UQ1.8"),
)  # fmt: skip
def chords(e: Wire, sum: Wire, least: int, word: int, output: Fixed, pieces: int, reciprocal: Fixed) -> Wire:
    """A reciprocal on chords of the normalised sum, a product for each element."""
    bits = reciprocal.fraction_bits
    cut = min(bits, pieces.bit_length() - 1)
    look_up = partial(reciprocals.chords, bits=cut, reciprocal=reciprocal)
    return divided(e, sum, least, word, bits, look_up, output)


@part(
    Number(name="steps", default="1", source=KNOB, choices=range(5), turns=range(5), doc="Newton steps"),
    Word(
        name="seed", default="table", source=KNOB, choices=("table", "line"),
        doc="the first guess: a table, or the line 24/17 - 8/17 m",
    ),
    Number(
        name="address", default="4", source=KNOB, choices=range(9), turns=range(1, 9),
        doc="bits of the normalised sum that address the table of first guesses; only with seed=table",
    ),
    Number(
        name="guard", default="2", source=KNOB, choices=range(9), turns=range(5),
        doc="fraction bits that guesses have more than the reciprocal",
    ),
    reciprocal_format("UQ1.12"),
)  # fmt: skip
def newton(e: Wire, sum: Wire, least: int, word: int, output: Fixed, reciprocal: Fixed, guard: int, **start) -> Wire:
    """A reciprocal by Newton's r * (2 - r * m) from a first guess, a product for each element."""
    bits = reciprocal.fraction_bits + guard
    return divided(e, sum, least, word, bits, partial(_improved, reciprocal=reciprocal, **start), output)


@block("reciprocal", approximates=lambda behind: 1 / (1 + behind))
def _improved(behind: Wire, reciprocal: Fixed, steps: int, seed: str, address: int) -> Wire:
    """The reciprocal of m = 1 + behind; every product is cut to as many fraction bits as m has."""
    bits = behind.point
    one = 1 << bits
    r = _line(behind) if seed == "line" else _first(behind, address)
    for _ in range(steps):
        r = _step(r, behind + one)
    r = round_off(r, bits - reciprocal.fraction_bits, reciprocal.rounding)
    return fit(r, 0, reciprocal.highest_code, reciprocal.overflow)


@block("newton")
def _step(r: Wire, m: Wire) -> Wire:
    """One Newton step, r * (2 - r * m), cut to the bits of r."""
    left = (2 << r.point) - (r * m).drop(m.point)
    better = (r * left).drop(r.point)
    return better.known(0, 1 << r.point, "a Newton step never exceeds the reciprocal, and that never exceeds 1")


def _line(behind: Wire) -> Wire:
    """The line that is nearest to the reciprocal of [1, 2), in relative terms."""
    at_one, slope = (round_rational(Fraction(k, 17) * 2**behind.point, "half_up") for k in (16, 8))
    return at_one - (behind * slope).at_point(2 * behind.point).drop(behind.point)


def _first(behind: Wire, address: int) -> Wire:
    address = min(address, behind.point)
    cells = reciprocal_table(address, "centre", Fixed(1, behind.point, False))
    return tabulated(behind.drop(behind.point - address), cells)


FRACTION = Number(
    name="fraction", default="8", source=KNOB, choices=range(1, 25), turns=range(1, 17),
    doc="fraction bits of the logarithms",
)  # fmt: skip


@part(FRACTION)
def mitchell(e: Wire, sum: Wire, least: int, word: int, output: Fixed, fraction: int) -> Wire:
    """A difference of logarithms, log2(m * 2**k) taken as k + m - 1, and back."""
    above = sum.point - e.point  # the sum's codes are so many octaves below those of e
    t = logarithm(sum, word, fraction) - logarithm(e, max(1, e.hi.bit_length()), fraction) - (above << fraction)
    p = antilogarithm(t.maximum(0).named("t"), output)
    return (e > 0).select(p, 0)


def logarithm(wire: Wire, word: int, fraction: int) -> Wire:
    """Mitchell's log2 of a code, and 1: the place of its first one, and the bits behind it as a fraction.

    0 counts as 1/2.
    """
    unit = 2.0**wire.point

    @block("logarithm", approximates=lambda value: 1 + math.log2(value * unit or 0.5))
    def logarithm(wire: Wire) -> Wire:
        """Mitchell's log2: the place of the first one, and the bits behind it as a fraction; 0 counts as 1/2."""
        behind, length = normalised(wire.at_point(0), word, fraction)
        return (length << fraction).at_point(fraction) + behind

    return logarithm(wire)


@block("antilogarithm", approximates=lambda t: 2.0**-t)
def antilogarithm(t: Wire, output: Fixed) -> Wire:
    """Mitchell's 2**-t: one and a fraction, shifted."""
    whole = (t + ((1 << t.point) - 1)).drop(t.point)  # upwards, so that the fraction of -t is what is left
    mantissa = (1 << t.point) + (-t).low_bits(t.point)
    most = output.fraction_bits + 2  # there every mantissa rounds to 0
    return scaled(mantissa, whole.minimum(most), most, output)


@part(
    Word(
        name="to", default="below", source=KNOB, choices=("below", "nearest", "above"),
        doc="the power of two that the sum becomes: by its first one, the nearest (from 3/4 of the next), the next",
    )
)  # fmt: skip
def power_of_two(e: Wire, sum: Wire, least: int, word: int, output: Fixed, to: str) -> Wire:
    """A shift: the sum becomes a power of two."""
    shortest = least.bit_length()
    unit = e.at_point(e.point - sum.point + shortest - 1)
    return scaled(unit, (_octave(sum, word, to) - shortest).named("amount"), word + 1, output)


def _octave(sum: Wire, word: int, to: str) -> Wire:
    """1 and the exponent of the power of two that a sum becomes, as a code."""
    one = 2.0**sum.point

    @block("octave", approximates=lambda value: 1 + math.log2(value * one or 0.5))
    def octave(sum: Wire) -> Wire:
        """The power of two that a sum becomes."""
        if to == "above":
            return word + 1 - (sum.at_point(0).maximum(1) - 1).leading_zeros(word)
        behind, length = normalised(sum, word, 1 if to == "nearest" else 0)
        return length + behind.at_point(0) if to == "nearest" else length

    return octave(sum)


NORMALISERS = (divide, table, chords, newton, mitchell, power_of_two, cordic)


def normaliser(default: str, source: str = KNOB) -> PartOf:
    """The parameter `normalise`."""
    doc = "how an exponential is divided by the sum of its row"
    return choice("normalise", default, source, doc, *NORMALISERS)
