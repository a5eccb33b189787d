"""The designs tried, as a picture: what less loss costs.  Descriptive: it claims nothing."""

from __future__ import annotations

import math

from narrowmax.search.space import Point
from narrowmax.search.trials import Trials

_DEEPEST = 20.0  # tolerances lost; designs that lose more are left out


def front(trials: Trials) -> list[dict]:
    """The designs tried that no cheaper one beats, from dear to cheap.

    Each is `{design, objective, loss, samples, expected}`: predicted cost, losses on that many
    selection samples, and whether the claim was expected to hold.  Better is less of the worst
    loss, counted in tolerances; then less strain.
    """
    chosen, least = [], (math.inf, math.inf)
    for point in sorted(_shown(trials), key=trials.key):
        if _loss(trials, point) < least:
            least = _loss(trials, point)
            chosen.append(_entry(trials, point))
    return chosen[::-1]


def _shown(trials: Trials) -> list[Point]:
    return [
        point
        for point, trial in trials.seen.items()
        if trial.samples and math.isfinite(trials.cost(point)) and _loss(trials, point)[0] <= _DEEPEST
    ]


def _loss(trials: Trials, point: Point) -> tuple[float, float]:
    trial = trials[point]
    worst = max(loss / trials.claim.tolerances[metric] for metric, loss in trial.loss.items())
    return max(worst, 0.0), trial.strain


def _entry(trials: Trials, point: Point) -> dict:
    trial = trials[point]
    return {
        "design": trials.space.design(point).text,
        "objective": trials.cost(point),
        "loss": trial.loss,
        "samples": trial.samples,
        "expected": trials.passes(point),
    }
