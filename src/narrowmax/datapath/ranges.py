"""Exact ranges: by enumeration where a wire depends on 16 bits or fewer, else by interval.

Every wire knows its *roots*: wires that together determine it and whose ranges have at most
65,536 combinations.  While that holds, its range is that of its values over all combinations,
which are computed only where the ends of its operands' ranges do not give it already.  Beyond, the
wire becomes a root itself, with the range that its operation states for operands that move
independently.  A difference is also never negative where the drawing shows the order of its operands.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from narrowmax.datapath.grid import SAFE, countable, enumerable, in_order, over
from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operations import Constant, Known, Operation, Subtract
from narrowmax.datapath.order import at_least


class Reach(NamedTuple):
    """A range, and how it was found: by all combinations of some roots, or not (its own root).

    values: over the combinations, where they were needed; dense: whether every integer of the range is among them
    """

    lo: int
    hi: int
    roots: tuple = ()
    values: Any = None
    dense: bool = True


def reach(op: Operation, args: tuple, fixed: tuple[int, int] | None) -> Reach:
    """The range of `op(*args)`; `fixed` where the operation cannot know it."""
    if op.__class__ is Constant:
        return Reach(op.value, op.value)
    if fixed is not None:
        return Reach(*fixed)
    lo, hi = op.bound(*[(a.lo, a.hi) for a in args])
    if op.__class__ is Known:
        return Reach(lo, hi)
    ordered = lo < 0 and op.__class__ is Subtract and at_least(*args)
    return _enumerated(op, args, (lo, hi), 0 if ordered else lo)


def _enumerated(op: Operation, args: tuple, interval: tuple[int, int], lo: int) -> Reach:
    """The interval from lo on, tightened to the values over all combinations of the roots where they are few enough."""
    hi, (roots, apart, dense) = interval[1], _roots(args)
    if lo <= -SAFE or hi >= SAFE or not countable(roots) or not enumerable(args):
        return Reach(lo, hi)
    values, (least, most) = None, interval
    if not (apart and (dense or op.monotone)):
        values = op.evaluate(ARRAYS, *[over(a, roots) for a in args])
        least, most = int(values.min()), int(values.max())
    if least < lo:  # the order of the operands excludes combinations, so their values are of no further use
        return Reach(lo, min(hi, most))
    return Reach(least, min(hi, most), roots, values, apart and dense and op.gapless)


def _roots(args: tuple) -> tuple[tuple, bool, bool]:
    """The roots of some wires in order, whether no two of the wires share one, and whether all wires are dense."""
    found, apart, dense = (), True, True
    for wire in args:
        if wire.op.__class__ is Constant:
            continue
        dense = dense and wire.dense
        roots = wire.roots
        if not found:
            found = roots
        elif roots is found:
            apart = False
        else:
            both = tuple(in_order({*found, *roots}))
            apart = apart and len(both) == len(found) + len(roots)
            found = both
    return found, apart, dense
