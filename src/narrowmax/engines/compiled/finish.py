"""The end of most softmax units as one instruction: a product, shifted, rounded, limited; or a quotient.

What is recognised is the shape of the graph, not who drew it:

    min((((a * b) >> c) + d) >> e, most)        d may be half a step less one, and one more where bit e is set
    min(((a << k) + b) / c, most)

with a of the element, everything else of the row or constant, and nothing negative.
"""

from __future__ import annotations

from narrowmax.datapath.operations import (
    Add,
    Divide,
    LowBits,
    Minimum,
    Multiply,
    Operation,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip
from narrowmax.engines.compiled.assembler import ARITHMETIC, Step
from narrowmax.engines.compiled.graph import OF_ELEMENTS, OF_ROWS, Graph, Node
from narrowmax.engines.compiled.types import BYTES, I64, U8, U16, U32, type_of

_QUOTIENT_BELOW = 1 << 21  # numerators whose quotient one float product decides: see native/finish_loops.h
_SHARED_BELOW = 1 << 24
_RESULTS = (U8, U16, U32)


class Scale(Operation):
    """args a, b, c, d, e; arithmetic in words of type `kind`; `name`: an operation of native/flat.h."""

    pointwise = False

    def __init__(self, name: str, most: int, kind: int):
        self.name, self.most, self.kind = name, most, kind


class Quotient(Operation):
    """args a, b and 1/c as a float; a is shifted left by `shift` first."""

    pointwise = False

    def __init__(self, shift: int, most: int):
        self.shift, self.most = shift, most


class Share(Operation):
    """1 / a as the bits of a float."""

    pointwise = False


_SHARE = Share()
_LAST = (Minimum, ShiftRight, ShiftRightBy, Divide)


def finish(graph: Graph, roots: list[Node]) -> None:
    """Replace every end of a unit that is recognised, from the last node back: the longest shape wins."""
    wanted = set(roots)
    for node in graph.nodes[::-1]:
        if node not in wanted:
            continue
        if node.op.__class__ in _LAST and node.rate is OF_ELEMENTS and node.lo >= 0:
            inner, most = _limited(node)
            made = _scale(graph, node, inner, most) or _quotient(graph, node, inner, most)
            if made is not None:
                node.op, node.args = made
        wanted.update(node.args)


def _limited(node: Node) -> tuple[Node, int]:
    """What a minimum with a constant limits, and to what."""
    if node.op.__class__ is Minimum and node.args[1].is_constant:
        return node.args[0], node.args[1].lo
    return node, node.hi


def _slow(node: Node) -> bool:
    return node.rate <= OF_ROWS and node.lo >= 0


def _constant_of(node: Node, op: type) -> tuple[Node, int]:
    """The operand and the amount of a shift by a constant; the node itself and 0 where it is none."""
    return (node.args[0], node.op.amount) if node.op.__class__ is op else (node, 0)


def _scale(graph: Graph, node: Node, inner: Node, most: int):
    if inner.op.__class__ not in (ShiftRight, ShiftRightBy):
        return None
    rounded, down = _constant_of(inner, ShiftRight)
    scaled, half, even = _rounding(rounded, down)
    wide, by = scaled, None
    if scaled.op.__class__ is ShiftRightBy and _slow(scaled.args[1]):
        wide, by = scaled.args
    product, up = _constant_of(wide, ShiftLeft)
    factors = _factors(product)
    if factors is None or min(product.lo, wide.lo, scaled.lo, rounded.lo) < 0:
        return None
    if up and by is not None:
        return _rescaled(graph, node, factors, (by, up, down, half, even), most)
    if up:
        return None
    zero = graph.constant(0)
    parts = (*factors, by or zero, graph.constant(half), graph.constant(down))
    made = _made(node, parts, even, most, max(product.hi, rounded.hi + 1))
    found = (factors, product, by, down)
    shorter = _shorter(graph, node, found, half, even, most)
    return shorter if shorter is not None and (made is None or shorter[0].kind < made[0].kind) else made


def _shorter(graph: Graph, node: Node, found: tuple, half: int, even: bool, most: int):
    """One shift for all: rounding half up is a shift less, one more, and a last shift; the half needs no room."""
    factors, product, by, down = found
    rounds = down >= 2 and half == 1 << down - 1
    if even:
        whole = by is None and down >= 1 and half == (1 << down - 1) - 1
        return _of_high_half(graph, node, (factors, graph.constant(down), 0), "even", most) if whole else None
    if half and not rounds:
        return None
    rounding = "up" if rounds else "down"
    if (high := _of_high_half(graph, node, (factors, by or graph.constant(0), down), rounding, most)) is not None:
        return high
    last = graph.constant(int(rounds))
    return _made(node, (*factors, _shifted(graph, by, down - rounds), last, last), False, most, product.hi)


def _of_high_half(graph: Graph, node: Node, found: tuple, rounding: str, most: int):
    """A product of 16-bit words, shifted down by a node and a number, where only its high half counts, or None.

    found: the factors, the node and the number; rounding: "down", half "up" or half to "even"
    What is rounded keeps a bit more until then.  The row's factor is shifted up where the shift down is too short.
    """
    (a, b), by, more = found
    last = graph.constant(int(rounding != "down"))
    more -= last.lo + 16
    up = max(0, -(by.lo + more))
    kinds = type_of(a.lo, a.hi), type_of(node.lo, node.hi)
    if by.hi + more + up >= 32 or max(a.hi, b.hi << up) >= 1 << 16:
        return None
    if any(k not in _RESULTS or BYTES[k] > 2 for k in kinds):
        return None
    if up and b.is_constant:
        b = graph.constant(b.lo << up)
    elif up:
        b = graph.node(ShiftLeft(up), (b,), b.lo << up, b.hi << up, OF_ROWS)
    name = "SCALE_HIGH_EVEN" if rounding == "even" else "SCALE_HIGH"
    return Scale(name, min(most, (1 << 16) - 1), U16), (a, b, _shifted(graph, by, more + up), last, last)


def _shifted(graph: Graph, by: Node | None, more: int) -> Node:
    """How far a row's shift and a constant one go together."""
    if by is None or by.is_constant:
        return graph.constant(more + (by.lo if by else 0))
    if more < 0:
        return graph.node(Subtract(), (by, graph.constant(-more)), by.lo + more, by.hi + more, OF_ROWS)
    return graph.node(Add(), (by, graph.constant(more)), by.lo + more, by.hi + more, OF_ROWS) if more else by


def _rounding(rounded: Node, down: int) -> tuple[Node, int, bool]:
    """What is rounded, the constant added to it, and whether ties go to even."""
    if rounded.op.__class__ is not Add:
        return rounded, 0, False
    first, second = rounded.args
    if second.is_constant and second.lo >= 0:
        return first, second.lo, False
    if first.op.__class__ is Add and first.args[1].is_constant and first.args[1].lo >= 0 and _lowest(second):
        whole, dropped = _constant_of(second.args[0], ShiftRight)
        if whole is first.args[0] and dropped == down:
            return whole, first.args[1].lo, True
    return rounded, 0, False


def _lowest(node: Node) -> bool:
    return node.op.__class__ is LowBits and node.op.count == 1


def _factors(product: Node) -> tuple[Node, Node] | None:
    """The element's factor and the row's."""
    if product.op.__class__ is not Multiply:
        return None
    a, b = product.args
    if a.rate is not OF_ELEMENTS:
        a, b = b, a
    return (a, b) if a.rate is OF_ELEMENTS and a.lo >= 0 and _slow(b) else None


def _rescaled(graph: Graph, node: Node, factors: tuple, shifts: tuple, most: int):
    """A product shifted up by a constant and down by a wire that is never more: down by another wire alone."""
    by, up, down, half, even = shifts
    low, high = down - up + by.lo, down - up + by.hi
    plain = half == (1 << down >> 1) - even if down else not half
    if by.hi > up or low < 1 or not (plain or (half == 0 and not even)):
        return None
    rounding = "even" if even else "up" if half else "down"
    if (short := _of_high_half(graph, node, (factors, by, down - up), rounding, most)) is not None:
        return short
    row = OF_ROWS
    less = graph.node(Add(), (by, graph.constant(down - up)), low, high, row)
    added = graph.constant(0)
    if half or even:
        last = graph.node(Subtract(), (less, graph.constant(1)), low - 1, high - 1, row)
        added = graph.node(ShiftLeftBy(), (graph.constant(1), last), 1 << low - 1, 1 << high - 1, row)
        if even:
            added = graph.node(Subtract(), (added, graph.constant(1)), (1 << low - 1) - 1, (1 << high - 1) - 1, row)
    a, b = factors
    return _made(node, (a, b, graph.constant(0), added, less), even, most, a.hi * b.hi + added.hi + 1)


def _made(node: Node, parts: tuple, even: bool, most: int, largest: int):
    """The instruction, in the narrowest arithmetic that holds every step and every shift; None where there is none."""
    a, _, c, _, e = parts
    kind = max(type_of(0, largest), U16)
    if max(c.hi, e.hi) >= 8 * BYTES[kind]:
        kind = I64 if max(c.hi, e.hi) < 64 else None
    result, factor = type_of(node.lo, node.hi), type_of(a.lo, a.hi)
    if kind is None or kind > I64 or result not in _RESULTS or factor not in _RESULTS:
        return None
    if max(BYTES[result], BYTES[factor]) > BYTES[kind]:
        return None
    name = "SCALE_EVEN" if even else "SCALE"
    return Scale(name, min(most, (1 << 62) if kind == I64 else (1 << 8 * BYTES[kind]) - 1), kind), parts


def _quotient(graph: Graph, node: Node, inner: Node, most: int):
    if inner.op.__class__ is not Divide:
        return None
    above, below = inner.args
    if not (_slow(below) and 1 <= below.lo and below.hi < _SHARED_BELOW and above.hi < _QUOTIENT_BELOW):
        return None
    a, b = above, graph.constant(0)
    if above.op.__class__ is Add:
        a, b = above.args if above.args[0].rate is OF_ELEMENTS else reversed(above.args)
    a, shift = _constant_of(a, ShiftLeft)
    kinds = type_of(a.lo, a.hi), type_of(node.lo, node.hi)
    if a.rate is not OF_ELEMENTS or not _slow(b) or a.lo < 0 or any(k not in _RESULTS for k in kinds):
        return None
    share = graph.node(_SHARE, (below,), 0, (1 << 32) - 1, OF_ROWS)
    return Quotient(shift, min(most, (1 << 32) - 1)), (a, b, share)


# -- their instructions -----------------------------------------------------------------------
def emit_scale(lowering, node: Node, step: Step) -> None:
    op, (a, *others) = node.op, node.args
    factor = type_of(a.lo, a.hi)  # as `finish` took it to be: what a comparison gives lies in wider words
    operands = [lowering.value(a, BYTES[factor], step), *(_of_row(lowering, n, BYTES[op.kind]) for n in others)]
    kinds = factor + ARITHMETIC * op.kind
    lowering.out.emit(step, op.name, kinds, lowering.own_slot(node), *operands, imm=op.most)


def emit_quotient(lowering, node: Node, step: Step) -> None:
    op, (a, *others) = node.op, node.args
    given = type_of(a.lo, a.hi)
    operands = [lowering.value(a, BYTES[given], step), *(_of_row(lowering, n, 4) for n in others)]
    shift = lowering.out.constant(op.shift, 4)
    kinds = given + ARITHMETIC * U32
    lowering.out.emit(step, "QUOTIENT", kinds, lowering.own_slot(node), *operands, shift, imm=op.most)


def _of_row(lowering, node: Node, width: int) -> int:
    """A row's value, or a constant, in words of a width."""
    if node.is_constant:
        return lowering.out.constant(node.op.value, width)
    return lowering.value(node, width, lowering.at_its_rate(node))


def emit_share(lowering, node: Node, step: Step) -> None:
    lowering.out.emit(step, "SHARE", U32, lowering.own_slot(node), lowering.value(node.args[0], 4, step))
