"""Random legal graphs, as Python text: what is drawn can be printed, shrunk and kept as a file.

`random_graph(seed)` draws one; `graphs()` is the same as a Hypothesis strategy, which shrinks.  The
text of a graph is the body of a function of the row `r`; `Example` holds it with formats, lengths
and rows, and writes the file that a disagreement becomes.
"""

# ruff: noqa: E501  (cases stand one to a line)

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from textwrap import indent

import numpy as np
from hypothesis import strategies as st

from narrowmax import datapath as language
from narrowmax.datapath import Datapath, Drawing, Rate, Row, Wire, draw
from narrowmax.formats import parse

WIDEST = 20  # bits; wider wires are cut, so that every engine and exhaustive habits can follow
NAMESPACE = {name: getattr(language, name) for name in language.__all__}

SQUARES = "Table('squares', tuple(i * i - 20 for i in range(16)), 0, 'i*i - 20', 'exactly')"
HALVES = "Table('halves', (64, 32, 16, 8, 4, 2, 1, 0), 6, '2**-k', 'exactly')"


@dataclass(frozen=True)
class Limits:
    """What random graphs may hold; an engine that cannot honour an order asks for graphs without it."""

    lengths: tuple[int, int] = (1, 12)
    chunks: tuple[int | None, ...] = (None, 1, 2, 3, 4, 16)
    orders: tuple[str, ...] = ("exact", "serial", "tree", "interleaved(2)", "interleaved(3)")
    steps: tuple[int, int] = (3, 14)


@dataclass(frozen=True)
class Example:
    """A graph as text, and what it is drawn between."""

    text: str
    input: str
    output: str
    max_n: int
    chunk: int | None = None
    absent: int | None = None

    def datapath(self) -> Datapath:
        return draw(function_of(self.text), parse(self.input), parse(self.output), self.max_n, self.chunk, self.absent)

    def file(self, why: str, codes, present) -> str:
        """The text of a file in tests/counterexamples."""
        present = None if present is None else [bool(p) for p in present]
        return (
            f'"""{why}"""\n\n'
            f"INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = {self.input!r}, {self.output!r}, {self.max_n}, {self.chunk}, {self.absent}\n"
            f"CODES, PRESENT = {[int(c) for c in codes]}, {present}\nGRAPH = '''\n{self.text}\n'''\n"
        )


def function_of(text: str) -> Callable[[Row], Wire]:
    """The function of a row whose body is `text`, with the names of the language in reach."""
    space: dict = dict(NAMESPACE)
    exec("def graph(r):\n" + indent(text, "    "), space)
    return space["graph"]


class Choices:
    """Where a sketch takes its decisions from: a seed, or Hypothesis."""

    def __init__(self, between: Callable[[int, int], int]):
        self.between = between

    def pick(self, options):
        options = list(options)
        return options[self.between(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.between(1, 100) > 100 - percent


@dataclass
class Sketch:
    """A graph under construction: its lines, and its wires by name."""

    choices: Choices
    row: Row
    limits: Limits
    lines: list[str] = field(default_factory=list)
    wires: dict[str, Wire] = field(default_factory=dict)

    def __post_init__(self):
        self.space = {**NAMESPACE, "r": self.row}

    def add(self, expression: str, count: int = 1) -> str:
        """A line `name = expression`; the (last) name."""
        names = [f"w{len(self.wires) + i}" for i in range(count)]
        line = f"{', '.join(names)} = {expression}"
        exec(line, self.space)
        self.lines.append(line)
        self.wires.update({name: self.space[name] for name in names})
        return names[-1]

    def any(self, *rates: Rate) -> str:
        """A wire of one of the rates; later ones are likelier."""
        fitting = [n for n, w in self.wires.items() if w.rate in (rates or tuple(Rate)) and w.rate is not Rate.CONSTANT]
        return self.choices.pick(fitting + fitting[-3:])

    def has(self, rate: Rate) -> bool:
        return any(w.rate is rate for w in self.wires.values())

    def small(self, name: str, top: int) -> str:
        """The wire brought into 0..top."""
        wire = self.wires[name]
        if 0 <= wire.lo and wire.hi <= top:
            return name
        return f"fit({name}, 0, {top}, {self.choices.pick(('saturate', 'wrap' if top & (top + 1) == 0 else 'saturate'))!r})"

    def narrow(self, name: str) -> str:
        """The wire, cut where it is too wide for the sketch or its point too far."""
        wire = self.wires[name]
        if wire.bits > WIDEST:
            low, high = (0, 2**12 - 1) if wire.lo >= 0 else (-(2**11), 2**11 - 1)
            name = self.add(f"fit({name}, {low}, {high}, {self.choices.pick(('saturate', 'wrap'))!r})")
        if not -6 <= wire.point <= 6:
            name = self.add(f"{name}.at_point(0)")
        return name


def _arithmetic(s: Sketch) -> None:
    a, b = s.any(), s.any()
    k = s.choices.between(0, 4)
    options = [
        f"{a} + {b}", f"{a} - {b}", f"{a} + {k - 2}", f"{k} - {a}", f"{a} * {k - 2}", f"-{a}", f"{a} << {k}", f"{a} >> {k}",
        f"{a}.drop({k})", f"{a}.at_point({k - 1})",
    ]  # fmt: skip
    if s.wires[a].bits + s.wires[b].bits <= WIDEST:
        options += [f"{a} * {b}"] * 2
    s.add(s.choices.pick(options))


def _bits(s: Sketch) -> None:
    a, b, k = s.any(), s.any(), s.choices.between(0, 4)
    s.add(s.choices.pick([
        f"{a}.low_bits({k + 1})", f"{a} << {s.small(b, 3)}", f"{a} >> {s.small(b, 31)}", f"{s.small(a, 255)}.leading_zeros({8 + k})",
        f"{s.small(a, 127)}.normalise({7 + k})",
    ]))  # fmt: skip


def _choice(s: Sketch) -> None:
    a, b, c = s.any(), s.any(), s.any()
    k = s.choices.between(-3, 3)
    s.add(s.choices.pick([
        f"{a}.minimum({b})", f"{a}.maximum({b})", f"{a}.minimum({k})", f"{a}.maximum({k})", f"{a} < {b}", f"{a} >= {b}",
        f"{a}.equals({b})", f"({a} < {b}).select({a}, {c})", f"{a}.equals({k}).select({k}, {b})",
    ]))  # fmt: skip


def _table(s: Sketch) -> None:
    table, top = s.choices.pick([(SQUARES, 15), (HALVES, 7)])
    s.add(f"{s.small(s.any(), top)}.lookup({table})")


def _division(s: Sketch) -> None:
    a, b = s.small(s.any(), 4095), s.small(s.any(), s.choices.pick([15, 255]))
    s.add(f"{a}.divide({b}, {s.choices.pick([0, 1, 99, -1])})")


def _rounding(s: Sketch) -> None:
    a, count = s.any(), s.choices.between(0, 3)
    mode = s.choices.pick(language.rounding.MODES)
    random_bits = f", {s.small(s.any(), 1)}.low_bits({count})" if mode == "stochastic" and count else ""
    if random_bits and count != 1:
        random_bits = f", ({s.any()} * 3 + {s.any()}).low_bits({count})"
    try:
        s.add(f"round_off({a}, {count}, {mode!r}{random_bits})")
    except language.wire.GraphError:  # the bits turned out not to be free
        s.add(f"round_off({a}, {count}, 'half_even')")


def _fit(s: Sketch) -> None:
    bits = s.choices.between(1, 8)
    low, high = s.choices.pick([(0, 2**bits - 1), (-(2**bits), 2**bits - 1)])
    s.add(f"fit({s.any()}, {low}, {high}, {s.choices.pick(('saturate', 'wrap'))!r})")


def _known(s: Sketch) -> None:
    """Assertions that are true: of the range, of an order, of a position in its row."""
    a = s.any()
    wire = s.wires[a]
    s.add(s.choices.pick([
        f"{a}.known({wire.lo - 1}, {wire.hi}, 'its range')", f"({a} + {a}).known({2 * wire.lo}, {2 * wire.hi}, 'a double')",
        f"(r.n - r.position).known(1, {s.row.drawing.max_n}, 'a position is within its row')",
    ]))  # fmt: skip


BODIES = (
    "lambda a, b: a + b", "lambda a, b: a.maximum(b)", "lambda a, b: a.minimum(b)", "lambda a, b: b + a",
    "lambda a, b: fit(a + b, -60, 60, 'saturate')", "lambda a, b: fit(a + a - b, -64, 63, 'wrap')", "lambda a, b: (a >> 1) + b",
    "lambda a, b: fit((a < b).select(a + 3, b - 1), -90, 90, 'saturate')", "lambda a, b: round_off((a + b).extend(1), 1, 'half_even')",
    "lambda a, b: fit(a - b, -9, 9, 'saturate').known(-9, 9, 'fitted')",
)  # fmt: skip
EXACT_BODIES = (*BODIES[:4], "lambda a, b: fit(a + b, -64, 63, 'wrap')")
PAIRS = (
    "lambda a, b, c, d: (a.maximum(c), fit(b + d, -99, 99, 'saturate'))",
    "lambda a, b, c, d: ((a < c).select(c, a), (a < c).select(d, b))",
    "lambda a, b, c, d: (a.maximum(c), fit((b >> (a.maximum(c) - a).minimum(7)) + (d >> (a.maximum(c) - c).minimum(7)), -99, 99, 'saturate'))",
)


FAR = (-200, 300, -40_000)  # beyond the types that hold what is folded


def _fold(s: Sketch) -> None:
    """Elements or chunks to something slower, one wire or two."""
    chunked = s.row.drawing.chunk is not None
    rate = Rate.CHUNK if chunked and s.has(Rate.CHUNK) and s.choices.chance(40) else Rate.ELEMENT
    to = "CHUNK" if rate is Rate.ELEMENT and chunked and s.choices.chance(60) else "ROW"
    order = s.choices.pick(s.limits.orders)
    a, b = s.narrow(s.any(rate)), s.narrow(s.any(rate))
    if order == "exact" or not s.choices.chance(30):
        body = s.choices.pick(EXACT_BODIES if order == "exact" else BODIES)
        if order == "exact" and "wrap" in body:  # a wrapping sum is exact where its elements are in its span
            a = s.add(f"fit({a}, -64, 63, 'wrap')")
        empty = s.choices.pick(["", f", empty={s.choices.between(-5, 5)}", f", empty={s.choices.pick(FAR)}"])
        s.add(f"fold({body}, {a}, order={order!r}{empty}, to=Rate.{to})")
    else:
        same = f"{b}.at_point({s.wires[a].point})" if "select" in (body := s.choices.pick(PAIRS)) else b
        s.add(f"fold({body}, {a}, {same}, order={order!r}, to=Rate.{to})", count=2)


def _chunk_fold(s: Sketch) -> None:
    """Elements to chunks, and these to a scan, or to a row in two steps."""
    body, empty = s.choices.pick(EXACT_BODIES[:4]), s.choices.pick(["", *(f", empty={far}" for far in FAR)])
    s.add(f"fold({body}, {s.narrow(s.any(Rate.ELEMENT))}{empty}, to=Rate.CHUNK)")
    chunks = s.narrow(list(s.wires)[-1])
    if s.choices.chance(30):
        s.add(f"fold({s.choices.pick(EXACT_BODIES[1:3])}, {chunks}, to=Rate.ROW)")
    else:
        _scan(s)


STEPS = (
    "lambda s, c: s.maximum(c)", "lambda s, c: fit(s + c, -99, 99, 'saturate')", "lambda s, c: (s >> 1) + c",
    "lambda s, c: s + c", "lambda s, c: c", "lambda s, c: fit((s < c).select(s + 3, c - 1), -64, 63, 'wrap')",
)  # fmt: skip
STEP_PAIRS = (
    "lambda m, s, c, d: (m.maximum(c), fit((s >> (m.maximum(c) - m).minimum(7)) + (d >> (m.maximum(c) - c).minimum(7)), -99, 99, 'saturate'))",
    "lambda m, s, c, d: (m.minimum(c), s + d)",
)


def _scan(s: Sketch) -> None:
    """Chunk values carried along; the moments become wires, and their orders are used."""
    c, d = s.narrow(s.any(Rate.CHUNK)), s.narrow(s.any(Rate.CHUNK))
    start, other = s.choices.between(-9, 9), s.choices.between(-9, 9)
    if s.choices.chance(60):
        s.add(f"scan({s.choices.pick(STEPS)}, {c}, start={start})", count=3)
    else:
        points = f"(({start}, {s.wires[c].point}), ({other}, {s.wires[d].point}))"
        line = f"sum(scan({s.choices.pick(STEP_PAIRS)}, {c}, {d}, start={points}), ())"
        s.add(line, count=6)


def _source(s: Sketch) -> None:
    s.add(f"r.{s.choices.pick(('x', 'present', 'position', 'n'))}")


def _block(s: Sketch) -> None:
    s.add(f"block('core')(lambda a: (a * 2 + 1).minimum(50))({s.any()})")


STEPS_OF_A_SKETCH = (
    _arithmetic,
    _arithmetic,
    _bits,
    _choice,
    _choice,
    _table,
    _division,
    _rounding,
    _fit,
    _known,
    _fold,
    _fold,
    _scan,
    _source,
    _block,
)


def sketch(choices: Choices, limits: Limits = Limits()) -> Example:
    """A random graph that ends in an element or row wire fitted to a random output format."""
    max_n, chunk = choices.between(*limits.lengths), choices.pick(limits.chunks)
    input = choices.pick(["Q4.0", "UQ3.0", "Q3.2", "Q1.0", "Q8.0", "UQ0.4"])
    s = Sketch(choices, Row(parse(input), max_n, chunk), limits)
    s.add("r.x")
    for _ in range(choices.between(*limits.steps)):
        step = choices.pick(STEPS_OF_A_SKETCH)
        if step is _scan and not s.has(Rate.CHUNK):
            step = _chunk_fold if chunk else _fold
        step(s)
        s.narrow(list(s.wires)[-1])
    return _finished(s, input, max_n, chunk)


def _finished(s: Sketch, input: str, max_n: int, chunk: int | None) -> Example:
    rates = (Rate.ROW,) if s.has(Rate.ROW) and s.choices.chance(25) else (Rate.ELEMENT, Rate.ROW, Rate.CHUNK)
    total = " + ".join(f"{s.any(*rates)}.at_point(0)" for _ in range(3))
    if Rate.ELEMENT in rates:
        total += " + r.x.at_point(0)"
    bits, signed = s.choices.between(1, 16), s.choices.between(0, 1)
    format = parse(f"{'' if signed else 'U'}Q{bits}.0")
    mode = s.choices.pick(("saturate", "wrap"))
    text = "\n".join([*s.lines, f"return fit({total}, {format.lowest_code}, {format.highest_code}, {mode!r})"])
    absent = s.choices.pick([None, format.highest_code])
    return Example(text, input, str(format), max_n, chunk, absent)


def random_example(seed: int, limits: Limits = Limits()) -> Example:
    """The example that belongs to a seed."""
    return sketch(Choices(random.Random(seed).randint), limits)


def random_graph(seed: int, limits: Limits = Limits()) -> Datapath:
    """A random legal datapath: the same for the same seed and limits."""
    return random_example(seed, limits).datapath()


@st.composite
def examples(draw_from, limits: Limits = Limits()):
    """Random graphs as a Hypothesis strategy; they shrink towards few lines and small numbers."""
    return sketch(Choices(lambda low, high: draw_from(st.integers(low, high))), limits)


def random_rows(datapath: Datapath, seed: int, rows: int = 6) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Batches (codes, present) of one length each: n = 1, the longest, one between; with every kind of mask."""
    rng = np.random.default_rng(seed)
    low, high = datapath.input_range
    batches = []
    for n in sorted({1, datapath.max_n, int(rng.integers(1, datapath.max_n + 1))}):
        codes = rng.integers(low, high, (rows, n), endpoint=True)
        codes[0], codes[-1] = high, rng.choice([low, high], n)
        present = rng.random((rows, n)) < rng.choice([0.3, 0.8], (rows, 1))
        present[0], present[-1] = False, np.arange(n) == rng.integers(n)
        batches += [(codes, None), (codes, present)]
    return batches


def shorter(example: Example, line: int) -> Example:
    """The example without one of its lines (which may then not be drawable)."""
    lines = example.text.splitlines()
    return replace(example, text="\n".join(lines[:line] + lines[line + 1 :]))


__all__ = ["Drawing", "Example", "Limits", "examples", "random_example", "random_graph", "random_rows", "shorter"]
