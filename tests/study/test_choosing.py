"""The choice of an architecture: by cost, on selection samples alone."""

from __future__ import annotations

import pytest

from narrowmax import designs, hardware
from narrowmax.errors import ClaimRefused
from narrowmax.search import Claim, Exploration, Space
from narrowmax.search.order import allowed
from narrowmax.study import Terms, choosing

NAMES = ("table_divide", "table_reciprocal", "softermax")
STARTS = [designs.design(name) for name in NAMES]
TERMS = Terms(max_n=6)


@pytest.fixture
def cheap(monkeypatch):
    """Cost by the cheap prediction, which takes no synthesis."""

    def cost(design, target, lanes, max_n, period_ns, cache):
        area = {"nand2": hardware.estimate(design, lanes, max_n), "ff": 0, "ram_bits": 0}
        return hardware.Cost("gates", "none", "0", area, lanes, max_n, period_ns)

    monkeypatch.setattr("narrowmax.study.choosing.hardware.cost", cost)


@pytest.fixture
def told(monkeypatch):
    """Set what glances and searches tell: {architecture: (predicted, expected, measured)}; the searched, as they go."""

    def tell(made: dict) -> list[str]:
        def one(self, cost) -> dict:
            predicted, expected, measured = made[self.start.architecture]
            reason = None if predicted else "no design of it passes on the selection samples"
            found = {"architecture": self.start.architecture, "predicted": predicted, "expected": expected}
            found["space"] = Space(self.start).size
            return {**found, "reason": reason, "design": None, "cost": {"objective": measured} if cost else None}

        searched = []
        monkeypatch.setattr(choosing._Contender, "_glanced", lambda self: one(self, False))
        monkeypatch.setattr(
            choosing._Contender,
            "_searched",
            lambda self: searched.append(self.start.architecture) or one(self, True),
        )
        return searched

    return tell


def order(found: list[dict]) -> list[str]:
    return [one["architecture"] for one in found]


def test_what_can_be_narrowed():
    found = {name for name in designs.catalogue() if choosing.narrowable(designs.design(name))}
    assert set(NAMES) <= found and not {"ideal", "argmax"} & found


def test_the_cheapest_comes_first_and_judged_samples_are_not_looked_at(source, work, cheap, monkeypatch):
    evaluator = source.evaluator
    looked, judged = [], set(evaluator.judgement.tolist())
    real = type(evaluator).outcomes
    monkeypatch.setattr(type(evaluator), "outcomes", lambda self, d, i: looked.extend(i.tolist()) or real(self, d, i))
    found = choosing.choose(source, STARTS, TERMS, work)
    costs = [one["cost"]["objective"] for one in found if one["cost"]]
    assert len(costs) >= 2 and costs == sorted(costs)
    assert all(designs.design(one["design"]).architecture == one["architecture"] for one in found if one["design"])
    assert looked and not judged & set(looked)
    looked.clear()
    assert choosing.choose(source, STARTS, TERMS, work) == found and not looked


def test_no_design_is_tried_twice(source, work, cheap, monkeypatch):
    evaluator, tried = source.evaluator, []
    real = type(evaluator).outcomes
    monkeypatch.setattr(type(evaluator), "outcomes", lambda self, d, i: tried.append(d.text) or real(self, d, i))
    (found,) = choosing.choose(source, STARTS[:1], TERMS, work)
    assert len(tried) == len(set(tried)) <= found["tried"]


def test_a_finalist_is_safe_and_a_search_finds_no_dearer_one_than_a_glance(source, work, cheap):
    (found,) = choosing.choose(source, STARTS[:1], TERMS, work)
    contender = choosing._Contender(source, STARTS[0], TERMS, choosing._claim(source, TERMS), work)
    trials = contender._exploration.trials
    trial = trials[trials.space.point(designs.design(found["design"]))]
    assert trial.strain <= allowed(contender._exploration) <= 1
    assert found["predicted"] <= contender.glance()["predicted"]


def test_a_glance_tries_each_knob_once(source, work):
    claim = choosing._claim(source, TERMS)
    contender = choosing._Contender(source, STARTS[1], TERMS, claim, work)
    exploration = contender._exploration
    assert isinstance(exploration, Exploration) and isinstance(claim, Claim)
    point = exploration.glance()
    assert exploration.trials.passes(point) and point == exploration.best()
    assert len(exploration.trials.seen) <= sum(len(values).bit_length() for values in Space(STARTS[1]).ranges) + 1


def test_samples_that_cannot_carry_the_claim_are_refused_at_once(source, work):
    with pytest.raises(ClaimRefused, match="takes 2995 judged samples"):
        choosing.choose(source, STARTS, Terms(max_n=6, tolerance={"top1": 0.001}), work)


def test_no_candidate_at_all_is_a_refusal_with_every_reason(source, work, monkeypatch):
    monkeypatch.setattr(choosing.Exploration, "glance", lambda self, strain=1.0: None)
    sentence = (
        r"^no architecture can be narrowed here \(table_divide: no design of it passes on the selection samples\);"
    )
    with pytest.raises(ClaimRefused, match=sentence):
        choosing.choose(source, STARTS[:1], TERMS, work)


def test_what_is_expected_to_hold_comes_before_what_is_cheaper(source, work, told):
    told({"table_divide": (900, True, 800), "table_reciprocal": (100, False, 90), "softermax": (None, False, None)})
    found = choosing.choose(source, STARTS, TERMS, work)
    assert order(found) == ["table_divide", "table_reciprocal", "softermax"]
    assert [one["cost"] for one in found] == [{"objective": 800}, {"objective": 90}, None]


def test_synthesis_decides_among_the_few_that_a_glance_predicts_to_be_cheapest(source, work, told, monkeypatch):
    monkeypatch.setattr(choosing, "FINALISTS", 2)
    searched = told(
        {"table_divide": (1000, True, 1100), "table_reciprocal": (1100, True, 950), "softermax": (1200, True, 1)}
    )
    found = choosing.choose(source, STARTS, TERMS, work)
    assert searched == ["table_divide", "table_reciprocal"]
    assert order(found) == ["table_reciprocal", "table_divide", "softermax"]
    assert found[-1]["cost"] is None and found[-1]["reason"] == (
        "a first look predicts 1,200 NAND2; the 2 predicted to be cheapest went on"
    )


@pytest.mark.parametrize(("dearer", "first"), [(1.04, "table_divide"), (1.06, "softermax")])
def test_of_about_the_same_cost_the_one_with_fewer_designs_to_be_lucky_among_is_taken(
    source, work, told, dearer, first
):
    assert Space(STARTS[0]).size < Space(STARTS[2]).size
    made = {"table_divide": (900, True, 900 * dearer), "softermax": (800, True, 900)}
    told({**made, "table_reciprocal": (2000, True, 2000)})
    found = choosing.choose(source, STARTS, TERMS, work)
    assert order(found)[0] == first and order(found)[2] == "table_reciprocal"
