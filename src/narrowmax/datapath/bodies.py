"""Bodies: what a fold or a scan does at each step, drawn once as a small graph of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Callable

from narrowmax.datapath.kits import INTEGERS
from narrowmax.datapath.operations import Add, Constant, Maximum, Minimum, Operation
from narrowmax.datapath.wire import Drawing, Rate, Wire
from narrowmax.errors import GraphError, RangeError


@dataclass(frozen=True)
class Argument(Operation):
    """The `position`-th argument of a body."""

    position: int
    arity = 0

    def sentence(self):
        return f"argument {self.position}"


@dataclass(frozen=True, eq=False)
class Body:
    """A graph from `arguments` to `results`; `wires` holds all of it in order."""

    arguments: tuple[Wire, ...]
    results: tuple[Wire, ...]
    wires: tuple[Wire, ...]

    def evaluate(self, kit, values: tuple, check: bool = False) -> tuple:
        """The results for `values` of the arguments; with `check`, every integer's range is verified."""
        known: dict[Wire, object] = dict(zip(self.arguments, values))
        for wire in self.wires:
            if wire not in known:
                known[wire] = wire.op.evaluate(kit, *(known[a] for a in wire.args))
            if check and not wire.lo <= known[wire] <= wire.hi:
                raise RangeError(f"{wire!r} in a fold or scan holds {known[wire]}, outside {wire.lo}..{wire.hi}")
        return tuple(known[r] for r in self.results)

    def bounds(self, ranges: list) -> list:
        """Ranges of the results by intervals alone, for quick iteration to a fixpoint."""
        known = dict(zip(self.arguments, ranges))
        for wire in self.wires:
            if wire not in known:
                known[wire] = wire.op.bound(*(known[a] for a in wire.args))
        return [known[r] for r in self.results]

    @property
    def primitive(self) -> type | None:
        """Add, Maximum or Minimum where the body is just that of its two arguments, else None."""
        if len(self.arguments) == 2 and self.results[0].args == self.arguments:
            kind = type(self.results[0].op)
            return kind if kind in (Add, Maximum, Minimum) else None
        return None


def trace(function: Callable, like: list[Wire], ranges: list, max_n: int) -> Body:
    """Draw `function` on arguments with the points of `like` and the given ranges."""
    drawing = Drawing(max_n)
    arguments = tuple(
        drawing.add(Argument(i), (), Rate.ELEMENT, wire.point, fixed=r)
        for i, (wire, r) in enumerate(zip(like, ranges, strict=True))
    )
    results = function(*arguments)
    results = results if isinstance(results, tuple) else (results,)
    results = tuple(r if isinstance(r, Wire) else drawing.constant(r) for r in results)
    if any(r.drawing is not drawing for r in results):
        raise GraphError("a fold or scan body returned a wire from outside; return wires drawn from its arguments")
    return Body(arguments, results, tuple(drawing.wires))


def body_of(op: type) -> Callable:
    """The body that combines two arguments with one of the primitive operations."""
    return {Add: lambda a, b: a + b, Maximum: lambda a, b: a.maximum(b), Minimum: lambda a, b: a.minimum(b)}[op]


def hull(first, second):
    return [(min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(first, second, strict=True)]


def fixpoint(step: Callable[[list], list], start: list, times: int) -> list:
    """The ranges of a state after at most `times` steps, each state included."""
    state = start
    for _ in range(times):
        following = hull(state, step(state))
        if following == state:
            break
        state = following
    return state


def settle(draw: Callable[[list], Body], ranges_after: Callable[[Body], list], first: list) -> tuple[Body, list]:
    """Draw the body with ranges that hold for every step, and return it with its states' ranges.

    The first drawing gives the graph, its iterated intervals the ranges with which it is drawn
    again; what a body draws may not depend on ranges, so the graph is the same.
    """
    ranges = ranges_after(draw(first))
    return draw(ranges), ranges


def check_exact(body: Body, width: int) -> None:
    """Refuse order="exact" for a body that is not associative and commutative, by trial."""
    if body.primitive is not None:
        return
    trials = [_sample(a, i) for i in range(6) for a in [body.arguments[:width]]]
    for a, b, c in product(trials, repeat=3):
        both = [body.evaluate(INTEGERS, (*a, *b)), body.evaluate(INTEGERS, (*b, *a))]
        left = body.evaluate(INTEGERS, (*both[0], *c))
        right = body.evaluate(INTEGERS, (*a, *body.evaluate(INTEGERS, (*b, *c))))
        if both[0] != both[1] or left != right:
            raise GraphError(
                f"the fold's order is 'exact', but its body is not associative and commutative (tried {a}, {b}, {c}); "
                "use order='serial', 'tree' or 'interleaved(k)'"
            )


def _sample(arguments, seed: int) -> tuple:
    """A few values of each argument: its ends and some between."""
    return tuple(
        (w.lo, w.hi, (w.lo + w.hi) // 2, w.lo + (w.hi - w.lo) // 3, min(w.lo + 1, w.hi), max(w.hi - 1, w.lo))[
            (seed + 2 * i) % 6
        ]
        for i, w in enumerate(arguments)
    )


__all__ = ["Argument", "Body", "Constant", "body_of", "check_exact", "fixpoint", "hull", "settle", "trace"]
