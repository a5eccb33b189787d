"""The order before the judges: from guarded to daring, one bit at a time, harmless bits first."""

from __future__ import annotations

from itertools import pairwise

from tests.search.fakes import Samples, Table
from tests.search.test_explore import price, trials_of

from narrowmax.search.explore import Exploration
from narrowmax.search.order import GUARD, SHARES, order
from narrowmax.search.space import Space


def exploration(**options) -> Exploration:
    return Exploration(trials_of(Space(Table()), Samples(judged=10000, **options), 10000))


def test_the_order_goes_from_guarded_to_daring():
    explored = exploration(scale=2)
    points, trials = order(explored), explored.trials
    least = trials[explored.widest].strain
    safest = explored.cheapest(least + (1 - least) * SHARES[0])
    guarded = points[: points.index(safest)]
    assert [trials.cost(point) for point in points] == sorted(map(trials.cost, points), reverse=True)
    for point, step in pairwise(guarded):
        assert sum(a - b for a, b in zip(point, step)) >= 1 and all(a >= b for a, b in zip(point, step))
    tops = [values[-1] for values in explored.space.ranges]
    assert guarded[0] == tuple(min(value + GUARD, top) for value, top in zip(safest, tops))
    trusted = {explored.cheapest(least + (1 - least) * share) for share in SHARES}
    daring = points[len(guarded) + len(trusted) :]
    assert points[len(guarded) : len(guarded) + len(trusted)] == sorted(trusted, key=trials.key, reverse=True)
    assert daring, "selection stops only where there is no hope"
    for point, step in pairwise(points[-len(daring) - 1 :]):
        assert sum(a - b for a, b in zip(point, step)) >= 1 and all(a >= b for a, b in zip(point, step))
        assert not trials[step].hopeless
    beyond = [explored.space.less(points[-1], knob) for knob in range(4)]
    cheaper = [point for point in beyond if point is not None and trials.cost(point) < trials.cost(points[-1])]
    assert all(trials[point].hopeless for point in cheaper)


def trials_least(explored: Exploration):
    """The point that the guarded steps go down to."""
    widest = explored.trials[explored.widest].strain
    return explored.cheapest(widest + (1 - widest) * SHARES[0])


def test_what_is_narrowed_first_strains_least():
    explored = exploration(scale=2)
    first, second = order(explored)[:2]
    others = [explored.space.less(first, knob) for knob in range(4)]
    assert second in others
    least = trials_least(explored)
    allowed = [other for other in others if all(a >= b for a, b in zip(other, least))]
    assert explored.trials[second].strain <= min(explored.trials[other].strain for other in allowed) + 1e-9


def test_a_hopeless_space_has_no_order():
    start = Table(integer=2, knobs={"output.fraction": range(7, 15)})
    assert order(Exploration(trials_of(Space(start), Samples(scale=8), 10000, price))) == []
