"""I-BERT's integer softmax: a parabola between powers of two, exponentials of 16 bits, one factor for each row.

    d = max(x) - x                        not beyond 30 unit; unit = ceil(0.6931 / scale)
    z = floor(d / unit);  r = d - z unit
    L = c - r (b - r)                     the paper's 0.3585 (p + 1.353)**2 + 0.344, p = -r scale, over 0.3585 scale**2:
                                          b = floor(2.707 / scale), c = floor(2.792 / scale**2)
    e = L * 2**-z * 32767 / (range * c)   to nearest, halves up, at most 32,767; one constant, see Knobs
    sum = e added over the row            exact
    factor = floor(2**32 / sum)
    output = floor(e * factor / 2**(32 - output_bits))

Source: S. Kim, A. Gholami, Z. Yao, M. W. Mahoney, K. Keutzer, "I-BERT: Integer-only BERT Quantization", ICML
2021; the authors' module IntSoftmax, which Hugging Face's Transformers has (models/ibert/quant_modules.py).

Published: every step and constant, made in float64 as the module makes them; 16 bits of exponential, 30
octaves, a factor of 32 bits, 8 bits of output.  Its figure: the exponential is wrong by at most 1.9e-3.

Knobs: the input's bits, its scale (the float32 nearest to it) and the range come with the network: the range is
a checkpoint's `act.x_max` over c * 2**30, 1 where training was long enough.  The module multiplies by a ratio of
31 bits after it divided by a scale; the constant that comes of both is held in `ratio` bits.  With 40 it is
wrong by less than 2**-25 of an exponential's last bit, float64's by 2**-38.

Limits: an element 11.1 or more below the maximum has e = 0 (range 1); scales above 1.67 leave c = 0 and are
refused; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (by exhaustion with the default parameters and with
300 scales: exponentials never rise with the distance; the factor is common).

Hazards: floors at the end: of two equal elements each has 127/256, of 128 each 1/256, from 256 on all are 0.
The module keeps integers in floats: in float32, 255.99999 rounds to 256, so that what stands alone has 256/256 and not
255/256, and c is rounded where the scale is below 0.0004; this unit does as the module does in float64.  With a
range that makes a maximum's e a power of two, one that stands alone has 256/256 here too, and the output an
integer bit.

Oracle: IntSoftmax of the package transformers in float64; the published steps in plain integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from narrowmax.architectures.gemmlowp import Scaling
from narrowmax.architectures.integers import BITS, whole_and_rest
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Real
from narrowmax.architectures.record import architecture
from narrowmax.architectures.tflite_int8 import SCALE, stored
from narrowmax.datapath import Row, Wire, block, largest, round_off, total
from narrowmax.errors import DesignError
from narrowmax.exact import round_rational
from narrowmax.formats import Affine, Fixed, parse

OCTAVES, WORD, LARGEST = 30, 32, (1 << 15) - 1
_LN2, _A, _B = 0.6931, 0.35815147, 0.96963238  # exp(x) is near _A x**2 + _B x + 1


@dataclass(frozen=True)
class Constants:
    """What the module computes from scale and range, in float64; e is L * 2**-z * multiplier / 2**point."""

    unit: int
    b: int
    c: int
    multiplier: int
    point: int

    @classmethod
    def of(cls, scale: float, range: float, ratio: int) -> Constants:
        """The constants, with `ratio` bits of multiplier.  Raises DesignError where the scale is too coarse."""
        s = stored(scale)
        c = math.floor(1.0 / _A / (s * s))
        if not c:
            raise DesignError(f"scale={scale} is not possible: ibert takes scales up to 1.67, beyond which c is 0")
        step = _A * (s * s) / 2**OCTAVES
        largest = np.float32(range * c * 2.0**OCTAVES)
        dyadic = Scaling.of(step / float(largest / np.float32(LARGEST)))
        exact = dyadic.multiplier * Fraction(2) ** (dyadic.shift - 31) / Fraction(step) * 2**OCTAVES
        point = ratio - math.frexp(exact)[1]
        multiplier = round_rational(exact * 2**point, "half_up")
        return cls(math.ceil(_LN2 / s), math.floor(_B / _A / s), c, multiplier, point)

    @property
    def largest(self) -> int:
        """The exponential of a maximum."""
        return min(round_rational(Fraction(self.c * self.multiplier, 1 << self.point), "half_up"), LARGEST)

    @property
    def whole(self) -> int:
        """Integer bits of the output: what stands alone in its row has 1.0 where `largest` is a power of two."""
        return int(self.largest.bit_count() == 1)


def formats(parameters) -> tuple[Affine, Fixed]:
    """The formats of input and output."""
    scale, bits = parameters["scale"], parameters["output_bits"]
    whole = Constants.of(scale, parameters["range"], parameters["ratio"]).whole
    return Affine(parameters["bits"], stored(scale)), parse(f"UQ{whole}.{bits}")


@architecture(
    BITS,
    SCALE,
    Real(
        name="range", default="1.0", source=KNOB, least=0.0625, most=16.0,
        doc="the exponential that becomes 32,767, in units of that of the maximum",
    ),
    Number(
        name="ratio", default="40", source=KNOB, choices=range(24, 64), turns=range(24, 54),
        doc="the bits of the constant that an exponential is multiplied by",
    ),
    Number(
        name="output_bits", default="8", source=PUBLISHED, choices=range(2, 17), turns=range(3, 13),
        doc="the output's width",
    ),
    formats=formats,
)  # fmt: skip
def ibert(row: Row, bits: int, scale: float, range: float, ratio: int, output_bits: int) -> Wire:
    k = Constants.of(scale, range, ratio)
    e = _exponential((largest(row.x).named("top") - row.x).named("d"), k, stored(scale)).named("e")
    sum = total(e)
    sum = sum.known(k.largest, sum.hi, "the largest element contributes that of a maximum").named("sum")
    factor = row.drawing.constant(1 << WORD).divide(sum, by_zero=0).named("factor")
    p = ((e * factor) >> (WORD - output_bits)).at_point(output_bits)
    return p.known(0, (1 << output_bits) - 1 + k.whole, "an exponential is at most the sum").named("p")


def _exponential(d: Wire, k: Constants, scale: float) -> Wire:
    """32,767 * exp(-d * scale) / range."""

    @block("exp", approximates=lambda d: k.c * k.multiplier / 2**k.point * math.exp(-d * scale))
    def parabola(d: Wire) -> Wire:
        """exp(-d): a parabola, shifted by the octaves."""
        z, r = whole_and_rest(d, k.unit, OCTAVES)
        inside = (k.c - r * (k.b - r)).maximum(0).named("inside")
        scaled = ((inside * k.multiplier) >> (k.point - 1)) >> z
        return round_off(scaled.at_point(1), 1, "half_up").minimum(LARGEST)

    return parabola(d)
