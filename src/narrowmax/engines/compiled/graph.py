"""A datapath made ready: what changes no bit is gone, common work is shared, absence is drawn.

Three variants of a drawing are run.  `FULL`: every element is present.  `MASKED`: a source says which
are; what folds skip becomes an explicit choice here, so that nothing below knows of masks.  `LISTED`:
equal elements of a row stand once, with a weight; only for drawings that look at nothing but x.
"""

from __future__ import annotations

from narrowmax.datapath import Datapath, Fold, FoldOutput, Rate, ScanOutput, Source
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
    Operation,
    Select,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRightBy,
    Subtract,
)
from narrowmax.datapath.proofs import SAMPLED
from narrowmax.engines.compiled.types import type_of
from narrowmax.errors import RangeError

FULL, MASKED, LISTED = "full", "masked", "listed"
MOST_CARRIED = 16  # values of a fold or scan: MOST_VALUES of native/vm_fold.c
_INT64 = 1 << 63
# To read a member of an enumeration takes Python ten times as long as to read a global.
OF_CONSTANTS, OF_ROWS, OF_CHUNKS, OF_ELEMENTS = Rate


class Weight(Operation):
    """How many equal elements one stands for."""

    arity = 0
    pointwise = False


class Flag(Operation):
    """1 where a body's step counts."""

    arity = 0
    pointwise = False


class Reduce(Operation):
    """The sum or an extreme (`kind`: Add, Maximum or Minimum) of a row's or a chunk's elements."""

    pointwise = False

    def __init__(self, kind, to: Rate):
        self.kind, self.to = kind, int(to)


class Spread(Operation):
    """The operand, once for each place of a rate."""

    arity = 1
    pointwise = False

    def __init__(self, to: Rate):
        self.to = int(to)


class Together(Operation):
    """One result of a fold or scan that is run as a whole: the `position`-th of `group`, at a moment `when`."""

    pointwise = False

    def __init__(self, group, position: int, when: str):
        self.group, self.position, self.when = group, position, when


class Check(Operation):
    """The operand, refused outside lo..hi."""

    arity = 1
    pointwise = False

    def __init__(self, lo: int, hi: int):
        self.lo, self.hi = lo, hi


class Node:
    """One value to compute: an operation on other nodes, its range, the type that holds it and its rate."""

    __slots__ = ("anchor", "args", "hi", "index", "is_constant", "lo", "op", "rate", "slot", "stage", "type")

    def __init__(self, op, args, lo, hi, rate, index):
        self.op, self.args, self.lo, self.hi, self.rate, self.index = op, args, lo, hi, rate, index
        self.type = type_of(lo, hi)
        self.slot = self.stage = -1
        self.is_constant = False


class Group:
    """A fold or scan that is run as a whole, with the graph of its body."""

    def __init__(self, step, inputs: tuple[Node, ...], flags: Node | None, body: Graph, results: list, ranges: list):
        self.step, self.inputs, self.flags = step, inputs, flags
        self.body, self.results, self.ranges = body, results, ranges
        self.outputs: dict[tuple[str, int], Node] = {}


class Graph:
    """Nodes in an order in which each follows its operands, constants apart; equal ones are one."""

    def __init__(self):
        self.nodes: list[Node] = []
        self._known: dict = {}
        self._constants: dict[int, Node] = {}

    def node(self, op, args: tuple, lo: int, hi: int, rate: Rate) -> Node:
        # quicker than what dataclasses make of equality; constants have no rate here, so operands do not tell it
        kind = op.__class__
        key = (kind, rate, args) if kind in _BARE else (kind, rate, args, *op.__dict__.values())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Node(op, args, lo, hi, rate, len(self.nodes))
            self.nodes.append(found)
        return found

    def constant(self, value: int) -> Node:
        found = self._constants.get(value)
        if found is None:
            index = -1 - len(self._constants)
            found = self._constants[value] = Node(Constant(value), (), value, value, OF_CONSTANTS, index)
            found.anchor, found.stage, found.is_constant = None, 0, True
        return found

    def select(self, flag: Node, yes: Node, no: Node) -> Node:
        rate = max(flag.rate, yes.rate)
        return self.node(Select(), (flag, yes, no), min(yes.lo, no.lo), max(yes.hi, no.hi), rate)


def listable(datapath: Datapath) -> bool:
    """Whether equal elements of a row may stand once: nothing but x is looked at, and folds are plain."""
    return not datapath.chunk and datapath.output_rate == "element" and all(
        w.op.fold.body.primitive is not None if isinstance(w.op, FoldOutput) else
        w.op.kind == "x" if isinstance(w.op, Source) else not isinstance(w.op, ScanOutput)
        for w in datapath.wires
    )  # fmt: skip


class Translation:
    """From a datapath's wires, or a body's, to the nodes of a graph."""

    def __init__(self, variant: str, rows: int = 0):
        self.graph, self.variant, self.max_n = Graph(), variant, rows
        self.of: dict = {}
        self._groups: dict = {}

    def datapath(self, datapath: Datapath) -> Node:
        """The node of the output, absent_code where nothing is present."""
        self._wires(datapath.wires, False)
        output = self.of[datapath.output]
        if self.variant != MASKED:
            return output
        return self.graph.select(self.here(datapath.output.rate), output, self.graph.constant(datapath.absent_code))

    def body(self, body, shared: list[tuple[int, int]]) -> list[Node]:
        """The results of a body whose arguments range over `shared`."""
        for wire in body.arguments:
            self.of[wire] = self.graph.node(wire.op, (), *shared[wire.op.position], OF_ELEMENTS)
        self._wires(body.wires[len(body.arguments) :], True)
        return [self.of[r] for r in body.results]

    def _wires(self, wires, body: bool) -> None:
        of, node, constant = self.of, self.graph.node, self.graph.constant
        for wire in wires:
            op, lo, hi = wire.op, wire.lo, wire.hi
            kind = op.__class__
            if lo == hi and kind is not Known:
                of[wire] = constant(lo)
            elif kind in _OWN:
                of[wire] = _OWN[kind](self, wire, body)
            else:
                of[wire] = node(op, self._args(wire), lo, hi, wire.rate)

    def _args(self, wire) -> tuple[Node, ...]:
        of, args = self.of, wire.args
        if len(args) == 2:  # most are, and this is quicker than the words below
            return of[args[0]], of[args[1]]
        return tuple(map(of.__getitem__, args))

    def shifted(self, wire, body: bool) -> Node:
        operand = self.of[wire.args[0]]
        return self.graph.node(wire.op, (operand,), wire.lo, wire.hi, wire.rate) if wire.op.amount else operand

    def source(self, wire, body: bool) -> Node:
        if wire.op.kind == "present" and self.variant != MASKED:
            return self.graph.constant(1)
        return self.graph.node(wire.op, (), wire.lo, wire.hi, wire.rate)

    def known(self, wire, body: bool) -> Node:
        """The operand with the range that is known of it; what was only sampled is checked."""
        node = self.of[wire.args[0]]
        if wire.op.proof == SAMPLED:
            low = self.graph.constant(wire.lo)
            checked = node
            if self.variant == MASKED:
                flag = self.graph.node(Flag(), (), 0, 1, OF_ELEMENTS) if body else self.here(wire.rate)
                checked = self.graph.select(flag, node, low)
            self.graph.node(Check(wire.lo, wire.hi), (checked,), wire.lo, wire.hi, checked.rate)
        if wire.lo == wire.hi:
            return self.graph.constant(wire.lo)
        return self.graph.node(wire.op, (node,), wire.lo, wire.hi, wire.rate)

    # -- what is present ----------------------------------------------------------------------
    def here(self, rate: Rate) -> Node:
        """1 where something is present, at a rate."""
        present = self.graph.node(Source("present"), (), 0, 1, OF_ELEMENTS)
        if rate is OF_ELEMENTS:
            return present
        return self.graph.node(Reduce(Maximum, max(rate, OF_ROWS)), (present,), 0, 1, max(rate, OF_ROWS))

    def divided(self, wire, body: bool) -> Node:
        if not -_INT64 <= wire.op.by_zero < _INT64:
            raise RangeError(f"{wire.op.by_zero} where a divisor is 0 is beyond int64")
        return self.graph.node(wire.op, self._args(wire), wire.lo, wire.hi, wire.rate)

    # -- folds and scans ----------------------------------------------------------------------
    def folded(self, wire, body: bool) -> Node:
        op = wire.op
        step = op.fold if op.__class__ is FoldOutput else op.scan
        if op.__class__ is FoldOutput and step.body.primitive is not None:
            return self.reduced(step, wire)
        group = self._groups.get(step)
        if group is None:
            group = self._groups[step] = self.group(step)
        when = getattr(op, "when", "after")
        key = (when, op.position)
        if key not in group.outputs:
            made = Together(group, op.position, when)
            flags = () if group.flags is None else (group.flags,)
            group.outputs[key] = self.graph.node(made, (*group.inputs, *flags), wire.lo, wire.hi, wire.rate)
        return group.outputs[key]

    def reduced(self, fold: Fold, wire) -> Node:
        type_of(*fold.body.results[0].range)
        kind, value = fold.body.primitive, self.of[fold.inputs[0]]
        rate = fold.inputs[0].rate
        if self.variant == MASKED:
            neutral = {Add: 0, Maximum: value.lo, Minimum: value.hi}[kind]
            value = self.graph.select(self.here(rate), value, self.graph.constant(neutral))
        if self.variant == LISTED and kind is Add:
            weight = self.graph.node(Weight(), (), 0, self.max_n, OF_ELEMENTS)
            ends = [0, value.lo * self.max_n, value.hi * self.max_n]
            value = self.graph.node(Multiply(), (value, weight), min(ends), max(ends), OF_ELEMENTS)
        value = self.timed(value, rate)
        return self.graph.node(Reduce(kind, fold.to), (value,), wire.lo, wire.hi, fold.to)

    def timed(self, node: Node, rate: Rate) -> Node:
        """The node; of a constant, which has no rate of its own, one value for each place of a rate."""
        return self.graph.node(Spread(rate), (node,), node.lo, node.hi, rate) if node.is_constant else node

    def group(self, step) -> Group:
        body, k = step.body, len(step.body.results)
        if k > MOST_CARRIED:
            raise RangeError(f"a fold or scan carries {k} values, and {MOST_CARRIED} are allowed")
        ranges = [a.range for a in body.arguments]
        for j, result in enumerate(body.results):
            places = (j, k + j) if isinstance(step, Fold) else (j,)
            ends = [result.range, *(ranges[p] for p in places)]
            ends += [] if isinstance(step, Fold) else [(step.start[j], step.start[j])]
            for place in places:
                ranges[place] = min(lo for lo, _ in ends), max(hi for _, hi in ends)
        inside = Translation(self.variant)
        results = inside.body(body, ranges)
        inputs = tuple(self.timed(self.of[w], w.rate) for w in step.inputs)
        flags = self.here(step.inputs[0].rate) if self.variant == MASKED else None
        return Group(step, inputs, flags, inside.graph, results, ranges)


_BARE = {
    Add,
    Equal,
    Less,
    Maximum,
    Minimum,
    Multiply,
    Select,
    ShiftLeftBy,
    ShiftRightBy,
    Subtract,
}  # without parameters
# Wires that do not simply become nodes of their operation.
_OWN = {
    Source: Translation.source,
    Known: Translation.known,
    FoldOutput: Translation.folded,
    ScanOutput: Translation.folded,
    ShiftLeft: Translation.shifted,
    Divide: Translation.divided,
}
