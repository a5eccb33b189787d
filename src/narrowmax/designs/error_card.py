"""How wrong a design and its parts are: exponentials, division, the whole; measured, by enumeration where small.

    exp          what enters the sum, against its exact value, at every distance that the input can have
    normaliser   from the sum and the numerators to the output, against their exact quotient, at every sum
    whole        the output against softmax

Parts are found in the drawing: the sum is the fold that elements enter, and what is exact is the same
drawing where nothing is rounded, tabulated or clipped (see `engines.exactly`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from narrowmax.datapath import ARRAYS, Datapath, FoldOutput, Rate, ScanOutput, Wire
from narrowmax.datapath.operations import Constant, Known, Maximum, Minimum
from narrowmax.designs import probing
from narrowmax.designs.record import Design
from narrowmax.engines import array
from narrowmax.engines.exactly import Exactly, Meaning
from narrowmax.reference import softmax

LARGE = 1 / 16  # of the largest exponential, or of 1: relative errors of what is smaller tell little
SUMS, NUMERATORS = 4096, 64
_LONGEST = 1024  # elements of the rows whose sums are tried


class _NotMeasured(Exception):
    """The reason why a part of a card is left out."""


def error_card(design: Design) -> dict:
    """`{"exp", "normaliser", "whole"}`, each with the worst errors of a design's part, or with the reason for none.

    Of each: `absolute` (of the exponential, in units of that of the maximum), `relative` where the exact
    value is at least `large` of that, `relative_nonzero` wherever the result is not 0 (None where there is
    nothing such), `at` (the distance from the maximum of the worst absolute error, in real units, or None),
    `zero_from` (for `exp`: the least distance whose result is 0, or None), `points`, and `over`: in words,
    what was tried.  A part without them has `reason` alone.
    """
    parts = {"exp": _exponential, "normaliser": _normaliser, "whole": _whole}
    return {name: _measured(measure, design) for name, measure in parts.items()}


def _measured(measure, design: Design) -> dict:
    try:
        return measure(design)
    except _NotMeasured as reason:
        return {"reason": str(reason)}


def in_words(name: str, part: dict) -> str:
    """A part of a card as a sentence."""
    of = {"exp": "an exponential", "normaliser": "the division", "whole": "an output"}[name]
    if "reason" in part:
        return f"the error of {of} was not measured: {part['reason']}"
    relative = part["relative"]
    large = f", by {_percent(relative)} of itself where that is 1/16 or more" if relative is not None else ""
    unit = " of the largest" if name == "exp" else ""
    return f"{of} is wrong by {part['absolute']:.2g}{unit} at most{large}, over {part['over']}"


def _percent(share: float) -> str:
    """Two digits, and no power of ten for what is large: `3.1 %`, `142 %`."""
    return f"{100 * share:,.0f} %" if share >= 0.995 else f"{100 * share:.2g} %"


def _errors(got: np.ndarray, exact: np.ndarray, over: str, at: np.ndarray | None = None) -> dict:
    """The worst errors of results whose largest exact value is 1; `at` are the distances they lie at."""
    wrong = np.abs(got - exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(exact > 0, wrong / exact, 0.0)
    large, kept = exact >= LARGE * (1 - 1e-12), got > 0
    return {
        "absolute": float(wrong.max()),
        "relative": float(relative[large].max()) if large.any() else None,
        "relative_nonzero": float(relative[kept].max()) if kept.any() else None,
        "large": LARGE,
        "at": None if at is None else float(at[wrong.argmax()]),
        "points": int(wrong.size),
        "over": over,
    }


# -- the exponentials -------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Parts:
    """A drawing, what enters its sum, and pairs of codes (pairs, 2) from every distance on the way through it."""

    datapath: Datapath
    numerator: Wire
    rows: Exactly
    distances: np.ndarray
    over: str


def _parts(design: Design) -> _Parts:
    if not design.has_hardware:
        raise _NotMeasured("there is no drawing")
    if not probing.is_linear(design):
        raise _NotMeasured("its wires are bit patterns of floats, whose exact values the drawing does not know")
    datapath = design.datapath(min(_LONGEST, probing.longest(design)))
    entering = [w.op.fold.inputs[0] for w in datapath.wires if _adds(w)]
    if not entering:
        raise _NotMeasured("no sum of elements is in the drawing")
    most = None if array.holds(datapath) else 1 << 10  # without arrays it takes long
    codes, over = probing.distances(design, most)
    rows = Exactly(datapath, codes)
    distances = (codes[:, 0] - codes[:, 1]) * float(design.input.step)
    return _Parts(datapath, entering[0], rows, distances, over)


def _adds(wire: Wire) -> bool:
    """Whether elements are added up here: any fold of elements but a largest or smallest one."""
    if not isinstance(wire.op, FoldOutput) or wire.op.fold.inputs[0].rate is not Rate.ELEMENT:
        return False
    return wire.op.fold.body.primitive not in (Maximum, Minimum)


def _exponential(design: Design) -> dict:
    parts = _parts(design)
    reference = [w for w in parts.datapath.wires if w.rate is not Rate.ELEMENT]  # what elements are taken from
    exact = parts.rows.values(reference)[parts.numerator]
    if exact is None:
        raise _NotMeasured("what enters the sum lies inside a named block")
    exact, got = _second(exact, parts), _second(parts.rows.hardware[parts.numerator], parts)
    unit = float(np.nanmax(exact))
    found = _errors(got / unit, exact / unit, parts.over, parts.distances)
    zeros = parts.distances[got <= 0]
    return {**found, "zero_from": float(zeros.min()) if zeros.size else None}


def _second(values: np.ndarray, parts: _Parts) -> np.ndarray:
    """Of every pair what belongs to its second element."""
    values = np.broadcast_to(values, (len(parts.distances), *values.shape[1:]))
    return values[:, 0, min(1, values.shape[2] - 1)] if values.shape[1] == 1 else values[:, 1, 0]


# -- the division -----------------------------------------------------------------------------------
def _normaliser(design: Design) -> dict:
    parts = _parts(design)
    sum = _sum(parts)
    behind, numerator = _to_the_output(parts.datapath, sum)
    if not array.holds(parts.datapath):
        raise _NotMeasured("a wire is wider than 62 bits")
    least = max(sum.lo, int(parts.rows.hardware[sum].min()))  # a sum in which nothing is at the maximum never occurs
    sums = probing.spread(least, sum.hi, SUMS)
    held = np.unique(_second(parts.rows.hardware[numerator], parts)).astype(np.int64)
    held = held[np.unique(np.linspace(0, len(held) - 1, NUMERATORS).astype(int))]
    given = {sum: sums[:, None, None], numerator: held[None, :, None]}
    got, exact = _both(parts.datapath, behind, given, design)
    here = (exact <= 1 + 1e-9) & (exact >= 0)
    every = "all" if len(sums) == sum.hi - least + 1 else f"{len(sums):,} of the"
    over = f"{every} sums of rows of up to {parts.datapath.max_n:,} elements with {len(held):,} numerators"
    return _errors(got[here], exact[here], over)


def _to_the_output(datapath: Datapath, sum: Wire) -> tuple[set[Wire], Wire]:
    """What leads from the sum to the output, and the one wire of an element that enters there.

    Where several enter, what they are made of belongs to it too, back to one that all are made of.
    """
    meaning, inside = Meaning(datapath.wires), _behind(datapath, sum)
    while True:
        inside |= {w for b in map(meaning.block, tuple(inside)) if b is not None for w in meaning.members(b)}
        users = [*inside, *(b for b in map(meaning.block, inside) if b is not None)]
        used = {a for u in users for a in (u.args if isinstance(u, Wire) else u.arguments)}
        entering = {a for a in used - inside - {sum} if not isinstance(a.op, Constant)}
        if len(entering) == 1:
            return inside, entering.pop()
        last = max(entering, key=lambda w: w.index, default=None)
        if last is None or not last.args or isinstance(last.op, (FoldOutput, ScanOutput)):
            names = ", ".join(sorted(datapath.names[w] for w in entering)) or "nothing"
            raise _NotMeasured(f"{names} enter it beside the sum, which no wire of an element stands for")
        inside.add(last)


def _sum(parts: _Parts) -> Wire:
    """The one wire of a row through which the sum reaches the output."""
    datapath = parts.datapath
    first = next(w for w in datapath.wires if _adds(w))
    below = _behind(datapath, first) | {first}
    last_use = {a: w for w in datapath.wires for a in w.args if a in below}  # operands come first
    waiting: set[Wire] = set()  # wires that are used later on
    for wire in datapath.wires:
        if wire not in below:
            continue
        waiting = {w for w in waiting if last_use[w].index > wire.index}
        if wire.rate is Rate.ROW and not waiting:
            return _asserted(datapath, wire)
        if wire in last_use:
            waiting.add(wire)
    raise _NotMeasured("the sum does not reach the output through one wire")


def _asserted(datapath: Datapath, wire: Wire) -> Wire:
    """The wire, or what is known of it, if that alone is used."""
    users = [w for w in datapath.wires if wire in w.args]
    return _asserted(datapath, users[0]) if len(users) == 1 and isinstance(users[0].op, Known) else wire


def _behind(datapath: Datapath, first: Wire) -> set[Wire]:
    """The wires that depend on one."""
    found: set[Wire] = set()
    for wire in datapath.wires:
        if any(a is first or a in found for a in wire.args):
            found.add(wire)
    return found


def _both(datapath: Datapath, behind: set, given: dict, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """The output's value for what enters, as in the hardware and exactly."""
    meaning = Meaning(datapath.wires)
    got = {**_constants(datapath), **given}
    exact = {wire: np.asarray(value, dtype=np.float64) for wire, value in got.items()}
    for wire in sorted(behind, key=lambda w: w.index):
        if isinstance(wire.op, (FoldOutput, ScanOutput)):
            raise _NotMeasured("behind the sum rows are folded again")
        got[wire] = wire.op.evaluate(ARRAYS, *(got[a] for a in wire.args))
        if not meaning.inside(wire):
            exact[wire] = meaning.value(wire, exact)
    return tuple(np.asarray(probing.value(design, held[datapath.output])) for held in (got, exact))


def _constants(datapath: Datapath) -> dict:
    return {w: w.op.value for w in datapath.wires if isinstance(w.op, Constant)}


# -- the whole --------------------------------------------------------------------------------------
def _whole(design: Design) -> dict:
    if design.has_hardware and design.output_rate == "row":
        raise _NotMeasured("it gives a position, not probabilities")
    got, exact, said = [], [], []
    for rows, over in probing.rows(design):
        got.append(np.ravel(design(rows)))
        exact.append(np.ravel(softmax(rows)))
        said.append(over)
    return _errors(np.concatenate(got), np.concatenate(exact), "; ".join(filter(None, said)))
