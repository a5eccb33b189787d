"""`narrow`: the least cost among designs that one order of judgement shows to lose less than the tolerance.

Selection and judgement use separate samples.  Selection looks for the cheapest designs that pass
with more and with less to spare, and with that fixes an order from widest to narrowest; judgement
walks it and stops at the first failure.  So each step is tested at the full confidence and no
correction is due (fixed-sequence testing; Hsu and Berger 1999): with that confidence, all designs that
held do hold.  That alone is claimed: the bound of the answer's own loss is not corrected for the walk.
The last few of them are synthesised, and the cheapest is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING

import numpy as np

from narrowmax.errors import ClaimRefused, DataError
from narrowmax.metrics import NLL_CEILING
from narrowmax.search.claims import Claim
from narrowmax.search.evidence import count_units
from narrowmax.search.explore import Exploration
from narrowmax.search.front import front
from narrowmax.search.judging import MISSED, Judges, rounded
from narrowmax.search.order import order
from narrowmax.search.space import Movable, Space
from narrowmax.search.trials import Progress, Trials
from narrowmax.store import Store

TOLERANCES = {"top1": 0.005, "nll": 0.05}
CEILINGS = {"nll": NLL_CEILING}
FINALISTS = 4  # designs whose cost is measured


@dataclass(frozen=True)
class Narrowed:
    """What `narrow` found.

    design: the narrowest design that held before the judges
    start: the design whose wires were narrowed
    cost: what `cost` returned for `design`, else the prediction
    loss: by metric, `{estimate, low, high, tolerance}` on the judged samples; claimed is "below the tolerance",
        while low and high are bounds of this design by itself, not corrected for having been chosen
    samples: `{selected, judged, needed}`, groups where there are groups; `needed` if nothing is lost
    wires: for each knob `{name, format, why_not_less, reason, design, loss}`, of one bit less
    front: descriptive, from the selection samples: `{design, objective, loss, expected}`
    order: the designs judged, widest first, `{design, objective, measured, loss, holds}`: predicted
        cost, and the measured one of the last that held
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
    source,
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

    source: a Task or Logits, or an evaluator: it has `selection` and `judgement` (disjoint index
        arrays, neither used in training), `groups` (labels of related samples, or None), `digest`,
        `metrics`, and `float_outcomes(indices)` and `outcomes(design, indices)`: by metric an array
        over samples, boolean for a rate (true = right, a tie is wrong).  With real metrics other
        than those of CEILINGS it has `ceilings`, up to which each of them counts; it may have `notes`,
        sentences on its metrics, `offered`, metrics that its outcomes give when asked for by name, and
        `chance`, the share of top1 that guessing gets right
    architecture: a name of the catalogue, or a design to start from; all of its knobs are moved
    tolerance: by metric, what may be lost; every one must hold.  A number is that of top1, beside
        the usual one of nll
    confidence: of the claim that all losses are below their tolerances
    cost: the measured cost of a design, a record with `.objective` or a number; decides among the
        last few designs that held.  Without it: of a task or logits `hardware.cost` with one lane;
        of an evaluator none, and the prediction decides
    estimate: the predicted cost of a design; steers.  Without it: of a task or logits
        `hardware.estimate`; of an evaluator the sum of the knobs, in bits
    progress: called with (stage, done, total or None); stages are select, judge, cost, explain
    store: keeps trials, and which samples have been judged before.  Without it: of a task or logits
        the usual cache; of an evaluator none
    seed: which selection samples are looked at first
    budget: how many designs are tried at most

    Raises ClaimRefused where the samples cannot carry the claim, and where no design passes;
    DataError for an evaluator whose samples overlap; DesignError for a start without knobs.
    """
    evaluator, cost, estimate, store = _sourced(source, cost, estimate, store)
    claim = _claim(evaluator, _tolerances(tolerance), confidence)
    claim.check()
    space = Space(_design(architecture))
    trials = Trials(evaluator, space, claim, estimate or _bits, store, progress, seed)
    exploration = Exploration(trials, budget)
    judges = Judges(evaluator, claim, store, progress)
    designs = _ordered(exploration)
    judged = judges.walk(designs)
    priced = _priced(_held(designs, judged, claim)[-FINALISTS:], cost, trials, progress)
    design, measured = min(priced, key=lambda pair: _objective(pair[1]))  # of equals the first, the safest
    wires = judges.wires(space, design, trials.cost)
    return Narrowed(
        design=design,
        start=space.start,
        cost=measured,
        loss=judges.loss(design),
        samples=_samples(evaluator, claim),
        wires=wires,
        front=front(trials),
        order=_told(judged, designs, trials, priced),
        settings=_settings(claim, exploration, seed),
        notes=[
            *_vacuous(evaluator, judges),
            *_missed(wires),
            *_notes(exploration, judges, cost),
            *getattr(evaluator, "notes", ()),
        ],
    )


def _sourced(source, cost, estimate, store) -> tuple:
    """`(evaluator, cost, estimate, store)`: an evaluator as it is given, a task or logits with what is usual."""
    if hasattr(source, "outcomes"):
        return source, cost, estimate, store
    from narrowmax import hardware, models  # only here: with an evaluator neither is needed

    evaluator, store = models.evaluator(source), store or Store()
    cost = cost or (lambda design: hardware.cost(design, max_n=evaluator.n, cache=store))
    estimate = estimate or (lambda design: hardware.estimate(design, max_n=evaluator.n))
    return evaluator, cost, estimate, store


def _claim(evaluator, tolerances, confidence) -> Claim:
    _check_samples(evaluator)
    ceilings = getattr(evaluator, "ceilings", CEILINGS)
    ceilings = {metric: ceiling for metric, ceiling in ceilings.items() if metric in tolerances}
    known = (*evaluator.metrics, *getattr(evaluator, "offered", ()))
    if unknown := sorted(set(tolerances) - set(known)):
        raise DataError(f"there is no metric {unknown[0]!r} to tolerate a loss of; this source has {', '.join(known)}")
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
    from narrowmax.designs import design  # only here: a search from a given design needs no catalogue

    return design(start)


def _bits(design: Movable) -> float:
    return float(sum(design.knob_values.values()))


def _priced(finalists: list[Movable], cost, trials: Trials, progress) -> list[tuple[Movable, object]]:
    """Designs, each of which held, with their measured cost, or with the predicted one."""
    priced = []
    for number, design in enumerate(finalists, 1):
        predicted = {"objective": trials.cost(trials.space.point(design)), "predicted": True}
        priced.append((design, cost(design) if cost else predicted))
        if progress:
            progress("cost", number, len(finalists))
    return priced


def _objective(cost: object) -> float:
    return float(cost["objective"] if isinstance(cost, Mapping) else getattr(cost, "objective", cost))


def _told(judged: list[dict], designs: list[Movable], trials: Trials, priced: list) -> list[dict]:
    measured = {design.text: _objective(cost) for design, cost in priced}
    return [
        entry | {"objective": trials.cost(trials.space.point(design)), "measured": measured.get(design.text)}
        for entry, design in zip(judged, designs, strict=False)
    ]


def _held(designs: list[Movable], judged: list[dict], claim: Claim) -> list[Movable]:
    held = [design for design, entry in zip(designs, judged, strict=False) if entry["holds"]]
    if not held:
        raise _not_shown(judged, claim)
    return held


def _not_shown(judged: list[dict], claim: Claim) -> ClaimRefused:
    loss = judged[0]["loss"]
    metric = max(claim.tolerances, key=lambda metric: loss[metric]["high"] / claim.tolerances[metric])
    return ClaimRefused(
        f"{judged[0]['design']}, the widest design judged, is not shown to hold: it loses "
        f"{loss[metric]['estimate']:.3g} of {metric} and may lose {rounded(loss[metric]['high'], ROUND_CEILING)}, "
        f"where {claim.tolerances[metric]:.6g} is tolerated; widen the tolerance or give more samples"
    )


def _ordered(exploration: Exploration) -> list[Movable]:
    designs = [exploration.space.design(point) for point in order(exploration)]
    if not designs:
        raise _hopeless(exploration)
    return designs


def _hopeless(exploration: Exploration) -> ClaimRefused:
    trials, space = exploration.trials, exploration.space
    widest, trial = space.design(exploration.widest), trials[exploration.widest]
    if not trial.samples:
        return ClaimRefused(f"no design could be built and tried from {space.start.text}; name another to start from")
    told = ", ".join(f"{loss:.3g} of {metric}" for metric, loss in trial.loss.items())
    return ClaimRefused(
        f"even the widest design, {widest.text}, loses {told} on the selection samples, more than chance explains; "
        "widen the tolerance or name another architecture"
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


def _vacuous(evaluator, judges: Judges) -> list[str]:
    """Where float itself does no better than guessing, a claim that little is lost says little."""
    counted, chance = judges.float_right(), getattr(evaluator, "chance", 0.0)
    if counted is None or counted[0] > chance * counted[1]:
        return []
    return [
        f"in full precision top-1 is right on {counted[0]:,} of {counted[1]:,} judged samples, no more than guessing: "
        "there is nothing to lose, and the claim says nothing of top-1; look at the labels"
    ]


def _missed(wires: list[dict]) -> list[str]:
    names = [wire["name"] for wire in wires if wire["reason"] in MISSED]
    if not names:
        return []
    return [
        f"with one bit less on {' or on '.join(names)} the design is predicted to be cheaper and held on the judged "
        "samples too, but the order that selection fixed does not reach it: a narrower one may exist"
    ]


def _notes(exploration: Exploration, judges: Judges, cost) -> list[str]:
    notes = []
    if exploration.trials[exploration.widest].strain > 1:
        notes.append(
            "on the selection samples even the widest design is not expected to hold: they are few, or it loses"
        )
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
