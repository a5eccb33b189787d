"""The order in which designs come before the judges, fixed by selection alone, widest first.

It is as long as it likes: each step is tested at the full confidence, and what stands late puts
nothing at risk that stands before it.
"""

from __future__ import annotations

import math

from narrowmax.search.explore import Exploration
from narrowmax.search.space import Point

# The later designs: how much of what the widest design leaves of the claim's allowance each may use
# up on the selection sample.  The last use more than there is: they hold where selection was unlucky.
SHARES = (0.15, 0.4, 0.7, 1.0, 1.3, 1.7)
# The earlier ones: bits on every knob beyond the safest of those.  A small selection sample may see
# no loss where the larger judgement sample sees several; nor is one of these left out for a loss there.
GUARD = 3


def order(exploration: Exploration) -> list[Point]:
    """The points to judge; empty where even the widest design is hopeless."""
    cheapest = _cheapest(exploration)
    if not cheapest:
        return []
    return [*_guarded(exploration, cheapest[0]), *cheapest, *_daring(exploration, cheapest[-1])]


def _daring(exploration: Exploration, point: Point) -> list[Point]:
    """Beyond the cheapest that selection trusts: one bit less at a time, the least strained first, while there is hope.

    Whatever fails here costs nothing; without these steps a wire may keep a bit only because nobody asked.
    """
    trials, space, steps = exploration.trials, exploration.space, []
    while True:
        narrower = [space.less(point, knob) for knob in range(len(point))]
        hopeful = [
            step for step in narrower
            if step is not None and trials.cost(step) < trials.cost(point) and not trials[step].hopeless
        ]  # fmt: skip
        if not hopeful:
            return steps
        point = min(hopeful, key=lambda step: (trials[step].strain, trials.key(step)))
        steps.append(point)


def _cheapest(exploration: Exploration) -> list[Point]:
    """For each share of the allowance, the cheapest design that strains it no more."""
    trials = exploration.trials
    found = [exploration.cheapest(allowed(exploration, share)) for share in SHARES]
    return sorted({point for point in found if point is not None}, key=trials.key, reverse=True)


def allowed(exploration: Exploration, share: float = SHARES[0]) -> float:
    """The strain of designs that use up a share of what the widest leaves of the allowance; the safest unless said."""
    least = exploration.trials[exploration.widest].strain
    return least + max(0.0, 1 - least) * share


def _guarded(exploration: Exploration, safest: Point) -> list[Point]:
    """From `safest` with `GUARD` bits more on every knob, one bit less at a time, to just above it."""
    trials, space = exploration.trials, exploration.space
    point = tuple(_wider(space.ranges[knob], value) for knob, value in enumerate(safest))
    steps = []
    while point != safest:
        steps.append(point)
        point = _step(exploration, point, safest)
    return [step for step in steps if math.isfinite(trials.cost(step)) and not trials[step].hopeless]


def _wider(values: list[int], value: int) -> int:
    return [value, *(other for other in values if other > value)][: GUARD + 1][-1]


def _step(exploration: Exploration, point: Point, safest: Point) -> Point:
    """One bit less on the knob that can best do without on the selection sample; of several, where it saves most."""
    trials, space = exploration.trials, exploration.space
    spare = [knob for knob, value in enumerate(point) if value > safest[knob]]
    narrower = [space.less(point, knob) for knob in spare]
    return min(narrower, key=lambda step: (trials[step].strain, trials.key(step)))
