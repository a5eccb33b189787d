"""Softmax in full precision between a quantised input and a quantised output.

    output = softmax(x in `input`), rounded once to `output`

Source: the definition of softmax; what a perfect unit with these formats would give.  No unit was published, so
there is no year.

Published: nothing; it has no hardware and is executed by the reference.

Knobs: both formats, which may be of any kind (fixed, float, affine, decimal).

Limits: rows of any length; values beyond the input's ends become the ends, or as its overflow word
says; a row with nothing present has probability 0 everywhere.

Order: the output's rounding creates ties, never reversals, unless the output wraps.

Hazards: an input step of q alone moves a probability by up to q/4; an output format without
the value 1.0 saturates there.

Oracle: softmax in arbitrary precision.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, AnyFormat
from narrowmax.architectures.record import Architecture

ideal = Architecture(
    "ideal",
    __doc__,
    (
        AnyFormat(
            name="input", default="fp32", source=KNOB, doc="the elements of a row as they arrive, such as logits"
        ),
        AnyFormat(name="output", default="fp32", source=KNOB, doc="the probabilities"),
    ),
)
