"""Exponentials by octaves: base**-d = 2**-(whole + fraction), the fraction by a core, the whole by a shift."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.architectures.parameters import KNOB, Number, Word
from narrowmax.architectures.reciprocals import scaled
from narrowmax.datapath import Wire, block
from narrowmax.formats import Fixed

GUARD = 4  # log2(e) is held with so many bits more than its product with d keeps
BASES = ("e", "2", "23/16", "shifts")
BASE = Word(
    name="base", default="e", source=KNOB, choices=BASES,
    doc="what is raised to a power: e by a constant that is log2(e), 2, or 2**(23/16), which is near e, by an exact "
    "product or by shifts of -d that each drop bits, -d - d/2 + d/16",
)  # fmt: skip
ARGUMENT = Number(
    name="argument", default="10", source=KNOB, choices=range(2, 25), turns=range(2, 17),
    doc="fraction bits of d * log2(e) that are kept, the rest being dropped; only with base=e",
)  # fmt: skip


def _near_log2_e(one: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    low, high = exact.FUNCTIONS["log"].enclose(2 * one, digits)
    return 1 / high, 1 / low


_LOG2_E = exact.Function("log2(e)", enclose=_near_log2_e)


@lru_cache(maxsize=64)
def log2_e(bits: int) -> int:
    """log2(e) with `bits` fraction bits, to nearest."""
    return exact.rounded(_LOG2_E, 1, bits)


def bounded(d: Wire, base: str, argument: int, most: int) -> Wire:
    """d, or where its power of two is `most` octaves or more below 1, the least code of which that is so."""
    near = Fraction(23, 16)
    factors = {"e": Fraction(log2_e(argument + GUARD), 1 << argument + GUARD), "2": 1, "23/16": near, "shifts": near}
    lost = 1 if base == "shifts" else 0  # shifts come out less than a code below the product
    return d.minimum(-(-((most << d.point) + lost) // factors[base]))


@block("octaves")
def octaves(d: Wire, base: str, argument: int) -> Wire:
    """d times log2 of the base: with base e by a rounded constant, of whose product bits are dropped."""
    if base == "2":
        return d
    if base == "23/16":
        return (d * 23).at_point(d.point + 4)
    if base == "shifts":
        return d - (-d >> 1) + (-d >> 4)
    product = (d * log2_e(argument + GUARD)).at_point(d.point + argument + GUARD)
    return product.drop(d.point + GUARD)


def split(d: Wire, base: str, argument: int, exp: Fixed) -> tuple[Wire, Wire, int]:
    """The whole octaves of base**-d, at most the third of these, and the fraction of an octave.

    At that many octaves below 1 every exponential rounds to 0.
    """
    most = exp.fraction_bits + 2
    t = octaves(bounded(d, base, argument, most), base, argument).named("octaves")
    return t.drop(t.point).minimum(most), t.low_bits(t.point), most


def placed(mantissa: Wire, whole: Wire, most: int, exp: Fixed) -> Wire:
    """mantissa / 2**whole in the format `exp`, rounded once; a mantissa is at most 1."""
    return scaled(mantissa, whole, most, exp)
