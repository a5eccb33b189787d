"""What people write on the command line, as numbers and things: shares, tolerances, designs, folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from narrowmax import designs
from narrowmax.designs import Design
from narrowmax.designs.text import parse
from narrowmax.errors import DataError, DesignError, SourceError
from narrowmax.search.narrowing import TOLERANCES
from narrowmax.study.choosing import narrowable
from narrowmax.study.terms import Terms

_IN_POINTS = ("top1", "top5", "error")
_METRICS = (*TOLERANCES, "top5", "error")
_AMBIGUOUS = 0.1  # a rate from here on, written without %, was probably meant in percent

_SMALL = "0.5% or 0.005"


def share(text: str | float, what: str, such_as: str = _SMALL) -> float:
    """`95%`, `0.95` -> 0.95.  Raises DataError for what is no number between 0 and 1, ends excluded.

    such_as: values for the message that would be taken
    """
    number = _number(text, what, such_as)
    if not 0 < number < 1:
        raise DataError(f"{what} is {text}; give a share above 0 and below 1, such as {such_as}")
    return number


def confidence(text: str | float) -> float:
    """A confidence, as `share` reads it and raises."""
    return share(text, "the confidence", "95% or 0.95")


def _number(text: str | float, what: str, such_as: str = _SMALL) -> float:
    written = str(text).strip()
    try:
        return float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        raise DataError(f"{what} is {text!r}; give a number such as {such_as}") from None


def tolerances(texts: Iterable[str] = ()) -> dict[str, float]:
    """`["0.5%", "nll=0.01"]` -> {"top1": 0.005, "nll": 0.01}; what is not given has its usual value.

    A text without a name is of top1; top5 and a language model's error can be given too.  Raises DataError for an
    unknown metric, one given twice, or no number.
    """
    asked: dict[str, float] = {}
    for text in texts:
        metric, equals, amount = text.partition("=")
        metric, amount = (metric.strip(), amount) if equals else ("top1", text)
        if metric not in _METRICS:
            raise DataError(
                f"the tolerance {text!r} is for {metric!r}; a loss of {' and '.join(TOLERANCES)} can be tolerated, "
                "and of top5 where there are more than five classes, and of a language model's error"
            )
        if metric in asked:
            raise DataError(f"a tolerance for {metric} is given twice; give one")
        asked[metric] = _tolerance(metric, amount)
    return {**TOLERANCES, **asked}


def _tolerance(metric: str, text: str) -> float:
    what = f"the tolerance for {metric}"
    if metric in _IN_POINTS:
        return _points(text, what)
    number = _number(text, what)
    if text.strip().endswith("%") or not 0 < number < float("inf"):
        raise DataError(f"{what} is {text!r}; give a number above 0, in nats and not in percent, such as 0.01")
    return number


def _points(text: str, what: str) -> float:
    rate = share(text, what)
    if rate >= _AMBIGUOUS and not text.strip().endswith("%"):
        raise DataError(f"{what} is {text}, which may mean {text}% or {100 * rate:g}%; write it with the percent sign")
    return rate


def reaches(values: Iterable[float]) -> tuple[float, ...]:
    """The R of "inside ±R": finite and above 0, each once.  Raises DataError for others."""
    for value in values:
        if not 0 < value < float("inf"):
            raise DataError(f"a range of ±{value:g} holds nothing to count; give R above 0, such as 10")
    return tuple(dict.fromkeys(values))


def chosen(texts: Iterable[str], files: Iterable[str] = ()) -> list[Design]:
    """The designs of the texts and of the TOML files, each once."""
    every = [*map(designs.design, texts), *(design for file in files for design in designs.read(file))]
    return list(dict.fromkeys(every))


def given(**options: object) -> dict:
    """Those of the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def hardware(text: str, **layout: object) -> tuple[Design | Path, dict]:
    """A hardware folder or a design, and how it is laid out: what was given; of a folder nothing, it has its own.

    Raises SourceError for a folder that is not there or is given a layout, DesignError for what is no design.
    """
    own = given(**layout)
    if not os.path.isdir(text):  # a design's text may be longer than the name of a file can be, which Path refuses
        if text.startswith(("./", "../", "/")) or os.path.exists(text):
            raise SourceError(f"{text} is no folder; give a folder that `narrowmax build` wrote, or a design")
        return designs.design(text), own
    if own:
        name = next(iter(own)).replace("_", "-")
        raise SourceError(
            f"--{name} cannot be given for a folder, which was built with its own; build it again with --{name}"
        )
    return Path(text), {}


def terms(tolerance: Iterable[str] | None = None, **options: object) -> dict:
    """The fields of `Terms` that were given, read and checked, before any source is loaded."""
    found = {"tolerance": tolerances(tolerance or ()), **given(**options)}
    if "confidence" in found:
        found["confidence"] = confidence(found["confidence"])
    Terms(**{"max_n": 1, **found})
    return found


def architectures(texts: Iterable[str]) -> dict[Design, frozenset[str]]:
    """The designs to start narrowing from, and the parameters that were given of each.

    Raises DesignError for one that cannot be narrowed.
    """
    found = {designs.design(text): frozenset(parse(text)[1]) for text in texts}
    for design in found:
        if not narrowable(design):
            raise DesignError(
                f"{design.architecture} cannot be narrowed; name an architecture with hardware that gives "
                "probabilities and has knobs"
            )
    return found
