"""Bodies: what a fold or a scan does at each step, drawn once as a small graph of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

from narrowmax.datapath.grid import cone
from narrowmax.datapath.kits import INTEGERS
from narrowmax.datapath.operand import width_of
from narrowmax.datapath.operations import Add, Maximum, Minimum, Operation
from narrowmax.datapath.wire import Drawing, Rate, Wire
from narrowmax.errors import GraphError

Ranges = list[tuple[int, int]]
WIDEST = 1 << 10  # bits of what is carried from step to step
_STEADY = 64  # steps of the same growth, after which a guess believes in it


@dataclass(frozen=True)
class Argument(Operation):
    """The `position`-th argument of a body."""

    position: int
    arity = 0
    pointwise = False

    def levels(self, width):
        return 0

    def sentence(self):
        return f"argument {self.position}"


@dataclass(frozen=True, eq=False)
class Body:
    """A graph from `arguments` to `results`; `wires` holds all that the results need, in order."""

    arguments: tuple[Wire, ...]
    results: tuple[Wire, ...]
    wires: tuple[Wire, ...]

    def evaluate(self, kit, values: tuple, check: Callable | None = None) -> tuple:
        """The results for `values` of the arguments; `check(wire, value)` may refuse or replace a value."""
        known: dict[Wire, object] = {}
        for wire in self.wires:
            op = wire.op
            value = (
                values[op.position] if isinstance(op, Argument) else op.evaluate(kit, *(known[a] for a in wire.args))
            )
            known[wire] = value if check is None else check(wire, value)
        return tuple(known[r] for r in self.results)

    def bounds(self, ranges: Ranges, guess: bool = False) -> Ranges:
        """Ranges of the results by intervals, within those with which the body was drawn.

        Sound where `ranges` lie within those of the arguments.  With `guess` the body's own ranges
        are left, to see how far a state may run, and nothing is promised.
        """
        known: dict[Wire, tuple[int, int]] = {}
        for wire in self.wires:
            if isinstance(wire.op, Argument):
                known[wire] = ranges[wire.op.position]
            else:
                known[wire] = (_guessed if guess else _within)(wire, [known[a] for a in wire.args])
        return [known[r] for r in self.results]

    @cached_property
    def primitive(self) -> type | None:
        """Add, Maximum or Minimum where the body is just that of its two arguments, else None."""
        if len(self.arguments) == 2 and set(self.results[0].args) == set(self.arguments):
            kind = type(self.results[0].op)
            return kind if kind in (Add, Maximum, Minimum) else None
        return None


def _within(wire: Wire, args: Ranges) -> tuple[int, int]:
    met = [r if a.lo <= r[0] and r[1] <= a.hi else meet(r, a.range) for r, a in zip(args, wire.args)]
    lo, hi = wire.op.bound(*met)
    return (lo, hi) if wire.lo <= lo and hi <= wire.hi else meet((lo, hi), wire.range)


def _guessed(wire: Wire, args: Ranges) -> tuple[int, int]:
    try:
        lo, hi = wire.op.bound(*args)
    except ValueError:  # an operand outside what the operation takes: a shift by less than nothing, no entry of a table
        return wire.range
    return (max(lo, 0), max(hi, 0)) if wire.lo >= 0 else (lo, hi)


def meet(first, second):
    """What two ranges share; the nearest end where that is nothing."""
    lo, hi = max(first[0], second[0]), min(first[1], second[1])
    return (lo, hi) if lo <= hi else (hi, hi) if first[0] > second[1] else (lo, lo)


def trace(function: Callable, points: list[int], ranges: Ranges, results: list[int], what: str, max_n: int) -> Body:
    """Draw `function` on arguments with these binary points and ranges.

    Raises GraphError unless it returns as many wires as `results` holds, at those binary points.
    """
    drawing = Drawing(max_n)
    arguments = tuple(
        drawing.add(Argument(i), (), Rate.ELEMENT, point, fixed=r)
        for i, (point, r) in enumerate(zip(points, ranges, strict=True))
    )
    found = function(*arguments)
    found = found if isinstance(found, tuple) else (found,)
    if len(found) != len(results):
        raise GraphError(f"the {what} returns {len(found)} wires where {len(results)} are carried; return as many")
    found = tuple(r if isinstance(r, Wire) else drawing.constant(r, p) for r, p in zip(found, results, strict=True))
    _check_results(drawing, found, results, what)
    needed = {w for r in found for w in cone(r)}
    body = Body(arguments, found, tuple(w for w in drawing.wires if w in needed or w in arguments))
    for wire in drawing.wires:
        wire.forget()
    return body


def _check_results(drawing, results, points, what) -> None:
    for i, (result, point) in enumerate(zip(results, points, strict=True)):
        if result.drawing is not drawing:
            raise GraphError(f"the {what} returns a wire from outside; return wires drawn from its arguments")
        if result.point != point:
            raise GraphError(
                f"the {what} returns {result.point} fraction bits in place {i}, where {point} are carried; "
                "drop or extend bits"
            )


def hull(first, second):
    return [(min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(first, second, strict=True)]


def lies_within(inner: Ranges, outer: Ranges) -> bool:
    return all(b[0] <= a[0] and a[1] <= b[1] for a, b in zip(inner, outer, strict=True))


def fixpoint(step: Callable[[Ranges], Ranges], start: Ranges, times: int, guess: bool = False) -> Ranges:
    """The ranges of a state after at most `times` steps, each state included; a guess that runs away stops early.

    A guess that grew by the same for `_STEADY` steps is taken to go on so.
    """
    state, growth, steady = start, None, 0
    for left in reversed(range(times)):
        following = hull(state, step(state))
        if following == state or (guess and width(following) > WIDEST):
            return following
        if guess:
            before, growth = growth, _growth(state, following)
            steady = steady + 1 if growth == before else 0
            if steady == _STEADY:
                return [
                    (lo + left * down, hi + left * up) for (lo, hi), (down, up) in zip(following, growth, strict=True)
                ]
        state = following
    return state


def _growth(before: Ranges, after: Ranges) -> Ranges:
    return [(b[0] - a[0], b[1] - a[1]) for a, b in zip(before, after, strict=True)]


def width(ranges: Ranges) -> int:
    return max(width_of(*r) for r in ranges)


def settle(
    draw: Callable[[Ranges], Body], reached: Callable[[Body, bool], Ranges], first: Ranges
) -> tuple[Body, Ranges]:
    """The body drawn with ranges that hold at every step, and those ranges of what it carries.

    What a body draws may depend on the ranges of its arguments (a saturation that can do nothing is
    left out), so a drawing counts only if all it reaches stays within the ranges it was drawn with.
    """
    ranges, body = first, draw(first)
    while True:
        found = reached(body, False)
        if lies_within(found, ranges):
            return _tightened(draw, reached, body, ranges, found)
        ranges = hull(ranges, found)
        if width(ranges) > WIDEST:
            raise GraphError(f"what a fold or scan carries grows beyond {WIDEST} bits; round and fit it at each step")
        ranges, body = _widened(draw, ranges, hull(ranges, reached(body, True)))


def _widened(draw, least: Ranges, guess: Ranges) -> tuple[Ranges, Body]:
    """Draw with the guess, or with what is surely needed where the guess is too wide to be drawn."""
    try:
        return guess, draw(guess)
    except GraphError:
        return least, draw(least)


def _tightened(draw, reached, body: Body, ranges: Ranges, found: Ranges) -> tuple[Body, Ranges]:
    """Draw with narrower ranges for as long as they hold."""
    while found != ranges:
        narrower = draw(found)
        again = reached(narrower, False)
        if not lies_within(again, found):
            break
        body, ranges, found = narrower, found, again
    return body, found


def check_exact(body: Body, elements: Ranges, span: int) -> None:
    """Refuse order="exact" for a body whose result depends on the order of up to `span` elements, by trial."""
    if body.primitive is not None:
        return
    random = Random(span)
    for trial in range(200):
        items = [_sample(elements, random) for _ in range(min(span, 2 + trial % 5))]
        serial, other = _in_order(body, items), _in_tree(body, random.sample(items, len(items)))
        if serial != other:
            raise GraphError(
                f"the fold's order is 'exact', but its body gives {serial} or {other} for {items} in another order; "
                "use order='serial', 'tree' or 'interleaved(k)'"
            )


def _in_order(body: Body, items: list) -> tuple:
    result = items[0]
    for item in items[1:]:
        result = body.evaluate(INTEGERS, (*result, *item))
    return result


def _in_tree(body: Body, items: list) -> tuple:
    while len(items) > 1:
        items = [_in_order(body, items[i : i + 2]) for i in range(0, len(items), 2)]
    return items[0]


def _sample(elements: Ranges, random: Random) -> tuple:
    """One value of each: half of the time an end or its neighbour."""
    return tuple(
        random.randint(lo, hi) if random.random() < 0.5 else max(lo, min(hi, random.choice((lo, lo + 1, hi - 1, hi))))
        for lo, hi in elements
    )
