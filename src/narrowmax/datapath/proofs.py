"""Proofs: how an assertion about a wire's range is shown, or that it is false."""

from __future__ import annotations

import numpy as np

from narrowmax.datapath.grid import COMBINATIONS, cone, enumerable
from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operations import Constant, Known, Subtract
from narrowmax.errors import GraphError

EXHAUSTION, INTERVAL, SAMPLED = "proven by exhaustion", "proven by interval", "sampled"


def proof(wire, lo: int, hi: int) -> str:
    """How `lo <= wire <= hi` is shown.

    "proven by exhaustion" where every value of what the wire depends on was tried, "proven by
    interval" where the ranges of the operands suffice, else "sampled": to be tested on rows.  What
    rests on a sampled assertion is no more than sampled itself.

    Raises GraphError where a value outside lo..hi is sure to occur in some row.
    """
    _refute(wire, lo, hi)
    by_lemma = lo > wire.lo and _sum_is_at_least(wire, lo)
    if wire.hi > hi or not (lo <= wire.lo or by_lemma) or _assumes(wire):
        return SAMPLED
    return EXHAUSTION if by_lemma or wire.enumerated else INTERVAL


def _refute(wire, lo: int, hi: int) -> None:
    values = np.arange(wire.lo, wire.hi + 1) if _is_free(wire) else wire.values
    if values is None or not _move_freely(wire.roots):
        return
    bad = values[(values < lo) | (values > hi)]
    if bad.size:
        raise GraphError(
            f"the wire reaches {int(bad.flat[0])}, so it is not known to lie in {lo}..{hi}; correct the bounds"
        )


def _is_free(wire) -> bool:
    return wire.roots == (wire,) and wire.hi - wire.lo < COMBINATIONS and _move_freely((wire,))


def _move_freely(roots) -> bool:
    """Whether every combination of the roots occurs in some row, at an element that is present."""
    kinds = {getattr(r.op, "kind", "derived") for r in roots}
    return kinds <= {"x", "position", "n"} and not {"position", "n"} <= kinds


def _assumes(wire) -> bool:
    """Whether the wire's range rests on an assertion that was only sampled."""
    return any(isinstance(w.op, Known) and w.op.proof == SAMPLED for top in cone(wire) for w in (top, *_within(top)))


def _within(wire) -> tuple:
    step = getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)
    return step.body.wires if step else ()


def _sum_is_at_least(wire, bound: int) -> bool:
    """A row's sum of terms that are not negative is at least the term of the row's largest element.

    That term is found by setting the element equal to the maximum it is compared with, for every
    value that both can have.
    """
    term = wire.op.summed() if hasattr(wire.op, "summed") else None
    if term is None or term.lo < 0:
        return False
    least = _at_the_maximum(term)
    return least is not None and least >= bound


def _at_the_maximum(term) -> int | None:
    """The least value of an element's wire where that element is the maximum of its row."""
    pairs = {
        (w, w.op.largest_of()) for w in cone(term) if hasattr(w.op, "largest_of") and w.op.largest_of() is not None
    }
    if len(pairs) != 1:
        return None
    (top, element) = next(iter(pairs))
    if element.hi - element.lo >= COMBINATIONS or not enumerable((element,)):
        return None
    codes = np.arange(element.lo, element.hi + 1)
    apart = {w: np.int64(0) for w in cone(term) if isinstance(w.op, Subtract) and set(w.args) == {top, element}}
    return _evaluate(term, {top: codes, element: codes, **apart})


def least_where(term, source, lo: int, hi: int) -> int:
    """The least value of a wire computed from one source alone, where that is lo..hi; else a bound below it."""
    found = _evaluate(term, {source: np.arange(lo, hi + 1)}) if hi - lo < COMBINATIONS else None
    if found is not None:
        return found
    ends = {source: (lo, hi)}
    for wire in cone(term, stop=ends):
        if wire is not source:
            ends[wire] = wire.op.bound(*(ends[a] for a in wire.args)) if wire.args else wire.range
    return ends[term][0]


def _evaluate(term, given: dict) -> int | None:
    """The least of the term's values for the values of the wires in `given`; None if it needs more than those."""
    values = dict(given)
    for wire in cone(term, stop=given):
        if wire in values:
            continue
        if isinstance(wire.op, Constant) and enumerable((wire,)):
            values[wire] = np.int64(wire.op.value)
        elif wire.args and wire.op.pointwise and enumerable((wire,)):
            values[wire] = wire.op.evaluate(ARRAYS, *(values[a] for a in wire.args))
        else:
            return None  # another source or fold, or too wide for int64
    return int(np.min(values[term]))
