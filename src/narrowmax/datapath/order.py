"""Order: what the drawing shows about two wires beyond their

A maximum is never less than what it is the maximum of, a running maximum never falls, a minimum
is never more than its operands.  Each fact holds at every element that is present, so facts about
wires of different rates may be chained.
"""

from __future__ import annotations

import numpy as np

from narrowmax.datapath.grid import SAFE, countable, enumerable, over, roots_of
from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operations import Add, Constant, Known, Maximum, Minimum, ShiftLeft, ShiftRight, Subtract


def at_least(a, b) -> bool:
    """Whether the drawing shows a >= b wherever b's element is present."""
    lower, upper = _closure(a, _below), _closure(b, _above)
    if any(_plainly(low, up) for low in lower for up in upper):
        return True
    return any(_everywhere(lower, up) for up in upper)


def _plainly(a, b) -> bool:
    return a is b or a.lo >= b.hi or (hasattr(a.op, "follows") and a.op.follows(b.op))


def _everywhere(lower: list, b) -> bool:
    """Whether one of `lower` is at least b for every combination of b's roots."""
    roots = list(roots_of(b))
    if not countable(roots) or not enumerable((b,)):
        return False
    right = over(b, roots)
    return any(bool(np.all(left >= right)) for wire in lower for left in _lower(wire, roots))


def _closure(wire, neighbours) -> list:
    """The wire and everything reached from it by `neighbours`."""
    found, waiting = {}, [wire]
    while waiting:
        w = waiting.pop()
        if w not in found:
            found[w] = None
            waiting.extend(neighbours(w))
    return list(found)


def _below(wire) -> tuple:
    """Wires of which this one is, for present elements, an upper bound."""
    if isinstance(wire.op, (Maximum, Known)):
        return wire.args
    return wire.op.lower_bounds() if hasattr(wire.op, "lower_bounds") else ()


def _above(wire) -> tuple:
    """Wires of which this one is, for present elements, a lower bound."""
    if isinstance(wire.op, (Minimum, Known)):
        return wire.args
    return wire.op.upper_bounds() if hasattr(wire.op, "upper_bounds") else ()


def _lower(wire, roots: list):
    """Values over the grid of `roots` that this wire is never less than."""
    if set(roots_of(wire)) <= set(roots) and enumerable((wire,)):
        yield over(wire, roots)
    operand = _rises_with(wire)
    if operand is not None:
        for inner in _closure(operand, _below):
            for values in _lower(inner, roots):
                yield from _mapped(wire, operand, values)


def _rises_with(wire):
    """The only operand that is not constant, where the operation rises with it; else None."""
    moving = [a for a in wire.args if not isinstance(a.op, Constant)]
    rising = isinstance(wire.op, (ShiftLeft, ShiftRight, Add, Minimum, Maximum)) or (
        isinstance(wire.op, Subtract) and moving[:1] == [wire.args[0]]
    )
    return moving[0] if rising and len(moving) == 1 else None


def _mapped(wire, operand, values):
    """The wire's operation on values for its operand, unless int64 might not hold the result."""
    spans = [(int(np.min(values)), int(np.max(values))) if a is operand else a.range for a in wire.args]
    if all(abs(v) < SAFE for span in (*spans, wire.op.bound(*spans)) for v in span):
        yield wire.op.evaluate(ARRAYS, *(values if a is operand else np.int64(a.lo) for a in wire.args))
