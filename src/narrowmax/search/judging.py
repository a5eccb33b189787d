"""Judgement: designs before the samples that nothing was selected on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

import numpy as np

from narrowmax.search.claims import Claim
from narrowmax.search.evidence import Bounds
from narrowmax.search.space import Movable, Point, Space
from narrowmax.search.trials import JUDGED_BY, Progress
from narrowmax.store import Store, code_digest, digest


class Judges:
    """An evaluator's judgement samples, and what they say of designs.

    earlier: how many other orders these samples have judged before, or None where no store tells
    """

    def __init__(self, evaluator, claim: Claim, store: Store | None = None, progress: Progress | None = None):
        self.evaluator, self.claim, self.store, self.progress = evaluator, claim, store, progress
        self.earlier: int | None = None
        self._rows = np.asarray(evaluator.judgement)
        self._groups = None if evaluator.groups is None else np.asarray(evaluator.groups)[self._rows]
        self._samples = digest(evaluator.digest, self._rows)
        self._content = digest(self._samples, asdict(claim), code_digest(*JUDGED_BY))
        self._float: dict | None = None
        self._known: dict[str, dict[str, Bounds]] = {}
        self._order: dict[str, str] = {}  # of the designs in the order: what became of them

    def walk(self, designs: list[Movable]) -> list[dict]:
        """Judge designs in order, up to the first that fails; `{design, loss, holds}` of each.

        The samples are recorded as spent before the first of them is looked at.
        """
        self._spend([design.text for design in designs])
        self._order = dict.fromkeys((design.text for design in designs), _UNREACHED)
        judged = []
        for number, design in enumerate(designs, 1):
            holds = self.claim.holds(self.bounds(design))
            judged.append({"design": design.text, "loss": self.loss(design), "holds": holds})
            self._order[design.text] = _DEARER
            self._tell("judge", number, len(designs))
            if not holds:
                break
        return judged

    def bounds(self, design: Movable) -> dict[str, Bounds]:
        """By metric, the bounds of a design's loss."""
        if design.text not in self._known:
            self._known[design.text] = self._remembered(design)
        return self._known[design.text]

    def loss(self, design: Movable) -> dict[str, dict[str, float]]:
        """By metric, `{estimate, low, high, tolerance}` of a design."""
        return {
            metric: {"estimate": bound.estimate, "low": bound.low, "high": bound.high, "tolerance": tolerance}
            for (metric, tolerance), bound in zip(
                self.claim.tolerances.items(), self._in_order(self.bounds(design)), strict=True
            )
        }

    def float_right(self) -> tuple[int, int] | None:
        """`(right, samples)` of float top-1 on the judged samples; None where top-1 is no metric of theirs."""
        right = self._before().get("top1")
        return None if right is None else (int(np.count_nonzero(right)), len(right))

    def wires(self, space: Space, design: Movable, cost: Callable[[Point], float]) -> list[dict]:
        """For each knob of a design, why it has not one bit less; see `Narrowed.wires`.

        cost: the predicted one at a point; a narrower design that costs no less is not missed
        Each statement is made at the claim's confidence by itself.
        """
        made = []
        for knob, name in enumerate(space.names):
            made.append({"name": name, "format": _format(design, name)} | self._why(space, design, knob, cost))
            self._tell("explain", knob + 1, len(space.names))
        return made

    def _why(self, space: Space, design: Movable, knob: int, cost: Callable[[Point], float]) -> dict:
        point = space.point(design)
        less = space.less(point, knob)
        if less is None:
            return _impossible(f"{point[knob]} is the least that {space.names[knob]} can be")
        narrower = space.design(less)
        if narrower is None:
            return _impossible(space.reason(less))
        return self._compared(narrower, cheaper=cost(less) < cost(point))

    def _compared(self, narrower: Movable, cheaper: bool) -> dict:
        bounds = self.bounds(narrower)
        broken = self.claim.broken(bounds)
        return {
            "why_not_less": "loses" if broken else "not shown",
            "reason": self._loses(broken[0], bounds) if broken else self._not_shown(narrower, bounds, cheaper),
            "design": narrower.text,
            "loss": self.loss(narrower),
        }

    def _loses(self, metric: str, bounds) -> str:
        return f"{metric} loses at least {self._amounts(metric, bounds[metric].low, ROUND_FLOOR)}"

    def _not_shown(self, narrower: Movable, bounds, cheaper: bool) -> str:
        for metric, tolerance in self.claim.tolerances.items():
            if bounds[metric].high >= tolerance:
                return f"{metric} may lose up to {self._amounts(metric, bounds[metric].high, ROUND_CEILING)}"
        became = self._order.get(narrower.text, _UNORDERED)
        return became if cheaper or became == _DEARER else _NO_CHEAPER

    def _amounts(self, metric: str, bound: float, outwards: str) -> str:
        tolerance = self.claim.tolerances[metric]
        if metric in self.claim.ceilings:
            return f"{rounded(bound, outwards)}, and {tolerance:.6g} is tolerated"
        return f"{rounded(100 * bound, outwards)} points, and {100 * tolerance:.6g} are tolerated"

    def _in_order(self, bounds: dict[str, Bounds]) -> list[Bounds]:
        return [bounds[metric] for metric in self.claim.tolerances]

    def _remembered(self, design: Movable) -> dict[str, Bounds]:
        if self.store is None:
            return self._judged(design)
        made = self.store.remember(
            "judged",
            [self._content, design.text],
            lambda: {metric: asdict(bound) for metric, bound in self._judged(design).items()},
        )
        return {metric: Bounds(**bound) for metric, bound in made.items()}

    def _judged(self, design: Movable) -> dict[str, Bounds]:
        return self.claim.bounds(self._before(), self.evaluator.outcomes(design, self._rows), self._groups)

    def _before(self) -> dict:
        if self._float is None:
            self._float = self.evaluator.float_outcomes(self._rows)
        return self._float

    def _spend(self, order: list[str]) -> None:
        if self.store is None:
            return
        key, mine = Store.key("spent", self._samples), digest(asdict(self.claim), order)
        orders = self.store.get(key) or []
        self.earlier = len(set(orders) - {mine})
        if mine not in orders:
            self.store.put(key, [*orders, mine])

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(stage, done, total)


# Why a design with one bit less that held is not the answer.
_UNORDERED = "it held here too, but was not in the order that selection fixed, so it is not claimed"
_UNREACHED = "it held here too, but stands in the order after the first that failed, so it is not claimed"
_DEARER = "it held too, but was predicted or measured to cost no less"
_NO_CHEAPER = "it held here too, but would cost no less, as predicted"
MISSED = (_UNORDERED, _UNREACHED)
"""Reasons of wires whose narrower design is cheaper and held: the answer is not the least that holds."""


def rounded(bound: float, outwards: str) -> str:
    """Three digits of a bound that still holds: `ROUND_FLOOR` for "at least", `ROUND_CEILING` for "up to"."""
    return f"{Context(prec=3, rounding=outwards).create_decimal_from_float(bound).normalize():f}"


def _impossible(reason: str) -> dict:
    return {"why_not_less": "impossible", "reason": reason, "design": None, "loss": None}


def _format(design: Movable, knob: str) -> str:
    """The format of the wire that a knob belongs to, or the knob's value where no format says it."""
    wire = knob.split(".")[0]
    return str(getattr(design, "parameters", {}).get(wire, design.knob_values[knob]))
