"""Steps that units on scaled integers share: differences counted in units of the exponential's octave or e-fold."""

from __future__ import annotations

from fractions import Fraction

from narrowmax.architectures.parameters import KNOB, Number, Real
from narrowmax.datapath import Wire, block

BITS = Number(
    name="bits", default="8", source=KNOB, choices=range(2, 25), turns=range(3, 11), doc="the input's width, signed"
)
SCALE = Real(
    name="scale", default="0.0625", source=KNOB, least=1e-4, most=4.0, doc="what one step of the input is worth"
)


def as_written(real: float) -> Fraction:
    """The number that a parameter's text names: 0.05 is a twentieth."""
    return Fraction(str(real))


@block("split")
def whole_and_rest(difference: Wire, unit: int, most: int) -> tuple[Wire, Wire]:
    """How often a difference, not beyond `most` units, holds the unit, and what is left."""
    kept = difference.minimum(most * unit)
    whole = kept.divide(unit, by_zero=0)
    rest = kept - whole * unit
    if rest.lo < 0 or rest.hi >= unit:
        rest = rest.known(0, unit - 1, "what a division leaves is less than the divisor")
    return whole.named("whole"), rest.named("rest")
