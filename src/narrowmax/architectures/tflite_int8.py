"""Integers of 8 bits in and 8 or 16 out, by the reference kernel of TensorFlow Lite on gemmlowp's 32-bit words.

    D = x - max(x)                          exact; what lies below -floor(31 * 2**26 / 2**shift) has e = 0
    a = D * 2**shift * multiplier / 2**31   in Q5.26; multiplier * 2**(shift - 31) is scale * beta * 2**26
    e = exp(a)                              in Q0.31: Taylor's polynomial of degree 4 around -1/8 for what lies
                                            above the next quarter, times a constant for each higher bit
    sum = e / 2**12 added over the row      in Q12.19, halves up; a sum of L bits is m * 2**(L-1), 1 <= m < 2
    r = 1/m                                 in Q0.31: 48/17 - 32/17 d for d = m/2, and three Newton steps
    output = e * r / 2**(L-20)              rounded to the output's bits, saturated, its lowest code added

Products of two words keep 32 bits, rounded half up (gemmlowp's rounding doubling high multiply); quotients
by powers of two are rounded half away from zero.

Source: TensorFlow Lite's reference kernel (tensorflow/lite/kernels/internal/reference/softmax.h), of 2017 by its
notice, on B. Jacob and P. Warden's gemmlowp (fixedpoint/fixedpoint.h); CMSIS-NN's arm_softmax_s8, _s8_s16
and _u8 do the same.

Published: every step, constant and width; the outputs' scales 1/256 and 1/65,536 and their zero points.

Knobs: the input's scale, zero point and `beta` come with the network, both reals as the float32 that a
model stores; the zero point changes no bit of the unit, only which values its codes stand for.

Limits: rows of up to 4,095 elements, beyond which equal maxima would pass the sum's end; differences
whose scaled value is beyond 15.5 to 31, as the multiplier lies in its octave, have the exponential 0; a
row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (proven: 256 exponentials, which never
rise with the distance, and monotone steps with a common factor).  Raising one element never lowers its own
output (by exhaustion with the default parameters: one element beside 1, 3 or 7 equal others).

Hazards: the largest 8-bit output is 255/256 and the smallest 1/256, so probabilities below 1/512 vanish
and a row of 512 equal elements is all 0; the kernel itself ends the program where the sum reaches 512 of
its maxima (an 8-bit output) and reads the sum as unsigned beyond 4,095.  TensorFlow Lite's optimised
kernels use a table of float32 exponentials instead, and differ by a code now and then.

Oracle: the reference kernel itself, run by ai-edge-litert.
"""

from __future__ import annotations

import numpy as np

from narrowmax.architectures.gemmlowp import exp_of_difference, normalised
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Real, Word
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, largest
from narrowmax.formats import Affine

_OUTPUTS = {
    "int8": Affine(8, 1 / 256, -128),
    "int16": Affine(16, 1 / 65536, -32768),
    "uint8": Affine(8, 1 / 256, 0, signed=False),
}
SCALE = Real(
    name="scale", default="0.0625", source=KNOB, least=1e-4, most=1e3,
    doc="what one step of the input is worth, taken as float32",
)  # fmt: skip
BETA = Real(
    name="beta", default="1.0", source=PUBLISHED, least=1e-2, most=1e3,
    doc="a factor of the input before the exponential, taken as float32",
)  # fmt: skip
ZERO_POINT = Number(
    name="zero_point", default="0", source=KNOB, choices=range(-128, 256), doc="the input's code of the value 0"
)


def formats(parameters) -> tuple[Affine, Affine]:
    """The formats of input and output."""
    kind, scale = parameters["kind"], stored(parameters["scale"])
    return Affine(8, scale, parameters["zero_point"], signed=kind != "uint8"), _OUTPUTS[kind]


def stored(real: float) -> float:
    """A number as a model holds it, in float32."""
    return float(np.float32(real))


def step(scale: float, beta: float) -> float:
    """What one step of the input is worth to the exponential: the product in float64 of numbers in float32."""
    return stored(scale) * stored(beta)


def absent(parameters) -> int:
    """The code of the probability 0."""
    return _OUTPUTS[parameters["kind"]].lowest_code


@architecture(
    Word(
        name="kind", default="int8", source=PUBLISHED, choices=("int8", "int16", "uint8"),
        doc="the output; the input is uint8 beside uint8, else int8",
    ),
    SCALE,
    ZERO_POINT,
    BETA,
    absent=absent,
    formats=formats,
)  # fmt: skip
def tflite_int8(row: Row, kind: str, scale: float, zero_point: int, beta: float) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    e = exp_of_difference(-d, step(scale, beta)).named("e")
    return normalised(e, _OUTPUTS[kind]).named("p")
