"""What can be said of a datapath without running it: ranges, widths, worst-case errors, limits.

An error is what a wire holds minus what it would hold if nothing on the way to it had been
rounded: an interval in units of its last bit, from the error rules of the operations and of named
blocks.  Where a rule is missing the error is None: measured on rows, not bounded.  Choosing,
clipping and wrapping are not rounding; what they do is part of what a wire means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from narrowmax.datapath import Datapath, FoldOutput, ScanOutput, Wire
from narrowmax.datapath.operations import Constant, Interval, Known
from narrowmax.datapath.proofs import SAMPLED
from narrowmax.engines import array, interpret

EXACT: Interval = (Fraction(0), Fraction(0))
UNBOUNDED = "measured, not bounded"


@dataclass(frozen=True)
class WireBound:
    """One line of the table of wires.

    `lo..hi` are integers, `least..greatest` the values they stand for (times 2**-point); `format`
    is the narrowest fixed-point format that holds them; `error` is in last bits, or None.
    """

    name: str
    rate: str
    lo: int
    hi: int
    bits: int
    point: int
    format: str
    sentence: str
    error: Interval | None

    @property
    def least(self) -> Fraction:
        return self.lo * Fraction(2) ** -self.point

    @property
    def greatest(self) -> Fraction:
        return self.hi * Fraction(2) ** -self.point

    @property
    def error_text(self) -> str:
        return in_words(self.error)


def in_words(error: Interval | None) -> str:
    """An error for people; its ends are rounded away from 0, so that no more is promised than is so."""
    if error is None:
        return UNBOUNDED
    return "exact" if error == EXACT else f"{_outward(error[0], -1)} to {_outward(error[1], 1)} last bits"


@dataclass(frozen=True)
class Assertion:
    """Something known of a wire: its bounds, the reason, and how it is shown."""

    name: str
    lo: int
    hi: int
    why: str
    proof: str


def wires(datapath: Datapath) -> list[WireBound]:
    """The wires that are not constants, operands first."""
    found = errors(datapath)
    return [_bound(datapath, w, found[w]) for w in datapath.wires if not isinstance(w.op, Constant)]


def _bound(datapath: Datapath, wire: Wire, error: Interval | None) -> WireBound:
    return WireBound(
        datapath.names[wire], wire.rate.name.lower(), wire.lo, wire.hi, wire.bits, wire.point, format_of(wire),
        wire.op.sentence(*(called(datapath, a) for a in wire.args)), error,
    )  # fmt: skip


def called(datapath: Datapath, wire: Wire) -> str:
    """A wire in a sentence: a constant by its value, another by its name."""
    return str(wire.op.value) if isinstance(wire.op, Constant) else datapath.names[wire]


def format_of(wire: Wire) -> str:
    """The narrowest fixed-point format that holds a wire, as text."""
    return f"{'' if wire.signed else 'U'}Q{wire.bits - wire.point}.{wire.point}"


# -- errors -----------------------------------------------------------------------------------
def errors(datapath: Datapath, only: Wire | None = None) -> dict[Wire, Interval | None]:
    """The worst-case error of every wire in its last bits; None where no rule is known.

    With `only`, what that one wire rounds away counts, and every other rounding is left out.
    """
    found: dict[Wire, Interval | None] = {}
    rules = _block_rules(datapath)
    for wire in datapath.wires:
        rule = _rule(wire, rules.get(wire), found)
        found[wire] = rule() if only is None or wire is only else _without(rule(), _own(wire, rules.get(wire)))
    return found


def _block_rules(datapath: Datapath) -> dict[Wire, object]:
    """The rules of named blocks, by the wire that they speak of."""
    blocks = [b for b in datapath.drawing.blocks if b.error is not None and len(b.outputs) == 1]
    return {b.outputs[0]: b.error for b in blocks if b.outputs[0].block and b.outputs[0].block.within(b)}


def _rule(wire: Wire, block_rule, found: dict):
    """A function that gives the wire's error from those found before it."""
    if block_rule is not None:
        return lambda: block_rule(lambda w: EXACT if isinstance(w.op, Constant) else found.get(w))
    operands = [found[a] for a in wire.args]
    if any(e is None for e in operands):
        return lambda: None
    return lambda: wire.op.error([a.range for a in wire.args], operands)


def _own(wire: Wire, block_rule) -> Interval | None:
    """What the wire adds to exact operands."""
    if block_rule is not None:
        return block_rule(lambda w: EXACT)
    return wire.op.error([a.range for a in wire.args], [EXACT] * len(wire.args))


def _without(whole: Interval | None, own: Interval | None) -> Interval | None:
    """Rules add what an operation rounds to what it passes on, so that it can be taken off again."""
    return None if whole is None or own is None else (whole[0] - own[0], whole[1] - own[1])


def budget(datapath: Datapath) -> list[tuple[str, Interval | None]]:
    """What each rounding costs at the output, in its last bits: (name of the wire, error), dearest first."""
    rules = _block_rules(datapath)
    inside = {w for b in datapath.blocks if b.error for w in b.wires(datapath.drawing)} - set(rules)
    sources = [w for w in datapath.wires if w not in inside and _own(w, rules.get(w)) not in (EXACT, None)]
    costs = [(datapath.names[w], errors(datapath, w)[datapath.output]) for w in sources]
    return sorted(costs, key=lambda c: (c[1] is not None, 0 if c[1] is None else c[1][0] - c[1][1]))


def _outward(value: Fraction, direction: int) -> str:
    """A bound with three digits after the point, rounded up or down."""
    thousandths = value * 1000
    rounded = -(-thousandths // 1) if direction > 0 else thousandths // 1
    return f"{float(rounded) / 1000:+.3f}".rstrip("0").rstrip(".") if rounded else "0"


# -- what is known ----------------------------------------------------------------------------
def assertions(datapath: Datapath, rows: int = 0, seed: int = 0) -> list[Assertion]:
    """What is known of wires, those inside folds and scans too.

    With `rows`, that many random rows are run, and what was only "sampled" says on how many it
    held.  Raises RangeError naming the wire where a row belies an assertion.
    """
    found = [_assertion(datapath, w) for w in datapath.wires if isinstance(w.op, Known)]
    for step, outer in _steps(datapath).items():
        found += [
            _assertion(datapath, w, f"a step of {datapath.names[outer]}")
            for w in step.body.wires
            if isinstance(w.op, Known)
        ]
    if not rows or all(a.proof != SAMPLED for a in found):
        return found
    label = f"{SAMPLED} on {sample(datapath, rows, seed):,} rows"
    return [replace(a, proof=label) if a.proof == SAMPLED else a for a in found]


def _steps(datapath: Datapath) -> dict[object, Wire]:
    """The folds and scans, each with the first wire that shows it."""
    found: dict[object, Wire] = {}
    for wire in datapath.wires:
        if isinstance(wire.op, (FoldOutput, ScanOutput)):
            found.setdefault(getattr(wire.op, "fold", None) or wire.op.scan, wire)
    return found


def _assertion(datapath: Datapath, wire: Wire, name: str | None = None) -> Assertion:
    return Assertion(name or datapath.names[wire], wire.op.lo, wire.op.hi, wire.op.why, wire.op.proof)


def sample(datapath: Datapath, rows: int, seed: int = 0) -> int:
    """Run random rows, so that every assertion in the datapath is tested; the number of rows run.

    Lengths from 1 to max_n; codes uniform, at the ends, or near each other; with and without masks.
    Raises RangeError where an assertion is false.
    """
    random, run = np.random.default_rng(seed), 0
    low, high = datapath.input_range
    while run < rows:
        n = int(random.choice([1, datapath.max_n, random.integers(1, datapath.max_n + 1)]))
        count = min(rows - run, max(1, array.BLOCK // n), 64)
        present = random.random((count, n)) < random.random() if random.random() < 0.5 else None
        _run(datapath, _random_codes(random, low, high, (count, n)), present)
        run += count
    return run


def _run(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None) -> None:
    """On arrays, or by the interpreter where int64 does not hold a wire: both check what is known."""
    if array.holds(datapath):
        array.run(datapath, codes, present)
        return
    flags = [None] * len(codes) if present is None else present.tolist()
    for row, flag in zip(codes.tolist(), flags, strict=True):
        interpret.run(datapath, row, flag)


def _random_codes(random, low: int, high: int, shape: tuple[int, int]) -> np.ndarray:
    width = (high - low) * random.random((shape[0], 1)) ** 3  # from all equal to the whole range
    centre = random.uniform(low, high, (shape[0], 1))
    codes = np.rint(centre + width * (random.random(shape) - 0.5))
    ends = random.random(shape) < random.choice([0, 0.1, 0.5])
    return np.clip(np.where(ends, random.choice([low, high], shape), codes), low, high).astype(np.int64)


# -- limits -----------------------------------------------------------------------------------
def limits(datapath: Datapath) -> list[str]:
    """The operating limits, as sentences."""
    format, widest = datapath.input_format, max(datapath.wires, key=lambda w: w.bits)
    low, high = datapath.input_range
    found = [
        f"Rows of 1 to {datapath.max_n:,} elements.",
        f"Input codes {low} to {high}, {format}.",
        f"Output codes {datapath.output.lo} to {datapath.output.hi} occur, {datapath.output_format} holds "
        f"{datapath.output_range[0]} to {datapath.output_range[1]}.",
        f"An absent element gives the code {datapath.absent_code}."
        if datapath.output_rate == "element"
        else f"A row with nothing present gives the code {datapath.absent_code}.",
        f"The widest wire is {datapath.names[widest]}, {widest.bits} bits.",
    ]
    if datapath.chunk:
        found.append(
            f"Chunks of {datapath.chunk} elements are part of the arithmetic: the number of lanes must divide "
            f"{datapath.chunk}."
        )
    orders = sorted({w.op.fold.order for w in datapath.wires if isinstance(w.op, FoldOutput)} - {"exact"})
    if orders:
        found.append(f"The order of folds is part of the arithmetic: {', '.join(orders)}.")
    return found
