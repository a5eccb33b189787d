"""Which architecture to narrow: the one whose safest cheap design costs least, synthesised.

A glance at each architecture predicts what it will cost, a search of the cheapest few finds a design of each, and
synthesis decides between these.  All of that sees selection samples alone, and one architecture comes out of it: so
the judged samples see one order of designs, and what they show needs no correction for those that were left.

Designs are compared that leave most of the allowance unused.  Selection samples are few, and of thousands of
designs the cheapest that just passes on them has been lucky; judgement begins far from it too (`search.order`).
For the same reason, of architectures that cost about the same the one with fewer designs to be lucky among is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

from narrowmax import hardware
from narrowmax.designs import Design
from narrowmax.errors import ClaimRefused, DesignError
from narrowmax.search import Claim, Exploration, Space, Trials
from narrowmax.search.evidence import count_units
from narrowmax.search.narrowing import CEILINGS
from narrowmax.search.order import allowed
from narrowmax.study.narrowing import estimate
from narrowmax.study.sources import Source
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

FINALISTS = 3
"""Architectures that are searched and synthesised; of all others a glance tells."""
BUDGET = 1000
"""Designs tried of a finalist; the narrowing of the one that is chosen tries more."""
CLOSE = 1.05
"""How many times the least cost is about the same: no more than a bit or two on one wire are worth."""


def narrowable(design: Design) -> bool:
    """Whether a design gives probabilities, can be built, and has a wire to narrow."""
    return design.has_hardware and design.output_rate == "element" and bool(design.knobs)


def choose(source: Source, starts: Iterable[Design], terms: Terms, work: Work) -> list[dict]:
    """A contender from each start, the one to narrow first: {architecture, start, design, cost, tried, reason, ...}.

    design: of a finalist the cheapest design that is safe, as text, and cost: its measured cost; None, with the
        reason, where there is none, and of those that a glance predicts to be dearer than the finalists
    predicted: the cost, before synthesis; expected: whether it is thought to hold; tried: how many designs were,
        of how many in its space

    Raises ClaimRefused where the samples cannot carry the claim whatever the design, and where no design passes.
    """
    claim = _claim(source, terms)
    claim.check()
    seen = [_Contender(source, start, terms, claim, work) for start in starts]
    looks = sorted(((one.glance(), one) for one in seen), key=lambda pair: _place(pair[0]))
    ahead = [one for look, one in looks if look["predicted"] is not None][:FINALISTS]
    found = _sure(sorted((one.candidate() for one in ahead), key=_place))
    found += [_left(look) for look, one in looks if one not in ahead]
    if not found or found[0]["cost"] is None:
        told = "; ".join(f"{one['architecture']}: {one['reason']}" for one in found)
        raise ClaimRefused(f"no architecture can be narrowed here ({told}); widen the tolerance or give more samples")
    return found


def _place(found: dict) -> tuple[bool, bool, float]:
    """Cheapest first, but before them all that is expected to hold: a cheap one that fails narrows nothing."""
    cost = found["cost"]["objective"] if found["cost"] else found["predicted"]
    dropped = found["predicted"] is None or found["reason"] is not None
    return dropped, not found["expected"], math.inf if cost is None else cost


def _sure(finalists: list[dict]) -> list[dict]:
    """Cheapest first, but before it the one with the smallest space among those about as cheap."""
    near = [one for one in finalists if _is_near(one, finalists[0])]
    first = min(near, key=lambda one: one["space"], default=None)
    return sorted(finalists, key=lambda one: one is not first)


def _is_near(one: dict, least: dict) -> bool:
    if not one["cost"] or not least["cost"] or one["expected"] != least["expected"]:
        return False
    return one["cost"]["objective"] <= CLOSE * least["cost"]["objective"]


def _left(look: dict) -> dict:
    if look["predicted"] is None:
        return look
    why = f"a first look predicts {look['predicted']:,.0f} NAND2; the {FINALISTS} predicted to be cheapest went on"
    return look | {"reason": why}


def _claim(source: Source, terms: Terms) -> Claim:
    evaluator = source.evaluator
    groups = None if evaluator.groups is None else evaluator.groups[evaluator.judgement]
    judged = count_units(groups, len(evaluator.judgement))
    return Claim(dict(terms.tolerance), terms.confidence, CEILINGS, judged)


class _Contender:
    """An architecture and what was tried of it: the glance and the search share their trials."""

    def __init__(self, source: Source, start: Design, terms: Terms, claim: Claim, work: Work):
        self.source, self.start, self.terms, self.claim, self.work = source, start, terms, claim, work

    def glance(self) -> dict:
        """What a first look says of it: no design, and the predicted cost, None where none passes."""
        self.work.tell(f"choosing an architecture: a first look at {self.start.architecture}")
        return self._remembered("first-look", self._glanced)

    def candidate(self) -> dict:
        """What a search finds of it, and the cost of that."""
        self.work.tell(f"choosing an architecture: {self.start.architecture}")
        return self._remembered("candidate", self._searched)

    def _remembered(self, kind: str, make) -> dict:
        inputs = [self.source.evaluator.digest, self.start.text, self.terms.settings, self.terms.seed, BUDGET]
        return self.work.remember(kind, inputs, make)

    @cached_property
    def _exploration(self) -> Exploration:
        source, terms, work = self.source, self.terms, self.work
        steered = estimate(terms, work)
        space = Space(self.start)
        trials = Trials(source.evaluator, space, self.claim, steered, work.store, work.progress, terms.seed)
        return Exploration(trials, BUDGET)

    def _glanced(self) -> dict:
        return self._told(self._exploration.glance(allowed(self._exploration)))

    def _searched(self) -> dict:
        point = self._exploration.cheapest(allowed(self._exploration))
        design, told = self._exploration.space.design(point), self._told(point)
        try:
            cost = hardware.cost(design, "gates", **self.terms.layout, cache=self.work.store)
        except DesignError as error:  # lanes that its chunk cannot honour
            return told | {"design": design.text, "reason": str(error)}
        return told | {"design": design.text, "cost": cost.record()}

    def _told(self, point) -> dict:
        trials = self._exploration.trials
        found = {"architecture": self.start.architecture, "start": self.start.text}
        found |= {"tried": len(trials.seen), "space": trials.space.size}
        found |= {"design": None, "cost": None, "predicted": None, "expected": False, "reason": None}
        if point is None:
            return found | {"reason": "no design of it passes on the selection samples"}
        return found | {"predicted": trials.cost(point), "expected": trials.passes(point)}
