"""Operating limits of a design, found by drawing and running it rather than by formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from narrowmax.architectures.parameters import FixedFormat
from narrowmax.datapath import Datapath
from narrowmax.designs import probing, simulation
from narrowmax.designs.record import Design, longest
from narrowmax.engines import array, compiled
from narrowmax.formats import Format

LONGEST = 1 << 16  # rows beyond are not asked about
PAIRS = 1 << 16  # rows of two that are tried at a time
_SLOW, _MAXIMA = 1 << 9, 16  # of a drawing that no engine on arrays holds; where not every maximum is tried


def limits(design: Design) -> dict[str, dict]:
    """`{name: {"value", "text"}}`: numbers in real units (None: no limit found) and a sentence each.

    longest_row           elements of a row that the design takes; longer ones are refused
    exact_row             elements of a row whose accumulator cannot reach its end (where it has an end)
    largest_probability   the largest output of a row of one element
    widest_distance       largest difference from a maximum whose probability is not 0, in a row of two; None where no
                          probability is 0, or no distance is so wide that all beyond it are
    smallest_probability  the smallest output there that is not 0
    masked_row            output of every element where nothing takes part

    Rows of two are all that the input has where these are few; otherwise those beside some maxima, or a float's 0,
    as the sentence says.
    """
    if not design.has_hardware:
        return {"longest_row": _row_limit(None)}
    found = {"longest_row": _row_limit(_below_longest(design.rows_up_to(LONGEST)))}
    for parameter in design.entry.parameters:
        if getattr(parameter, "accumulates", False) and _is_drawn(design, parameter.name):
            found["exact_row"] = _exact(_below_longest(longest(_room(design, parameter), LONGEST)))
    if design.output_rate == "row":
        nothing = design.output.decode(design.drawing.absent_code)
        return found | {"masked_row": _fact(int(nothing), "a row with nothing present gives {}")}
    return found | _outputs(design)


def _below_longest(rows: int) -> int | None:
    return None if rows >= LONGEST else rows


def _row_limit(rows: int | None) -> dict:
    text = "rows of up to {} elements; longer ones are refused"
    return _fact(rows, text) if rows else _fact(None, f"rows of {LONGEST:,} elements and more")


def _exact(rows: int | None) -> dict:
    text = "the sum cannot reach its end in rows of up to {} elements"
    return _fact(rows, text) if rows is not None else _fact(None, f"the sum has room for {LONGEST:,} elements")


def _fact(value: float | int | None, text: str) -> dict:
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if value is not None else ""
    return {"value": value, "text": text.format(shown)}


def _is_drawn(design: Design, name: str) -> bool:
    return any(wire.name == name for wire in design.datapath(min(2, design.rows_up_to(2))).wires)


def _room(design: Design, parameter: FixedFormat) -> Callable[[int], bool]:
    """Whether a wire that accumulates, which has its parameter's name, has room for rows of n elements."""
    name, ends = parameter.name, design.parameters[parameter.name]
    wide = replace(ends, integer_bits=parameter.integer[-1], overflow="saturate")
    roomy = {**design.parameters, name: wide}

    def has_room(n: int) -> bool:
        wires = design.entry.drawn(roomy, n).wires
        return all(wire.hi <= ends.highest_code for wire in wires if wire.name == name)

    return has_room


@dataclass(frozen=True)
class _Beside:
    """Rows of two that are tried: the codes of their maxima, how many distances from each, and which these are."""

    maxima: np.ndarray
    distances: int
    words: str

    @classmethod
    def of(cls, design: Design, pairs: int) -> _Beside:
        """All rows of two where these are few; of a float those beside 0; else those beside some of the highest."""
        input = design.input
        top, whole = _ends(input)
        if _is_signed_by_a_bit(input):
            return cls(np.array([0]), pairs, "beside a maximum of 0")
        if (whole + 1) * (whole + 2) // 2 <= pairs:
            return cls(np.arange(top, top - whole - 1, -1), whole + 1, "beside a maximum")
        octave = 1 << min(getattr(input, "fraction_bits", 0), whole.bit_length() - 1)
        maxima = top - probing.spread(0, max(octave, _MAXIMA) - 1, _MAXIMA, even=True)
        return cls(maxima, pairs // _MAXIMA, f"beside any of the {_MAXIMA} maxima tried")


def _outputs(design: Design) -> dict[str, dict]:
    datapath = design.datapath(2)
    held = (compiled.available() and compiled.holds(datapath)) or array.holds(datapath)
    beside = _Beside.of(design, PAIRS if held else _SLOW)
    return {
        "largest_probability": _alone(design, datapath, PAIRS if held else _SLOW),
        **_far(design, datapath, beside),
        "masked_row": _fact(
            float(design.output.decode(datapath.absent_code)), "a row with nothing present gives {} everywhere"
        ),
    }


def _ends(input: Format) -> tuple[int, int]:
    """The code of the highest maximum that is tried, and the steps below it: from the end, of a float from 0."""
    top = input.highest_code
    return (0, top) if _is_signed_by_a_bit(input) else (top, top - input.lowest_code)


def _is_signed_by_a_bit(input: Format) -> bool:
    """Whether codes are a sign and a magnitude, as those of floats."""
    return input.lowest_code > input.highest_code


def _below(input: Format, maxima: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The codes so many steps below each maximum."""
    if not _is_signed_by_a_bit(input):
        return maxima - steps
    return np.where(steps > 0, steps | input.lowest_code - input.highest_code, maxima)


def _alone(design: Design, datapath: Datapath, most: int) -> dict:
    top, whole = _ends(design.input)
    codes = _below(design.input, np.int64(top), probing.spread(0, whole, most, even=True))
    got = design.output.values(simulation.run(datapath, codes[:, None], None))
    low, high = float(np.nanmin(got)), float(np.nanmax(got))
    if low == high:
        return _fact(high, "a row of one element gives {}")
    return _fact(high, f"a row of one element gives {low:.6g} to {{}}")


def _far(design: Design, datapath: Datapath, beside: _Beside) -> dict[str, dict]:
    """How far from a maximum an output above 0 lies, and the least one; ever finer where not all are tried."""
    whole = _ends(design.input)[1]
    near, far, least, zeros, words = 0, whole, np.inf, False, beside.words
    where = "" if whole < beside.distances else " where tried"
    while True:
        steps = probing.spread(near, far, beside.distances, even=True)
        got = _apart(design, datapath, beside.maxima, steps)
        least = min(least, got[got > 0].min(initial=np.inf))
        zeros = zeros or bool((got == 0).any())
        last = int(np.flatnonzero((got > 0).any(axis=0)).max(initial=0))
        if last + 1 == len(steps) or steps[last + 1] - steps[last] == 1:
            break
        near, far = int(steps[last]), int(steps[min(last + beside.distances // 8, len(steps) - 1)])
    smallest = _fact(float(least) if least < np.inf else 0.0, f"the smallest probability {words} is {{}}")
    if not zeros:
        widest = _fact(None, f"{words}, no element of the input's range has probability 0{where}")
    elif steps[last] == whole:
        widest = _fact(None, f"{words}, elements as far below it as the input reaches can have more than 0")
    else:
        apart = _apart_by(design.input, int(steps[last]))
        widest = _fact(apart, f"{words}, elements more than {{}} below it have probability 0{where}")
    return {"widest_distance": widest, "smallest_probability": smallest}


def _apart(design: Design, datapath: Datapath, maxima: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Outputs (maxima, steps) of the smaller element of rows of two; NaN where the input ends before it."""
    others = _below(design.input, maxima[:, None], steps)
    held = (others >= design.input.lowest_code) | _is_signed_by_a_bit(design.input)
    rows = np.stack([np.broadcast_to(maxima[:, None], others.shape), others], axis=-1)[held]
    got = np.full(others.shape, np.nan)
    got[held] = design.output.values(simulation.run(datapath, rows, None)[:, 1])
    return got


def _apart_by(input: Format, steps: int) -> float:
    top = _ends(input)[0]
    return float(input.decode(top) - input.decode(int(_below(input, np.int64(top), np.int64(steps)))))
