"""The block diagram of a datapath, as plain data: nodes, edges, and the passes they stand in.

A node is a source, a named block, a fold, a scan, the output, or an expression: a named wire with
all that was drawn for it alone.  An edge carries a wire.  Passes are what a row is read for: what
depends on a row's fold waits for the end of the row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from narrowmax.datapath import Block, Datapath, FoldOutput, Lookup, Rate, ScanOutput, Source, Wire
from narrowmax.datapath.operations import (
    Add,
    Constant,
    Divide,
    Equal,
    Known,
    Less,
    Maximum,
    Minimum,
    Multiply,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip
from narrowmax.engines.bounds import format_of

SYMBOLS = {
    Add: "+",
    Subtract: "−",
    Multiply: "×",
    Divide: "÷",
    ShiftLeftBy: "≪",
    ShiftRightBy: "≫",
    Less: "<",
    Equal: "=",
}
NAMES = {Minimum: "min", Maximum: "max"}
LONGEST_LINE = 26  # characters of an expression in a box
INLINE = 3  # operations of unnamed wires that a box may hold


@dataclass(eq=False)
class Node:
    """A box: `kind` is source, block, fold, scan, expression or output; `wires` are those it computes."""

    key: str
    kind: str
    title: str
    lines: tuple[str, ...]
    wires: list[Wire] = field(default_factory=list)
    about: str = ""
    step: int = 0  # the pass it stands in, from 0


@dataclass(frozen=True, eq=False)
class Edge:
    """A wire from one box to another: its name where it has one that no box shows, and its format."""

    start: Node
    end: Node
    name: str
    format: str
    rate: str

    @property
    def label(self) -> str:
        return " ".join(filter(None, (self.name, self.format)))


@dataclass(frozen=True)
class Diagram:
    """Boxes, operands first, and the wires between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def data(self) -> dict:
        """For JSON: nodes of `key, kind, title, lines, pass, about`, edges of `from, to, label, rate`."""
        nodes = [
            {"key": n.key, "kind": n.kind, "title": n.title, "lines": [*n.lines], "pass": n.step, "about": n.about}
            for n in self.nodes
        ]
        edges = [{"from": e.start.key, "to": e.end.key, "label": e.label, "rate": e.rate} for e in self.edges]
        return {"nodes": nodes, "edges": edges}


def diagram(datapath: Datapath) -> Diagram:
    """The block diagram of a datapath."""
    return _Drawer(datapath).draw()


class _Drawer:
    def __init__(self, datapath: Datapath):
        self.datapath = datapath
        self.users: dict[Wire, list[Wire]] = {}
        self.shown: dict[Wire, Wire] = {}  # the first view of a wire that has a name
        for wire in datapath.wires:
            if wire.name:
                self.shown.setdefault(_plain(wire), wire)
            for a in {} if _is_view(wire) else dict.fromkeys(map(_plain, wire.args)):
                self.users.setdefault(a, []).append(wire)
        output = _plain(datapath.output)
        self.wires = [w for w in datapath.wires if w is output or not (isinstance(w.op, Constant) or _is_view(w))]
        self.nodes: dict[object, Node] = {}  # by wire, block, fold or scan

    def draw(self) -> Diagram:
        for wire in self.wires:
            self._place(wire)
        for home, node in self.nodes.items():
            if node.kind == "expression":
                node.lines = _wrapped(self._formula(home, True))
        end = self._output()
        nodes = [*dict.fromkeys(self.node(w) for w in self.wires), end]
        edges = self._edges(end)
        return Diagram(tuple(_in_order(nodes, edges)), tuple(_with_passes(nodes, edges)))

    def node(self, wire: Wire) -> Node:
        return self.nodes[self._home(wire)]

    def name(self, wire: Wire) -> str | None:
        """The architect's name of a wire or of a view of it; a scan's output without one has its moment."""
        shown = self.shown.get(_plain(wire))
        if shown is not None:
            return shown.name
        return wire.op.when if isinstance(wire.op, ScanOutput) else None

    def _home(self, wire: Wire) -> object:
        """What stands for a wire: its outermost block, its fold or scan, the wire it is drawn for, or itself."""
        wire = _plain(wire)
        if isinstance(wire.op, Constant):
            return wire
        if wire.block is not None:
            return wire.block.outermost
        if isinstance(wire.op, (FoldOutput, ScanOutput)):
            return getattr(wire.op, "fold", None) or wire.op.scan
        while self._belongs_to_its_user(wire):
            wire = self.users[wire][0]
        return wire

    def _belongs_to_its_user(self, wire: Wire) -> bool:
        users = self.users.get(wire, [])
        if len(users) != 1 or self.name(wire) or wire.block is not None or not wire.op.pointwise:
            return False
        user = users[0]
        return user.block is None and user.op.pointwise and user.rate is wire.rate and self._size(user) <= INLINE

    def _size(self, wire: Wire) -> int:
        """Operations that would be written into the box of a wire, at most."""
        inner = [
            a for a in map(_plain, wire.args) if a.args and not self.name(a) and a.op.pointwise and a.block is None
        ]
        return 1 + sum(map(self._size, inner))

    def _place(self, wire: Wire) -> None:
        home = self._home(wire)
        if home not in self.nodes:
            self.nodes[home] = self._made(home, f"n{len(self.nodes)}")
        self.nodes[home].wires.append(wire)

    def _made(self, home: object, key: str) -> Node:
        if isinstance(home, Block):
            repeat = f" {home.repeat + 1}" if sum(b.name == home.name for b in self.datapath.blocks) > 1 else ""
            return Node(key, "block", home.name + repeat, (), about=home.purpose)
        if not isinstance(home, Wire):
            return self._carried(home, key)
        if isinstance(home.op, Source):
            return Node(key, "source", home.op.kind, (), about=home.op.sentence())
        if isinstance(home.op, Constant):
            return Node(key, "source", str(home.op.value), (), about=home.op.sentence())
        return Node(key, "expression", self.name(home) or "", (), about=self._about(home))

    def _carried(self, home, key: str) -> Node:
        """A fold or a scan."""
        first = next(
            w for w in self.datapath.wires if getattr(w.op, "fold", None) is home or getattr(w.op, "scan", None) is home
        )
        if hasattr(first.op, "scan"):
            return Node(key, "scan", "running state", ("over the chunks",), about=self._about(first))
        symbol = {Add: "sum", Maximum: "max", Minimum: "min"}.get(home.body.primitive, "fold")
        order = () if home.order == "exact" else (home.order,)
        return Node(
            key,
            "fold",
            symbol,
            ("over the row" if home.to is Rate.ROW else "over the chunk", *order),
            about=self._about(first),
        )

    def _about(self, wire: Wire) -> str:
        return wire.op.sentence(*(self._called(a) for a in wire.args))

    def _called(self, wire: Wire) -> str:
        return str(wire.op.value) if isinstance(wire.op, Constant) else self.datapath.names[wire]

    def _formula(self, wire: Wire, outermost: bool = False) -> str:
        """The wire in terms of what enters its box."""
        wire = _plain(wire)
        if isinstance(wire.op, Constant):
            return str(wire.op.value)
        if not outermost and not self._belongs_to_its_user(wire):
            return self._reference(wire)
        return _written(wire.op, [self._formula(a) for a in wire.args], outermost)

    def _reference(self, wire: Wire) -> str:
        """A wire by its name, or by the box it comes from, or by its number."""
        if self.name(wire):
            return self.name(wire)
        home = self._home(wire)
        return self.nodes[home].title or self.datapath.names[wire]

    def _output(self) -> Node:
        d = self.datapath
        each = "each element" if d.output_rate == "element" else "each row"
        return Node(
            "out",
            "output",
            "output",
            (str(d.output_format),),
            about=f"{each}: {d.output_format}; absent: {d.absent_code}",
        )

    def _edges(self, end: Node) -> list[Edge]:
        found: dict[tuple, Edge] = {}
        for wire in self.wires:
            for a in map(_plain, wire.args):
                if not isinstance(a.op, Constant) and self.node(a) is not self.node(wire):
                    found.setdefault((a, self.node(wire)), self._edge(a, self.node(wire)))
        return [*found.values(), self._edge(_plain(self.datapath.output), end)]

    def _edge(self, wire: Wire, end: Node) -> Edge:
        start, name = self.nodes[self._home(wire)], self.name(wire) or ""
        if not start.title:
            name = name or self.datapath.names[wire]
        shown = "" if name == start.title else name
        return Edge(start, end, shown, format_of(self.shown.get(wire, wire)), wire.rate.name.lower())


def _is_view(wire: Wire) -> bool:
    """Whether a wire holds the integer of its operand: an assertion, or another binary point."""
    same = isinstance(wire.op, Known) or (isinstance(wire.op, ShiftLeft) and wire.op.amount == 0)
    return same and wire.block is None and not isinstance(wire.args[0].op, Constant)


def _plain(wire: Wire) -> Wire:
    """The wire that a view shows."""
    while _is_view(wire):
        wire = wire.args[0]
    return wire


def _written(op, names: list[str], outermost: bool) -> str:
    """An operation in mathematics."""
    kind = type(op)
    if kind in SYMBOLS:
        text = f" {SYMBOLS[kind]} ".join(names)
        return text if outermost else f"({text})"
    if kind in NAMES:
        return f"{NAMES[kind]}({', '.join(names)})"
    if kind is Lookup:
        return f"{op.table.name}[{names[0]}]"
    if kind in (ShiftLeft, ShiftRight):
        text = f"{names[0]} {'≪' if kind is ShiftLeft else '≫'} {op.amount}"
        return text if outermost else f"({text})"
    return _called_operation(op, names)


def _called_operation(op, names: list[str]) -> str:
    word = {"Select": "select", "LowBits": "low", "LeadingZeros": "leading zeros", "Normalise": "normalise"}
    name = word.get(type(op).__name__, type(op).__name__.lower())
    return f"{name}({', '.join([*names, *([str(op.count)] if hasattr(op, 'count') else [])])})"


def _wrapped(text: str) -> tuple[str, ...]:
    """A formula on lines short enough for a box."""
    lines, words = [""], text.split(" ")
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LONGEST_LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return tuple(line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…" for line in lines)


def _in_order(nodes: list[Node], edges: list[Edge]) -> list[Node]:
    """Nodes after all that they read; no box reads what depends on it, since blocks, folds and scans are whole."""
    reads: dict[Node, set[Node]] = {n: {e.start for e in edges if e.end is n} for n in nodes}
    ordered: dict[Node, None] = {}
    while len(ordered) < len(nodes):
        ready = [n for n in nodes if n not in ordered and reads[n] <= ordered.keys()]
        assert ready, "the boxes read each other in a circle"
        ordered.update(dict.fromkeys(ready))
    return list(ordered)


def _with_passes(nodes: list[Node], edges: list[Edge]) -> list[Edge]:
    """Give every node its pass: one more where an element reads what belongs to its row or chunk."""
    for node in _in_order(nodes, edges):
        for edge in (e for e in edges if e.end is node):
            slower = edge.rate in ("row", "chunk") and edge.start.kind != "source"
            waits = slower and _element_rate(node) and edge.start is not node
            node.step = max(node.step, edge.start.step + waits)
    return edges


def _element_rate(node: Node) -> bool:
    """Whether a box works on elements: it needs what it reads once per element, so it waits for slower wires."""
    if node.kind in ("fold", "scan"):
        return False
    return any(w.rate is Rate.ELEMENT for w in node.wires)
