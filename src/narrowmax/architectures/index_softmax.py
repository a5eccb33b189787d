"""IntAttention's IndexSoftmax: distances clipped and counted in 31sts, exponentials from 32 bytes.

    d = max(x) - x                            exact
    last = floor(clip / scale)                the clip in steps of the input; `index=half_up`: rounded half up
    k = floor(min(d, last) * 31 / last)       31 being 2**index_bits - 1; `index=half_up`: a product with 31 / last
                                              in 26 fraction bits, rounded half up, as is the constant
    e = table[k]                              255 * exp(-k * clip / 31) to nearest; table[0] = 255, table[31] = 0
    sum = e added over the row                exact
    output = 255 * e / sum                    in 255ths, to nearest, ties to even, or as `divide` says;
                                              `divide=factor`: e times 255/sum with 8 fraction bits, both half up

Source: W. Zhong, Y. Feng, Z. Zhou, J. Peng, Z. Yu, "IntAttention: A Fully Integer Attention Pipeline for
Efficient Edge Inference", MLSys 2026 (arXiv 2511.21513); its PyTorch code and Arm kernel, WanliZhong/IntAttention.

Published: the clip 6.6, five index bits, the table, outputs of 0 to 255.  The PyTorch code has `index=floor,
divide=half_even`, the Arm kernel's vectors `index=half_up, divide=factor`.  Its figures: on Armv8 up to 3.7
times as fast as attention in fp16, with 39 % of its energy.

Knobs: the input's bits and its scale, which come with the network (32-bit products of 8-bit queries and
keys); how the quotient is rounded, and the rest of the published numbers.

Limits: rows of any length, since the sum grows with them; an element `clip` or more below the maximum has
the output 0; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (proven: index, table and quotient are monotone).

Hazards: exponentials are steps: with scale 1/16 three or four neighbouring codes share one, and a step is up to
19 % of its upper value.  In long flat rows outputs are small: from 510 equal elements on all are 0.  The
kernel's own sum has 16 bits and wraps from 258 equal maxima on; what is left of a row beyond whole
vectors of 16 is cut there where the vectors round.

Oracle: the published steps in plain integers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.architectures.cores import quotient
from narrowmax.architectures.integers import BITS, SCALE, as_written
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Real, Word
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Table, Wire, block, largest, round_off, total
from narrowmax.errors import GraphError
from narrowmax.formats import Affine, parse

FULL = 255
_FACTOR_BITS = 26


@architecture(
    BITS,
    SCALE,
    Real(name="clip", default="6.6", source=PUBLISHED, least=1.0, most=64.0, doc="the distance from which e is 0"),
    Number(
        name="index_bits", default="5", source=PUBLISHED, choices=range(1, 11), turns=range(2, 9),
        doc="the width of the table's address",
    ),
    Word(
        name="index", default="floor", source=PUBLISHED, choices=("floor", "half_up"),
        doc="how a distance becomes an index: floor in PyTorch, half_up in the Arm kernel",
    ),
    Word(
        name="divide", default="half_even", source=KNOB, choices=("floor", "half_up", "half_even", "factor"),
        doc="how the quotient is rounded, or a factor for each row",
    ),
    formats=lambda parameters: (Affine(parameters["bits"], parameters["scale"]), Affine(8, 1 / FULL, signed=False)),
)  # fmt: skip
def index_softmax(row: Row, bits: int, scale: float, clip: float, index_bits: int, index: str, divide: str) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    e = _indexed(d, as_written(clip) / as_written(scale), (1 << index_bits) - 1, index)
    e = e.lookup(_exponentials(clip, index_bits)).named("e")
    sum = total(e)
    p = _share(e, sum.known(FULL, sum.hi, "the largest element contributes 255").named("sum"), divide)
    return p.known(0, FULL, "an exponential is at most the sum").named("p")


@block("index")
def _indexed(d: Wire, clip: Fraction, steps: int, index: str) -> Wire:
    """The index of a distance: so many steps up to the clip."""
    last = math.floor(clip) if index == "floor" else math.floor(clip + Fraction(1, 2))
    if not last:
        raise GraphError("the clip is less than a step of the input; give it a finer scale or clip further away")
    if index == "floor":
        return (d.minimum(last) * steps).divide(last, by_zero=0).named("k")
    factor = exact.round_rational(Fraction(steps << _FACTOR_BITS, last), "half_up")
    return round_off((d.minimum(last) * factor).at_point(_FACTOR_BITS), _FACTOR_BITS, "half_up").named("k")


@lru_cache(maxsize=64)
def _exponentials(clip: float, index_bits: int) -> Table:
    """255 * exp(-k * clip / steps), the last of them 0."""
    steps = (1 << index_bits) - 1
    inside = exact.tabulate("exp", [-k * as_written(clip) / steps for k in range(1, steps)], 0, times=FULL)
    return Table(
        "exp", (FULL, *inside, 0), 0, f"{FULL}*exp(-{clip}*k/{steps})", "correctly rounded, the last one 0",
        lambda k: FULL * math.exp(-k * clip / steps),
    )  # fmt: skip


def _share(e: Wire, sum: Wire, divide: str) -> Wire:
    """255 * e / sum."""
    if divide != "factor":
        return quotient(e * FULL, sum, parse(f"UQ32.0:{divide}"))
    factor = quotient(e.drawing.constant(FULL << 8), sum, parse("UQ32.0:half_up")).named("factor")
    return round_off((e * factor).at_point(8), 8, "half_up")
