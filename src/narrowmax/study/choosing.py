"""Which architecture to narrow: the one whose cheapest design that passes selection costs least, synthesised.

Only selection samples are looked at, so what is then judged is judged as if it had been the only one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Candidate:
    """An architecture: where it starts, its cheapest design that passes selection, its cost, or why there is none.

    expected: whether the design is expected to hold; if not, none of its architecture is
    """

    start: Design
    design: Design | None = None
    cost: hardware.Cost | None = None
    reason: str = ""
    expected: bool = True

    @property
    def objective(self) -> float:
        return math.inf if self.cost is None else self.cost.objective

    @property
    def place(self) -> tuple:
        """What comes first: what can be built, what is expected to hold, what is cheap."""
        return self.cost is None, not self.expected, self.objective

    def record(self) -> dict:
        return {
            "architecture": self.start.architecture,
            "design": self.design and self.design.text,
            "objective": self.cost and self.cost.objective,
            "reason": self.reason or None,
        }


def starts() -> list[Design]:
    """Every architecture of the catalogue that can be narrowed, at its defaults."""
    return [design for design in map(designs.design, designs.catalogue()) if narrowable(design)]


def narrowable(design: Design) -> bool:
    """Whether a design gives probabilities, can be built, and has a wire to narrow."""
    return design.has_hardware and design.output_rate == "element" and bool(design.knobs)


def choose(source: Source, starts: Iterable[Design], terms: Terms, work: Work) -> list[Candidate]:
    """A candidate from each start, cheapest first; those come last that are not expected to hold.

    Raises ClaimRefused where the samples cannot carry the claim whatever the design, and where no candidate passes.
    """
    claim = _claim(source, terms)
    claim.check()
    found = sorted((_candidate(source, start, terms, claim, work) for start in starts), key=lambda one: one.place)
    if found[0].cost is None:
        told = "; ".join(f"{one.start.architecture}: {one.reason}" for one in found)
        raise ClaimRefused(f"no architecture can be narrowed here ({told}); widen the tolerance or give more samples")
    return found


def _claim(source: Source, terms: Terms) -> Claim:
    evaluator = source.evaluator
    groups = None if evaluator.groups is None else evaluator.groups[evaluator.judgement]
    judged = count_units(groups, len(evaluator.judgement))
    return Claim(dict(terms.tolerance), terms.confidence, CEILINGS, judged)


def _candidate(source: Source, start: Design, terms: Terms, claim: Claim, work: Work) -> Candidate:
    work.tell(f"choosing an architecture: {start.architecture}")
    space = Space(start)
    trials = Trials(source.evaluator, space, claim, estimate(terms, work), work.store, work.progress, terms.seed)
    point = Exploration(trials).cheapest()
    if point is None:
        return Candidate(start, reason="no design of it passes on the selection samples")
    design, expected = space.design(point), trials.passes(point)
    try:
        cost = hardware.cost(design, "gates", **terms.layout, cache=work.store)
        return Candidate(start, design, cost, expected=expected)
    except DesignError as error:  # lanes that its chunk cannot honour
        return Candidate(start, design, reason=str(error))
