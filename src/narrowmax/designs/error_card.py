"""How wrong a design and its parts are: exponentials, division, the whole; measured, by enumeration where small.

    exp          what enters the sum, against its exact value, at every distance that the input can have
    normaliser   from the sum and the numerators to the output, against their exact quotient, at every sum
    whole        the output against softmax

Parts are found in the drawing: the sum is the fold that elements enter, and what is exact is the same
drawing where nothing is rounded, tabulated or clipped (see `engines.exactly`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from narrowmax.datapath import ARRAYS, Datapath, FoldOutput, Rate, ScanOutput, Wire
from narrowmax.datapath.operations import Constant
from narrowmax.designs import probing, sums
from narrowmax.designs.record import Design
from narrowmax.designs.sums import Number, Unclear
from narrowmax.engines import array
from narrowmax.engines.exactly import Exactly, Meaning
from narrowmax.reference import softmax

LARGE = 1 / 16  # of the largest exponential, or of 1: relative errors of what is smaller tell little
SUMS, NUMERATORS = 4096, 64
_LONGEST = 1024  # elements of the rows whose sums are tried
_AT_ONCE = 1 << 14  # elements of which every wire is held


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
    except Unclear as reason:
        return {"reason": str(reason)}


def in_words(name: str, part: dict) -> str:
    """A part of a card as a sentence."""
    of = {"exp": "an exponential", "normaliser": "the division", "whole": "an output"}[name]
    if "reason" in part:
        return f"the error of {of} was not measured: {part['reason']}"
    relative = part["relative"]
    large = f", by {_percent(relative)} of itself where that is 1/16 or more" if relative is not None else ""
    unit = " of the largest" if name == "exp" else ""
    return f"{of} was found to be wrong by {part['absolute']:.2g}{unit} at most{large}, over {part['over']}"


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
    added: Number
    codes: np.ndarray
    distances: np.ndarray
    over: str

    def walked(self) -> Iterator[Exactly]:
        """The pairs in their order, so many at a time that what every wire holds is not too much."""
        count = max(1, _AT_ONCE // (self.datapath.chunk or 2))
        for start in range(0, len(self.codes), count):
            yield Exactly(self.datapath, self.codes[start : start + count])

    def held(self, wires: Iterable[Wire]) -> dict[Wire, np.ndarray]:
        """Of every pair what wires hold for its second element."""
        slabs = [{w: _second(rows.hardware[w], len(rows.codes)) for w in wires} for rows in self.walked()]
        return {w: np.concatenate([slab[w] for slab in slabs]) for w in wires}


def _parts(design: Design) -> _Parts:
    if not design.has_hardware:
        raise Unclear("there is no drawing")
    if not probing.has_scales(design):
        raise Unclear(f"no real numbers lie between codes of {design.input} and {design.output}")
    datapath = design.datapath(min(_LONGEST, probing.longest(design)))
    most = None if array.holds(datapath) else 1 << 10  # without arrays it takes long
    return _Parts(datapath, sums.entering(datapath), *probing.distances(design, most))


def _exponential(design: Design) -> dict:
    parts = _parts(design)
    if not parts.added.moving:
        raise Unclear("every exponential is the same code, which the drawing takes as a constant")
    reference = [w for w in parts.datapath.wires if w.rate is not Rate.ELEMENT]  # what elements are taken from
    got, exact = [], []
    for rows in parts.walked():
        held = rows.values(reference)
        if any(held[w] is None for w in parts.added.moving):
            raise Unclear("what enters the sum lies inside a named block")
        for found, values in ((got, rows.hardware), (exact, held)):
            found.append(parts.added.value({w: _second(values[w], len(rows.codes)) for w in parts.added.moving}))
    got, exact = np.concatenate(got), np.concatenate(exact)
    unit = float(np.nanmax(exact))
    found = _errors(got / unit, exact / unit, parts.over, parts.distances)
    zeros = parts.distances[got <= 0]
    return {**found, "zero_from": float(zeros.min()) if zeros.size else None}


def _second(values: np.ndarray, pairs: int) -> np.ndarray:
    """Of every pair what belongs to its second element."""
    values = np.broadcast_to(values, (pairs, *values.shape[1:]))
    return values[:, 0, min(1, values.shape[2] - 1)] if values.shape[1] == 1 else values[:, 1, 0]


# -- the division -----------------------------------------------------------------------------------
def _normaliser(design: Design) -> dict:
    parts = _parts(design)
    sum = sums.sum_of(parts.datapath)
    inside, numerator = sums.to_the_output(parts.datapath, sum.moving)
    if not array.holds(parts.datapath):
        raise Unclear("a wire is wider than 62 bits")
    held = parts.held((*sum.moving, numerator, *parts.added.moving))
    given, every = _sums(parts, sum, held)
    numerators = np.unique(held[numerator]).astype(np.int64)
    numerators = numerators[np.unique(np.linspace(0, len(numerators) - 1, NUMERATORS).astype(int))]
    given[numerator] = numerators[None, :, None]
    got, exact = _both(parts.datapath, inside, given, design)
    here = (exact <= 1 + 1e-9) & (exact >= 0)
    rows = f"rows of up to {parts.datapath.max_n:,} elements"
    return _errors(got[here], exact[here], f"{every} sums of {rows} with {len(numerators):,} numerators")


def _sums(parts: _Parts, sum: Number, held: dict) -> tuple[dict, str]:
    """What the wires of a sum hold, as columns; and in words how many of all sums these are."""
    most = parts.datapath.max_n * parts.added.value(held).max() * 2  # and twice that, which roundings stay below
    beyond = dict(zip(sum.wires, sum.scale.codes(most), strict=True))
    # a sum in which nothing is at the maximum never occurs
    least = {w: max(w.lo, int(held[w].min())) for w in sum.moving}
    last = {w: max(least[w], w.hi if len(sum.moving) > 1 else min(w.hi, int(beyond[w]))) for w in sum.moving}
    room, columns, every = SUMS, [], True
    for wire in sorted(sum.moving, key=lambda w: last[w] - least[w]):
        found = probing.spread(least[wire], last[wire], room)
        every = every and len(found) == last[wire] - least[wire] + 1
        room //= len(found)
        columns.append((wire, found))
    grid = np.meshgrid(*(found for _, found in columns), indexing="ij")
    given = {wire: values.reshape(-1, 1, 1) for (wire, _), values in zip(columns, grid, strict=True)}
    return given, "all" if every else f"{grid[0].size:,} of the"


def _both(datapath: Datapath, behind: set, given: dict, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """The output's value for what enters, as in the hardware and exactly."""
    meaning = Meaning(datapath.wires)
    got = {**_constants(datapath), **given}
    exact = {wire: np.asarray(value, dtype=np.float64) for wire, value in got.items()}
    for wire in sorted(behind, key=lambda w: w.index):
        if isinstance(wire.op, (FoldOutput, ScanOutput)):
            raise Unclear("behind the sum rows are folded again")
        got[wire] = wire.op.evaluate(ARRAYS, *(got[a] for a in wire.args))
        if not meaning.inside(wire):
            exact[wire] = meaning.value(wire, exact)
    return tuple(np.asarray(probing.value(design, held[datapath.output])) for held in (got, exact))


def _constants(datapath: Datapath) -> dict:
    return {w: w.op.value for w in datapath.wires if isinstance(w.op, Constant)}


# -- the whole --------------------------------------------------------------------------------------
def _whole(design: Design) -> dict:
    if design.has_hardware and design.output_rate == "row":
        raise Unclear("it gives a position, not probabilities")
    got, exact, said = [], [], []
    for rows, over in probing.rows(design):
        got.append(np.ravel(design(rows)))
        exact.append(np.ravel(softmax(rows)))
        said.append(over)
    return _errors(np.concatenate(got), np.concatenate(exact), "; ".join(filter(None, said)))
