"""Short ways to draw in tests: wires over chosen ranges, and the values that wires really take."""

from __future__ import annotations

from itertools import product

import numpy as np

from narrowmax.datapath import Drawing, Rate, Row, Source, Wire, draw
from narrowmax.datapath.grid import cone
from narrowmax.datapath.kits import INTEGERS
from narrowmax.datapath.operations import Operation
from narrowmax.engines import array
from narrowmax.formats import parse


def row(input="Q4.0", max_n=4, chunk=None) -> Row:
    return Row(parse(input), max_n, chunk)


class Free(Operation):
    """A wire that takes every integer of its range: a source of no row."""

    pointwise = False

    def __init__(self, place):
        self.place = place

    def levels(self, width):
        return 0


def free(drawing: Drawing, *ranges, point=0) -> list[Wire]:
    """Element wires that move independently in `ranges`."""
    return [drawing.add(Free(i), (), Rate.ELEMENT, point, fixed=r) for i, r in enumerate(ranges)]


def values(wire: Wire) -> set[int]:
    """Every value of a wire over all combinations of its sources, by plain evaluation."""
    wires = cone(wire)
    sources = [w for w in wires if not w.args and isinstance(w.op, (Free, Source))]
    found = set()
    for combination in product(*(range(s.lo, s.hi + 1) for s in sources)):
        known = dict(zip(sources, combination, strict=True))
        for w in wires:
            if w not in known:
                known[w] = w.op.evaluate(INTEGERS, *(known[a] for a in w.args))
        found.add(known[wire])
    return found


def drawn(function, input="Q4.0", output="Q16.0", max_n=4, chunk=None, **options):
    """A datapath between formats given as text."""
    return draw(function, parse(input), parse(output), max_n, chunk, **options)


def all_rows(datapath, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Every row of a length with every mask, except those with nothing present."""
    low, high = datapath.input_range
    codes = np.array(list(product(range(low, high + 1), repeat=length)), dtype=np.int64)
    masks = np.array(list(product((True, False), repeat=length))[:-1])
    return np.repeat(codes, len(masks), axis=0), np.tile(masks, (len(codes), 1))


def reached(datapath) -> dict[str, tuple[int, int]]:
    """The least and the greatest value that each named wire takes in any row, of any length and mask."""
    found: dict[str, list] = {}
    for length in range(1, datapath.max_n + 1):
        for wire, values in array.trace(datapath, *all_rows(datapath, length)).items():
            if wire.name:
                found.setdefault(wire.name, []).append((int(values.min()), int(values.max())))
    return {name: (min(lo for lo, _ in ends), max(hi for _, hi in ends)) for name, ends in found.items()}


def stated(datapath) -> dict[str, tuple[int, int]]:
    """The ranges that the named wires state."""
    return {w.name: w.range for w in datapath.wires if w.name}


def sound(datapath) -> bool:
    """Whether no wire leaves its stated range in any row."""
    found, ranges = reached(datapath), stated(datapath)
    return all(ranges[name][0] <= lo and hi <= ranges[name][1] for name, (lo, hi) in found.items())
