"""TensorFlow Lite's 8-bit softmax with its exponential from a table, as Arm's Ethos-U runs it.

    d = max(x) - x              exact
    e = table[d]                in Q0.31: 256 entries, those of gemmlowp's exponential
    sum = e / 2**12 added over the row, r = 1/m of sum = m * 2**(L-1), output = e * r / 2**(L-20)
                                as in `tflite_int8`

One pass of the unit for each line: a maximum, a subtraction with a look-up, a shift and a sum; 23 scalar passes for
r (leading zeros, a linear seed, three Newton steps); a product and a shift.

Source: Arm's Vela compiler for the Ethos-U (ethosu/vela/softmax.py, of 2020 by its notice), which splits
TensorFlow Lite's softmax.

Published: the passes, the table's making, every constant and width.

Knobs: the input's scale, zero point and `beta` come with the network, as in `tflite_int8`.

Limits: rows of up to 4,095 elements; a row with nothing present gives 0 everywhere; otherwise those of
`tflite_int8`.

Order: in a row a larger element never has the smaller output, and raising one element never lowers its
own: it is the same function as `tflite_int8`.

Hazards: those of `tflite_int8`; the table depends on scale * beta, so that a unit which serves several
networks has to reload it, where the multipliers of `tflite_int8` only take another constant.

Oracle: TensorFlow Lite's reference kernel, run by ai-edge-litert.
"""

from __future__ import annotations

from narrowmax.architectures.gemmlowp import exp_table, normalised
from narrowmax.architectures.parameters import PUBLISHED, Word
from narrowmax.architectures.record import architecture
from narrowmax.architectures.tflite_int8 import BETA, SCALE, ZERO_POINT, absent, formats, step
from narrowmax.datapath import Row, Wire, largest


@architecture(
    Word(name="kind", default="int8", source=PUBLISHED, choices=("int8", "uint8"), doc="the input and the output"),
    SCALE,
    ZERO_POINT,
    BETA,
    absent=absent,
    formats=formats,
)
def ethos_u(row: Row, kind: str, scale: float, zero_point: int, beta: float) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    e = d.lookup(exp_table(step(scale, beta))).named("e")
    return normalised(e, formats({"kind": kind, "scale": scale, "zero_point": zero_point})[1]).named("p")
