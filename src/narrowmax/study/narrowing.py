"""The narrowest design for a source, priced by synthesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from narrowmax import designs, hardware, search
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.study.sources import Source
from narrowmax.study.work import Work


def narrow(
    source: Source, architecture: str | Design, work: Work, *, tolerance: Mapping[str, float], confidence: float,
    lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0, target: str = "gates", seed: int = 0,
) -> dict:  # fmt: skip
    """The record of `narrowmax narrow`; see `search.narrow` for its parts and for what it raises.

    architecture: a name of the catalogue, or a design to start from
    lanes, max_n (the source's n), period_ns, target: how a design is built to be priced
    """
    if target != "gates":
        raise DesignError(f"target is {target!r}; a search needs one number, which gates alone gives: narrow with it")
    start = designs.design(architecture)
    settings = {"lanes": lanes, "max_n": max_n or source.n, "period_ns": period_ns, "target": target}
    with work.step("narrow"):
        found = found_for(source, start, work, settings, tolerance, confidence, seed).record()
    asked = {**settings, "tolerance": dict(tolerance), "confidence": confidence}
    return work.record("narrow", source=source.text, seeds={"search": seed}, **found, asked=asked)


def found_for(
    source: Source, start: Design, work: Work, settings: Mapping, tolerance: Mapping, confidence: float, seed: int
) -> search.Narrowed:
    """What `search.narrow` finds from a start, with synthesis for its costs."""
    return search.narrow(
        source.evaluator,
        start,
        tolerance,
        confidence,
        cost=lambda design: hardware.cost(design, "gates", **layout(settings), cache=work.store),
        estimate=estimate(settings),
        progress=work.progress,
        store=work.store,
        seed=seed,
    )


def layout(settings: Mapping) -> dict:
    """How a design is laid out to be priced, of the settings."""
    return {key: settings[key] for key in ("lanes", "max_n", "period_ns")}


def estimate(settings: Mapping) -> Callable[[Design], float]:
    """The cheap prediction of the objective, from the drawing."""
    if not hasattr(hardware, "estimate"):
        return lambda design: float(sum(design.knob_values.values()))
    return lambda design: hardware.estimate(design, settings["lanes"], settings["max_n"])
