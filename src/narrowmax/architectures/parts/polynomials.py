"""The exp core by a polynomial of degree 1 to 4 on an octave, minimax under rounded coefficients."""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, Number, exp_format
from narrowmax.architectures.parts.minimax import coefficients_of
from narrowmax.architectures.parts.octaves import ARGUMENT, BASE, placed, split
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.powers import falling
from narrowmax.datapath import Wire, block
from narrowmax.formats import Fixed


@part(
    Number(
        name="degree", default="2", source=KNOB, choices=range(1, 5), turns=range(1, 5), doc="degree of the polynomial"
    ),
    Number(
        name="coefficients", default="12", source=KNOB, choices=range(4, 31), turns=range(4, 21),
        doc="fraction bits of the coefficients and of every product",
    ),
    BASE,
    ARGUMENT,
    exp_format("UQ1.10"),
)  # fmt: skip
def polynomial(d: Wire, degree: int, coefficients: int, base: str, argument: int, exp: Fixed) -> Wire:
    """2**-t by a polynomial on [0, 1) in Horner's form, and a shift."""
    return block("exp", falling(base))(_exponential)(d, degree, coefficients, base, argument, exp)


def _exponential(d: Wire, degree: int, coefficients: int, base: str, argument: int, exp: Fixed) -> Wire:
    """base**-d by a shift and a polynomial."""
    whole, fraction, most = split(d, base, argument, exp)
    return placed(horner(fraction, coefficients_of(degree, coefficients), coefficients), whole, most, exp)


@block("polynomial", approximates=lambda fraction: 2.0**-fraction)
def horner(fraction: Wire, coefficients: tuple[int, ...], point: int) -> Wire:
    """2**-fraction by Horner's rule; every product is cut to `point` fraction bits, the result kept in [1/2, 1]."""
    *rest, found = (fraction.drawing.constant(c, point) for c in coefficients)
    for c in reversed(rest):
        found = (found * fraction).drop(fraction.point) + c
    one = 1 << point
    return found.minimum(one).maximum(one >> 1)
