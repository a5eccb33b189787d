"""The frame that parts are put into: reference value, exponentials, sum, division."""

from __future__ import annotations

from functools import lru_cache

from narrowmax.architectures.parameters import KNOB, Word
from narrowmax.architectures.parts.record import Chosen
from narrowmax.datapath import Drawing, Rate, Row, Source, Wire, largest
from narrowmax.datapath.proofs import least_where
from narrowmax.formats import Fixed

MAXIMUM = Word(
    name="maximum", default="exact", source=KNOB, choices=("exact", "ceil"),
    doc="what elements are taken from: the row's maximum, or the least integer that is not below it",
)  # fmt: skip


def softmax(row: Row, exp: Chosen, maximum: str, sum: Chosen, normalise: Chosen, output: Fixed) -> Wire:
    """The output wire of a softmax in two passes, made of parts."""
    top = largest(row.x).named("top")
    top, spread = (top, 0) if maximum == "exact" else (above(top), (1 << top.point) - 1)
    d = (top - row.x).named("d")
    e = exp(d).named("e")
    return normalise(e, *sum(e, least_of(exp, d, spread)), output).named("p")


def above(top: Wire) -> Wire:
    """The least integer that is not below the wire, at its binary point."""
    return ((top + ((1 << top.point) - 1)).drop(top.point).extend(top.point)).named("above")


def least_of(exp: Chosen, d: Wire, spread: int = 0) -> int:
    """The least exponential of a row's largest element, whose distance is 0 to `spread` last bits of the input.

    `d` is the distance that `exp` is drawn for: how it is drawn may depend on how far that reaches.
    """
    return _least(exp, d.point, d.hi, spread)


@lru_cache(maxsize=1024)
def _least(exp: Chosen, point: int, highest: int, spread: int) -> int:
    d = Drawing().add(Source("x"), (), Rate.ELEMENT, point, fixed=(0, highest))
    return least_where(exp(d), d, 0, spread)
