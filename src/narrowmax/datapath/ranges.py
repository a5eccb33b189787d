"""Exact ranges: by enumeration where a wire depends on 16 bits or fewer, else by interval.

Every wire knows its *roots*: wires that together determine it and whose ranges have at most
65,536 combinations.  While that holds, its values over all combinations are computed when it is
drawn, and its range is theirs.  Beyond, the wire becomes a root itself, with the range that its
operation states for operands that move independently, tightened where the order of the operands
is known from the drawing (a running maximum is never less than what it has seen).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operations import Constant, Known, Maximum, Minimum, Operation, ShiftLeft, ShiftRight, Subtract
from narrowmax.errors import GraphError

COMBINATIONS = 1 << 16
_SAFE = 1 << 62  # enumeration runs in int64


@dataclass(frozen=True)
class Reach:
    """A range, and how it was found: roots and values over them, or neither (its own root)."""

    lo: int
    hi: int
    roots: tuple = ()
    values: Any = None


def reach(op: Operation, args: tuple, fixed: tuple[int, int] | None) -> Reach:
    """The range of `op(*args)`; `fixed` where the operation cannot know it."""
    if isinstance(op, Constant):
        return Reach(op.value, op.value, (), np.int64(op.value) if abs(op.value) < _SAFE else None)
    lo, hi = fixed if fixed is not None else op.bound(*(a.range for a in args))
    if fixed is not None or isinstance(op, Known) or abs(lo) >= _SAFE or abs(hi) >= _SAFE:
        return Reach(lo, hi)
    if isinstance(op, Subtract) and at_least(*args):
        return Reach(max(lo, 0), hi)
    roots = sorted({r for a in args for r in _roots(a)}, key=lambda r: r.index)
    if prod(r.hi - r.lo + 1 for r in roots) > COMBINATIONS or not enumerable(args):
        return Reach(lo, hi)
    values = op.evaluate(ARRAYS, *(over(a, roots) for a in args))
    return Reach(max(lo, int(np.min(values))), min(hi, int(np.max(values))), tuple(roots), values)


def enumerable(args) -> bool:
    return all(abs(v) < _SAFE for a in args for v in a.range)


def _roots(wire) -> tuple:
    return () if isinstance(wire.op, Constant) else wire.roots


def over(wire, roots: list) -> Any:
    """Values of a wire over the grid of `roots`: one axis for each, length 1 where it does not depend on it."""
    if isinstance(wire.op, Constant):
        return np.int64(wire.op.value)
    if wire.values is None:
        values, own = np.arange(wire.lo, wire.hi + 1), (wire,)
    else:
        values, own = wire.values, wire.roots
    shape = [r.hi - r.lo + 1 if r in own else 1 for r in roots]
    return np.broadcast_to(values, [r.hi - r.lo + 1 for r in own]).reshape(shape)


def at_least(a, b) -> bool:
    """Whether the drawing shows a >= b wherever b's element is present."""
    if a is b or a.lo >= b.hi or (hasattr(a.op, "follows") and a.op.follows(b.op)):
        return True
    if any(at_least(lower, b) for lower in _below(a)):
        return True
    if isinstance(b.op, Minimum) and any(at_least(a, part) for part in b.args):
        return True
    roots = list(b.roots)
    if prod(r.hi - r.lo + 1 for r in roots) > COMBINATIONS or not enumerable((a, b)):
        return False
    return any(bool(np.all(lower >= over(b, roots))) for lower in _lower(a, roots))


def _below(wire) -> tuple:
    """Wires of which this one is, for present elements, an upper bound."""
    if isinstance(wire.op, Maximum):
        return wire.args
    return wire.op.lower_bounds(wire) if hasattr(wire.op, "lower_bounds") else ()


def _lower(wire, roots: list):
    """Values over the grid of `roots` that this wire is never less than."""
    if set(_roots(wire)) <= set(roots):
        yield over(wire, roots)
    for part in _below(wire):
        yield from _lower(part, roots)
    if isinstance(wire.op, (ShiftLeft, ShiftRight)):  # monotone: a bound of the operand gives one of the result
        for values in _lower(wire.args[0], roots):
            yield wire.op.evaluate(ARRAYS, values)


def proof(wire, lo: int, hi: int) -> str:
    """How `lo <= wire <= hi` is shown: "proven by exhaustion" or "sampled".

    Raises GraphError where exhaustion over independent roots finds it false for a wire whose
    roots are sources, so that the claim cannot be saved by what ranges do not see.
    """
    shown = [lo <= wire.lo or _sum_is_at_least(wire, lo), wire.hi <= hi]
    if all(shown):
        return "proven by exhaustion"
    if wire.values is not None and all(not r.args for r in wire.roots):
        bad = wire.values[(wire.values < lo) | (wire.values > hi)]
        raise GraphError(f"the wire reaches {int(bad.flat[0])}, so it is not known to lie in {lo}..{hi}; correct the bounds")
    return "sampled"


def _sum_is_at_least(wire, bound: int) -> bool:
    """A sum of non-negative terms is at least the term of the row's largest element.

    That term is found by setting the element equal to the maximum it is compared with, for every
    value that both can have.
    """
    term = wire.op.summed(wire) if hasattr(wire.op, "summed") else None
    if term is None or term.lo < 0:
        return False
    least = _at_the_maximum(term)
    return least is not None and least >= bound


def _at_the_maximum(term) -> int | None:
    """The least value of an element's wire where that element is the maximum of its row."""
    pairs = {(w, w.op.largest_of(w)) for w in cone(term) if hasattr(w.op, "largest_of") and w.op.largest_of(w) is not None}
    if len(pairs) != 1:
        return None
    (top, element) = next(iter(pairs))
    if element.hi - element.lo >= COMBINATIONS:
        return None
    codes = np.arange(element.lo, element.hi + 1)
    return _evaluate(term, {top: codes, element: codes})


def cone(wire, stop=()) -> list:
    """Everything a wire is computed from, itself included, sources first; not beyond `stop`."""
    found: dict = {}

    def visit(w):
        if w not in found:
            if w not in stop:
                for a in w.args:
                    visit(a)
            found[w] = None

    visit(wire)
    return list(found)


def _evaluate(term, given: dict) -> int | None:
    values = dict(given)
    for wire in cone(term, stop=given):
        if wire in values:
            continue
        if not wire.args and not isinstance(wire.op, Constant):
            return None  # depends on another source: not shown
        if hasattr(wire.op, "lower_bounds") or hasattr(wire.op, "summed") or not enumerable((wire,)):
            return None  # depends on another fold, or too wide for int64
        values[wire] = np.int64(wire.op.value) if isinstance(wire.op, Constant) else wire.op.evaluate(ARRAYS, *(values[a] for a in wire.args))
    return int(np.min(values[term]))
