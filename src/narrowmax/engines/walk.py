"""Walking a datapath on arrays: many rows at once, one wire after the other, NumPy's arrays and torch's alike.

Every wire is an int64 array of shape (rows, chunks, elements of a chunk), with length 1 where it
does not vary.  An absent element reads as the format's lowest code.  A wire whose range needs more
than 62 bits and a sign is refused by name.

What differs between the libraries is a *space*: where arrays lie, how they are made and reduced,
and what becomes of a value that leaves the range that somebody asserted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from narrowmax.datapath import Datapath, Fold, FoldOutput, Rate, Scan, ScanOutput, Source, Wire
from narrowmax.datapath.operations import Add, Known, Maximum, Minimum
from narrowmax.errors import DataError, RangeError

Array = Any  # of the space's library
REDUCTIONS = {Add: "total", Maximum: "largest", Minimum: "smallest"}


class Space(Protocol):
    """A library of arrays.  Axes are those of (rows, chunks, elements); reductions keep them at length 1."""

    kit: Any  # primitives of `evaluate`, on these arrays

    def where(self, condition: Array, yes: Array | int, no: Array | int) -> Array: ...
    def full(self, shape: tuple, value: int | bool) -> Array: ...
    def count(self, n: int) -> Array: ...
    def spread(self, array: Array, shape: tuple) -> Array: ...
    def joined(self, arrays: list, axis: int) -> Array: ...
    def integers(self, flags: Array) -> Array: ...
    def total(self, array: Array) -> Array: ...
    def largest(self, array: Array) -> Array: ...
    def smallest(self, array: Array) -> Array: ...
    def any(self, flags: Array, axes: tuple) -> Array: ...

    def guard(self, value: Array | int, wire: Wire, here: Array, name: str) -> Array:
        """The value, checked against the wire's range where something is `here`, clipped into it elsewhere."""
        ...


def refuse_wide(datapath: Datapath, engine: str) -> None:
    """Raise RangeError naming the first wire whose range int64 cannot hold."""
    for wire in (w for top in datapath.wires for w in (top, *_inside(top))):
        if wire.lo < -(2**62) or wire.hi >= 2**62:
            name = datapath.names.get(wire, "inside a fold or scan")
            raise RangeError(
                f"the wire {name} ranges over {wire.lo}..{wire.hi}; the {engine} engine holds 62 bits and a sign; "
                "use the interpreter"
            )


def refuse_shapes(datapath: Datapath, codes: Array, integers: bool, present: Array | None) -> None:
    """Raise DataError for codes that are no `integers`, no rows or too long, and for flags of another shape."""
    shape = tuple(codes.shape)
    if len(shape) != 2 or shape[1] > datapath.max_n or not integers:
        raise DataError(
            f"codes are {codes.dtype} of shape {shape}; integers of shape (rows, n) with n up to "
            f"{datapath.max_n} are allowed"
        )
    if present is not None and tuple(present.shape) != shape:
        raise DataError(
            f"present is of shape {tuple(present.shape)}; one flag for each of the {shape} codes is allowed"
        )


def left_its_range(wire: Wire, name: str) -> RangeError:
    """The error of a value outside the range of its wire."""
    return RangeError(f"the wire {name} leaves its range {wire.lo}..{wire.hi}, so what is known of it is false")


def _inside(wire: Wire):
    step = getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)
    return step.body.wires if step else ()


class Plan:
    """What every block of rows needs to know of a datapath: which wires to guard, and when to let go of them.

    Raises RangeError for a datapath with a wire that int64 cannot hold.
    """

    def __init__(self, datapath: Datapath, engine: str, keep_all: bool = False):
        refuse_wide(datapath, engine)
        self.datapath = datapath
        self.lowest = datapath.input_format.lowest_code
        self.guarded = {w for w in datapath.wires if _needs_guard(w)}
        self.done_with: dict[Wire, list[Wire]] = {w: [] for w in datapath.wires}
        for wire, last in {a: w for w in datapath.wires for a in w.args}.items():
            if wire is not datapath.output and not keep_all:
                self.done_with[last].append(wire)


@lru_cache(maxsize=128)
def plan_of(datapath: Datapath, engine: str) -> Plan:
    """The plan of a datapath, made once."""
    return Plan(datapath, engine)


def _needs_guard(wire: Wire) -> bool:
    """Whether the range rests on more than the ranges of the operands: an order, an assertion, an order of places."""
    if not wire.args or wire.roots != (wire,):
        return False
    return (
        not wire.op.pointwise
        or isinstance(wire.op, Known)
        or wire.op.bound(*(a.range for a in wire.args)) != wire.range
    )


@dataclass
class Block:
    """Some rows on their way: int64 codes (rows, n) within the format, and flags (rows, n) or None for all."""

    plan: Plan
    space: Space
    codes: Array
    mask: Array | None
    values: dict = field(default_factory=dict)
    done: dict = field(default_factory=dict)

    def __post_init__(self):
        self.datapath = self.plan.datapath
        rows, n = self.codes.shape
        self.n, size = n, self.datapath.chunk or max(n, 1)
        self.shape = (rows, -(-n // size) if n else 0, size)
        self.full = self.mask is None and self.shape[1] * size == n
        here = self.space.full((rows, n), True) if self.mask is None else self.mask
        codes = self.codes if self.mask is None else self.space.where(self.mask, self.codes, self.plan.lowest)
        self.present = self._shaped(here, False)
        self.x = self._shaped(codes, self.plan.lowest)

    def _shaped(self, values: Array, fill) -> Array:
        rows, n = values.shape
        total = self.shape[1] * self.shape[2]
        if total != n:
            values = self.space.joined([values, self.space.full((rows, total - n), fill)], 1)
        return values.reshape(self.shape)

    def output(self) -> Array:
        """Output codes (rows, n), or (rows, 1) of a row-rate output."""
        if 0 in self.codes.shape:
            width = self.n if self.datapath.output_rate == "element" else 1
            return self.space.full((len(self.codes), width), self.datapath.absent_code)
        for wire in self.datapath.wires:
            value = self.compute(wire)
            if wire in self.plan.guarded:
                value = self.space.guard(value, wire, self.here(wire.rate), self.datapath.names[wire])
            self.values[wire] = value
            for a in self.plan.done_with[wire]:
                self.values[a] = None  # its memory may go
        return self._finished(self.values[self.datapath.output])

    def _finished(self, value: Array) -> Array:
        where, absent = self.space.where, self.datapath.absent_code
        if self.datapath.output_rate == "row":
            value = self.space.spread(value, (len(self.codes), 1, 1))
            return where(self.here(Rate.ROW), value, absent)[:, :, 0]
        value = self.space.spread(value, self.shape)
        if not self.full:
            value = where(self.present, value, absent)
        return value.reshape(len(self.codes), -1)[:, : self.n]

    def here(self, rate: Rate) -> Array:
        """Where something is present, at a rate."""
        if rate is Rate.ELEMENT:
            return self.present
        return self.once(rate, lambda r: self.space.any(self.present, (2,) if r is Rate.CHUNK else (1, 2)))

    def compute(self, wire: Wire) -> Array | int:
        op = wire.op
        if isinstance(op, Source):
            return self.source(op.kind)
        if isinstance(op, FoldOutput):
            return self.once(op.fold, self.fold)[op.position]
        if isinstance(op, ScanOutput):
            return self.once(op.scan, self.scan)[("before", "at", "after").index(op.when)][op.position]
        return op.evaluate(self.space.kit, *(self.values[a] for a in wire.args))

    def source(self, kind: str) -> Array:
        if kind == "n":
            return self.space.full((len(self.codes), 1, 1), self.n)
        if kind == "position":
            places = self.space.count(self.shape[1] * self.shape[2])
            return self.space.kit.minimum(places, self.datapath.max_n - 1).reshape(1, *self.shape[1:])
        return self.x if kind == "x" else self.space.integers(self.present)

    def once(self, key, make):
        if key not in self.done:
            self.done[key] = make(key)
        return self.done[key]

    # -- folds and scans ----------------------------------------------------------------------
    def fold(self, fold: Fold) -> tuple:
        rate, spread = fold.inputs[0].rate, self.space.spread
        size = self.shape if rate is Rate.ELEMENT else (self.shape[0], self.shape[1], 1)
        items = [spread(self.values[w], size) for w in fold.inputs]
        here = spread(self.here(rate), size)
        if fold.to is Rate.ROW:
            items, here = [i.reshape(size[0], 1, -1) for i in items], here.reshape(size[0], 1, -1)
        if fold.body.primitive is not None:
            return (self._primitive(fold, items[0], here),)
        found, some = self._combine(fold, items, here)
        return tuple(self.space.where(some, f, e) for f, e in zip(found, fold.empty, strict=True))

    def _primitive(self, fold: Fold, items: Array, here: Array) -> Array:
        """The sum or extreme of what is present, `empty` where nothing is: exact, so the same in any order."""
        kind, space = fold.body.primitive, self.space
        reduce, neutral = getattr(space, REDUCTIONS[kind]), {Maximum: fold.inputs[0].lo, Minimum: fold.inputs[0].hi}
        if self.full:
            return reduce(items)
        found = reduce(space.where(here, items, neutral.get(kind, 0)))
        return space.where(space.any(here, (2,)), found, fold.empty[0])

    def scan(self, scan: Scan) -> tuple:
        rows, chunks, _ = self.shape
        given = [self.space.spread(self.values[w], (rows, chunks, 1)) for w in scan.inputs]
        here = self.here(Rate.CHUNK)
        state = tuple(self.space.full((rows, 1, 1), s) for s in scan.start)
        before, at = [], []
        for c in range(chunks):
            before.append(state)
            flag = here[:, c : c + 1]
            stepped = self._stepped(scan.body, (*state, *(g[:, c : c + 1] for g in given)), flag)
            state = tuple(self.space.where(flag, new, old) for new, old in zip(stepped, state, strict=True))
            at.append(state)
        stack = [tuple(self.space.joined(parts, 1) for parts in zip(*states)) for states in (before, at)]
        return stack[0], stack[1], state

    def _stepped(self, body, values: tuple, here: Array) -> tuple:
        """A body evaluated, with what it asserts checked `here` and clipped elsewhere."""
        if not any(isinstance(w.op, Known) for w in body.wires):
            return body.evaluate(self.space.kit, values)

        def check(wire, value):
            if not isinstance(wire.op, Known):
                return value
            return self.space.guard(value, wire, here, f"{wire!r} in a fold or scan")

        return body.evaluate(self.space.kit, values, check)

    def _combine(self, fold: Fold, items: list, here: Array) -> tuple[tuple, Array]:
        """The fold along the last axis in its order, and whether anything was present."""
        places = [(tuple(i[..., p : p + 1] for i in items), here[..., p : p + 1]) for p in range(here.shape[2])]
        if fold.order == "tree":
            while len(places) > 1:
                pairs = [places[i : i + 2] for i in range(0, len(places), 2)]
                places = [self._pair(fold, *p) if len(p) == 2 else p[0] for p in pairs]
            return places[0]
        return self._serial(
            fold, [self._serial(fold, places[i :: fold.ways]) for i in range(min(fold.ways, len(places)))]
        )

    def _serial(self, fold: Fold, places: list) -> tuple[tuple, Array]:
        result = places[0]
        for place in places[1:]:
            result = self._pair(fold, result, place)
        return result

    def _pair(self, fold: Fold, first: tuple, second: tuple) -> tuple[tuple, Array]:
        """Two partial results into one; where one is absent, the other passes."""
        (a, has_a), (b, has_b) = first, second
        both, where = self._stepped(fold.body, (*a, *b), has_a & has_b), self.space.where
        merged = tuple(where(has_a & has_b, m, where(has_a, p, q)) for m, p, q in zip(both, a, b, strict=True))
        return merged, has_a | has_b
