"""Simulation on NumPy arrays: many rows at once, equal to `interpret` on every bit, or refused.

Every wire is an int64 array of shape (rows, chunks, elements of a chunk), with length 1 where it
does not vary.  An absent element reads as the format's lowest code.  A wire whose range needs more
than 62 bits and a sign is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from narrowmax.datapath import ARRAYS, Datapath, Fold, FoldOutput, Rate, Scan, ScanOutput, Source, Wire
from narrowmax.datapath.operations import Add, Known, Maximum, Minimum
from narrowmax.errors import DataError, RangeError

BLOCK = 1 << 15  # elements worked on at a time: an array of 256 KiB, of which a few stay in cache


def run(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None) -> np.ndarray:
    """Output codes of rows of input codes.

    `codes` is (rows, n) integers of the input format, `present` (rows, n) booleans or None for all.
    Returns (rows, n) int64, or (rows, 1) for a row-rate output.  Raises DataError for rows longer
    than max_n, codes outside the format or flags of another shape, RangeError for a wire that int64
    cannot hold or a `known` that is false.
    """
    plan = _Plan(datapath)
    codes, present = _checked(datapath, codes, present)
    rows, n = codes.shape
    result = np.empty((rows, n if datapath.output_rate == "element" else 1), dtype=np.int64)
    for part in _parts(rows, n):
        result[part] = _Block(plan, codes[part], None if present is None else present[part]).output()
    return result


def trace(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None) -> dict[Wire, np.ma.MaskedArray]:
    """Every wire's values, as masked arrays of (rows, elements), (rows, chunks) or (rows, 1).

    What is absent is masked.  The arguments and errors are those of `run`; all is held at once.
    """
    plan = _Plan(datapath, keep_all=True)
    block = _Block(plan, *_checked(datapath, codes, present))
    block.output()
    return {wire: block.shown(wire) for wire in datapath.wires}


def refuse_wide(datapath: Datapath) -> None:
    """Raise RangeError naming the first wire whose range int64 cannot hold."""
    for wire in (w for top in datapath.wires for w in (top, *_inside(top))):
        if wire.lo < -(2**62) or wire.hi >= 2**62:
            name = datapath.names.get(wire, "inside a fold or scan")
            raise RangeError(
                f"the wire {name} ranges over {wire.lo}..{wire.hi}; the array engine holds 62 bits and a sign; "
                "use the interpreter"
            )


def holds(datapath: Datapath) -> bool:
    """Whether int64 holds every wire."""
    try:
        refuse_wide(datapath)
    except RangeError:
        return False
    return True


def _inside(wire: Wire):
    step = getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)
    return step.body.wires if step else ()


def _parts(rows: int, n: int):
    step = max(1, BLOCK // max(n, 1))
    return (slice(start, start + step) for start in range(0, rows, step))


def _checked(datapath: Datapath, codes: np.ndarray, present) -> tuple[np.ndarray, np.ndarray | None]:
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] > datapath.max_n or not np.issubdtype(codes.dtype, np.integer):
        raise DataError(
            f"codes are {codes.dtype} of shape {codes.shape}; integers of shape (rows, n) with n up to "
            f"{datapath.max_n} are allowed"
        )
    low, high = datapath.input_range
    if codes.size and (codes.min() < low or codes.max() > high):
        raise DataError(
            f"codes range over {codes.min()}..{codes.max()}; the format {datapath.input_format} holds {low}..{high}"
        )
    if present is not None and np.shape(present) != codes.shape:
        raise DataError(
            f"present is of shape {np.shape(present)}; one flag for each of the {codes.shape} codes is allowed"
        )
    return codes.astype(np.int64, copy=False), None if present is None else np.asarray(present, dtype=bool)


class _Plan:
    """What every block of rows needs to know of a datapath: which wires to guard, and when to let go of them."""

    def __init__(self, datapath: Datapath, keep_all: bool = False):
        refuse_wide(datapath)
        self.datapath = datapath
        self.lowest = datapath.input_format.lowest_code
        self.guarded = {w for w in datapath.wires if _needs_guard(w)}
        self.done_with: dict[Wire, list[Wire]] = {w: [] for w in datapath.wires}
        for wire, last in {a: w for w in datapath.wires for a in w.args}.items():
            if wire is not datapath.output and not keep_all:
                self.done_with[last].append(wire)


def _needs_guard(wire: Wire) -> bool:
    """Whether the range rests on more than the ranges of the operands: an order, an assertion, an order of places."""
    if not wire.args or wire.roots != (wire,):
        return False
    return (
        not wire.op.pointwise
        or isinstance(wire.op, Known)
        or wire.op.bound(*(a.range for a in wire.args)) != wire.range
    )


def _guard(value, wire: Wire, here, name: str):
    """The value, checked against the wire's range where present and clipped into it where absent."""
    value = np.asarray(value)
    bad = (value < wire.lo) | (value > wire.hi)
    if not bad.any():
        return value
    if (bad & here).any():
        raise RangeError(f"the wire {name} leaves its range {wire.lo}..{wire.hi}, so what is known of it is false")
    return np.clip(value, wire.lo, wire.hi)


@dataclass
class _Block:
    plan: _Plan
    codes: np.ndarray
    mask: np.ndarray | None
    values: dict = field(default_factory=dict)
    done: dict = field(default_factory=dict)

    def __post_init__(self):
        self.datapath = self.plan.datapath
        rows, n = self.codes.shape
        self.n, size = n, self.datapath.chunk or max(n, 1)
        self.shape = (rows, -(-n // size) if n else 0, size)
        self.full = self.mask is None and self.shape[1] * size == n
        here = np.ones((rows, n), dtype=bool) if self.mask is None else self.mask
        codes = self.codes if self.mask is None else np.where(self.mask, self.codes, self.plan.lowest)
        self.present = self._shaped(here, False)
        self.x = self._shaped(codes, self.plan.lowest)

    def _shaped(self, values: np.ndarray, fill) -> np.ndarray:
        rows, n = values.shape
        total = self.shape[1] * self.shape[2]
        if total != n:
            values = np.concatenate([values, np.full((rows, total - n), fill, dtype=values.dtype)], axis=1)
        return values.reshape(self.shape)

    def output(self) -> np.ndarray:
        if not self.codes.size:
            width = self.n if self.datapath.output_rate == "element" else 1
            return np.full((len(self.codes), width), self.datapath.absent_code)
        for wire in self.datapath.wires:
            value = self.compute(wire)
            if wire in self.plan.guarded:
                value = _guard(value, wire, self.here(wire.rate), self.datapath.names[wire])
            self.values[wire] = value
            for a in self.plan.done_with[wire]:
                self.values[a] = None  # its memory may go
        return self._finished(self.values[self.datapath.output])

    def _finished(self, value: np.ndarray) -> np.ndarray:
        if self.datapath.output_rate == "row":
            value = np.broadcast_to(value, (len(self.codes), 1, 1))
            return np.where(self.here(Rate.ROW), value, self.datapath.absent_code)[:, :, 0]
        value = np.broadcast_to(value, self.shape)
        if not self.full:
            value = np.where(self.present, value, self.datapath.absent_code)
        return value.reshape(len(self.codes), -1)[:, : self.n]

    def shown(self, wire: Wire) -> np.ma.MaskedArray:
        """The values of a wire that was kept, absent places masked."""
        here = self.here(wire.rate)
        if not self.codes.size:
            return np.ma.masked_all((len(self.codes), self.n if wire.rate is Rate.ELEMENT else 1), dtype=np.int64)
        values = np.broadcast_to(self.values[wire], here.shape).reshape(len(self.codes), -1)
        shown = np.ma.MaskedArray(values, mask=~here.reshape(values.shape))
        return shown[:, : self.n] if wire.rate is Rate.ELEMENT else shown

    def here(self, rate: Rate) -> np.ndarray:
        """Where something is present, at a rate."""
        if rate is Rate.ELEMENT:
            return self.present
        return self.once(rate, lambda r: self.present.any(axis=2 if r is Rate.CHUNK else (1, 2), keepdims=True))

    def compute(self, wire: Wire):
        op = wire.op
        if isinstance(op, Source):
            return self.source(op.kind)
        if isinstance(op, FoldOutput):
            return self.once(op.fold, self.fold)[op.position]
        if isinstance(op, ScanOutput):
            return self.once(op.scan, self.scan)[("before", "at", "after").index(op.when)][op.position]
        return op.evaluate(ARRAYS, *(self.values[a] for a in wire.args))

    def source(self, kind: str):
        if kind == "n":
            return np.full((len(self.codes), 1, 1), self.n, dtype=np.int64)
        if kind == "position":
            places = np.arange(self.shape[1] * self.shape[2], dtype=np.int64)
            return np.minimum(places, self.datapath.max_n - 1).reshape(1, *self.shape[1:])
        return self.x if kind == "x" else self.present.astype(np.int64)

    def once(self, key, make):
        if key not in self.done:
            self.done[key] = make(key)
        return self.done[key]

    # -- folds and scans ----------------------------------------------------------------------
    def fold(self, fold: Fold) -> tuple:
        rate = fold.inputs[0].rate
        size = self.shape if rate is Rate.ELEMENT else (self.shape[0], self.shape[1], 1)
        items = [np.broadcast_to(self.values[w], size) for w in fold.inputs]
        here = np.broadcast_to(self.here(rate), size)
        if fold.to is Rate.ROW:
            items, here = [i.reshape(size[0], 1, -1) for i in items], here.reshape(size[0], 1, -1)
        if fold.body.primitive is not None:
            return (self._primitive(fold, items[0], here),)
        found, some = _combine(fold, items, here)
        return tuple(np.where(some, f, e) for f, e in zip(found, fold.empty, strict=True))

    def _primitive(self, fold: Fold, items, here):
        """The sum or extreme of what is present, `empty` where nothing is: exact, so the same in any order."""
        reduce, neutral = {
            Add: (np.sum, 0),
            Maximum: (np.max, fold.inputs[0].lo),
            Minimum: (np.min, fold.inputs[0].hi),
        }[fold.body.primitive]
        found = reduce(items if self.full else np.where(here, items, neutral), axis=2, keepdims=True)
        return found if self.full else np.where(here.any(axis=2, keepdims=True), found, fold.empty[0])

    def scan(self, scan: Scan) -> tuple:
        rows, chunks, _ = self.shape
        given = [np.broadcast_to(self.values[w], (rows, chunks, 1)) for w in scan.inputs]
        here = self.here(Rate.CHUNK)
        state = tuple(np.full((rows, 1, 1), s, dtype=np.int64) for s in scan.start)
        before, at = [], []
        for c in range(chunks):
            before.append(state)
            flag = here[:, c : c + 1]
            stepped = _stepped(scan.body, (*state, *(g[:, c : c + 1] for g in given)), flag)
            state = tuple(np.where(flag, new, old) for new, old in zip(stepped, state, strict=True))
            at.append(state)
        stack = [tuple(np.concatenate(parts, axis=1) for parts in zip(*states)) for states in (before, at)]
        return stack[0], stack[1], state


def _stepped(body, values: tuple, here) -> tuple:
    """A body evaluated, with what it asserts checked `here` and clipped elsewhere."""
    if not any(isinstance(w.op, Known) for w in body.wires):
        return body.evaluate(ARRAYS, values)

    def check(wire, value):
        return _guard(value, wire, here, f"{wire!r} in a fold or scan") if isinstance(wire.op, Known) else value

    return body.evaluate(ARRAYS, values, check)


def _combine(fold: Fold, items: list, here) -> tuple[tuple, np.ndarray]:
    """The fold along the last axis in its order, and whether anything was present."""
    places = [(tuple(i[..., p : p + 1] for i in items), here[..., p : p + 1]) for p in range(here.shape[2])]
    if fold.order == "tree":
        while len(places) > 1:
            pairs = [places[i : i + 2] for i in range(0, len(places), 2)]
            places = [_pair(fold, *p) if len(p) == 2 else p[0] for p in pairs]
        return places[0]
    return _serial(fold, [_serial(fold, places[i :: fold.ways]) for i in range(min(fold.ways, len(places)))])


def _serial(fold: Fold, places: list):
    result = places[0]
    for place in places[1:]:
        result = _pair(fold, result, place)
    return result


def _pair(fold: Fold, first, second):
    """Two partial results into one; where one is absent, the other passes."""
    (a, has_a), (b, has_b) = first, second
    both = _stepped(fold.body, (*a, *b), has_a & has_b)
    merged = tuple(np.where(has_a & has_b, m, np.where(has_a, p, q)) for m, p, q in zip(both, a, b, strict=True))
    return merged, has_a | has_b
