"""Which architecture to narrow: the one whose cheapest design that passes selection costs least, synthesised.

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

BUDGET = 1000
"""Designs tried of each architecture to choose one; the narrowing of the chosen one tries more."""


def starts() -> list[Design]:
    """Every architecture of the catalogue that can be narrowed, at its defaults."""
    return [design for design in map(designs.design, designs.catalogue()) if narrowable(design)]


def narrowable(design: Design) -> bool:
    """Whether a design gives probabilities, can be built, and has a wire to narrow."""
    return design.has_hardware and design.output_rate == "element" and bool(design.knobs)


def choose(source: Source, starts: Iterable[Design], terms: Terms, work: Work) -> list[dict]:
    """A candidate from each start, cheapest first: {architecture, start, design, cost, expected, reason}.

    design: the cheapest that passes selection, as text, and cost: its measured cost; None, with the reason, where
    there is none.  Last come those that are not expected to hold: selection has too few samples, or they lose.

    Raises ClaimRefused where the samples cannot carry the claim whatever the design, and where no candidate passes.
    """
    claim = _claim(source, terms)
    claim.check()
    found = sorted((_remembered(source, start, terms, claim, work) for start in starts), key=_place)
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


def _remembered(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> dict:
    work.tell(f"choosing an architecture: {start.architecture}")
    inputs = [source.evaluator.digest, start.text, terms.settings, terms.seed, BUDGET]
    return work.remember("candidate", inputs, lambda: _candidate(source, start, terms, claim, work))


def _candidate(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> dict:
    made = {
        "architecture": start.architecture,
        "start": start.text,
        "design": None,
        "cost": None,
        "expected": False,
        "reason": None,
    }
    space = Space(start)
    trials = Trials(source.evaluator, space, claim, estimate(terms, work), work.store, work.progress, terms.seed)
    point = Exploration(trials, BUDGET).cheapest()
    if point is None:
        return made | {"reason": "no design of it passes on the selection samples"}
    design = space.design(point)
    try:
        cost = hardware.cost(design, "gates", **terms.layout, cache=work.store)
    except DesignError as error:  # lanes that its chunk cannot honour
        return made | {"design": design.text, "reason": str(error)}
    return made | {"design": design.text, "cost": cost.record(), "expected": trials.passes(point)}
