"""What a drawing would give if it were exact from some place on: real numbers on its wires, in last bits.

A drawing departs from what it approximates at its *departures*: a named block that knows its real
function, an operation that drops bits, divides or looks up, a clip at a constant, a fold or scan with
any of those in its steps.  Up to one of them the wires hold what the hardware holds; from there on all
others are replaced by real functions.  What one of them does to the output is then the difference
between being exact behind it and being exact from it on, and those differences add up to the whole.

A shift that drops bits is no departure where the same bits of the same wire are taken as well: the
whole part and the fraction of a number lose nothing together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from narrowmax.datapath import (
    REALS,
    Argument,
    Block,
    Datapath,
    FoldOutput,
    Linear,
    Rate,
    ScanOutput,
    Source,
    Wire,
    elementwise,
)  # fmt: skip
from narrowmax.datapath.operations import Constant, LowBits, Maximum, Minimum, ShiftLeft, ShiftRight
from narrowmax.engines import array, interpret, walk

KINDS = {
    "round": "rounding", "saturate": "clip", "wrap": "wrap",
    "float_add": "addition", "float_multiply": "multiplication", "float_divide": "division",
    "float_convert": "rounding",
}  # fmt: skip
"""What a departure is called after the block that it is; others bear the block's name."""


@dataclass(frozen=True, eq=False)
class Departure:
    """A place where a drawing is not exact: up to `wire`, which holds its result.

    kind: rounding, clip, wrap, dropped bits, addition, multiplication, division, table, steps (of a fold or scan),
        or a block's name
    """

    wire: Wire
    kind: str


class Meaning:
    """What the wires of a drawing stand for: which of them depart, and their real functions."""

    def __init__(self, wires: Iterable[Wire]):
        self.wires = tuple(wires)
        drawn = set(self.wires)
        self._approximating: dict[Wire, Block] = {}  # by every wire inside, the outermost of its blocks
        for wire in self.wires:
            block = _outermost(wire.block, drawn)
            if block is not None:
                self._approximating[wire] = block
        taken = {(_unlabelled(w.args[0]), w.op.count) for w in self.wires if isinstance(w.op, LowBits)}
        self._split = {
            w for w in self.wires if isinstance(w.op, ShiftRight) and (_unlabelled(w.args[0]), w.op.amount) in taken
        }

    @cached_property
    def departures(self) -> list[Departure]:
        """Operands first; the last wire of a fold, scan or block with several results stands for it."""
        found: dict[object, Departure] = {}
        for wire in self.wires:
            kind = self._kind(wire)
            if kind is not None:
                found[_steps_of(wire) or self.block(wire) or wire] = Departure(wire, kind)
        return sorted(found.values(), key=lambda d: d.wire.index)

    def block(self, wire: Wire) -> Block | None:
        """The outermost block around a wire that is replaced as a whole."""
        return self._approximating.get(wire)

    def members(self, block: Block) -> list[Wire]:
        """The wires of a block that is replaced as a whole."""
        return [w for w, around in self._approximating.items() if around is block]

    def inside(self, wire: Wire) -> bool:
        """Whether the wire is within a block that is replaced as a whole."""
        block = self._approximating.get(wire)
        return block is not None and wire not in block.outputs

    def _kind(self, wire: Wire) -> str | None:
        block = self._approximating.get(wire)
        if block is not None:
            return None if self.inside(wire) else KINDS.get(block.name, block.name)
        if _clipped(wire) is not None:
            return "clip"
        steps = _steps_of(wire)
        if steps is not None:
            return "steps" if Meaning(steps.body.wires).departures else None
        if not wire.op.departs or wire in self._split:
            return None
        return {"Divide": "division", "Lookup": "table"}.get(type(wire.op).__name__, "dropped bits")

    def value(self, wire: Wire, values: dict):
        """The exact value of a wire, which is inside no block, from those of the wires before it."""
        block = self._approximating.get(wire)
        if block is not None:
            return _approximated(block, wire, values)
        clipped = _clipped(wire)
        if clipped is not None:
            return values[clipped]
        operands = [values[a] for a in wire.args]
        return wire.op.evaluate(REALS, *operands) if wire in self._split else wire.op.exactly(*operands)

    def results(self, body, given: tuple) -> tuple:
        """The exact results of a fold's or scan's body."""
        values: dict = {}
        for wire in self.wires:
            if isinstance(wire.op, Argument):
                values[wire] = given[wire.op.position]
            elif not self.inside(wire):
                values[wire] = self.value(wire, values)
        return tuple(values[r] for r in body.results)


def _outermost(block: Block | None, drawn: set) -> Block | None:
    """The outermost block around it that can be replaced by its real function."""
    found = None
    while block is not None:
        if block.approximates is not None and (block.scales or len(block.outputs) == 1):
            known = all(a in drawn or isinstance(a.op, Constant) for a in block.arguments)
            if known and any(o in drawn and o.block is not None and o.block.within(block) for o in block.outputs):
                found = block
        block = block.parent
    return found


def _approximated(block: Block, wire: Wire, values: dict):
    """What an output of a block would hold for what enters."""
    held = [_held(a, values) for a in block.arguments]
    *scales, last = block.scales or (*(Linear(a.point) for a in block.arguments), Linear(wire.point))
    given, entering = [], iter(held)
    for scale in scales:
        given.append(scale.value(*islice(entering, scale.wires)))
    return last.codes(elementwise(block.approximates, *given))[block.outputs.index(wire)]


def _unlabelled(wire: Wire) -> Wire:
    """The wire that this one is at another binary point."""
    while wire.op == ShiftLeft(0):
        (wire,) = wire.args
    return wire


def _clipped(wire: Wire) -> Wire | None:
    """What a minimum or maximum with a constant clips."""
    if not isinstance(wire.op, (Minimum, Maximum)):
        return None
    moving = [a for a in wire.args if not isinstance(a.op, Constant)]
    return moving[0] if len(moving) == 1 else None


def _steps_of(wire: Wire):
    return getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)


def _held(wire: Wire, values: dict):
    return wire.op.value if isinstance(wire.op, Constant) else values[wire]


class _RealSpace:
    """The space of float64 arrays, in which nothing has a range."""

    kit = REALS
    where = staticmethod(np.where)
    spread = staticmethod(np.broadcast_to)
    joined = staticmethod(np.concatenate)
    integers = staticmethod(REALS.truth)
    any = staticmethod(array.NUMPY.any)
    total, largest, smallest = (staticmethod(getattr(array.NUMPY, n)) for n in ("total", "largest", "smallest"))

    @staticmethod
    def count(n: int) -> np.ndarray:
        return np.arange(n, dtype=np.float64)

    @staticmethod
    def full(shape: tuple, value: int | bool) -> np.ndarray:
        return np.full(shape, value, dtype=bool if isinstance(value, bool) else np.float64)

    @staticmethod
    def guard(value, wire: Wire, here: np.ndarray, name: str) -> np.ndarray:
        return value


_REALS = _RealSpace()


@dataclass
class _Plan:
    """What a walk needs to know of a datapath where every wire is kept and none guarded."""

    datapath: Datapath

    def __post_init__(self):
        self.lowest = self.datapath.input_format.lowest_code
        self.guarded: set = set()
        self.done_with: dict = {w: [] for w in self.datapath.wires}


class _Walk(walk.Block):
    """Rows on their way through real functions, from behind the wires that are `held`."""

    meaning: Meaning
    held: dict

    def compute(self, wire: Wire):
        if wire in self.held:
            return self.held[wire]
        if isinstance(wire.op, (Source, FoldOutput, ScanOutput)):
            return super().compute(wire)
        return None if self.meaning.inside(wire) else self.meaning.value(wire, self.values)

    def _stepped(self, body, values: tuple, here) -> tuple:
        return Meaning(body.wires).results(body, values)


class Exactly:
    """Rows of codes (rows, n) of a datapath's input on the way through it; `present` says who takes part.

    `departures` lists where it is not exact.  `output` and `values` tell what it would give if it were
    exact behind one of them.  Raises DataError for codes that are none, or flags of another shape.
    """

    def __init__(self, datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None):
        self.datapath = datapath
        self.codes, self.present = array.checked(datapath, codes, present)
        self.meaning = Meaning(datapath.wires)

    @property
    def departures(self) -> list[Departure]:
        return self.meaning.departures

    @cached_property
    def hardware(self) -> dict[Wire, np.ndarray]:
        """What every wire holds, (rows, chunks, elements of a chunk), as float64."""
        held = self._by_arrays() if array.holds(self.datapath) else self._one_by_one()
        return {wire: np.asarray(value, dtype=np.float64) for wire, value in held.items()}

    def _by_arrays(self) -> dict:
        block = walk.Block(walk.Plan(self.datapath, "array", keep_all=True), array.NUMPY, self.codes, self.present)
        block.output()
        return block.values

    def _one_by_one(self) -> dict:
        """By the interpreter, where int64 does not hold a wire."""
        rows, n = self.codes.shape
        size = self.datapath.chunk or n
        shapes = {Rate.ELEMENT: (rows, -(-n // size), size), Rate.CHUNK: (rows, -(-n // size), 1)}
        found = {w: np.zeros((rows, int(np.prod(shapes.get(w.rate, (1, 1, 1))[1:])))) for w in self.datapath.wires}
        flags = [None] * rows if self.present is None else self.present.tolist()
        for row, (codes, here) in enumerate(zip(self.codes.tolist(), flags, strict=True)):
            for wire, values in interpret.trace(self.datapath, codes, here).items():
                values = values if isinstance(values, list) else [values]
                found[wire][row, : len(values)] = [value or 0 for value in values]
        return {w: values.reshape(shapes.get(w.rate, (rows, 1, 1))) for w, values in found.items()}

    def values(self, held: Iterable[Wire] = ()) -> dict[Wire, np.ndarray]:
        """What every wire would hold if all but the `held` ones were exact; None within blocks."""
        return self._walked(held)[0]

    def output(self, behind: Departure | None) -> np.ndarray:
        """The output in last bits, (rows, n), or (rows, 1) of a row-rate output, if all behind were exact."""
        return self._walked(self._up_to(behind))[1]

    def _up_to(self, behind: Departure | None) -> list[Wire]:
        return [] if behind is None else [w for w in self.hardware if w.index <= behind.wire.index]

    def _walked(self, held: Iterable[Wire]) -> tuple[dict, np.ndarray]:
        made = _Walk(_Plan(self.datapath), _REALS, self.codes.astype(np.float64), self.present)
        made.meaning = self.meaning
        made.held = {w: self.hardware[w] for w in held}
        output = made.output()
        return made.values, output
