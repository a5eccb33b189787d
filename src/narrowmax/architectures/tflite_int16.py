"""Integers of 16 bits in and out, by two tables of 513 entries with straight lines between them.

    D = x - max(x)                          exact
    v = D * scale * beta / (10/65535)       by gemmlowp's multiplier and shift, then 32,767 is added, within 16 bits
    e = exp_table at v                      in Q0.15: v at its nine high bits, and the line to the next entry
                                            at its seven low ones, rounded half up; from e**-10 to 1
    sum = e added over the row              exact; a sum of L bits is m * 2**(L-1), 1 <= m < 2
    r = reciprocal_table at m               in Q0.15: m to 16 bits behind the point, half up, and a line as above
    output = e * r / 2**(L-1)               rounded half up to Q0.15

The tables are made in floats: what a line misses at its middle is halved, and taken off the entry it starts from.

Source: TensorFlow Lite's reference kernel SoftmaxInt16 (tensorflow/lite/kernels/internal/reference/softmax.h
and LUTPopulate in common.h), of 2020 (pull request 35996 of tensorflow/tensorflow); CMSIS-NN's arm_softmax_s16
and Vela's 16-bit softmax have the same tables.

Published: every step, both tables, every width; the output's scale 1/32,768 and both zero points, 0.
Float64 makes the tables of TensorFlow Lite and Vela, float32 those of TensorFlow Lite Micro.

Knobs: the input's scale and `beta` come with the network, both as the float32 that a model stores.
`index` says what becomes of an m that rounds up to 2: TensorFlow Lite saturates, CMSIS-NN's cast wraps.
`tables` changes two entries of the reciprocal by one.

Limits: rows of up to 65,548 elements, beyond which equal maxima would pass the sum's 31 bits; scale * beta
below 5, where differences leave 32 bits; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (proven: the lines of the table of
exponentials never fall, the factor is common).  Raising one element never lowers its own output (by
exhaustion with the default parameters: one element beside 1, 3 or 7 equal others).

Hazards: what lies 10 or more below the maximum is worth 2/32,768, not 0, so that a thousand far losers
are 6 % of the sum; exp(0) is 32,762/32,768.  With `index=wrap` a sum just below a power of two is taken
for one half of it, and the row sums to two.

Oracle: the reference kernel itself, run by ai-edge-litert, and the ends of the published tables.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np

from narrowmax import exact
from narrowmax.architectures.gemmlowp import Scaling, rescaled, scaled_down
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Real, Word
from narrowmax.architectures.record import architecture
from narrowmax.architectures.tflite_int8 import BETA, stored
from narrowmax.datapath import Drawing, Row, Table, Wire, block, fit, largest, round_off, total
from narrowmax.formats import Affine

_LOWEST, _HIGHEST = -(1 << 15), (1 << 15) - 1
_OUTPUT = Affine(16, 1 / 32768)
_SEGMENTS, _REST = 512, 7
_SUM_BITS = 31


@lru_cache(maxsize=4)
def entries(name: str, kind: str = "float64") -> tuple[int, ...]:
    """The 513 entries of the table `exp` on [-10, 0] or `reciprocal`, 1/(1 + x) on [0, 1], in Q0.15.

    kind: the floats that they are made in, in the published order of operations; exp itself is correctly rounded.
    """
    one = np.dtype(kind).type
    span, zero, function = {"exp": (10, _HIGHEST, _exp), "reciprocal": (1, _LOWEST, _reciprocal)}[name]
    scale, out = one(span) / one(65535), one(2) / one(65535)
    low, high = scale * one(_LOWEST - zero), scale * one(_HIGHEST - zero)
    unit = one(65536) / (out * one(_HIGHEST) - out * one(_LOWEST))
    step = (high - low) / one(_SEGMENTS)
    at = low + np.arange(_SEGMENTS + 1, dtype=one) * step
    values, middles = function(at) * unit, function(at[:-1] + step / one(2)) * unit
    left = _nearest(values[:-1])
    missed = _nearest((values[1:] + left) / one(2)) - _nearest(middles)
    found = [*(left - _nearest(missed / one(2))), *_nearest(function(np.array([high])) * unit)]
    return tuple(int(min(max(entry, _LOWEST), _HIGHEST)) for entry in found)


def _exp(x: np.ndarray) -> np.ndarray:
    found = exact.tabulate("exp", [Fraction(float(one)) for one in x], 80)
    return np.array([code / 2**80 for code in found], x.dtype)


def _reciprocal(x: np.ndarray) -> np.ndarray:
    return x.dtype.type(1) / (x.dtype.type(1) + x)


def _nearest(x: np.ndarray) -> np.ndarray:
    """The nearest integers, halves away from zero."""
    return np.copysign(np.floor(np.abs(x) + x.dtype.type(0.5)), x)


_FUNCTIONS = {
    "exp": ("exp(10*k/512 - 10)", lambda k: math.exp(10 * k / _SEGMENTS - 10)),
    "reciprocal": ("1/(1 + k/512)", lambda k: 1 / (1 + k / _SEGMENTS)),
}


@lru_cache(maxsize=4)
def _tables(name: str, kind: str) -> tuple[Table, Table]:
    """What each line starts from, and what it gains."""
    held, (text, function) = entries(name, kind), _FUNCTIONS[name]
    gains = tuple(b - a for a, b in pairwise(held))
    made = f"in {kind}, half of what a line misses in the middle off"
    return (
        Table(f"{name}_edge", held[:-1], 15, text, made, function),
        Table(f"{name}_slope", gains, 15, f"what {name} gains in segment k", "differences of the entries"),
    )


def _on_lines(code: Wire, tables: tuple[Table, Table]) -> Wire:
    """The line from the entry at the nine high bits of a 16-bit code."""
    edges, slopes = tables
    segment, rest = (code >> _REST) + _SEGMENTS // 2, code.low_bits(_REST)
    gain = round_off(segment.lookup(slopes).at_point(0) * rest, _REST, "half_up").at_point(15)
    return segment.lookup(edges) + gain


@block("exp", approximates=lambda v: math.exp((v - _HIGHEST) * 10 / 65535))
def _exponential(code: Wire, kind: str) -> Wire:
    """exp of -10 to 0, from a table with lines."""
    return _on_lines(code, _tables("exp", kind))


@block("reciprocal", approximates=lambda x: 1 / (1 + (x - _LOWEST) / 65536))
def _inverse(code: Wire, kind: str) -> Wire:
    """1/(1 + x) of 0 to 1, from a table with lines."""
    return _on_lines(code, _tables("reciprocal", kind))


@architecture(
    Real(
        name="scale", default="0.000244140625", source=KNOB, least=1e-7, most=4.0,
        doc="what one step of the input is worth, taken as float32",
    ),
    BETA,
    Word(
        name="tables", default="float64", source=PUBLISHED, choices=("float64", "float32"),
        doc="what the tables are made in: float64 in TensorFlow Lite and Vela, float32 in TensorFlow Lite Micro",
    ),
    Word(
        name="index", default="saturate", source=PUBLISHED, choices=("saturate", "wrap"),
        doc="what becomes of a normalised sum that rounds up to 2: saturate as in TensorFlow Lite, wrap as in CMSIS-NN",
    ),
    formats=lambda parameters: (Affine(16, stored(parameters["scale"])), _OUTPUT),
)  # fmt: skip
def tflite_int16(row: Row, scale: float, beta: float, tables: str, index: str) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    factor = float(np.float32(scale) * np.float32(beta)) / (10 / 65535)
    v = fit(rescaled(-d, Scaling.of(factor)) + _HIGHEST, _LOWEST, _HIGHEST, "saturate").named("v")
    e = _exponential(v, tables).named("e")

    sum = fit(total(e), 0, (1 << _SUM_BITS) - 1, "forbid")
    sum = sum.known(_least(tables), sum.hi, "the largest element contributes exp(0)").named("sum")
    length = _SUM_BITS - sum.leading_zeros(_SUM_BITS)
    m = round_off(sum.normalise(_SUM_BITS).at_point(0), 14, "half_up").at_point(0).named("m")
    r = _inverse(fit(m - (_HIGHEST - 2 * _LOWEST + 1), _LOWEST, _HIGHEST, index), tables).named("r")
    return fit(scaled_down(e * r, 14, length - 15), 0, _HIGHEST, "saturate").named("p")


@lru_cache(maxsize=2)
def _least(kind: str) -> int:
    """The exponential of 0."""
    return _exponential(Drawing().constant(_HIGHEST), kind).lo
