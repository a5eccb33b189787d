"""Chains that depend on one wire of 16 bits or fewer become one table, where that is less work.

An element's wire with a single *anchor*, the wire that alone determines it, is a function of at most
65,536 integers.  Where such a wire is needed outside its chain, its values are tabulated if looking
them up costs less than computing them.  A table ends where its values stop changing.
"""

from __future__ import annotations

import numpy as np

from narrowmax.datapath import ARRAYS, Lookup
from narrowmax.datapath.operations import (
    Divide,
    Known,
    LeadingZeros,
    Minimum,
    Multiply,
    Normalise,
    Operation,
    ShiftLeftBy,
    ShiftRightBy,
    Subtract,
)  # fmt: skip
from narrowmax.engines.compiled.graph import OF_ELEMENTS, Graph, Node
from narrowmax.engines.compiled.types import BYTES, I8, U8, words_of

LARGEST = 1 << 16
_SAFE = 1 << 62
# What operations cost beside an addition of as many bytes: measured in the rough.
_COSTS = {Multiply: 2, ShiftRightBy: 2, ShiftLeftBy: 2, Divide: 16, LeadingZeros: 4, Normalise: 8, Known: 0}


class Entries(Operation):
    """entries[index]: the index is a word of one byte, its bits read as unsigned, or of two and within the table."""

    def __init__(self, values: np.ndarray, by_anchor: np.ndarray):
        self.values, self.by_anchor = values, by_anchor


def collapse(graph: Graph, roots: list[Node]) -> None:
    """Replace chains by tables where that is cheaper."""
    for node in graph.nodes:
        node.anchor = _anchor(node) if node.rate is OF_ELEMENTS and node.op.pointwise else node
    exits = {}
    for node in graph.nodes:
        anchor = node.anchor
        for a in node.args:
            if a.anchor is not anchor and a.anchor is not a:
                exits[a] = None
    exits.update([(r, None) for r in roots if r.anchor is not r])
    for node in exits:
        if node.anchor is not None:
            _tabulate(graph, node)


def _anchor(node: Node) -> Node:
    """The one wire that determines this one of an element: itself where there is no other; constants have none."""
    found = None
    for a in node.args:
        anchor = a.anchor
        if anchor is not None and anchor is not found:
            if found is not None:
                return node
            found = anchor
    return found if found is not None and found.rate is OF_ELEMENTS and _countable(found) else node


def _countable(anchor: Node) -> bool:
    return anchor.hi - anchor.lo < LARGEST and -_SAFE < anchor.lo and anchor.hi < _SAFE


def _tabulate(graph: Graph, node: Node) -> None:
    """Make the node a table of its anchor's values, if that is less work."""
    anchor = node.anchor
    chain = _chain(node, anchor)
    if any([n.lo <= -_SAFE or n.hi >= _SAFE for n in chain]):  # noqa: C419  (a list is quicker)
        return
    work = sum([_cost(n) for n in chain])
    if anchor.hi - anchor.lo > 255 and (work <= 4 or _is_one_table(chain)):
        return
    if anchor.type in (U8, I8) and _lookup_cost(256, node, anchor) >= work:
        return
    values = _values(chain, anchor)
    entries, index = _indexed(graph, anchor, values)
    if node not in (index, *index.args) and _lookup_cost(len(entries), node, index) < work:
        node.op, node.args = Entries(entries, values), (index,)


def _is_one_table(chain: list[Node]) -> bool:
    """Whether a chain is a table already, its index limited perhaps."""
    kinds = [n.op.__class__ for n in chain if not n.is_constant]
    return kinds in ([Lookup], [Minimum, Lookup])


def _chain(node: Node, anchor: Node) -> list[Node]:
    """What lies between the anchor and the node, that included, operands first."""
    found: dict[int, Node] = {}
    waiting = [node]
    while waiting:
        n = waiting.pop()
        if n is not anchor and n.index not in found:
            found[n.index] = n
            waiting.extend(() if n.op.__class__ is Entries else n.args)
    return [found[i] for i in sorted(found)]


def _values(chain: list[Node], anchor: Node) -> np.ndarray:
    """The last node's value for each of the anchor's; anything, for one of the anchor's that never occurs."""
    known = {anchor: np.arange(anchor.lo, anchor.hi + 1, dtype=np.int64)}
    for n in chain:
        op = n.op
        if op.__class__ is Entries:
            known[n] = op.by_anchor
        elif op.__class__ is Lookup:  # its operand is an index, and gathering needs no copy
            known[n] = words_of(op.table.array.take(known[n.args[0]], mode="clip"))
        else:
            known[n] = op.evaluate(ARRAYS, *[known[a] for a in n.args])
    return known[chain[-1]]


def _indexed(graph: Graph, anchor: Node, values: np.ndarray) -> tuple[np.ndarray, Node]:
    """Entries and the node that addresses them."""
    if anchor.type in (U8, I8):
        entries = np.zeros(256, dtype=np.int64)
        below = min(max(0, -anchor.lo), values.size)  # how many are negative: their bits are those of 128 and more
        entries[256 + anchor.lo : 256 + anchor.lo + below] = values[:below]
        entries[anchor.lo + below : anchor.hi + 1] = values[below:]
        return entries, anchor
    index, last = anchor, int(values.size) - 1
    if anchor.lo:
        index = graph.node(Subtract(), (anchor, graph.constant(anchor.lo)), 0, last, OF_ELEMENTS)
    changes = np.flatnonzero(values != values[-1])
    end = int(changes[-1]) + 1 if changes.size else 0
    clamped = graph.node(Minimum(), (index, graph.constant(end)), 0, end, OF_ELEMENTS)
    if end < 256:
        padded = np.zeros(256, dtype=np.int64)
        padded[: end + 1] = values[: end + 1]
        return padded, clamped
    return values[: end + 1], clamped


def _cost(node: Node) -> float:
    """Work of one node: bytes of an element times what the operation costs."""
    if node.is_constant:
        return 0
    if node.op.__class__ is Entries:
        return _lookup_cost(len(node.op.values), node, node.args[0])
    if node.op.__class__ is Lookup:
        return _lookup_cost(len(node.op.table), node, node.args[0])
    return max(BYTES[node.type], *[BYTES[a.type] for a in node.args]) * _COSTS.get(node.op.__class__, 1)


def _lookup_cost(entries: int, node: Node, index: Node) -> float:
    """Small tables lie in registers; others are gathered from memory."""
    width = BYTES[node.type]
    if width > 2:
        return 16
    if entries <= 256 and index.type in (U8, I8):
        return 2 * width
    return min(16, 4 + entries / 64) if width == 2 else 16
