"""The exp core on straight lines, found by comparing the distance with where they begin."""

from __future__ import annotations

import math

from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Word, exp_format
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.parts.segments import Segments, fitted, public
from narrowmax.datapath import Table, Wire, block, round_off
from narrowmax.datapath import fit as fitted_in
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed


@part(
    Number(
        name="segments", default="16", source=PUBLISHED, choices=range(2, 65), turns=range(2, 33),
        doc="segments, that of 0 included",
    ),
    Word(
        name="fit", default="minimax", source=KNOB, choices=("minimax", "squares", "public"),
        doc="where segments end and what lines they have: least largest error, least squares, or a public table of 16",
    ),
    Number(
        name="coefficients", default="12", source=KNOB, choices=range(2, 31), turns=range(4, 21),
        doc="fraction bits of slopes and biases",
    ),
    exp_format("UQ1.10"),
)  # fmt: skip
def piecewise_linear(d: Wire, segments: int, fit: str, coefficients: int, exp: Fixed) -> Wire:
    """exp(-d) on straight lines."""
    if fit == "public" and segments != 16:
        raise GraphError(f"the public table has 16 segments, not {segments}; write segments=16, or fit=minimax")
    lines = public(coefficients) if fit == "public" else fitted(segments, fit, coefficients, exp.fraction_bits)
    return _on_lines(d, lines, coefficients, exp)


@block("exp", approximates=lambda d: math.exp(-d))
def _on_lines(d: Wire, lines: Segments, bits: int, exp: Fixed) -> Wire:
    """exp(-d) on straight lines, as bias - fall * d, kept in [0, 1] and rounded once."""
    starts = [start for start in lines.starts(d.point) if start <= d.hi]
    d = d.minimum(starts[-1]) if len(starts) == len(lines.ends) else d
    place = segment(d, starts).named("segment")
    falls, biases = tables(lines, bits)
    y = (place.lookup(biases) - place.lookup(falls) * d).maximum(0)
    y = y.minimum(1 << y.point)
    more = exp.fraction_bits - y.point
    e = y.extend(more) if more >= 0 else round_off(y, -more, exp.rounding)
    return fitted_in(e, 0, exp.highest_code, exp.overflow)


@block("segment")
def segment(d: Wire, starts: list[int]) -> Wire:
    """The number of starts that a distance has reached."""
    found = d.drawing.constant(0)
    for start in starts:
        found = found + (d >= start)
    return found


def tables(lines: Segments, bits: int) -> tuple[Table, Table]:
    """What the lines of all segments fall by, and where they begin; 0 beyond the last."""
    return (
        Table("fall", (*lines.falls, 0), bits, "what the line of segment k falls by", "rounded to nearest"),
        Table("bias", (*lines.biases, 0), bits, "the line of segment k at 0", "rounded to nearest, or lowered"),
    )
