"""Shared parts: exp cores, sums and normalisers, which an architecture's file puts together.

exp=polynomial(degree=2)      a core: exp(-d), or a power of another base, of a distance d
sum=rounded(sum=UQ10.6)       how exponentials are added
normalise=newton(steps=1)     how they are divided by their sum
"""

from narrowmax.architectures.parameters import KNOB
from narrowmax.architectures.parts.bipartition import bipartite
from narrowmax.architectures.parts.composition import MAXIMUM, least_of, softmax
from narrowmax.architectures.parts.digits import basic_split
from narrowmax.architectures.parts.lines import interpolated, line
from narrowmax.architectures.parts.normalisers import NORMALISERS, normaliser
from narrowmax.architectures.parts.piecewise import piecewise_linear
from narrowmax.architectures.parts.polynomials import polynomial
from narrowmax.architectures.parts.record import Chosen, Part, PartOf, choice, part
from narrowmax.architectures.parts.rotation import cordic
from narrowmax.architectures.parts.simple import chords, power_of_two, table
from narrowmax.architectures.parts.sums import sum_of

EXPONENTIALS = (
    table, polynomial, piecewise_linear, chords, power_of_two, interpolated, line, basic_split, bipartite, cordic,
)  # fmt: skip


def exponential(default: str, source: str = KNOB) -> PartOf:
    """The parameter `exp` of an architecture that takes any core."""
    return choice("exp", default, source, "how exponentials are made", *EXPONENTIALS)


__all__ = [
    "EXPONENTIALS", "MAXIMUM", "NORMALISERS", "Chosen", "Part", "PartOf", "basic_split", "bipartite", "chords",
    "choice", "cordic", "exponential", "interpolated", "least_of", "line", "normaliser", "part", "piecewise_linear",
    "polynomial", "power_of_two", "softmax", "sum_of", "table",
]  # fmt: skip
