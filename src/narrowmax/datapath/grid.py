"""The grid of all values of a wire's roots, over which it can be tried exhaustively."""

from __future__ import annotations

from math import prod
from operator import attrgetter
from typing import Any

import numpy as np

from narrowmax.datapath.operations import Constant

COMBINATIONS = 1 << 16
_INDEX = attrgetter("index")
SAFE = 1 << 62  # enumeration runs in int64


def enumerable(wires) -> bool:
    """Whether int64 holds every value of the wires with a bit to spare."""
    for wire in wires:  # a loop, for it is asked for every wire that is drawn
        if wire.lo <= -SAFE or wire.hi >= SAFE:
            return False
    return True


def countable(roots) -> bool:
    """Whether the roots have few enough combinations to try them all."""
    if len(roots) == 1:
        return roots[0].hi - roots[0].lo < COMBINATIONS
    return prod([r.hi - r.lo + 1 for r in roots]) <= COMBINATIONS


def roots_of(wire) -> tuple:
    return () if wire.op.__class__ is Constant else wire.roots


def over(wire, roots) -> Any:
    """Values of a wire over the grid of `roots`: one axis for each, length 1 where it does not depend on it."""
    if wire.op.__class__ is Constant:
        return np.int64(wire.op.value)
    if wire.values is None:
        values, own = np.arange(wire.lo, wire.hi + 1), (wire,)
    else:
        values, own = wire.values, wire.roots
    if own == roots:
        return values
    shape = [r.hi - r.lo + 1 if r in own else 1 for r in roots]
    return np.broadcast_to(values, [r.hi - r.lo + 1 for r in own]).reshape(shape)


def in_order(wires) -> list:
    """Wires as they were drawn."""
    return sorted(wires, key=_INDEX)


def cone(wire, stop=()) -> list:
    """Everything a wire is computed from, itself included, operands first; not beyond `stop`."""
    found, waiting = {}, [wire]
    while waiting:
        w = waiting.pop()
        if w not in found:
            found[w] = None
            waiting.extend(() if w in stop else w.args)
    return in_order(found)
