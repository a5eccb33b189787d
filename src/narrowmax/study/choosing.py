"""Which architecture to narrow: the one whose cheapest design that passes selection costs least, synthesised.

A short look at each architecture tells what it is predicted to cost; those far above the cheapest are left there.
Only selection samples are looked at, so what is then judged is judged as if it had been the only one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from narrowmax import designs, hardware
from narrowmax.designs import Design
from narrowmax.errors import ClaimRefused, DesignError
from narrowmax.search import Claim, Exploration, Space, Trials
from narrowmax.search.evidence import count_units
from narrowmax.search.narrowing import CEILINGS
from narrowmax.study.narrowing import estimate
from narrowmax.study.sources import Source
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

LOOK, BUDGET = 48, 1000
"""Designs tried of each architecture at first, and to choose one; the narrowing of the chosen one tries more."""
NEAR = 3.0
"""How many times the least predicted cost is worth a search: predictions are up to twice what synthesis finds."""


def starts() -> list[Design]:
    """Every architecture of the catalogue that can be narrowed, at its defaults."""
    return [design for design in map(designs.design, designs.catalogue()) if narrowable(design)]


def narrowable(design: Design) -> bool:
    """Whether a design gives probabilities, can be built, and has a wire to narrow."""
    return design.has_hardware and design.output_rate == "element" and bool(design.knobs)


def choose(source: Source, starts: Iterable[Design], terms: Terms, work: Work) -> list[dict]:
    """A candidate from each start, cheapest first: {architecture, start, design, cost, expected, reason}.

    design: the cheapest that passes selection, as text, and cost: its measured cost; None, with the reason, where
    there is none.  Last come those that are not expected to hold: selection has too few samples, or they lose;
    and those whose first look predicts more than NEAR times the least cost of all.

    Raises ClaimRefused where the samples cannot carry the claim whatever the design, and where no candidate passes.
    """
    claim = _claim(source, terms)
    claim.check()
    looks = [(start, _first_look(source, start, terms, claim, work)) for start in starts]
    most = NEAR * min((cost for _, cost in looks if cost is not None), default=math.inf)
    near = [_remembered(source, start, terms, claim, work) for start, cost in looks if cost is None or cost <= most]
    far = [_left(start, cost, most / NEAR) for start, cost in looks if cost is not None and cost > most]
    found = sorted([*near, *far], key=_place)
    if found[0]["cost"] is None:
        told = "; ".join(f"{one['architecture']}: {one['reason']}" for one in found)
        raise ClaimRefused(f"no architecture can be narrowed here ({told}); widen the tolerance or give more samples")
    return found


def _place(candidate: dict) -> tuple[bool, float]:
    """Cheapest first, but before them all that is expected to hold: a cheap one that fails narrows nothing."""
    if candidate["cost"] is None:
        return True, math.inf
    return not candidate["expected"], candidate["cost"]["objective"]


def _claim(source: Source, terms: Terms) -> Claim:
    evaluator = source.evaluator
    groups = None if evaluator.groups is None else evaluator.groups[evaluator.judgement]
    judged = count_units(groups, len(evaluator.judgement))
    return Claim(dict(terms.tolerance), terms.confidence, CEILINGS, judged)


def _first_look(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> float | None:
    """The predicted cost of the cheapest of a few designs that pass; None where none does."""
    work.tell(f"choosing an architecture: a first look at {start.architecture}")

    def look() -> dict:
        trials = _trials(source, Space(start), terms, claim, work)
        point = Exploration(trials, LOOK).cheapest()
        return {"predicted": None if point is None else trials.cost(point)}

    inputs = [source.evaluator.digest, start.text, terms.settings, terms.seed, LOOK]
    return work.remember("first-look", inputs, look)["predicted"]


def _left(start: Design, cost: float, least: float) -> dict:
    why = f"a first look predicts {cost:,.0f} NAND2, more than {NEAR:g} times the {least:,.0f} of the cheapest"
    return _nothing(start) | {"reason": why}


def _remembered(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> dict:
    work.tell(f"choosing an architecture: {start.architecture}")
    inputs = [source.evaluator.digest, start.text, terms.settings, terms.seed, BUDGET]
    return work.remember("candidate", inputs, lambda: _candidate(source, start, terms, claim, work))


def _candidate(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> dict:
    made, space = _nothing(start), Space(start)
    trials = _trials(source, space, terms, claim, work)
    point = Exploration(trials, BUDGET).cheapest()
    if point is None:
        return made | {"reason": "no design of it passes on the selection samples"}
    design = space.design(point)
    try:
        cost = hardware.cost(design, "gates", **terms.layout, cache=work.store)
    except DesignError as error:  # lanes that its chunk cannot honour
        return made | {"design": design.text, "reason": str(error)}
    return made | {"design": design.text, "cost": cost.record(), "expected": trials.passes(point)}


def _nothing(start: Design) -> dict:
    found = {"architecture": start.architecture, "start": start.text, "design": None}
    return {**found, "cost": None, "expected": False, "reason": None}


def _trials(source: Source, space: Space, terms: Terms, claim: Claim, work: Work) -> Trials:
    return Trials(source.evaluator, space, claim, estimate(terms, work), work.store, work.progress, terms.seed)
