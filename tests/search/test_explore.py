"""The search finds what brute force finds, and tries far fewer designs."""

from __future__ import annotations

import itertools
import math

import pytest
from tests.search.fakes import CEILING, Samples, Table

from narrowmax.errors import RangeError
from narrowmax.search import trials as trials_module
from narrowmax.search.claims import Claim
from narrowmax.search.explore import Exploration
from narrowmax.search.front import front
from narrowmax.search.space import Space
from narrowmax.search.trials import Trials

STRAINS = (1.0, 0.8, 0.6)


def price(design: Table) -> float:
    """A cost with products and a power of two, as hardware has."""
    bits = design.integer + design.fraction
    return 10 * bits + 2 ** (bits - 5) * design.exp / 4 + 1.5 * design.exp * design.output


def trials_of(space: Space, evaluator, judged: int, estimate=price, **options) -> Trials:
    claim = Claim({"top1": 0.005, "nll": 0.05}, 0.95, {"nll": CEILING}, judged)
    return Trials(evaluator, space, claim, estimate, **options)


def brute_force(space: Space, trials: Trials, widest: tuple) -> list:
    """The answer by definition: every design on every sample, the cheapest that passes, or strains as the widest."""
    points = list(itertools.product(*space.ranges))
    least = trials[widest].strain
    return [
        min((point for point in points if trials.passes(point, max(strain, least))), key=trials.key)
        for strain in STRAINS
    ]


@pytest.mark.parametrize(("judged", "scale"), [(2000, 4), (2000, 8), (10000, 2), (10000, 4), (1000, 4), (4000, 2)])
@pytest.mark.parametrize("estimate", [price, lambda design: float(sum(design.knob_values.values()))])
def test_a_space_of_1000_designs_is_searched_as_by_brute_force(monkeypatch, judged, scale, estimate):
    space, evaluator = Space(Table()), Samples(selected=2000, judged=judged, seed=judged + scale, scale=scale)
    exploration = Exploration(trials_of(space, evaluator, judged, estimate))
    found = [exploration.cheapest(strain) for strain in STRAINS]
    assert exploration.complete
    monkeypatch.setattr(trials_module, "FIRST", 10**9)  # brute force looks at all samples at once
    assert space.size == 1000
    assert found == brute_force(space, trials_of(space, evaluator, judged, estimate), exploration.widest)
    assert len(exploration.trials.seen) < 250


@pytest.mark.parametrize("strain", STRAINS)
def test_a_glance_passes_after_tens_of_designs_and_is_no_cheaper_than_what_a_search_finds(strain):
    exploration = Exploration(trials_of(Space(Table()), Samples(judged=4000, scale=4), 4000))
    glanced, tried = exploration.glance(strain), len(exploration.trials.seen)
    least = exploration.trials[exploration.widest].strain
    assert exploration.trials.passes(glanced, max(strain, least)) and tried <= 1 + 3 + 3 + 3 + 4
    assert exploration.trials.cost(exploration.cheapest(strain)) <= exploration.trials.cost(glanced)


def test_nothing_is_seen_at_a_glance_where_even_the_widest_is_hopeless():
    hopeless = Space(Table(integer=2, fraction=2, exp=6, output=7))
    hopeless.ranges = [[values[0]] for values in hopeless.ranges]
    exploration = Exploration(trials_of(hopeless, Samples(selected=4000, scale=12), 10000))
    assert exploration.trials[exploration.widest].hopeless and exploration.glance() is None


def test_some_of_the_spaces_searched_hold_what_is_searched():
    exploration = Exploration(trials_of(Space(Table()), Samples(judged=10000, scale=4), 10000))
    narrow, middle = exploration.cheapest(1.0), exploration.cheapest(0.6)
    assert narrow is not None and middle is not None and narrow < exploration.widest
    assert exploration.trials.cost(narrow) < exploration.trials.cost(middle)


def test_designs_that_cannot_be_built_are_walked_around(monkeypatch):
    space, evaluator = Space(Table(4, 4, most=9)), Samples(judged=10000, scale=1.5)
    exploration = Exploration(trials_of(space, evaluator, 10000))
    assert sum(exploration.widest[:2]) == 9
    found = [exploration.cheapest(strain) for strain in STRAINS]
    monkeypatch.setattr(trials_module, "FIRST", 10**9)
    assert found == brute_force(space, trials_of(space, evaluator, 10000), exploration.widest)


def test_designs_that_cannot_be_priced_are_walked_around():
    def some(design):
        if design.exp == 6:
            raise RangeError("too wide")
        return price(design)

    exploration = Exploration(trials_of(Space(Table()), Samples(judged=10000, scale=4), 10000, some))
    assert exploration.cheapest()[2] == 7
    assert math.isinf(exploration.trials.cost((6, 5, 6, 8)))


def test_a_hopeless_space_is_left_at_once():
    exploration = Exploration(
        trials_of(Space(Table(integer=2, knobs={"output.fraction": range(7, 15)})), Samples(scale=8), 2000)
    )
    assert exploration.cheapest() is None
    assert len(exploration.trials.seen) == 1


def test_survivors_are_looked_at_twice_and_the_hopeless_once():
    evaluator = Samples(selected=3000)
    trials = trials_of(Space(Table()), evaluator, 2000)
    assert trials[(2, 2, 6, 7)].samples == 1000 and trials[(6, 6, 10, 14)].samples == 3000
    assert [rows for _, rows in evaluator.calls] == [1000, 1000, 2000]
    assert trials[(2, 2, 6, 7)] and len(evaluator.calls) == 3  # each design is tried once


def test_a_budget_ends_the_search_and_is_told():
    exploration = Exploration(trials_of(Space(Table()), Samples(judged=10000), 10000), budget=30)
    found = exploration.cheapest()
    assert not exploration.complete
    assert len(exploration.trials.seen) == 30
    assert exploration.trials.passes(found)
    assert len(exploration.trials.priced()) <= 32  # what cannot be tried any more is not priced either


def test_a_space_too_large_to_sift_is_searched_by_neighbourhoods(monkeypatch):
    monkeypatch.setattr("narrowmax.search.explore.LARGEST_BOX", 0)
    exploration = Exploration(trials_of(Space(Table()), Samples(judged=10000), 10000))
    found = exploration.cheapest()
    assert not exploration.complete
    monkeypatch.undo()
    exact = Exploration(trials_of(Space(Table()), Samples(judged=10000), 10000)).cheapest()
    assert exploration.trials.cost(found) <= 1.02 * exploration.trials.cost(exact)


def test_the_front_falls_in_cost_and_rises_in_loss():
    exploration = Exploration(trials_of(Space(Table()), Samples(judged=10000, scale=4), 10000))
    best = exploration.cheapest()
    shown = front(exploration.trials)
    costs = [entry["objective"] for entry in shown]
    worst = [max(entry["loss"]["top1"] / 0.005, entry["loss"]["nll"] / 0.05, 0) for entry in shown]
    assert costs == sorted(costs, reverse=True) and worst == sorted(worst) and len(shown) > 3
    assert exploration.trials.cost(best) == min(entry["objective"] for entry in shown if entry["expected"])
