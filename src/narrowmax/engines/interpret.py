"""The definition of every output bit: Python integers of any size, slow, obvious.

One row at a time, one wire at a time, every range checked.  Whatever another engine computes must
equal this, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath import INTEGERS, Datapath, Fold, FoldOutput, Rate, Scan, ScanOutput, Source, Wire
from narrowmax.errors import DataError, RangeError


def run(datapath: Datapath, codes: list[int], present: list[bool] | None = None) -> list[int]:
    """The output codes of one row: one for each element, or a single one for a row-rate output.

    `codes` are integers of the input format, `present` says which elements take part (default: all).
    Raises DataError for a row longer than max_n, flags of another length or a code outside the
    format, RangeError where a wire leaves its range (a mistake in a range or in a `known`).
    """
    values = trace(datapath, codes, present)
    output = values[datapath.output]
    if datapath.output_rate == "row":
        return [datapath.absent_code if output is None else output]
    return [datapath.absent_code if v is None else v for v in output]


def trace(datapath: Datapath, codes: list[int], present: list[bool] | None = None) -> dict[Wire, object]:
    """The value of every wire: an integer, or a list over chunks or elements; None where absent."""
    row = _Row(datapath, [int(c) for c in codes], present)
    for wire in datapath.wires:
        row.values[wire] = row.compute(wire)
    return row.values


@dataclass
class _Row:
    datapath: Datapath
    codes: list[int]
    present: list[bool] | None

    def __post_init__(self):
        d, n = self.datapath, len(self.codes)
        self.present = [True] * n if self.present is None else [bool(p) for p in self.present]
        if n > d.max_n or len(self.present) != n:
            raise DataError(f"a row of {n} codes and {len(self.present)} flags; up to {d.max_n} of each are allowed")
        low, high = d.input_range
        outside = [c for c in self.codes if not low <= c <= high]
        if outside:
            raise DataError(
                f"the code {outside[0]} is none of {d.input_format}, which holds {low}..{high}; quantise first"
            )
        self.chunk_size = d.chunk or 1
        self.chunks = [range(i, min(i + self.chunk_size, n)) for i in range(0, n, self.chunk_size)]
        self.values: dict[Wire, object] = {}
        self.outputs: dict[object, object] = {}

    def places(self, rate: Rate) -> list[bool]:
        """For each place of a rate, whether anything is present there."""
        if rate is Rate.ELEMENT:
            return self.present
        if rate is Rate.CHUNK:
            return [any(self.present[i] for i in chunk) for chunk in self.chunks]
        return [any(self.present) or rate is Rate.CONSTANT]

    def compute(self, wire: Wire):
        places = self.places(wire.rate)
        found = [self.at(wire, i) if here else None for i, here in enumerate(places)]
        for value in found:
            if value is not None and not wire.lo <= value <= wire.hi:
                name = self.datapath.names[wire]
                raise RangeError(f"the wire {name} holds {value}, outside its range {wire.lo}..{wire.hi}")
        return found if wire.rate in (Rate.ELEMENT, Rate.CHUNK) else found[0]

    def at(self, wire: Wire, place: int) -> int:
        """The value of a wire at one place where something is present."""
        op = wire.op
        if isinstance(op, Source):
            return self.source(op.kind, place)
        if isinstance(op, FoldOutput):
            return self.folded(op.fold, wire.rate, place)[op.position]
        if isinstance(op, ScanOutput):
            return self.scanned(op.scan, op.when, place)[op.position]
        return op.evaluate(INTEGERS, *(self.operand(a, wire.rate, place) for a in wire.args))

    def source(self, kind: str, place: int) -> int:
        """A source at a present place; `place` counts elements, and is not used for the row's n."""
        if kind == "x":
            return self.codes[place]
        return {"position": place, "present": 1, "n": len(self.codes)}[kind]

    def operand(self, wire: Wire, rate: Rate, place: int) -> int:
        """An operand as seen from a place of a faster or equal rate."""
        value = self.values[wire]
        if wire.rate is Rate.ELEMENT:
            return value[place]
        if wire.rate is Rate.CHUNK:
            return value[place // self.chunk_size if rate is Rate.ELEMENT else place]
        return value

    def folded(self, fold: Fold, to: Rate, place: int) -> tuple:
        if (fold, place) not in self.outputs:
            faster = fold.inputs[0].rate
            span = self.chunks[place] if to is Rate.CHUNK else range(len(self.places(faster)))
            flags = self.places(faster)
            items = [tuple(self.values[w][i] for w in fold.inputs) if flags[i] else None for i in span]
            result = combine(fold, items)
            self.outputs[fold, place] = fold.empty if result is None else result
        return self.outputs[fold, place]

    def scanned(self, scan: Scan, when: str, place: int) -> tuple:
        if scan not in self.outputs:
            self.outputs[scan] = self._scan(scan)
        before, at, after = self.outputs[scan]
        return after if when == "after" else (before if when == "before" else at)[place]

    def _scan(self, scan: Scan):
        state, before, at = scan.start, [], []
        for place, here in enumerate(self.places(Rate.CHUNK)):
            before.append(state)
            if here:
                given = tuple(self.values[w][place] for w in scan.inputs)
                state = scan.body.evaluate(INTEGERS, (*state, *given), _in_range)
            at.append(state)
        return before, at, state


def combine(fold: Fold, items: list[tuple | None]) -> tuple | None:
    """The fold of what is not None, in the fold's order; None if all are."""
    if fold.order == "tree":
        return _tree(fold, items)
    parts = [_serial(fold, items[i :: fold.ways]) for i in range(fold.ways)]
    return _serial(fold, parts)


def _pair(fold: Fold, a: tuple | None, b: tuple | None) -> tuple | None:
    if a is None or b is None:
        return b if a is None else a
    return fold.body.evaluate(INTEGERS, (*a, *b), _in_range)


def _in_range(wire: Wire, value: int) -> int:
    if not wire.lo <= value <= wire.hi:
        raise RangeError(f"{wire!r} in a fold or scan holds {value}, outside its range {wire.lo}..{wire.hi}")
    return value


def _serial(fold: Fold, items) -> tuple | None:
    result = None
    for item in items:
        result = _pair(fold, result, item)
    return result


def _tree(fold: Fold, items: list) -> tuple | None:
    """Pairs of neighbours, again and again: position p meets position p ^ 2**level."""
    while len(items) > 1:
        items = [_pair(fold, items[i], items[i + 1] if i + 1 < len(items) else None) for i in range(0, len(items), 2)]
    return items[0] if items else None
