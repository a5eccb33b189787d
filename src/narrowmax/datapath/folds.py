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
from operator import index as as_integer

from narrowmax.datapath.bodies import Argument, Body, check_exact, fixpoint, hull, settle, trace
from narrowmax.datapath.operations import Add, Maximum, Minimum, Operation
from narrowmax.datapath.wire import Rate, Wire
from narrowmax.errors import GraphError


@dataclass(frozen=True, eq=False)
class Fold:
    """`body` over what is present among at most `span` `inputs`, taken to rate `to`; `empty` where nothing is."""

    body: Body
    inputs: tuple[Wire, ...]
    order: str
    empty: tuple[int, ...]
    to: Rate
    span: int

    @property
    def ways(self) -> int:
        """k of interleaved(k), else 1."""
        return _ways(self.order)


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
    pointwise = False

    def lower_bounds(self) -> tuple[Wire, ...]:
        """Elements that this wire is never less than."""
        return self.fold.inputs if self.fold.body.primitive is Maximum else ()

    def upper_bounds(self) -> tuple[Wire, ...]:
        """Elements that this wire is never more than."""
        return self.fold.inputs if self.fold.body.primitive is Minimum else ()

    def follows(self, other) -> bool:
        """Whether this is the maximum of all that the other is the maximum of."""
        if not isinstance(other, FoldOutput) or self.fold.inputs != other.fold.inputs:
            return False
        kinds = {self.fold.body.primitive, other.fold.body.primitive}
        return kinds == {Maximum} and self.fold.to <= other.fold.to

    def largest_of(self) -> Wire | None:
        """The element that this wire is the maximum of over the row, or None."""
        return self._over_the_row(Maximum)

    def summed(self) -> Wire | None:
        """The element that this wire is the sum of over the row, or None."""
        return self._over_the_row(Add)

    def _over_the_row(self, kind):
        return self.fold.inputs[0] if self.fold.body.primitive is kind and self.fold.to is Rate.ROW else None

    def error(self, ranges, errors):
        if self.fold.body.primitive is None:
            return None
        (lo, hi), most = errors[0], self.fold.span if self.fold.body.primitive is Add else 1
        return min(lo, most * lo), max(hi, most * hi)

    def levels(self, width, *widths):
        return 0

    def sentence(self, *names):
        verb = {Maximum: "the largest of", Minimum: "the smallest of", Add: "the sum of"}
        span = "the row" if self.fold.to is Rate.ROW else "its chunk"
        part = f"part {self.position} of the fold of" if len(names) > 1 else "the fold of"
        return f"{verb.get(self.fold.body.primitive, part)} {', '.join(names)} over {span} ({self.fold.order})"


_WHEN = ("before", "at", "after")


@dataclass(frozen=True)
class ScanOutput(Operation):
    """The `position`-th part of a scan's state: `before` or `at` each chunk, or `after` the row."""

    scan: Scan
    position: int
    when: str
    pointwise = False

    def follows(self, other) -> bool:
        """Whether this is a later value of the same state, which never falls."""
        if not isinstance(other, ScanOutput) or (other.scan, other.position) != (self.scan, self.position):
            return False
        return self._grows() and _WHEN.index(self.when) >= _WHEN.index(other.when)

    def lower_bounds(self) -> tuple[Wire, ...]:
        """Inputs that this wire is never less than."""
        if not self._grows() or self.when == "before":
            return ()
        seen = [a.op.position - len(self.scan.start) for a in self._result.args if isinstance(a.op, Argument)]
        return tuple(self.scan.inputs[i] for i in seen if i >= 0)

    @property
    def _result(self) -> Wire:
        return self.scan.body.results[self.position]

    def _grows(self) -> bool:
        state = self.scan.body.arguments[self.position]
        return self._result is state or (isinstance(self._result.op, Maximum) and state in self._result.args)

    def levels(self, width, *widths):
        return 0

    def sentence(self, *names):
        when = {"before": "before the chunk", "at": "with the chunk", "after": "at the end of the row"}[self.when]
        return f"part {self.position} of the running state of {', '.join(names)} {when}"


def fold(body, *inputs: Wire, order: str = "exact", empty=None, to: Rate = Rate.ROW):
    """Combine what is present among `inputs` two by two with `body(*a, *b)`; a wire or a tuple.

    `empty` gives the integers of a row (or chunk) with nothing present: by default 0 for a sum
    and the lowest value for anything else.  Raises GraphError for an unknown order, inputs that
    are not faster than `to`, a body that returns another number of wires or other binary points,
    or an order "exact" whose body gives different results in different orders.
    """
    _check_inputs(inputs, to)
    if order not in ("exact", "serial", "tree") and not re.fullmatch(r"interleaved\([1-9]\d*\)", order):
        raise GraphError(f"the fold's order is {order!r}; exact, serial, tree or interleaved(k) are allowed")
    drawing, span = inputs[0].drawing, _span(inputs[0], to)
    elements, points = [w.range for w in inputs], [w.point for w in inputs]
    drawn, states = settle(
        lambda r: trace(body, points * 2, r, points, "fold's body", drawing.max_n),
        lambda b, guess: _partial_results(b, elements, span, order, guess),
        elements * 2,
    )
    if order == "exact":
        check_exact(drawn, elements, span)
    empty = _empty(drawn, elements, empty)
    made = Fold(drawn, tuple(inputs), order, empty, to, span)
    outputs = tuple(
        drawing.add(FoldOutput(made, i), tuple(inputs), to, p, fixed=(min(states[i][0], e), max(states[i][1], e)))
        for i, (p, e) in enumerate(zip(points, empty, strict=True))
    )
    return outputs[0] if len(outputs) == 1 else outputs


def _check_inputs(inputs, to):
    if not inputs or not all(isinstance(w, Wire) for w in inputs):
        raise GraphError(f"a fold needs wires, not {list(inputs)}; pass at least one")
    if any(w.rate is not inputs[0].rate or w.drawing is not inputs[0].drawing for w in inputs):
        raise GraphError(f"a fold needs wires of one drawing and one rate, not {[w.rate.name.lower() for w in inputs]}")
    if inputs[0].rate <= to or to not in (Rate.ROW, Rate.CHUNK):
        raise GraphError(
            f"a fold takes elements or chunks to something slower; {inputs[0].rate.name.lower()} to "
            f"{to.name.lower()} is not that"
        )
    if Rate.CHUNK in (to, inputs[0].rate) and not inputs[0].drawing.chunk:
        raise GraphError("this drawing has no chunks; draw it with chunk=k")


def _span(wire: Wire, to: Rate) -> int:
    """How many values a fold combines at most."""
    chunk, max_n = wire.drawing.chunk, wire.drawing.max_n
    if wire.rate is Rate.CHUNK:
        return -(-max_n // chunk)
    return min(chunk, max_n) if to is Rate.CHUNK else max_n


def _ways(order: str) -> int:
    found = re.fullmatch(r"interleaved\((\d+)\)", order)
    return int(found[1]) if found else 1


def _partial_results(body: Body, elements: list, span: int, order: str, guess: bool) -> list:
    """Ranges of everything that can be the first operand of the body, and of all that can be the second."""

    def serial(start, second, steps):
        return fixpoint(lambda state: body.bounds([*state, *second], guess), start, steps, guess)

    if body.primitive is not None:
        lo, hi = elements[0]
        reached = [(min(lo, span * lo), max(hi, span * hi))] if body.primitive is Add else elements
        return reached * 2
    if order == "tree":
        return (
            fixpoint(lambda state: body.bounds([*state, *state], guess), elements, (span - 1).bit_length(), guess) * 2
        )
    if order == "exact":  # whatever the order, a partial result is that of some elements one after the other
        return serial(elements, elements, span - 1) * 2
    ways = min(_ways(order), span)
    parts = serial(elements, elements, -(-span // ways) - 1)
    return serial(parts, parts, ways - 1) + parts if ways > 1 else parts + elements


def _empty(body: Body, elements: list, empty) -> tuple[int, ...]:
    if empty is None and body.primitive is Add:
        return (0,)
    if empty is None:
        return tuple(lo for lo, _ in elements)
    empty = empty if isinstance(empty, tuple) else (empty,)
    if len(empty) != len(elements):
        raise GraphError(f"empty has {len(empty)} integers for {len(elements)} wires; give one for each")
    try:
        return tuple(as_integer(e) for e in empty)
    except TypeError:
        raise GraphError(f"empty is {empty}; integers are allowed") from None


def scan(step, *inputs: Wire, start):
    """Carry a state through the chunks of a row: `step(*state, *inputs) -> state`.

    `start` is an integer or a tuple of integers, at the binary points of the first inputs unless
    given as (integer, point) pairs: ((0, 6),) is one state of 0 with 6 fraction bits.  A chunk with
    nothing present leaves the state as it is.  Returns (before, at, after), each a wire or a tuple:
    the state before the chunk, with it (both once per chunk), and at the end of the row.

    Raises GraphError for inputs that are not once per chunk, or a step that returns another number
    of wires or other binary points than the state has.
    """
    if not inputs or any(not isinstance(w, Wire) or w.rate is not Rate.CHUNK for w in inputs):
        raise GraphError("a scan needs wires once per chunk; fold elements with to=Rate.CHUNK first")
    drawing, (start, points) = inputs[0].drawing, _start(start, inputs)
    given, first = [w.range for w in inputs], [(s, s) for s in start]
    steps = _span(inputs[0], Rate.ROW)

    def reached(body, guess, steps=steps):
        return fixpoint(lambda state: body.bounds([*state, *given], guess), first, steps, guess)

    all_points = [*points, *(w.point for w in inputs)]
    drawn, _ = settle(
        lambda r: trace(step, all_points, [*r, *given], points, "scan's step", drawing.max_n), reached, first
    )
    before = reached(drawn, False, steps - 1)
    at = drawn.bounds([*before, *given])
    made = Scan(drawn, tuple(inputs), start)
    views = (("before", Rate.CHUNK, before), ("at", Rate.CHUNK, at), ("after", Rate.ROW, hull(first, at)))
    return tuple(_view(made, points, *v) for v in views)


def _view(made: Scan, points: list, when: str, rate: Rate, reached: list):
    """The wires that show a scan's state at one moment."""
    drawing = made.inputs[0].drawing
    wires = tuple(
        drawing.add(ScanOutput(made, i, when), made.inputs, rate, point, fixed=r)
        for i, (point, r) in enumerate(zip(points, reached, strict=True))
    )
    return wires[0] if len(wires) == 1 else wires


def _start(start, inputs) -> tuple[tuple[int, ...], list[int]]:
    """The integers a scan starts from, and their binary points."""
    start = start if isinstance(start, tuple) else (start,)
    pairs = [s if isinstance(s, tuple) else (s, inputs[min(i, len(inputs) - 1)].point) for i, s in enumerate(start)]
    try:
        return tuple(as_integer(s) for s, _ in pairs), [as_integer(p) for _, p in pairs]
    except TypeError:
        message = f"the scan starts from {start}; integers, or pairs of an integer and a binary point, are allowed"
        raise GraphError(message) from None


def largest(wire: Wire, to: Rate = Rate.ROW) -> Wire:
    """The maximum of a row (or chunk); the wire's lowest value where nothing is present."""
    return fold(lambda a, b: a.maximum(b), wire, to=to)


def smallest(wire: Wire, to: Rate = Rate.ROW) -> Wire:
    """The minimum of a row (or chunk); the wire's lowest value where nothing is present."""
    return fold(lambda a, b: a.minimum(b), wire, to=to)


def total(wire: Wire, to: Rate = Rate.ROW, empty: int = 0) -> Wire:
    """The exact sum of a row (or chunk); `empty` where nothing is present."""
    return fold(lambda a, b: a + b, wire, to=to, empty=empty)
