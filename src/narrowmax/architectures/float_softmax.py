"""Every step in a small float, rounded each time, as units for fp16 and bf16 work.

    top = max(x)                        exact
    d = x - top in `input`              rounded once; never positive
    e = exp(d) in `exp`                 correctly rounded, from a table of all magnitudes of d
    sum = e added over the row          each e brought to `sum`, each addition rounded to it; `order` says in
                                        which order: serial, a tree of neighbours aligned on powers of two, or
                                        interleaved(k), k serial sums of every k-th element and then those
    output = e / sum in `output`        both brought to `output`, one division rounded to it; with
                                        `normalise=reciprocal` 1 / sum rounded to it, and the product again

Each rounding is by the word of the format that it rounds to; subnormals are kept.  A format with `saturate`
knows no infinities: its largest number stands for them, and for NaN.  With `infinity` it has those of IEEE 754.

Source: the arithmetic of fp16 and bf16 processors; P. Blanchard, D. J. Higham, N. J. Higham, "Accurately
computing the log-sum-exp and softmax functions", IMA Journal of Numerical Analysis 41(4), 2021, for its errors.

Published: the shifted softmax, its order of steps; no unit's details.

Knobs: all formats.  `sum=fp32` is the usual remedy for a sum that stalls; `input=fp16` with fp8 behind it takes
the maximum off before it quantises.

Limits: rows of any length; tables of up to 65,536 entries, which no float of up to 16 bits exceeds; a row with
nothing present gives 0 everywhere, and an infinite maximum NaN.

Order: monotone.  In a row a larger element never has the smaller output (rounding is monotone, the divisor is
common).  Raising one element can lower its own output, where the sum is coarse.  A tree is built on as many
lanes as a row has elements, and interleaved(k) on k.

Hazards: a serial sum of f fraction bits stalls at 2**(f+1) equal maxima, 256 in bf16 and 16 in e4m3, so that a
row sums to more than 1; a tree goes on.  bf16 inputs near 100 lie half a unit apart.  In fp16 exp is subnormal
below -9.70 and 0 below about -17.3.

Oracle: NumPy and ml_dtypes, step by step.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, FloatFormat, Word
from narrowmax.architectures.parts import floats
from narrowmax.architectures.parts.float_tables import exponential
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, fold, largest
from narrowmax.formats import Float


def _float(name: str, doc: str, fractions: range = range(1, 11)):
    turns = {"fraction": fractions}
    return FloatFormat(name=name, default="bf16", source=KNOB, doc=doc, fractions=fractions, turns=turns)


@architecture(
    _float("input", "the elements of a row as they arrive, and their differences from its largest"),
    _float("exp", "the exponentials"),
    _float("sum", "what exponentials are added in", range(1, 24)),
    Word(
        name="order", default="serial", source=KNOB,
        choices=("serial", "tree", *(f"interleaved({k})" for k in (2, 4, 8, 16))),
        doc="the sum: one after the other, neighbours first, or as many sums as there are lanes, and then those",
    ),
    Word(
        name="normalise", default="divide", source=KNOB, choices=("divide", "reciprocal"),
        doc="a division for each element, or one for each row and a product for each element",
    ),
    _float("output", "the probabilities"),
)  # fmt: skip
def float_softmax(row: Row, input: Float, exp: Float, sum: Float, order: str, normalise: str, output: Float) -> Wire:
    x = floats.number(row.x, input)
    top = floats.from_key(largest(x.key.named("key")).named("top"), input)
    d = floats.subtract(x, top)
    d.magnitude.named("d")
    e = exponential(d, exp)
    e.magnitude.named("e")
    s = fold(lambda a, b: _added(a, b, sum), floats.convert(e, sum).magnitude, order=order, empty=0)
    s = s.known(floats.one(sum), s.hi, "the largest element contributes exp(0), and no addition falls").named("sum")
    e, s = floats.convert(e, output), floats.convert(floats.positive(s, sum), output)
    s.magnitude.named("divisor")
    if normalise == "divide":
        return floats.divide(e, s).code.named("p")
    r = floats.reciprocal(s)
    r.magnitude.named("r")
    return floats.multiply(e, r).code.named("p")


def _added(a: Wire, b: Wire, sum: Float) -> Wire:
    return floats.add(floats.positive(a, sum), floats.positive(b, sum)).magnitude
