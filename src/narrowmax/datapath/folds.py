"""Folds take elements or chunks to one value; scans carry a state from chunk to chunk.

Both work on tuples of wires and skip what is absent.  The order in which a fold combines is part
of its arithmetic:

    exact            associative and exact, so any order gives the same integer
    serial           ((a0 . a1) . a2) . a3 ...
    tree             pairs aligned on powers of two of the position
    interleaved(k)   k serial folds of every k-th position, then those k in order
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from narrowmax.datapath.bodies import Body, check_exact, fixpoint, hull, settle, trace
from narrowmax.datapath.operations import Add, Maximum, Operation
from narrowmax.datapath.wire import Rate, Wire
from narrowmax.errors import GraphError


@dataclass(frozen=True, eq=False)
class Fold:
    """`body` over what is present among `inputs`, taken to rate `to`; `empty` where nothing is."""

    body: Body
    inputs: tuple[Wire, ...]
    order: str
    empty: tuple[int, ...]
    to: Rate

    @property
    def ways(self) -> int:
        """k of interleaved(k), else 1."""
        found = re.fullmatch(r"interleaved\((\d+)\)", self.order)
        return int(found[1]) if found else 1


@dataclass(frozen=True, eq=False)
class Scan:
    """`step(state, inputs)` at each chunk with something present, from the integers `start`."""

    body: Body
    inputs: tuple[Wire, ...]
    start: tuple[int, ...]


@dataclass(frozen=True)
class FoldOutput(Operation):
    """The `position`-th result of a fold."""

    fold: Fold
    position: int

    def lower_bounds(self, wire):
        return self.fold.inputs if self.fold.body.primitive is Maximum else ()

    def largest_of(self, wire):
        """The element that this wire is the maximum of over the row, or None."""
        return self.fold.inputs[0] if self.fold.body.primitive is Maximum and self.fold.to is Rate.ROW else None

    def summed(self, wire):
        """The element that this wire is the sum of, or None."""
        return self.fold.inputs[0] if self.fold.body.primitive is Add else None

    def levels(self, width, *widths):
        return 0

    def sentence(self, *names):
        verb = {Maximum: "the largest of", Add: "the sum of"}.get(self.fold.body.primitive, "the fold of")
        span = "the row" if self.fold.to is Rate.ROW else "its chunk"
        return f"{verb} {', '.join(names)} over {span} ({self.fold.order})"


_WHEN = ("before", "at", "after")


@dataclass(frozen=True)
class ScanOutput(Operation):
    """The `position`-th part of a scan's state: `before` or `at` each chunk, or `after` the row."""

    scan: Scan
    position: int
    when: str

    def follows(self, other) -> bool:
        """Whether this is a later value of the same state, which never falls."""
        if not isinstance(other, ScanOutput) or (other.scan, other.position) != (self.scan, self.position):
            return False
        return self._grows() and _WHEN.index(self.when) >= _WHEN.index(other.when)

    def _grows(self) -> bool:
        state, result = self.scan.body.arguments[self.position], self.scan.body.results[self.position]
        return isinstance(result.op, Maximum) and state in result.args

    def lower_bounds(self, wire):
        state = self.scan.body.arguments[self.position]
        result = self.scan.body.results[self.position]
        if not self._grows() or self.when == "before":
            return ()
        other = next((a for a in result.args if a is not state), state)
        offset = other.index - len(self.scan.start)
        return (self.scan.inputs[offset],) if 0 <= offset < len(self.scan.inputs) else ()

    def levels(self, width, *widths):
        return 0

    def sentence(self, *names):
        when = {"before": "before the chunk", "at": "with the chunk", "after": "at the end of the row"}[self.when]
        return f"the running state of {', '.join(names)} {when}"


def fold(body, *inputs: Wire, order: str = "exact", empty=None, to: Rate = Rate.ROW):
    """Combine what is present among `inputs` two by two with `body(*a, *b)`; a wire or a tuple.

    `empty` gives the integers of a row (or chunk) with nothing present: by default 0 for a sum
    and the lowest value for a maximum.  Raises GraphError for an unknown order, inputs that are
    not faster than `to`, or an order "exact" whose body is not associative.
    """
    _check_inputs(inputs, to)
    drawing = inputs[0].drawing
    if order not in ("exact", "serial", "tree") and not re.fullmatch(r"interleaved\([1-9]\d*\)", order):
        raise GraphError(f"the fold's order is {order!r}; exact, serial, tree or interleaved(k) are allowed")
    span = drawing.chunk if to is Rate.CHUNK else drawing.max_n
    if inputs[0].rate is Rate.CHUNK:
        span = -(-drawing.max_n // drawing.chunk)
    elements = [w.range for w in inputs]
    drawn, states = settle(
        lambda r: trace(body, [*inputs, *inputs], [*r, *(r if order != "serial" else elements)], drawing.max_n),
        lambda b: _reached(b, elements, span),
        elements,
    )
    if len(drawn.results) != len(inputs):
        raise GraphError(f"the fold's body returns {len(drawn.results)} wires for {len(inputs)}; return as many as it combines")
    if order == "exact":
        check_exact(drawn, len(inputs))
    empty = _empty(drawn, elements, empty)
    made = Fold(drawn, tuple(inputs), order, empty, to)
    outputs = tuple(
        drawing.add(FoldOutput(made, i), tuple(inputs), to, w.point, fixed=hull([r], [(e, e)])[0])
        for i, (w, r, e) in enumerate(zip(inputs, states, empty, strict=True))
    )
    return outputs[0] if len(outputs) == 1 else outputs


def _check_inputs(inputs, to):
    if not inputs or any(w.rate is not inputs[0].rate for w in inputs):
        raise GraphError(f"a fold needs wires of one rate, not {[w.rate.name.lower() for w in inputs]}")
    if inputs[0].rate <= to or to not in (Rate.ROW, Rate.CHUNK):
        raise GraphError(
            f"a fold takes elements or chunks to something slower; {inputs[0].rate.name.lower()} to "
            f"{to.name.lower()} is not that"
        )
    if Rate.CHUNK in (to, inputs[0].rate) and not inputs[0].drawing.chunk:
        raise GraphError("this drawing has no chunks; draw it with chunk=k")


def _reached(body: Body, elements: list, span: int) -> list:
    """Ranges of every partial result over at most `span` elements."""
    if body.primitive is Add:
        lo, hi = elements[0]
        return [(min(lo, span * lo), max(hi, span * hi))]
    if body.primitive is not None:
        return elements
    serial = fixpoint(lambda state: body.bounds([*state, *elements]), elements, span - 1)
    return hull(serial, fixpoint(lambda state: body.bounds([*state, *state]), elements, (span - 1).bit_length()))


def _empty(body: Body, elements: list, empty) -> tuple[int, ...]:
    if empty is None and body.primitive is Add:
        return (0,)
    if empty is None:
        return tuple(lo for lo, _ in elements)
    empty = empty if isinstance(empty, tuple) else (empty,)
    if len(empty) != len(elements):
        raise GraphError(f"empty has {len(empty)} integers for {len(elements)} wires; give one for each")
    return empty


def scan(step, *inputs: Wire, start):
    """Carry a state through the chunks of a row: `step(*state, *inputs) -> state`.

    `start` is an integer or a tuple of integers, at the binary points of the first inputs unless
    given as (integer, point) pairs.  Returns (before, at, after), each a wire or a tuple: the state
    before the chunk, with it (both once per chunk), and at the end of the row.
    """
    if not inputs or any(w.rate is not Rate.CHUNK for w in inputs):
        raise GraphError("a scan needs wires once per chunk; fold elements with to=Rate.CHUNK first")
    drawing = inputs[0].drawing
    start, like = _start(start, inputs)
    steps = -(-drawing.max_n // drawing.chunk)
    given, first = [w.range for w in inputs], [(s, s) for s in start]
    drawn, states = settle(
        lambda r: trace(step, [*like, *inputs], [*r, *given], drawing.max_n),
        lambda b: fixpoint(lambda state: b.bounds([*state, *given]), first, steps),
        first,
    )
    if len(drawn.results) != len(start):
        raise GraphError(f"the scan's step returns {len(drawn.results)} wires for a state of {len(start)}; return the whole state")
    made = Scan(drawn, tuple(inputs), start)
    at = [r.range for r in drawn.results]
    outputs = []
    for when, rate, reached in (("before", Rate.CHUNK, states), ("at", Rate.CHUNK, at), ("after", Rate.ROW, states)):
        wires = tuple(
            drawing.add(ScanOutput(made, i, when), tuple(inputs), rate, drawn.results[i].point, fixed=r)
            for i, r in enumerate(reached)
        )
        outputs.append(wires[0] if len(wires) == 1 else wires)
    return tuple(outputs)


@dataclass(frozen=True)
class _Point:
    point: int


def _start(start, inputs):
    start = start if isinstance(start, tuple) else (start,)
    like = [_Point(s[1]) if isinstance(s, tuple) else _Point(inputs[min(i, len(inputs) - 1)].point) for i, s in enumerate(start)]
    return tuple(s[0] if isinstance(s, tuple) else s for s in start), like


def largest(wire: Wire, to: Rate = Rate.ROW) -> Wire:
    """The maximum of a row (or chunk); the wire's lowest value where nothing is present."""
    return fold(lambda a, b: a.maximum(b), wire, to=to)


def total(wire: Wire, to: Rate = Rate.ROW, empty: int = 0) -> Wire:
    """The exact sum of a row (or chunk); `empty` where nothing is present."""
    return fold(lambda a, b: a + b, wire, to=to, empty=empty)
