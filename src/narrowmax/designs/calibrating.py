"""What a unit is told of its network: what one step of its input is worth.

A quantised network brings its scale with it.  A design that is to be tried on values that bring none takes one
from their ends, as the usual calibration of such networks does; it is no choice of the design's.  Where the
binary point of an input stands is the same question to a unit in fixed point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from narrowmax.architectures.parameters import KNOB, Number, Real
from narrowmax.designs.record import Design, made
from narrowmax.errors import DesignError, FormatError
from narrowmax.formats import Affine, Fixed

_DIGITS = 4  # of a scale, rounded up


@dataclass(frozen=True)
class Reach:
    """Between which ends values lie, and the affine integers that they were stored as, where they were."""

    low: float
    high: float
    stored: Affine | None = None


def calibrated(design: Design, reach: Reach, points: bool = False) -> tuple[Design, dict]:
    """The design with its input's scale set for values of that reach, and the parameters that were set.

    Set are, where the input is an affine integer, `scale` and `zero_point`, or `shift` where the scale is a power
    of two's: to those of the stored integers where the design can have them, else so that the input just holds all
    values and 0.  With `points`, fixed-point inputs beyond whose ends values lie have their point moved as far as
    they need, and keep their bits, where no source says where it is; without it that is left to a search.  A design
    without these, or one that no setting of them helps, is handed back with nothing set.
    """
    tried = _settings(design, reach) if isinstance(design.input, Affine) else _points(design, reach) if points else ()
    for settings in tried:
        found = _tried(design, settings)
        if found is not None and _holds(found, reach):
            return found, {name: found.parameters[name] for name in settings}
    return design, {}


def _settings(design: Design, reach: Reach):
    """What to try, the best first."""
    known = {p.name: p for p in design.entry.parameters}
    if isinstance(known.get("scale"), Real):
        if reach.stored is not None:
            yield _as_stored(design, reach.stored, "zero_point" in known)
        yield _to_the_ends(design, reach, "zero_point" in known)
    elif isinstance(known.get("shift"), Number):
        yield from ({"shift": shift} for shift in sorted(known["shift"].choices, reverse=True))


def _points(design: Design, reach: Reach):
    """The input with its point further to the right, a bit each time, where its own is too far to the left."""
    form, known = design.input, {p.name: p for p in design.entry.parameters}
    if not isinstance(form, Fixed) or "input" not in known or known["input"].source != KNOB or _holds(design, reach):
        return
    for more in range(1, form.fraction_bits + 1):
        moved = {"integer_bits": form.integer_bits + more, "fraction_bits": form.fraction_bits - more}
        yield {"input": replace(form, **moved)}


def _as_stored(design: Design, stored: Affine, has_zero: bool) -> dict:
    if not has_zero:
        return {"scale": stored.scale}
    return {"scale": stored.scale, "zero_point": stored.zero_point - stored.lowest_code + design.input.lowest_code}


def _to_the_ends(design: Design, reach: Reach, has_zero: bool) -> dict:
    form, low, high = design.input, min(reach.low, 0.0), max(reach.high, 0.0)
    if not has_zero:
        return {"scale": _up(max(-low / -form.lowest_code, high / form.highest_code))}
    scale = _up((high - low) / (form.highest_code - form.lowest_code))
    return {"scale": scale, "zero_point": form.lowest_code + round(-low / scale)}


def _up(scale: float) -> float:
    """The scale in a few digits, not below itself; 1 where all values are 0."""
    if not scale:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(scale)) + 1 - _DIGITS)
    return float(f"{math.ceil(scale / unit * (1 - 1e-12)) * unit:.{_DIGITS}g}")


def _tried(design: Design, settings: Mapping) -> Design | None:
    try:
        return made(design.entry, {**design.parameters, **settings})
    except (DesignError, FormatError):
        return None


def _holds(design: Design, reach: Reach) -> bool:
    """Whether no value is further than half a step beyond the input's ends."""
    form, half = design.input, float(design.input.step) * (0.5 + 1e-9)
    return float(form.lowest) - half <= reach.low and reach.high <= float(form.highest) + half
