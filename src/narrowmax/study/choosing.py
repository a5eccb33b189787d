"""Which architecture to narrow: the one whose cheapest design that passes selection costs least, synthesised.

Only selection samples are looked at, so what is then judged is judged as if it had been the only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from narrowmax import designs, hardware
from narrowmax.designs import Design
from narrowmax.errors import ClaimRefused, DesignError
from narrowmax.search import Claim, Exploration, Space, Trials
from narrowmax.search.evidence import count_units
from narrowmax.search.narrowing import CEILINGS
from narrowmax.study.narrowing import estimate, layout
from narrowmax.study.sources import Source
from narrowmax.study.work import Work


def candidates() -> list[Design]:
    """Every architecture of the catalogue that gives probabilities and can be built and narrowed, at its defaults."""
    every = map(designs.design, designs.catalogue())
    return [design for design in every if design.has_hardware and design.output_rate == "element" and design.knobs]


def choose(
    source: Source,
    starts: Iterable[Design],
    work: Work,
    settings: Mapping,
    tolerance: Mapping,
    confidence: float,
    seed: int,
) -> list[dict]:
    """For each start `{start, design, cost, reason}`, cheapest first; `design` is None, with the reason, where none passes.

    Raises ClaimRefused where the samples cannot carry the claim, whatever the design.
    """
    claim = _claim(source, tolerance, confidence)
    claim.check()
    found = [_cheapest(source, start, work, settings, claim, seed) for start in starts]
    return sorted(found, key=lambda one: float("inf") if one["cost"] is None else one["cost"]["objective"])


def _claim(source: Source, tolerance: Mapping, confidence: float) -> Claim:
    evaluator = source.evaluator
    groups = None if evaluator.groups is None else evaluator.groups[evaluator.judgement]
    return Claim(dict(tolerance), confidence, CEILINGS, count_units(groups, len(evaluator.judgement)))


def _cheapest(source: Source, start: Design, work: Work, settings: Mapping, claim: Claim, seed: int) -> dict:
    work.tell(f"choosing an architecture: {start.architecture}")
    trials = Trials(source.evaluator, Space(start), claim, estimate(settings), work.store, work.progress, seed)
    point = Exploration(trials).cheapest()
    if point is None:
        return {
            "start": start,
            "design": None,
            "cost": None,
            "reason": "no design of it passes on the selection samples",
        }
    design = trials.space.design(point)
    try:
        cost = hardware.cost(design, "gates", **layout(settings), cache=work.store).record()
    except DesignError as error:
        return {"start": start, "design": design, "cost": None, "reason": str(error)}
    return {"start": start, "design": design, "cost": cost, "reason": None}


def first(found: list[dict]) -> Design:
    """The start to narrow.  Raises ClaimRefused where no architecture has a design that passes."""
    if found[0]["design"] is None:
        told = "; ".join(f"{one['start'].architecture}: {one['reason']}" for one in found)
        raise ClaimRefused(f"no architecture can be narrowed here ({told}); widen the tolerance or give more samples")
    return found[0]["start"]
