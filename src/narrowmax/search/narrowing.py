"""`narrow`: the least cost among designs whose loss is shown to be below the tolerance.

Selection and judgement use separate samples.  Selection looks for the cheapest designs that pass
with more and with less to spare, and with that fixes an order from widest to narrowest; judgement
walks it and stops at the first failure.  So each step is tested at the full confidence, no
correction is due (fixed-sequence testing), and the last design that held is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from narrowmax.errors import ClaimRefused, DataError
from narrowmax.search.claims import Claim
from narrowmax.search.evidence import count_units
from narrowmax.search.explore import Exploration
from narrowmax.search.front import front
from narrowmax.search.judging import Judges
from narrowmax.search.space import Movable, Point, Space
from narrowmax.search.trials import Progress, Trials
from narrowmax.store import Store

# The order's designs, narrowest first: how much of what the widest design leaves of the claim's
# allowance each may use up.
SPARING = (1.0, 0.7, 0.4, 0.15)
TOLERANCES = {"top1": 0.005, "nll": 0.05}


@dataclass(frozen=True)
class Narrowed:
    """What `narrow` found.

    design: the narrowest design that held before the judges
    start: the design whose wires were narrowed
    cost: what `cost` returned for `design`, else the prediction
    loss: by metric, `{estimate, low, high, tolerance}` on the judged samples
    samples: `{selected, judged, needed}`, groups where there are groups; `needed` if nothing is lost
    wires: for each knob `{name, format, why_not_less, reason, design, loss}`, of one bit less
    front: descriptive, from the selection samples: `{design, objective, loss, expected}`
    order: the designs judged, widest first, `{design, objective, loss, holds}`
    settings: `{tolerances, confidence, seed, space, tried, complete}`
    notes: sentences that a reader must know
    """

    design: Movable
    start: Movable
    cost: object
    loss: dict
    samples: dict
    wires: list
    front: list
    order: list
    settings: dict
    notes: list = field(default_factory=list)

    def record(self) -> dict:
        """The same in plain values, for JSON."""
        made = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return made | {"design": self.design.text, "start": self.start.text, "cost": _plain_cost(self.cost)}


def narrow(
    evaluator,
    architecture: Movable | str,
    tolerance: float | Mapping[str, float] = TOLERANCES,
    confidence: float = 0.95,
    *,
    cost: Callable[[Movable], object] | None = None,
    estimate: Callable[[Movable], float] | None = None,
    progress: Progress | None = None,
    store: Store | None = None,
    seed: int = 0,
    budget: int = 5000,
) -> Narrowed:
    """The narrowest design of one architecture, with evidence.

    evaluator: has `selection` and `judgement` (disjoint index arrays, neither used in training),
        `groups` (labels of related samples, or None), `digest`, `metrics`, `ceilings` (what no
        sample can lose, of each real metric), and `float_outcomes(indices)` and `outcomes(design, indices)`: by metric
        an array over samples, boolean for a rate (true = right, a tie is wrong)
    architecture: a name of the catalogue, or a design to start from; all of its knobs are moved
    tolerance: by metric, what may be lost; every one must hold.  A number is that of top1, beside
        the usual one of nll
    confidence: of the claim that all losses are below their tolerances
    cost: the measured cost of a design, a record with `.objective` or a number; decides among the
        few designs that are judged.  Without it the prediction decides
    estimate: the predicted cost of a design; steers.  Without it: the sum of the knobs, in bits
    progress: called with (stage, done, total or None); stages are select, cost, judge, explain
    store: keeps trials, and which samples have been judged before
    seed: which selection samples are looked at first
    budget: how many designs are tried at most

    Raises ClaimRefused where the samples cannot carry the claim, and where no design passes;
    DataError for an evaluator whose samples overlap; DesignError for a start without knobs.
    """
    claim = _claim(evaluator, _tolerances(tolerance), confidence)
    claim.check()
    space = Space(_design(architecture))
    trials = Trials(evaluator, space, claim, estimate or _bits, store, progress, seed)
    exploration = Exploration(trials, budget)
    finalists = _priced(exploration, cost, progress)
    judges = Judges(evaluator, claim, store, progress)
    judged = judges.walk([finalist.design for finalist in finalists])
    best = _narrowest(finalists, judged, claim)
    return Narrowed(
        design=best.design,
        start=space.start,
        cost=best.cost,
        loss=judges.loss(best.design),
        samples=_samples(evaluator, claim),
        wires=judges.wires(space, best.design),
        front=front(trials),
        order=[entry | {"objective": final.objective} for entry, final in zip(judged, finalists, strict=False)],
        settings=_settings(claim, exploration, seed),
        notes=_notes(exploration, judges, cost),
    )


def _claim(evaluator, tolerances, confidence) -> Claim:
    _check_samples(evaluator)
    ceilings = {metric: top for metric, top in evaluator.ceilings.items() if metric in tolerances}
    if unknown := sorted(set(tolerances) - set(evaluator.metrics)):
        known = ", ".join(evaluator.metrics)
        raise DataError(f"there is no metric {unknown[0]!r} to tolerate a loss of; this source has {known}")
    judged = count_units(_part(evaluator.groups, evaluator.judgement), len(evaluator.judgement))
    return Claim(dict(tolerances), confidence, ceilings, judged)


def _tolerances(tolerance: float | Mapping[str, float]) -> Mapping[str, float]:
    return tolerance if isinstance(tolerance, Mapping) else TOLERANCES | {"top1": float(tolerance)}


def _check_samples(evaluator) -> None:
    selection, judgement = evaluator.selection, evaluator.judgement
    if not len(selection):
        raise DataError("there are no samples to select on; set some apart from those that are judged")
    if shared := len(np.intersect1d(selection, judgement)):
        raise DataError(f"{shared} samples are both selected on and judged; each may be in one part only")
    if evaluator.groups is not None:
        both = np.intersect1d(_part(evaluator.groups, selection), _part(evaluator.groups, judgement))
        if len(both):
            raise DataError(f"{len(both)} groups are both selected on and judged; keep each group whole in one part")


def _part(groups, indices):
    return None if groups is None else np.asarray(groups)[indices]


def _design(start) -> Movable:
    if not isinstance(start, str):
        return start
    from narrowmax import designs  # only here: a search of given designs needs no catalogue

    return designs.design(start)


def _bits(design: Movable) -> float:
    return float(sum(design.knob_values.values()))


@dataclass(frozen=True)
class _Finalist:
    design: Movable
    cost: object
    strain: float

    @property
    def objective(self) -> float:
        if isinstance(self.cost, Mapping):
            return self.cost["objective"]
        return float(getattr(self.cost, "objective", self.cost))


def _order(exploration: Exploration) -> list[Point]:
    """The cheapest designs that strain the claim so much and no more, widest first."""
    trials = exploration.trials
    least = min(1.0, trials[exploration.widest].strain)
    found = [exploration.cheapest(least + (1 - least) * share) for share in SPARING]
    order = sorted({point for point in found if point is not None}, key=trials.key, reverse=True)
    if not order:
        _refuse(exploration)
    return order


def _priced(exploration: Exploration, cost, progress) -> list[_Finalist]:
    """The designs to judge, dearest first by measured cost, without those that a safer one undercuts."""
    trials, priced = exploration.trials, []
    order = _order(exploration)
    for number, point in enumerate(order, 1):
        design = trials.space.design(point)
        measured = cost(design) if cost else {"objective": trials.cost(point), "predicted": True}
        priced.append(_Finalist(design, measured, trials[point].strain))
        if progress:
            progress("cost", number, len(order))
    priced.sort(key=lambda final: (-final.objective, final.strain))
    return [final for final in priced if not any(_undercuts(other, final) for other in priced)]


def _undercuts(other: _Finalist, final: _Finalist) -> bool:
    mine, its = (final.objective, final.strain), (other.objective, other.strain)
    return its != mine and its[0] <= mine[0] and its[1] <= mine[1]


def _narrowest(finalists: list[_Finalist], judged: list[dict], claim: Claim) -> _Finalist:
    held = sum(entry["holds"] for entry in judged)
    if held:
        return finalists[held - 1]
    loss = judged[0]["loss"]
    metric = max(claim.tolerances, key=lambda metric: loss[metric]["high"] / claim.tolerances[metric])
    raise ClaimRefused(
        f"{judged[0]['design']}, the safest design selected, is not shown to hold: it loses "
        f"{loss[metric]['estimate']:.3g} of {metric} and may lose {loss[metric]['high']:.3g}, "
        f"where {claim.tolerances[metric]:.3g} is tolerated; widen the tolerance or give more samples"
    )


def _refuse(exploration: Exploration):
    trials, space = exploration.trials, exploration.space
    tried = [point for point, trial in trials.seen.items() if trial.samples]
    if not tried:
        raise ClaimRefused(
            f"no design could be built from {space.start.text} and tried: {space.reason(exploration.widest)}"
        )
    best = min(tried, key=lambda at: trials[at].strain)
    told = ", ".join(f"{loss:.3g} of {metric}" for metric, loss in trials[best].loss.items())
    raise ClaimRefused(
        f"none of the {len(tried)} designs tried is expected to hold: the best, {space.design(best).text}, "
        f"loses {told} on the selection samples; widen the tolerance or give more samples"
    )


def _samples(evaluator, claim: Claim) -> dict:
    return {
        "selected": count_units(_part(evaluator.groups, evaluator.selection), len(evaluator.selection)),
        "judged": claim.judged,
        "needed": max(claim.needed.values()),
    }


def _settings(claim: Claim, exploration: Exploration, seed: int) -> dict:
    return {
        "tolerances": dict(claim.tolerances),
        "confidence": claim.confidence,
        "ceilings": dict(claim.ceilings),
        "seed": seed,
        "space": exploration.space.size,
        "tried": len(exploration.trials.seen),
        "complete": exploration.complete,
    }


def _notes(exploration: Exploration, judges: Judges, cost) -> list[str]:
    notes = []
    if not exploration.complete:
        notes.append(
            f"{len(exploration.trials.seen)} of {exploration.space.size} designs were tried, not all that might be "
            "cheaper: a narrower one may exist"
        )
    if cost is None:
        notes.append("no design was synthesised: costs are predictions")
    if judges.earlier is None:
        notes.append("without a store it is not known whether the judged samples were judged before")
    elif judges.earlier:
        notes.append(
            f"the judged samples were spent before, on {judges.earlier} other order{'s' * (judges.earlier > 1)} of "
            "designs: each claim holds at its own confidence, not all of them together"
        )
    return notes


def _plain_cost(cost: object) -> object:
    return cost.record() if hasattr(cost, "record") else cost
