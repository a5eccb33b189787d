"""A finished datapath: what an architecture drew, checked against the rules of the language.

The rules of a legal graph:

    1. the output is an element or a row wire whose range and binary point fit the output format
    2. every wire belongs to this drawing and comes after its operands
    3. the sources are x, present, position and n, each at most once
    4. absent_code is a code of the output format
    5. chunk wires exist only in a drawing with chunks
    6. every `known` has a reason, every name is used once
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

from narrowmax.datapath.blocks import Block
from narrowmax.datapath.bodies import Argument
from narrowmax.datapath.grid import cone
from narrowmax.datapath.operations import Known, Operation
from narrowmax.datapath.wire import Drawing, Rate, Wire
from narrowmax.errors import GraphError


@dataclass(frozen=True)
class Source(Operation):
    """Where a row enters: its element `x`, whether it is `present`, its `position`, the row's `n`."""

    kind: str
    arity = 0
    pointwise = False

    def levels(self, width):
        return 0

    KINDS: ClassVar = {
        "x": "the code of the element",
        "present": "1 where the element takes part, else 0",
        "position": "the element's position in its row, from 0",
        "n": "the number of elements in the row, masked ones included",
    }

    def error(self, ranges, errors):
        return Fraction(0), Fraction(0)

    def sentence(self):
        return self.KINDS[self.kind]


class Row:
    """What an architecture receives: the sources of one row, of at most `max_n` elements."""

    def __init__(self, input_format, max_n: int, chunk: int | None):
        if not (_counts(max_n) and (chunk is None or _counts(chunk))):
            raise GraphError(f"max_n is {max_n!r} and chunk {chunk}; both are integers of at least 1")
        self.format = input_format
        self.drawing = Drawing(max_n, chunk)

    def _source(self, kind, rate, lo, hi, point=0) -> Wire:
        return self.drawing.add(Source(kind), (), rate, point, fixed=(lo, hi)).named(kind)

    @property
    def x(self) -> Wire:
        """The element's code, at the input format's binary point."""
        return self._source("x", Rate.ELEMENT, *code_range(self.format), point_of(self.format))

    @property
    def present(self) -> Wire:
        return self._source("present", Rate.ELEMENT, 0, 1)

    @property
    def position(self) -> Wire:
        return self._source("position", Rate.ELEMENT, 0, self.drawing.max_n - 1)

    @property
    def n(self) -> Wire:
        return self._source("n", Rate.ROW, 1, self.drawing.max_n)


def code_range(format) -> tuple[int, int]:
    """The least and the greatest code: of a float every bit pattern, since its codes do not rise with its values.

    Raises GraphError for a format whose codes have no bounds.
    """
    if format.bits is None:
        raise GraphError(
            f"the format {format} has no words of a fixed width; fixed point, integers or floats are allowed"
        )
    low, high = format.lowest_code, format.highest_code
    return (low, high) if low <= high else (0, (1 << format.bits) - 1)


def point_of(format) -> int:
    """The binary point at which a format's codes are drawn: 0 where a code is not a fixed-point number."""
    return getattr(format, "point", 0)


def _counts(number) -> bool:
    return isinstance(number, int) and number >= 1


@dataclass(frozen=True, eq=False)
class Datapath:
    """A legal graph from a row of codes to a row of codes (or one code per row)."""

    drawing: Drawing
    output: Wire
    input_format: object
    output_format: object
    absent_code: int

    @property
    def max_n(self) -> int:
        return self.drawing.max_n

    @property
    def chunk(self) -> int | None:
        return self.drawing.chunk

    @cached_property
    def input_range(self) -> tuple[int, int]:
        """The least and the greatest input code."""
        return code_range(self.input_format)

    @cached_property
    def output_range(self) -> tuple[int, int]:
        """The least and the greatest output code."""
        return code_range(self.output_format)

    @property
    def output_rate(self) -> str:
        return "element" if self.output.rate is Rate.ELEMENT else "row"

    @cached_property
    def wires(self) -> tuple[Wire, ...]:
        """The wires that the output needs, operands first."""
        return tuple(cone(self.output))

    @cached_property
    def sources(self) -> dict[str, Wire]:
        return {w.op.kind: w for w in self.wires if isinstance(w.op, Source)}

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The named blocks with at least one wire that the output needs."""
        alive = set(self.wires)
        return tuple(b for b in self.drawing.blocks if alive.intersection(b.wires(self.drawing)))

    @cached_property
    def names(self) -> dict[Wire, str]:
        """A unique identifier for every wire, the architect's where one was given."""
        return {w: w.name or f"w{w.index}" for w in self.wires}


def draw(function: Callable[[Row], Wire], input_format, output_format, max_n: int, chunk: int | None = None,
         absent_code: int | None = None) -> Datapath:  # fmt: skip
    """The datapath that `function` draws for rows of at most `max_n` elements.

    Raises GraphError naming the rule that it breaks.
    """
    row = Row(input_format, max_n, chunk)
    output = function(row)
    lowest = output_format.lowest_code
    datapath = Datapath(
        row.drawing, output, input_format, output_format, lowest if absent_code is None else absent_code
    )
    check(datapath)
    for wire in row.drawing.wires:
        wire.forget()
    return datapath


def check(datapath: Datapath) -> None:
    """Raise GraphError for the first rule of a legal graph that the datapath breaks."""
    for rule in RULES:
        complaint = rule(datapath)
        if complaint:
            raise GraphError(complaint)


def _ordered(d: Datapath):
    seen: set[Wire] = set()
    for wire in d.wires:
        if wire.drawing is not d.drawing or not seen.issuperset(wire.args):
            return f"{wire!r} belongs to another drawing or comes before its operands; draw it from the row's sources"
        seen.add(wire)
    return None


def _sources(d: Datapath):
    strange = [w for w in d.wires if isinstance(w.op, Argument)]
    if strange:
        return f"{strange[0]!r} is an argument of a fold's body; return the fold's result instead"
    kinds = [w.op.kind for w in d.wires if isinstance(w.op, Source)]
    twice = [k for k in kinds if kinds.count(k) > 1 or k not in Source.KINDS]
    return (
        f"the source {twice[0]!r} is unknown or drawn twice; take {', '.join(Source.KINDS)} from the row"
        if twice
        else None
    )


def _output(d: Datapath):
    f, w = d.output_format, d.output
    if not isinstance(w, Wire) or w.rate not in (Rate.ELEMENT, Rate.ROW):
        return f"the output is {w!r}; an element or a row wire is allowed"
    low, high = d.output_range
    if w.lo < low or w.hi > high:
        return f"the output ranges over {w.lo}..{w.hi}, the format {f} holds {low}..{high}; round and fit it"
    if w.point != point_of(f):
        return f"the output has {w.point} fraction bits, the format {f} has {point_of(f)}; drop or extend bits"
    return None


def _absent(d: Datapath):
    low, high = d.output_range
    if not isinstance(d.absent_code, int):
        return f"absent_code is {d.absent_code!r}; an integer code is allowed"
    return None if low <= d.absent_code <= high else f"absent_code is {d.absent_code}; {low}..{high} is allowed"


def _chunks(d: Datapath):
    used = [w for w in d.wires if w.rate is Rate.CHUNK]
    return (
        f"{used[0]!r} is once per chunk, but the drawing has no chunks; draw it with chunk=k"
        if used and not d.chunk
        else None
    )


def _reasons(d: Datapath):
    silent = [w for w in d.wires if isinstance(w.op, Known) and not w.op.why.strip()]
    return f"{silent[0]!r} is known without a reason; say why" if silent else None


def _names(d: Datapath):
    if len(set(d.names.values())) == len(d.names):
        return None
    twice = min(name for name, times in Counter(d.names.values()).items() if times > 1)
    return f"the name {twice!r} is given to two wires; choose another"


RULES = (_output, _ordered, _sources, _absent, _chunks, _reasons, _names)
