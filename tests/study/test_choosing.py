"""The choice of an architecture: by cost, on selection samples alone."""

from __future__ import annotations

import pytest

from narrowmax import designs, hardware
from narrowmax.errors import ClaimRefused
from narrowmax.study import Terms, choosing

STARTS = [designs.design(name) for name in ("table_divide", "table_reciprocal", "softermax")]


@pytest.fixture
def cheap(monkeypatch):
    """Cost by the cheap prediction, which takes no synthesis."""

    def cost(design, target, lanes, max_n, period_ns, cache):
        area = {"nand2": hardware.estimate(design, lanes, max_n), "ff": 0, "ram_bits": 0}
        return hardware.Cost("gates", "none", "0", area, lanes, max_n, period_ns)

    monkeypatch.setattr("narrowmax.study.choosing.hardware.cost", cost)


def test_starts_are_what_can_be_narrowed():
    found = [design.architecture for design in choosing.starts()]
    assert {"table_divide", "table_reciprocal", "softermax"} <= set(found) and not {"ideal", "argmax"} & set(found)


def test_the_cheapest_comes_first_and_judged_samples_are_not_looked_at(source, work, cheap, monkeypatch):
    evaluator = source.evaluator
    looked, judged = [], set(evaluator.judgement.tolist())
    real = type(evaluator).outcomes
    monkeypatch.setattr(type(evaluator), "outcomes", lambda self, d, i: looked.extend(i.tolist()) or real(self, d, i))
    found = choosing.choose(source, STARTS, Terms(max_n=6), work)
    costs = [one["cost"]["objective"] for one in found if one["cost"]]
    assert len(costs) >= 2 and costs == sorted(costs)
    assert all(designs.design(one["design"]).architecture == one["architecture"] for one in found if one["design"])
    assert looked and not judged & set(looked)
    looked.clear()
    assert choosing.choose(source, STARTS, Terms(max_n=6), work) == found and not looked


def test_samples_that_cannot_carry_the_claim_are_refused_at_once(source, work):
    with pytest.raises(ClaimRefused, match="takes 2995 judged samples"):
        choosing.choose(source, STARTS, Terms(max_n=6, tolerance={"top1": 0.001}), work)


def test_no_candidate_at_all_is_a_refusal_with_every_reason(source, work, monkeypatch):
    monkeypatch.setattr(choosing.Exploration, "cheapest", lambda self, strain=1.0: None)
    sentence = (
        r"^no architecture can be narrowed here \(table_divide: no design of it passes on the selection samples\);"
    )
    with pytest.raises(ClaimRefused, match=sentence):
        choosing.choose(source, [designs.design("table_divide")], Terms(max_n=6), work)


def test_what_is_expected_to_hold_comes_before_what_is_cheaper(source, work, monkeypatch):
    made = {"dear": (900, True), "cheap": (100, False), "none": (None, False)}

    def candidate(source, start, *_):
        objective, expected = made[start]
        return {"name": start, "cost": objective and {"objective": objective}, "expected": expected}

    monkeypatch.setattr(choosing, "_first_look", lambda *_: 1.0)
    monkeypatch.setattr(choosing, "_remembered", candidate)
    found = choosing.choose(source, ["none", "cheap", "dear"], Terms(max_n=6), work)
    assert [one["name"] for one in found] == ["dear", "cheap", "none"]


def test_what_a_first_look_predicts_to_be_dear_is_left_there(source, work, cheap, monkeypatch):
    predicted = {"table_divide": 1000.0, "table_reciprocal": 2999.0, "softermax": 3001.0}
    monkeypatch.setattr(choosing, "_first_look", lambda source, start, *_: predicted[start.architecture])
    *near, far = choosing.choose(source, STARTS, Terms(max_n=6), work)
    assert {one["architecture"] for one in near} == {"table_divide", "table_reciprocal"} and all(
        o["cost"] for o in near
    )
    assert (far["architecture"], far["cost"], far["design"]) == ("softermax", None, None)
    assert far["reason"] == "a first look predicts 3,001 NAND2, more than 3 times the 1,000 of the cheapest"
