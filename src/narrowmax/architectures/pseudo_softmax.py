"""Pseudo-softmax: powers of two as floats, added without a maximum, and the sum's reciprocal on two lines.

    value of a code = code * ln(2)/2**shift    so that e**value is 2**(code/2**shift)
    k = floor(code / 2**shift)                 2**k is a float with the mantissa 1
    m, exponent = 2**k added over the row      the smaller operand shifted to the exponent of the larger, their sum
                                               shifted where it reached 2; each shift loses bits as `adder` says
    y = 51/32 - m/2 - m/8                      for m < 3/2, and 36/32 - m/4 - m/16 from there on: near 1/m, with as
                                               many fraction bits as m; `cut` says where the others are lost
    output = 2y * 2**(k - exponent - 1)        1 <= 2y < 2; 0 where the exponent is below `threshold`

Source: G. C. Cardarilli, L. Di Nunzio, R. Fazzolari, D. Giardino, A. Nannarelli, M. Re, S. Spano, "A pseudo-softmax
function for hardware-based high speed image classification", Scientific Reports 11:15307, 2021.

Published: 8 bits of input (3 and 10 too), 8 fraction bits of the sum and 8 of its reciprocal, both lines; a
tree of adders for 10 elements at once (`order=tree`); temperatures that are powers of two, here `shift`.  Its
figures: 310 MHz without a pipeline in 90 nm, for 10 elements of 8 bits; the reciprocal is wrong by up to
0.03125, 0.011151 on average; mean squared errors up to 1e-3 on five networks (second-hand).

Knobs: what shifts lose and where the reciprocal is cut, which the paper does not say; the threshold, of which it
gives no value.  Its output has an exponent of 9 bits beside the mantissa of 8, none of them a sign; bf16 has the
mantissa and 8 bits, which end at 2**-126.  A fixed-point output is shifted into place.

Limits: rows of any length with a tree; a serial sum of f fraction bits stands still after 2**(f+1) equal elements,
2**(f+2) with `adder=half_up`.  Nothing overflows without a maximum, since exponents have the bits they need.
A row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (proven: all share the mantissa, and exponents
follow the elements).  A tree is built on as many lanes as a row has elements, and interleaved(k) on k.

Hazards: what stands alone has 31/32, and a row sums to 0.968 to 1.025 where its sum lost nothing.  What lies 9
octaves or more below the sum so far is not added at all, so that 1,000 equal elements one after the other
sum to 1.89, and a thousand small ones behind a large one count for nothing.

Oracle: the published steps in plain integers; the published error of the reciprocal, by exhaustion.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from narrowmax.architectures.parameters import KNOB, PUBLISHED, AnyFormat, Number, Word
from narrowmax.architectures.reciprocals import scaled
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Linear, Magnitude, Rate, Row, Scientific, Wire, block, fold, round_off
from narrowmax.formats import Affine, Fixed, Float


@dataclass(frozen=True, kw_only=True)
class Share(AnyFormat):
    """A format for what lies between 0 and 1: a float, or fixed point without a sign."""

    @property
    def allowed(self):
        return "a float such as bf16 or unsigned fixed point such as UQ0.8, with a rounding other than stochastic"

    def read(self, value):
        found = super().read(value)
        if not isinstance(found, Float) and not (isinstance(found, Fixed) and not found.signed):
            raise self.refuse(value)
        return found


def formats(parameters) -> tuple[Affine, Fixed | Float]:
    """The formats of input and output."""
    return Affine(parameters["bits"], math.log(2) * 2.0 ** -parameters["shift"]), parameters["output"]


@architecture(
    Number(
        name="bits", default="8", source=PUBLISHED, choices=range(2, 17), turns=range(3, 11), doc="the input's width"
    ),
    Number(
        name="shift", default="0", source=KNOB, choices=range(-4, 9), turns=range(5),
        doc="codes whose difference is 2**shift are an octave apart; a temperature of 2**shift",
    ),
    Number(
        name="fraction", default="8", source=PUBLISHED, choices=range(5, 17), turns=range(5, 13),
        doc="the fraction bits of the sum's mantissa, and of its reciprocal",
    ),
    Word(
        name="adder", default="floor", source=KNOB, choices=("floor", "half_up"),
        doc="how bits that a shift of the adder drops are rounded",
    ),
    Word(
        name="order", default="serial", source=KNOB,
        choices=("serial", "tree", *(f"interleaved({k})" for k in (2, 4, 8, 16))),
        doc="the sum: one after the other, neighbours first, or as many sums as there are lanes, and then those",
    ),
    Word(
        name="cut", default="terms", source=KNOB, choices=("terms", "product", "result"),
        doc="where the reciprocal is cut: each shifted mantissa, their sum, or what is left of the constant",
    ),
    Number(
        name="threshold", default="-126", source=KNOB, choices=range(-512, 0),
        doc="the least exponent of an output; below it, and below the format's normal numbers, it is 0",
    ),
    Share(name="output", default="bf16", source=KNOB, doc="the probabilities"),
    formats=formats,
)  # fmt: skip
def pseudo_softmax(row: Row, bits: int, shift: int, fraction: int, adder: str, order: str, cut: str, threshold: int,
                   output: Fixed | Float) -> Wire:  # fmt: skip
    k = (row.x >> shift if shift > 0 else row.x << -shift).named("k")
    one = row.drawing.constant(1 << fraction, fraction, Rate.ELEMENT)
    m, exponent = fold(lambda *pair: _added(*pair, adder, k.hi), one, k, order=order)
    y = _reciprocal(m.named("m"), cut).named("y")
    below = exponent.named("exponent") - k
    below = below.known(0, below.hi, "a sum is not below what it is the sum of").named("below")
    least = max(threshold, output.smallest_exponent) if isinstance(output, Float) else threshold
    return _packed(y, below, least, output).named("p")


@block("float_add", operator.add, scales=lambda m, *_: (Scientific(m.point),) * 3)
def _added(m: Wire, k: Wire, other: Wire, at: Wire, adder: str, top: int) -> tuple[Wire, Wire]:
    """The sum of two floats without a sign, each a mantissa and an exponent."""
    lower, exponent = k < at, k.maximum(at)
    apart = exponent - k.minimum(at)
    s = lower.select(other, m) + _shifted(lower.select(m, other), apart, adder)
    one = 1 << m.point
    carry = s.at_point(0) >= 2 * one
    s = carry.select(_shifted(s, s.drawing.constant(1), adder), s)
    exponent = exponent + carry
    most = top + 1 + m.drawing.max_n.bit_length()
    return (
        s.known(one, 2 * one - 1, "a sum is less than 4 and is halved from 2 on"),
        exponent.known(k.lo, most, "no step more than doubles what it adds"),
    )


def _shifted(m: Wire, amount: Wire, adder: str) -> Wire:
    return m >> amount if adder == "floor" else round_off(m.extend(1) >> amount, 1, "half_up")


@block("reciprocal", approximates=lambda m: 1 / m)
def _reciprocal(m: Wire, cut: str) -> Wire:
    """The reciprocal of 1 <= m < 2 on two lines, whose slopes are sums of two shifts."""
    x, one = m.at_point(0), 1 << m.point
    lower = x < 3 * one >> 1
    return lower.select(_line(x, 51 * one >> 5, 1, cut), _line(x, 36 * one >> 5, 2, cut)).at_point(m.point)


def _line(x: Wire, start: int, shift: int, cut: str) -> Wire:
    """start - x / 2**shift - x / 2**(shift + 2)."""
    if cut == "terms":
        return start - (x >> shift) - (x >> (shift + 2))
    if cut == "product":
        return start - (5 * x >> (shift + 2))
    return ((start << (shift + 2)) - 5 * x) >> (shift + 2)


@block(
    "pack", lambda y, below: y * 2.0**-below,
    scales=lambda y, below, least, output: (Linear(y.point), Linear(0), _scale(output)),
)  # fmt: skip
def _packed(y: Wire, below: Wire, least: int, output: Fixed | Float) -> Wire:
    """y / 2**below in the output's format, 0 below the least exponent."""
    packed = _float if isinstance(output, Float) else _fixed
    return (below > -1 - least).select(0, packed(y, below.minimum(-1 - least), output))


def _scale(output: Fixed | Float) -> Linear | Magnitude:
    return Magnitude(output) if isinstance(output, Float) else Linear(output.fraction_bits)


def _float(y: Wire, below: Wire, output: Float) -> Wire:
    """The float 2y * 2**(-below - 1): its exponent field, and what is behind the first bit of y."""
    behind = y.point - 1
    code = ((-output.smallest_exponent - below) << behind) + (y.at_point(0) - (1 << behind))
    more = output.fraction_bits - behind
    return code << more if more >= 0 else round_off(code.at_point(-more), -more, output.rounding)


def _fixed(y: Wire, below: Wire, output: Fixed) -> Wire:
    most = output.fraction_bits + 2  # y is less than 1, so that from here on nothing is left, however rounded
    return scaled(y, below.minimum(most), most, output)
