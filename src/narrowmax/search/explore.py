"""Finding the cheapest design of a space that passes on the selection sample.

All knobs move jointly.  What makes a space of thousands quick is one assumption, that a design is
hopeless if another one, nowhere narrower, is hopeless ("lost by more than chance explains", so a
lucky rounding cannot hide behind it), and a bound, that only cheaper designs than the best one
found are of interest.  What both leave is tried, design by design; nothing else is assumed: a
narrower design may well pass where a wider one just fails.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np

from narrowmax.search.space import Point
from narrowmax.search.trials import Trials

LARGEST_BOX = 20_000  # designs; a larger rest is searched by neighbourhoods, and so reported


class Exploration:
    """The cheapest passing designs, for one strain after the other, from shared trials.

    budget: how many designs are tried at most, remembered ones included
    complete: whether every design that could have been cheaper was tried or known to be hopeless
    """

    def __init__(self, trials: Trials, budget: int = 5000):
        self.trials, self.space, self.budget = trials, trials.space, budget
        self.complete = True
        self.widest = self._widest()

    def cheapest(self, strain: float = 1.0) -> Point | None:
        """The cheapest point whose design passes with at most `strain`; None where none does.

        Among equal costs it is the first in the order of knobs.
        """
        if self.trials[self.widest].hopeless:
            return None
        floors = tuple(self._floor(knob) for knob in range(len(self.space.names)))
        for knob in range(len(floors)):
            self._descend(floors, knob, strain)
        box = self._box(floors, strain)
        if math.prod(map(len, box)) <= LARGEST_BOX:
            self._sift(np.array(list(itertools.product(*box))), strain)
        else:
            self.complete = False
            self._wander(strain)
        return self.best(strain)

    def best(self, strain: float = 1.0) -> Point | None:
        """The cheapest passing point among those tried."""
        passing = [point for point in self.trials.seen if self.trials.passes(point, strain)]
        return min(passing, key=self.trials.key, default=None)

    def _widest(self) -> Point:
        """The start with each knob in turn widened by one until none can be."""
        point, growing = self.space.point(self.space.start), True
        top = tuple(values[-1] for values in self.space.ranges)
        if math.isfinite(self.trials.cost(top)):
            return top
        while growing:
            growing = False
            for knob in range(len(point)):
                wider = self._wider(point, knob)
                if wider is not None and math.isfinite(self.trials.cost(wider)):
                    point, growing = wider, True
        return point

    def _wider(self, point: Point, knob: int) -> Point | None:
        above = [value for value in self.space.ranges[knob] if value > point[knob]]
        return self.space.replaced(point, knob, above[0]) if above else None

    def _floor(self, knob: int) -> int:
        """The least value of a knob that is not hopeless with all others at their widest."""
        return self._least(self.widest, knob, lambda point: not self.trials[point].hopeless)

    def _descend(self, floors: Point, first: int, strain: float) -> None:
        """Narrow each knob in turn, from `first` on, as far as passes."""
        point = self.widest
        for step in range(len(floors)):
            knob = (first + step) % len(floors)
            least = self._least(point, knob, lambda at: self.trials.passes(at, strain), floors[knob])
            point = self.space.replaced(point, knob, least)

    def _least(self, point: Point, knob: int, good: Callable[[Point], bool], floor: float = -math.inf) -> int:
        """By bisection, the least value of a knob, from `floor` to its present one, that is good."""
        values = [value for value in self.space.ranges[knob] if floor <= value <= point[knob]]
        low, high = -1, len(values) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if self._affordable() and good(self.space.replaced(point, knob, values[middle])):
                high = middle
            else:
                low = middle
        return values[high] if values else point[knob]

    def _box(self, floors: Point, strain: float) -> list[list[int]]:
        """For each knob, the values that are not hopeless and not alone too dear."""
        best = self.best(strain)
        most = math.inf if best is None else self.trials.cost(best)
        return [
            [value for value in values if value >= floor and self._cheap(floors, knob, value, most)]
            for knob, (values, floor) in enumerate(zip(self.space.ranges, floors, strict=True))
        ]

    def _cheap(self, floors: Point, knob: int, value: int, most: float) -> bool:
        cost = self.trials.cost(self.space.replaced(floors, knob, value))
        return cost <= most or math.isinf(cost)

    def _sift(self, points: np.ndarray, strain: float) -> None:
        """Try points, middle in cost first, until each is tried, dearer than the best, or hopeless."""
        points = points[~self._doomed(points)]
        keys = sorted(key for key in map(self.trials.key, map(tuple, points.tolist())) if math.isfinite(key[0]))
        points = np.array([point for _, point in keys]).reshape(len(keys), -1)
        alive = np.array([point not in self.trials.seen for _, point in keys], bool)
        while True:
            best = self.best(strain)
            if best is not None:
                alive[bisect_left(keys, self.trials.key(best)) :] = False
            if not alive.any():
                return
            if not self._affordable():
                self.complete = False
                return
            self._try_middle(keys, points, alive)

    def _try_middle(self, keys: list, points: np.ndarray, alive: np.ndarray) -> None:
        places = np.flatnonzero(alive)
        place = places[len(places) // 2]
        alive[place] = False
        if self.trials[keys[place][1]].hopeless:
            alive &= ~np.all(points <= points[place], axis=1)

    def _doomed(self, points: np.ndarray) -> np.ndarray:
        """Which points are nowhere wider than a hopeless one."""
        doomed = np.zeros(len(points), bool)
        for point, trial in self.trials.seen.items():
            if trial.hopeless:
                doomed |= np.all(points <= np.array(point), axis=1)
        return doomed

    def _affordable(self) -> bool:
        return len(self.trials.seen) < self.budget

    def _wander(self, strain: float) -> None:
        """Step to a cheaper passing neighbour, two knobs moved by up to two, while there is one."""
        best, before = self.best(strain), None
        while best is not None and best != before:
            self._sift(np.array(list(self._neighbours(best))), strain)
            best, before = self.best(strain), best

    def _neighbours(self, point: Point) -> Iterator[Point]:
        near = [self._near(knob, value) for knob, value in enumerate(point)]
        for first, second in itertools.product(range(len(point)), repeat=2):
            for values in itertools.product(near[first], near[second]):
                moved = self.space.replaced(point, first, values[0])
                yield self.space.replaced(moved, second, values[1])

    def _near(self, knob: int, value: int) -> list[int]:
        values = self.space.ranges[knob]
        place = values.index(value) if value in values else 0
        return values[max(0, place - 2) : place + 3]
