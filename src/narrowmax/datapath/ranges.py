"""Exact ranges: by enumeration where a wire depends on 16 bits or fewer, else by interval.

Every wire knows its *roots*: wires that together determine it and whose ranges have at most
65,536 combinations.  While that holds, its values over all combinations are computed when it is
drawn, and its range is theirs.  Beyond, the wire becomes a root itself, with the range that its
operation states for operands that move independently.  A difference is also never negative where
the drawing shows the order of its operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from narrowmax.datapath.grid import SAFE, countable, enumerable, over, roots_of
from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operations import Constant, Known, Operation, Subtract
from narrowmax.datapath.order import at_least


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
        return Reach(op.value, op.value, (), np.int64(op.value) if abs(op.value) < SAFE else None)
    if fixed is not None:
        return Reach(*fixed)
    lo, hi = op.bound(*(a.range for a in args))
    if isinstance(op, Subtract) and at_least(*args):
        lo = max(lo, 0)
    if isinstance(op, Known):
        return Reach(lo, hi)
    return _enumerated(op, args, lo, hi)


def _enumerated(op: Operation, args: tuple, lo: int, hi: int) -> Reach:
    """lo..hi tightened by trying every combination of the roots, where they are few enough."""
    roots = sorted({r for a in args for r in roots_of(a)}, key=lambda r: r.index)
    if abs(lo) >= SAFE or abs(hi) >= SAFE or not countable(roots) or not enumerable(args):
        return Reach(lo, hi)
    values = op.evaluate(ARRAYS, *(over(a, roots) for a in args))
    least, most = int(np.min(values)), int(np.max(values))
    if least < lo:  # the order of the operands excludes combinations, so their values are of no further use
        return Reach(lo, min(hi, most))
    return Reach(least, min(hi, most), tuple(roots), values)
