"""The catalogue as it is tried on a source: units are told the scale of its values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from narrowmax import designs, models
from narrowmax.designs import Design, calibrating
from narrowmax.designs.calibrating import Reach
from narrowmax.study.sources import Source
from narrowmax.study.work import Work


@dataclass(frozen=True)
class Calibrated:
    """settings: of each design that was told a scale or a point, the parameters that were set

    reach: {low, high, stored}, what they were set to: the ends of the source's values, and the integers that
        these were stored as; None where nothing was asked to be set

    Ranges steer designs, so where samples are set apart to judge, they are not looked at.
    """

    designs: tuple[Design, ...]
    settings: Mapping[Design, dict] = field(default_factory=dict)
    reach: dict | None = None


def as_given(given: Iterable[Design]) -> Calibrated:
    """Designs that were asked for: nothing is set."""
    return Calibrated(tuple(given))


def catalogue(source: Source, work: Work) -> Calibrated:
    """Every architecture at its defaults, but for scales and points of inputs, which are the source's."""
    return calibrated(source, map(designs.design, designs.catalogue()), work)


def calibrated(
    source: Source, starts: Iterable[Design], work: Work, given: Mapping[Design, Collection[str]] | None = None
) -> Calibrated:
    """The designs with the scales and points of their inputs set for the values of a source.

    given: of some designs, the parameters that somebody chose; a design keeps its scale where one of those that
        would be set is among them
    """
    reach, given = _reach(source, work), given or {}
    found = [_set(design, reach, given.get(design, ())) for design in starts]
    stored = None if reach.stored is None else str(reach.stored)
    return Calibrated(
        tuple(design for design, _ in found),
        {design: {name: _plain(value) for name, value in settings.items()} for design, settings in found if settings},
        {"low": reach.low, "high": reach.high, "stored": stored},
    )


def _set(design: Design, reach: Reach, given: Collection[str]) -> tuple[Design, dict]:
    found, settings = calibrating.calibrated(design, reach, points=True)
    return (design, {}) if set(given) & settings.keys() else (found, settings)


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float)) else str(value)


def _reach(source: Source, work: Work) -> Reach:
    logits = source.logits
    if logits is None:
        return _measured(source, work)
    x, mask = logits.logits.reshape(-1, logits.n), None if logits.mask is None else logits.mask.reshape(-1, logits.n)
    chosen = source.evaluator.selection if source.labelled else slice(None)
    values = x[chosen] if mask is None else x[chosen][mask[chosen]]
    return Reach(float(values.min(initial=0)), float(values.max(initial=0)), logits.stored)


def _measured(source: Source, work: Work) -> Reach:
    """Of what reaches the softmaxes of a network that designs are put in the place of."""
    found = work.remember("reach", source.evaluator.digest, lambda: _ends(source))
    return Reach(found["low"], found["high"])


def _ends(source: Source) -> dict:
    softmaxes = [one for one in models.measured(source.thing) if source.judges(one)]
    last = max((one["epoch"] or 0 for one in softmaxes), default=0)
    now = [one for one in softmaxes if (one["epoch"] or 0) == last and one["min"] is not None]
    return {"low": min((one["min"] for one in now), default=0.0), "high": max((one["max"] for one in now), default=0.0)}
