"""The narrowest design for a source, priced by synthesis."""

from __future__ import annotations

from collections.abc import Mapping

from narrowmax import designs, hardware, search
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.study.sources import Source
from narrowmax.study.work import Work

DEFAULT = "table_divide"


def narrow(
    source: Source, architecture: str | Design, work: Work, *, tolerance: Mapping[str, float], confidence: float,
    lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0, target: str = "gates", seed: int = 0,
) -> dict:  # fmt: skip
    """The record of `narrowmax narrow`; see `search.narrow` for its parts and for what it raises.

    architecture: a name of the catalogue, or a design to start from
    lanes, max_n (the source's n), period_ns, target: how a design is built to be priced
    """
    if target != "gates":
        raise DesignError(f"target is {target!r}; only gates gives one number to search by, so narrow there and price the result")
    settings = {"lanes": lanes, "max_n": max_n or source.n, "period_ns": period_ns, "target": target}
    with work.step("narrow"):
        found = found_for(source, architecture, work, settings, tolerance, confidence, seed).record()
    asked = {**settings, "tolerance": dict(tolerance), "confidence": confidence}
    return work.record("narrow", source=source.text, seeds={"search": seed}, **found, asked=asked)


def found_for(source: Source, start, work: Work, settings: Mapping, tolerance: Mapping, confidence: float, seed: int):
    """What `search.narrow` finds from a start, with synthesis for its costs."""
    layout = {key: settings[key] for key in ("lanes", "max_n", "period_ns")}
    return search.narrow(
        source.evaluator,
        designs.design(start),
        tolerance,
        confidence,
        cost=lambda design: hardware.cost(design, "gates", **layout, cache=work.store),
        estimate=_estimate(layout),
        progress=work.progress,
        store=work.store,
        seed=seed,
    )


def _estimate(layout: Mapping):
    """The cheap prediction of the objective, from the drawing."""
    if not hasattr(hardware, "estimate"):
        return None
    return lambda design: hardware.estimate(design, layout["lanes"], layout["max_n"])
