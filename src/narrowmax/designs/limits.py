"""Operating limits of a design, found by drawing and running it rather than by formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from narrowmax.architectures.parameters import FixedFormat
from narrowmax.designs.record import Design, longest
from narrowmax.engines import interpret
from narrowmax.formats import Format

LONGEST = 1 << 16  # rows beyond are not asked about


def limits(design: Design) -> dict[str, dict]:
    """`{name: {"value", "text"}}`: numbers in real units (None: no limit found) and a sentence each.

    longest_row           elements of a row that the design takes; longer ones are refused
    exact_row             elements of a row whose accumulator cannot reach its end (where it has an end)
    largest_probability   output of a row of one element
    widest_distance       largest difference from a maximum at the input's end (a float's: at 0) whose probability is
                          not 0, in a row of two, where there is one whose probability is
    smallest_probability  the output there
    masked_row            output of every element where nothing takes part
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


def _distance(value: float | None) -> dict:
    if value is None:
        return _fact(None, "beside a maximum, no element of the input's range has probability 0")
    return _fact(value, "beside a maximum, elements more than {} below it have probability 0")


def _outputs(design: Design) -> dict[str, dict]:
    datapath, value = design.datapath(2), design.output.decode
    top, below, whole = _ladder(design.input)

    def beside(steps: int) -> Fraction:
        return value(interpret.run(datapath, [top, below(steps)])[1])

    near, far = 0, whole + 1  # the output never rises with the distance
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (middle, far) if beside(middle) > 0 else (near, middle)
    return {
        "largest_probability": _fact(float(value(interpret.run(datapath, [top])[0])), "a row of one element gives {}"),
        "widest_distance": _distance(_between(design.input, top, below(near)) if near < whole else None),
        "smallest_probability": _fact(float(beside(near)), "the smallest probability beside a maximum is {}"),
        "masked_row": _fact(float(value(datapath.absent_code)), "a row with nothing present gives {} everywhere"),
    }


def _ladder(input: Format) -> tuple[int, Callable[[int], int], int]:
    """A maximum, the code so many steps below it, and the steps there are: from the end, of a float from 0."""
    top, low = input.highest_code, input.lowest_code
    if low <= top:
        return top, lambda steps: top - steps, top - low
    return 0, lambda steps: low - top + steps if steps else 0, top


def _between(input: Format, top: int, low: int) -> float:
    return float(input.decode(top) - input.decode(low))
