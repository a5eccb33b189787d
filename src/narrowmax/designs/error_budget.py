"""How much of a design's error each rounding, table and clip contributes, by making each exact in turn.

From the last to the first: the design as it is; exact from its last departure on (see `engines.exactly`);
exact from the one before on; and so forth, until the whole drawing is exact; then softmax of the codes that
the input holds; then softmax of the values that were given.  A part is what changes from one of these to
the next.  So the parts add up to the error, element by element and with their signs; their sizes need
not, since errors undo each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np

from narrowmax.datapath import Wire
from narrowmax.designs import probing
from narrowmax.designs.record import Design
from narrowmax.engines.exactly import Departure, Exactly
from narrowmax.errors import DesignError
from narrowmax.reference import softmax

ELEMENTS = 1 << 14  # looked at, of what is given
UNLIKE = 0.75  # an exact drawing so far from softmax was not understood
NOISE = 1e-12  # what float64 leaves of sums and quotients
STANDARD = (40, 16)  # rows of each deviation, and their length, where none are given


def error_budget(design: Design, logits: np.ndarray | None = None, mask: np.ndarray | None = None) -> dict:
    """`{"whole", "parts", "added", "rows", "n", "over"}`, errors of probabilities in the order of the drawing.

    logits: real values (..., n) with a mask of the same shape, of which up to 16,384 elements are looked at, in
        rows evenly spread; without any, a stated set of normal rows is.
    whole: {"mean", "max"} size of design - softmax of what was given
    parts: of each {"part", "kind", "wire", "mean", "max", "bias", "share"}: the mean and largest size of what it
        adds, its mean with its sign, and the share of the mean square error that goes with it; shares add up to
        1, and are negative where a part undoes others.  What adds nothing on these rows is left out, and
        neighbours of one kind on the way to one wire are told together.
    added: the sum of the parts' mean sizes, which the whole's stays below as far as they undo each other

    A design that has no such budget has `reason` alone.  Raises DesignError for rows longer than it takes,
    DataError for values that have no softmax.
    """
    if design.output_rate == "row":
        return {"reason": "it gives a position, not probabilities"}
    values, present, over = _rows(design, logits, mask)
    if design.has_hardware and not probing.has_scales(design):
        return {"reason": f"no real numbers lie between codes of {design.input} and {design.output}"}
    if not np.isfinite(design.input.values(design.input.quantise(values))).all():
        return {"reason": f"some values are beyond {design.input}, and infinities have no softmax"}
    steps = list((_steps if design.has_hardware else _ends)(design, values, present))
    return _told(steps, present, {"rows": len(values), "n": values.shape[1], "over": over})


def _rows(design: Design, logits, mask) -> tuple[np.ndarray, np.ndarray, str]:
    """Values (rows, n), who takes part, and what they are, in words."""
    if logits is None:
        n = min(STANDARD[1], probing.longest(design))
        values = probing.normal(design, STANDARD[0], n)
        return values, np.ones(values.shape, bool), f"{len(values)} normal rows of {n} that the input holds exactly"
    values = np.asarray(logits, dtype=np.float64)
    present = np.isfinite(values) if mask is None else np.broadcast_to(mask, values.shape) & np.isfinite(values)
    n = values.shape[-1]
    values, present = values.reshape(-1, n), present.reshape(-1, n)
    if design.rows_up_to(n) < n:
        raise DesignError(f"{design.text} takes rows of up to {design.rows_up_to(n):,} elements, not {n:,}")
    chosen = np.unique(np.linspace(0, len(values) - 1, max(1, min(len(values), ELEMENTS // n))).astype(int))
    said = f"{len(chosen):,} of {len(values):,} rows of {n:,}" if len(chosen) < len(values) else f"{len(values):,} rows"
    return np.where(present, values, 0.0)[chosen], present[chosen], said


def _ends(design: Design, values: np.ndarray, present: np.ndarray) -> Iterator[tuple]:
    """(part, kind, wire, the output once that is exact too), from the design as it is on, of one without hardware."""
    held = design.input.values(design.input.quantise(values))
    yield None, None, None, design(values, mask=present)
    yield "output", "rounding", None, softmax(held, present)
    yield "input", "rounding", None, softmax(values, present)


def _steps(design: Design, values: np.ndarray, present: np.ndarray) -> Iterator[tuple]:
    """As `_ends`, through all departures of the drawing."""
    datapath, codes = design.datapath(values.shape[1]), design.input.quantise(values)
    exactly = Exactly(datapath, codes, None if present.all() else present)
    behind: list[Departure | None] = [None, *exactly.departures]
    held = {departure: probing.value(design, exactly.output(departure)) for departure in behind}
    after = held[behind[-1]]
    yield None, None, None, after
    names = {wire: datapath.names[wire] for wire in datapath.wires}
    for before, departure in zip(behind[-2::-1], behind[:0:-1]):
        yield _part(departure, datapath.wires, names), departure.kind, names[departure.wire], held[before]
    yield "drawing", "function", None, softmax(design.input.values(codes), present)
    yield "input", "rounding", None, softmax(values, present)


def _part(departure: Departure, wires: tuple[Wire, ...], names: dict) -> str:
    """The wire's name; of one without, that of the next with a name on the way from it to the output."""
    wire = departure.wire
    if wire.name:
        return names[wire]
    reached = {wire}
    for later in wires[wires.index(wire) :]:
        if reached.intersection(later.args):
            if later.name:
                return f"on the way to {later.name}"
            reached.add(later)
    return names[wire]


def _told(steps: list[tuple], present: np.ndarray, about: dict) -> dict:
    outputs = [np.where(present, step[-1], 0.0) for step in steps]
    error, count = outputs[0] - outputs[-1], max(int(present.sum()), 1)
    parts = []
    for (part, kind, wire), added in _merged(steps, outputs):
        size = _size(added, count)
        if size["max"] > NOISE:
            parts.append({"part": part, "kind": kind, "wire": wire, **size, **_with(added, error, count)})
    unlike = max((one["max"] for one in parts if one["kind"] == "function"), default=0.0)
    if unlike > UNLIKE:
        return {"reason": f"made exact, the drawing is {unlike:.2g} from softmax, so its steps were not understood"}
    added = sum(one["mean"] for one in parts)
    return {"whole": _size(error, count), "parts": parts[::-1], "added": added, **about}


def _merged(steps: list[tuple], outputs: list[np.ndarray]) -> Iterator[tuple]:
    """What each part adds; neighbours of one kind on the way to one wire are one part."""
    places = range(1, len(steps))
    for (part, kind), group in groupby(places, lambda k: steps[k][:2]):
        first, *others = group
        last = others[-1] if others else first
        yield (part, kind, steps[last][2]), outputs[first - 1] - outputs[last]


def _with(added: np.ndarray, error: np.ndarray, count: int) -> dict:
    """The mean of what a part adds, and the share of the error's square that goes with it."""
    power = float((error**2).sum())
    share = float((added * error).sum()) / power if power else 0.0
    bias = float(added.sum() / count)
    return {"bias": bias if abs(bias) > NOISE else 0.0, "share": share}


def _size(errors: np.ndarray, count: int) -> dict:
    sizes = np.abs(errors)
    return {"mean": float(sizes.sum() / count), "max": float(sizes.max(initial=0.0))}
