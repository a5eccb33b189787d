"""Finding the cheapest design of a space that passes on the selection sample.

All knobs move jointly.  What makes a space of thousands quick are two assumptions: a design is
hopeless if another one, nowhere narrower, is hopeless ("loses more than chance explains", so that
a lucky rounding cannot hide behind it), and none is cheaper, by more than predictions waver, than
another one that is nowhere wider.  What both leave is tried, design by design; nothing else is
assumed: a narrower design may well pass where a wider one just fails.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from narrowmax.search.pool import Pool
from narrowmax.search.space import Point
from narrowmax.search.trials import Trials

# A wider design is predicted to be cheaper now and then, by up to 4 % in table_divide: where rounding
# constants or a divider's steps fall more luckily.
WAVER = 1.05
LARGEST_BOX = 20_000  # designs; a larger rest is searched by neighbourhoods, and so reported


class Exploration:
    """The cheapest passing designs, for one strain after the other, from shared trials.

    budget: how many designs are tried at most, remembered ones included
    complete: whether every design that could have been cheaper was tried or known to be hopeless
    """

    def __init__(self, trials: Trials, budget: int = 5000):
        self.trials, self.space, self.budget = trials, trials.space, budget
        self.complete = True
        self._top = tuple(values[-1] for values in self.space.ranges)
        self.widest = self._widest()

    def cheapest(self, strain: float = 1.0) -> Point | None:
        """The cheapest point whose design strains the claim at most so much, or no more than the widest.

        Among equal costs it is the first in the order of knobs.  None where the widest is hopeless,
        or none can be built.
        """
        widest = self.trials[self.widest]
        if widest.hopeless:
            return None
        strain = max(strain, widest.strain)
        if self._affordable():
            self._search(strain)
        return self.best(strain)

    def glance(self, strain: float = 1.0) -> Point | None:
        """A passing point, seldom the cheapest, after tens of designs: each knob once, as narrow as passes.

        strain, and None: as for `cheapest`
        """
        widest = self.trials[self.widest]
        if widest.hopeless:
            return None
        strain = max(strain, widest.strain)
        self._descend(tuple(values[0] for values in self.space.ranges), 0, strain)
        return self.best(strain)

    def _search(self, strain: float) -> None:
        floors = tuple(self._floor(knob) for knob in range(len(self.space.names)))
        for knob in range(len(floors)):
            self._descend(floors, knob, strain)
        if not self._affordable():  # nothing of a box could be tried, and its costs take time
            self.complete = False
            return
        box = self._box(floors, strain)
        if math.prod(map(len, box)) <= LARGEST_BOX:
            self._sift(list(itertools.product(*box)), strain)
        else:
            self.complete = False
            self._wander(strain)
        self.complete &= self._affordable()

    def best(self, strain: float = 1.0) -> Point | None:
        """The cheapest passing point among those tried."""
        passing = [point for point, trial in self.trials.seen.items() if trial.strain <= strain]
        passing = [point for point in passing if math.isfinite(self.trials.cost(point))]
        return min(passing, key=self.trials.key, default=None)

    def _widest(self) -> Point:
        """The start with each knob in turn widened by one until none can be."""
        point, growing = self.space.point(self.space.start), True
        if math.isfinite(self.trials.cost(self._top)):
            return self._top
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
        """The least value of a knob that is not hopeless with all others at their widest.

        Where not all can be at their widest at once that says nothing, and it is the least of all.
        """
        if self.widest != self._top:
            return self.space.ranges[knob][0]
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

    def _sift(self, points: list[Point], strain: float) -> None:
        """Look at points until each is tried, dearer than the best, or hopeless."""
        pool, best = Pool(points, len(self.space.names)), self.best(strain)
        for point, trial in self.trials.seen.items():
            pool.drop_below(point) if trial.hopeless else pool.drop(point)
        self._drop_dear(pool, best)
        while len(pool):
            if not self._affordable():
                return
            point = self._look(pool, best)
            if point and self.trials.passes(point, strain):  # it was not dearer, so it is the best now
                best = point
                self._drop_dear(pool, best)

    def _look(self, pool: Pool, best: Point | None) -> Point | None:
        """Take the middle out of the pool with all that it settles; the point, if it was tried."""
        point = pool.middle()
        if self._is_dear(point, best):
            self._drop_dear_one(pool, point, best)
            return None
        if math.isinf(self.trials.cost(point)) or not self.trials[point].hopeless:
            pool.drop(point)
        else:
            pool.drop_below(point)
        return point if point in self.trials.seen else None

    def _drop_dear(self, pool: Pool, best: Point | None) -> None:
        for point in self.trials.priced():
            if self._is_dear(point, best):
                self._drop_dear_one(pool, point, best)

    def _drop_dear_one(self, pool: Pool, point: Point, best: Point) -> None:
        surely = self.trials.cost(point) >= WAVER * self.trials.cost(best)
        pool.drop_above(point) if surely else pool.drop(point)

    def _is_dear(self, point: Point, best: Point | None) -> bool:
        return (
            best is not None and math.inf > self.trials.cost(point) and self.trials.key(point) >= self.trials.key(best)
        )

    def _affordable(self) -> bool:
        return len(self.trials.seen) < self.budget

    def _wander(self, strain: float) -> None:
        """Step to a cheaper passing neighbour, two knobs moved by up to two, while there is one."""
        best, before = self.best(strain), None
        while best is not None and best != before:
            self._sift(sorted(set(self._neighbours(best))), strain)
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
