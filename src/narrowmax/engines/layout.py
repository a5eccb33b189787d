"""Where the boxes of a diagram stand: columns by depth, passes one after the other, few crossings.

Sizes and places are in pixels at the drawing's natural size.  A wire that skips columns gets a
place in each of them, so that it never runs through a box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from narrowmax.engines.diagram import Diagram, Edge, Node

CHARACTER, LINE = 6.7, 17  # of the text in boxes
SMALL_CHARACTER = 5.7  # of the text on wires
PADDING, ROOM = 12, 22  # inside a box; between boxes of a column
MARGIN, GAP = 28, 40  # around the drawing; the least between columns
SWEEPS = 12


@dataclass(eq=False)
class Slot:
    """A place in a column: of a box, or of a wire that passes through (`node` is None)."""

    node: Node | None
    width: float
    height: float
    column: int
    x: float = 0.0
    y: float = 0.0  # centre
    wire: tuple | None = None  # (start, label) of the wire that passes through
    ports: dict[str, float] = field(default_factory=dict)  # below the top, where the wire with each label leaves
    before: list[Slot] = field(default_factory=list)
    after: list[Slot] = field(default_factory=list)

    @property
    def left(self) -> float:
        return self.x

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def top(self) -> float:
        return self.y - self.height / 2


@dataclass(frozen=True)
class Layout:
    """Boxes by node, the slots each wire runs through, bands of passes (title, left, right), the size of it all."""

    boxes: dict[Node, Slot]
    routes: dict[Edge, list[Slot]]
    bands: tuple[tuple[str, float, float], ...]
    width: float
    height: float


def lay_out(diagram: Diagram) -> Layout:
    """Places for all boxes and wires of a diagram."""
    columns_of = _columns(diagram)
    boxes = {n: _box(n, columns_of[n], [e.label for e in diagram.edges if e.start is n]) for n in diagram.nodes}
    columns: list[list[Slot]] = [[] for _ in range(max(columns_of.values()) + 1)]
    for slot in boxes.values():
        columns[slot.column].append(slot)
    routes = {e: _route(e, boxes, columns) for e in diagram.edges}
    _order(columns)
    _spread(columns)
    bands = _across(columns, routes, boxes)
    height = max(s.y + s.height / 2 for c in columns for s in c) + MARGIN
    return Layout(boxes, routes, bands, columns_right(columns) + MARGIN, height)


def columns_right(columns: list[list[Slot]]) -> float:
    return max(s.right for c in columns for s in c)


def _box(node: Node, column: int, labels: list[str]) -> Slot:
    """A slot as large as the box's text, and high enough for a port for each of its wires."""
    texts, labels = [t for t in (node.title, *node.lines) if t], list(dict.fromkeys(labels))
    width, height = max(len(t) for t in texts) * CHARACTER + 2 * PADDING, len(texts) * LINE + PADDING
    height = max(height, len(labels) * LINE)
    ports = {label: height / 2 + (i - (len(labels) - 1) / 2) * LINE for i, label in enumerate(labels)}
    return Slot(node, width, height, column, ports=ports)


def _columns(diagram: Diagram) -> dict[Node, int]:
    """The column of each node: after all that it reads, and after every column of an earlier pass."""
    reads = {n: [e.start for e in diagram.edges if e.end is n] for n in diagram.nodes}
    found: dict[Node, int] = {}
    for step in range(max(n.step for n in diagram.nodes) + 1):
        first = max(found.values(), default=-1) + 1
        for node in (n for n in diagram.nodes if n.step == step):
            found[node] = max([first, *(found[r] + 1 for r in reads[node])])
    last = max(found.values())
    return {n: last if n.kind == "output" else c for n, c in found.items()}


def _route(edge: Edge, boxes: dict[Node, Slot], columns: list[list[Slot]]) -> list[Slot]:
    """The slots from the start to the end of a wire, new ones in the columns between."""
    start, end = boxes[edge.start], boxes[edge.end]
    route = [start]
    for column in range(start.column + 1, end.column):
        wire = (edge.start, edge.label)  # branches of one wire run together
        shared = [s for s in route[-1].after if s.column == column and s.wire == wire]
        slot = shared[0] if shared else Slot(None, 0, 8, column, wire=wire)
        if not shared:
            columns[column].append(slot)
        route.append(slot)
    route.append(end)
    for a, b in pairwise(route):
        if b not in a.after:
            a.after.append(b)
            b.before.append(a)
    return route


def _order(columns: list[list[Slot]]) -> None:
    """Sort each column by the mean place of what it is joined to, left and right in turn."""
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            place = {s: i for c in columns for i, s in enumerate(c)}
            column.sort(key=lambda s: _mean([place[o] for o in (s.before if forth else s.after)], place[s]))


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(columns: list[list[Slot]]) -> None:
    """Heights: stacked at first, then drawn towards their neighbours as far as the order allows."""
    for column in columns:
        _stack(column, [0.0] * len(column))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            _stack(column, [_mean([o.y for o in (*s.before, *s.after)], s.y) for s in column])
    top = min(s.top for c in columns for s in c)
    for column in columns:
        for slot in column:
            slot.y += MARGIN + LINE - top


def _stack(column: list[Slot], wanted: list[float]) -> None:
    """Places as near to those wanted as order and distance allow: runs that would overlap move as one."""
    runs: list[tuple[float, list[Slot]]] = []  # (wanted place of the first, slots)
    for slot, want in zip(column, wanted, strict=True):
        runs.append((want, [slot]))
        while len(runs) > 1 and runs[-2][0] + _length(runs[-2][1], runs[-1][1][0]) > runs[-1][0]:
            (second, tail), (first, head) = runs.pop(), runs.pop()
            shift = _length(head, tail[0])
            weight = len(head), len(tail)
            runs.append(((first * weight[0] + (second - shift) * weight[1]) / sum(weight), head + tail))
    for want, slots in runs:
        for i, slot in enumerate(slots):
            slot.y = want + _length(slots[:i], slot)


def _length(slots: list[Slot], following: Slot) -> float:
    """From the centre of the first slot to where the centre of the following one may be."""
    chain = [*slots, following]
    return sum((a.height + b.height) / 2 + ROOM for a, b in pairwise(chain))


def _across(columns, routes: dict[Edge, list[Slot]], boxes: dict[Node, Slot]) -> tuple[tuple[str, float, float], ...]:
    """Left to right: columns as wide as their boxes, gaps as wide as the labels that start in them."""
    x, spans = float(MARGIN), {}
    for i, column in enumerate(columns):
        width = max(s.width for s in column)
        for slot in column:
            slot.x = x + (width - slot.width) / 2 if slot.node else x
            slot.width = slot.width if slot.node else width
        for slot in column:
            if slot.node and slot.node.kind != "output":
                left, right = spans.get(slot.node.step, (x, x))
                spans[slot.node.step] = (min(left, x), max(right, x + width))
        labels = [len(e.label) for e, route in routes.items() if route[0].column == i]
        x += width + GAP + max(labels, default=0) * SMALL_CHARACTER
    names = ["first pass", "second pass", "third pass", "fourth pass"]
    return tuple(
        (names[step] if step < len(names) else f"pass {step + 1}", *spans[step])
        for step in sorted(spans)
        if len(spans) > 1
    )
