"""From a graph to a program: steps, types, slots and instructions.

Every value is kept in the narrowest integer type that holds its range.  Additions, products and
left shifts are done in the type of their *result*: modulo 2**bits that is exact whatever the
operands' types.  Comparisons and right shifts are done in a type that holds their operands.

Steps run one after the other over a tile of rows: what folds give is known when an element step
ends, and what depends on it comes in a later one.
"""

from __future__ import annotations

from narrowmax.datapath import Argument, Lookup, Rate, Source
from narrowmax.datapath.operations import (
    Add,
    Divide,
    Equal,
    Known,
    LeadingZeros,
    Less,
    LowBits,
    Maximum,
    Minimum,
    Multiply,
    Normalise,
    Select,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip
from narrowmax.engines.compiled import finish as last
from narrowmax.engines.compiled import groups
from narrowmax.engines.compiled.assembler import (
    BOUND,
    CARRIED,
    CAST,
    CHUNK,
    CHUNKS,
    ELEMENTS,
    INPUT,
    LENGTH,
    LOOKUP,
    OUTPUT,
    POSITION,
    PRESENT,
    REDUCE,
    ROW,
    ROW_OUTPUT,
    ROW_STEP,
    SPREAD,
    TEMPORARY,
    WEIGHT,
    Assembler,
    Step,
)
from narrowmax.engines.compiled.collapse import Entries, collapse
from narrowmax.engines.compiled.graph import OF_ELEMENTS, Check, Flag, Graph, Node, Reduce, Spread, Together, Weight
from narrowmax.engines.compiled.types import BYTES, I128, U8, U16, UNSIGNED, type_of, word

_KIND = (ROW_STEP, ROW_STEP, CHUNKS, ELEMENTS)  # of each rate
_PLACE = (ROW, ROW, CHUNK, TEMPORARY)
_NEAR = {ELEMENTS: TEMPORARY, CHUNKS: CHUNK, ROW_STEP: ROW}  # where something lives that only its step needs
ORDER = {ELEMENTS: 1, CHUNKS: 2, ROW_STEP: 3}  # within a stage; folds and scans that are run as a whole come first
_SMALL, _FLOAT = 1 << 24, 1 << 53
_NAMES = {
    Add: "ADD", Subtract: "SUB", Multiply: "MUL", Select: "SELECT",
    Minimum: "MIN", Maximum: "MAX", Less: "LESS", Equal: "EQUAL",
}  # fmt: skip
_SOURCES = {"x": INPUT, "present": PRESENT}


class Lowering:
    """One graph, of a datapath or of a body, into an assembler's steps."""

    def __init__(self, out: Assembler, graph: Graph, roots: list[Node], inside: bool = False):
        self.out, self.inside = out, inside
        if not inside:
            last.finish(graph, roots)
        collapse(graph, roots)
        self.steps: dict[tuple[int, int], Step] = {}
        self.groups: set = set()
        self._casts: dict = {}
        self.wanted: Node | None = None
        self.carried: set[Node] = set()
        self.nodes = self._staged(roots)

    def _staged(self, roots: list[Node]) -> list[Node]:
        """What the roots need, operands first; of each node the step in which it is computed."""
        order, waiting = [], roots[::-1]
        while waiting:
            node = waiting[-1]
            if node.stage < 0:
                for a in node.args:
                    if a.stage < 0:
                        waiting.append(a)
                if waiting[-1] is not node:
                    continue
                self._stage(node)
                order.append(node)
            waiting.pop()
        return order

    def _stage(self, node: Node) -> None:
        """After what it needs: in the stage of that, or the next one where it is slower."""
        rate, stage = node.rate, 0
        for a in node.args:
            if a.stage >= stage:
                stage = a.stage + (a.rate < rate and not a.is_constant)
        whole = node.op.__class__ is Together
        node.stage = stage = stage + whole
        if not self.inside:
            for a in node.args:  # values that outlive their step
                if a.rate is OF_ELEMENTS and (whole or a.stage != stage):
                    self.carried.add(a)

    def step_at(self, stage: int, kind: int) -> Step:
        key = (stage, ORDER[kind])
        found = self.steps.get(key)
        if found is None:
            found = self.steps[key] = Step(kind)
        return found

    # -- values -------------------------------------------------------------------------------
    def value(self, node: Node, width: int, step: Step) -> int:
        """A slot that holds a node in words of `width` bytes, at the rate of a step."""
        if node.is_constant:
            return self.out.constant(node.op.value, width)
        own = self.inside or _KIND[node.rate] == step.kind
        if own and BYTES[node.type] == width:
            return node.slot
        key = (node, width, step)
        found = self._casts.get(key)
        if found is None:
            found = self._casts[key] = self.cast(node, width, step) if own else self.repeated(node, width, step)
        return found

    def repeated(self, node: Node, width: int, step: Step) -> int:
        """A slower wire's value, in a faster step."""
        slow = self.value(node, width, self.at_its_rate(node))
        wide = UNSIGNED[width]
        return self.out.emit(step, SPREAD, wide, self.out.slot(TEMPORARY, wide, pinned=True), slow)

    def at_its_rate(self, node: Node) -> Step:
        """The step of a row's or chunk's value in which it is brought to other widths."""
        return self.step_at(node.stage, _KIND[node.rate])

    def cast(self, node: Node, width: int, step: Step) -> int:
        place = TEMPORARY if self.inside else _PLACE[node.rate]
        target = self.out.slot(place, UNSIGNED[width])
        return self.out.emit(step, CAST[width], node.type, target, node.slot)

    def own_slot(self, node: Node) -> int:
        """A new slot for a node's own value."""
        if node.slot < 0:
            place = TEMPORARY if self.inside else CARRIED if node in self.carried else _PLACE[node.rate]
            if node is self.wanted:
                place = OUTPUT if node.rate is OF_ELEMENTS else ROW_OUTPUT
            node.slot = self.out.slot(place, node.type)
        return node.slot

    def finish(self, node: Node, step: Step, name: str, kind: int, *operands: int, imm: int = 0) -> None:
        """One instruction in words of type `kind`, its result brought to the node's own type."""
        if BYTES[kind] == BYTES[node.type]:
            self.out.emit(step, name, kind, self.own_slot(node), *operands, imm=imm)
            return
        place = TEMPORARY if self.inside or node.rate is OF_ELEMENTS else _PLACE[node.rate]
        wide = self.out.emit(step, name, kind, self.out.slot(place, kind), *operands, imm=imm)
        self.out.emit(step, CAST[BYTES[node.type]], kind, self.own_slot(node), wide)

    def inner(self, group) -> Lowering:
        """The lowering of a group's body, into the same slots."""
        return Lowering(self.out, group.body, roots_of(group.body, group.results), inside=True)

    def at_start(self) -> Step:
        """The step of what depends on no fold."""
        return self.step_at(0, ELEMENTS)

    # -- nodes --------------------------------------------------------------------------------
    def run(self) -> None:
        """Emit everything."""
        place, step = None, None
        for node in self.nodes:
            op = node.op.__class__
            rate = node.args[0].rate if op is Reduce else node.rate
            if place != (node.stage, rate):
                place = node.stage, rate
                step = self.step_at(node.stage, _KIND[rate])
            _RULES[op](self, node, step)

    def ring(self, node, step) -> None:
        """Operations that are exact modulo 2**bits of their result."""
        width = BYTES[node.type]
        operands = [self.value(a, width, step) for a in node.args]
        self.out.emit(step, _NAMES[node.op.__class__], node.type, self.own_slot(node), *operands)

    def shift_left(self, node, step) -> None:
        operand = self.value(node.args[0], BYTES[node.type], step)
        self.out.emit(step, "SHL", node.type, self.own_slot(node), operand, imm=node.op.amount)

    def shift_left_by(self, node, step) -> None:
        kind = max(node.type, U16)
        operand = self.value(node.args[0], BYTES[kind], step)
        self.finish(node, step, "SHL_BY", kind, operand, self.amount(node.args[1], kind, step))

    def shift_right(self, node, step) -> None:
        (a,) = node.args
        bits = 8 * BYTES[a.type]
        self.finish(node, step, "SHR", a.type, self.value(a, BYTES[a.type], step), imm=min(node.op.amount, bits - 1))

    def shift_right_by(self, node, step) -> None:
        a, by = node.args
        kind = a.type if BYTES[a.type] > 1 else a.type + 2  # processors shift no single bytes by vectors
        operand = self.value(a, BYTES[kind], step)
        self.finish(node, step, "SHR_BY", kind, operand, self.amount(by, kind, step))

    def amount(self, node: Node, kind: int, step: Step) -> int:
        """A shift amount in words of `kind`, cut to what they hold; beyond their width all are alike."""
        width, bits = BYTES[kind], 8 * BYTES[kind]
        if node.hi < 1 << bits:
            return self.value(node, width, step)
        most = self.value(node, BYTES[node.type], step), self.out.constant(bits, BYTES[node.type])
        cut = self.out.emit(step, "MIN", node.type, self.out.slot(self._near(step), node.type), *most)
        return self.out.emit(step, CAST[width], node.type, self.out.slot(self._near(step), kind), cut)

    def _near(self, step: Step) -> int:
        """Where something lives that only this step needs."""
        return _NEAR[step.kind]

    def compared(self, node, step) -> None:
        """Operations on two operands in a type that holds both."""
        name, (a, b) = _NAMES[node.op.__class__], node.args
        kind = type_of(min(a.lo, b.lo), max(a.hi, b.hi))
        operands = self.value(a, BYTES[kind], step), self.value(b, BYTES[kind], step)
        if name in ("LESS", "EQUAL") and kind != I128:  # as wide as what it will often choose between
            node.type = UNSIGNED[BYTES[kind]]
            self.out.emit(step, name, kind, self.own_slot(node), *operands)
        else:
            self.finish(node, step, name, kind, *operands)

    def low_bits(self, node, step) -> None:
        (a,) = node.args
        width = BYTES[node.type]
        operand = self.value(a, width, step)
        mask = self.out.constant((1 << min(node.op.count, 8 * width)) - 1, width)
        self.out.emit(step, "AND", node.type, self.own_slot(node), operand, mask)

    def leading_zeros(self, node, step) -> None:
        (a,) = node.args
        place = self._near(step) if not self.inside else TEMPORARY
        length = self.out.slot(place, a.type)
        self.out.emit(step, "BIT_LENGTH", a.type, length, self.value(a, BYTES[a.type], step))
        width = BYTES[node.type]
        if width != BYTES[a.type]:
            length = self.out.emit(step, CAST[width], a.type, self.out.slot(place, node.type), length)
        self.out.emit(step, "SUB", node.type, self.own_slot(node), self.out.constant(node.op.width, width), length)

    def normalise(self, node, step) -> None:
        operand = self.value(node.args[0], BYTES[node.type], step)
        self.out.emit(step, "NORMALISE", node.type, self.own_slot(node), operand, imm=node.op.width)

    def divide(self, node, step) -> None:
        a, b = node.args
        kind = type_of(min(0, node.lo), max(a.hi, b.hi, node.hi))
        most = max(a.hi, 0) + max(b.hi, 0)
        name = "DIVIDE_SMALL" if most < _SMALL else "DIVIDE_FLOAT" if most < _FLOAT else "DIVIDE"
        kind = max(kind, type_of(min(0, node.lo), 1 << 20)) if name == "DIVIDE_SMALL" else kind
        operands = self.value(a, BYTES[kind], step), self.value(b, BYTES[kind], step)
        self.finish(node, step, name, kind, *operands, imm=word(node.op.by_zero))

    def lookup(self, node, step) -> None:
        table, (index,) = node.op.table, node.args
        last = len(table) - 1
        width = 1 if last < 256 and BYTES[index.type] == 1 else 2
        slot = self.value(index, width, step)
        if width == 2:  # where nothing is present, or an assertion fails, an index may be anything
            most = self.out.constant(last, 2)
            slot = self.out.emit(step, "MIN", U16, self.out.slot(self._near(step), U16), slot, most)
        entries = self.out.table_of(table, node.type, 256 if width == 1 else last + 1)
        name = LOOKUP[BYTES[node.type]]
        self.out.emit(step, name, U8 if width == 1 else U16, self.own_slot(node), slot, entries, imm=last + 1)

    def entries(self, node, step) -> None:
        (index,) = node.args
        count = len(node.op.values)
        width = 1 if count == 256 else 2
        slot = self.value(index, width, step)
        table = self.out.table(node.op.values, node.type)
        name = LOOKUP[BYTES[node.type]]
        self.out.emit(step, name, U8 if width == 1 else U16, self.own_slot(node), slot, table, imm=count)

    def known(self, node, step) -> None:
        """The operand itself, in the type that what is known of it allows."""
        node.slot = self.value(node.args[0], BYTES[node.type], step)
        if node in self.carried and self.out.place(node.slot) == TEMPORARY:
            operand, node.slot = node.slot, -1
            self.out.emit(step, CAST[BYTES[node.type]], node.type, self.own_slot(node), operand)

    def check(self, node, step) -> None:
        (a,) = node.args
        width = BYTES[a.type]
        ends = [self.out.constant(e, width) for e in (max(a.lo, node.op.lo), min(a.hi, node.op.hi))]
        self.out.emit(step, "CHECK", a.type, -1, self.value(a, width, step), *ends)

    def source(self, node, step) -> None:
        if node.op.kind in _SOURCES:
            node.slot = self.out.slot(_SOURCES[node.op.kind], node.type)
        else:
            name = POSITION if node.op.kind == "position" else LENGTH
            self.out.emit(step, name, node.type, self.own_slot(node))

    def weight(self, node, step) -> None:
        node.type = U16
        node.slot = self.out.slot(WEIGHT, U16)

    def bound(self, node, step) -> int:
        if node.slot < 0:
            node.slot = self.out.slot(BOUND, node.type)
        return node.slot

    def spread(self, node, step) -> None:
        operand = self.value(node.args[0], BYTES[node.type], step)
        self.out.emit(step, CAST[BYTES[node.type]], node.type, self.own_slot(node), operand)

    def reduce(self, node, step) -> None:
        (a,) = node.args
        kind = node.op.kind
        neutral = 0 if kind is Add else a.lo if kind is Maximum else a.hi
        if kind is not Add:
            node.type = a.type
        start = self.out.constant(neutral, BYTES[node.type])
        operand = self.value(a, BYTES[a.type], step)
        self.out.emit(step, REDUCE[kind], a.type, self.own_slot(node), operand, start)


def roots_of(graph: Graph, results: list[Node]) -> list[Node]:
    return [*results, *(n for n in graph.nodes if n.op.__class__ is Check)]


def lower(graph: Graph, output: Node, rate: Rate, chunk: int, max_n: int, given: int):
    """The program of a whole datapath's graph, whose output is wanted at `rate`; `given`: the type of input codes."""
    out = Assembler()
    out.slot(INPUT, given)  # so that a program that never looks at x says what it is given all the same
    lowering = Lowering(out, graph, roots_of(graph, [output]))
    lowering.wanted = output
    lowering.run()
    place = OUTPUT if rate is OF_ELEMENTS else ROW_OUTPUT
    if output.slot < 0 or out.place(output.slot) != place:  # a source or constant: nothing was computed into place
        step = lowering.step_at(output.stage, _KIND[rate])
        operand = lowering.value(output, BYTES[output.type], step)
        output.slot = out.emit(step, CAST[BYTES[output.type]], output.type, out.slot(place, output.type), operand)
    steps = [lowering.steps[key] for key in sorted(lowering.steps)]
    return out.program(steps, output.slot, chunk, max_n)


_RULES = {
    **dict.fromkeys((Add, Subtract, Multiply, Select), Lowering.ring),
    **dict.fromkeys((Minimum, Maximum, Less, Equal), Lowering.compared),
    ShiftLeft: Lowering.shift_left,
    ShiftLeftBy: Lowering.shift_left_by,
    ShiftRight: Lowering.shift_right,
    ShiftRightBy: Lowering.shift_right_by,
    LowBits: Lowering.low_bits,
    LeadingZeros: Lowering.leading_zeros,
    Normalise: Lowering.normalise,
    Divide: Lowering.divide,
    Lookup: Lowering.lookup,
    Entries: Lowering.entries,
    Known: Lowering.known,
    Check: Lowering.check,
    Source: Lowering.source,
    Weight: Lowering.weight,
    Argument: Lowering.bound,
    Flag: Lowering.bound,
    Spread: Lowering.spread,
    Reduce: Lowering.reduce,
    Together: groups.together,
    last.Scale: last.emit_scale,
    last.Quotient: last.emit_quotient,
    last.Share: last.emit_share,
}
