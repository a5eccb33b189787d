"""The change of a calibration error and its bound."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax import metrics
from narrowmax.search.calibration import compare_calibration, moved


def outcomes(random, samples: int, true=None):
    confidence = random.random(samples) ** 0.3
    return {
        "top1": random.random(samples) < (confidence if true is None else true(confidence)),
        "confidence": confidence,
    }


def test_nothing_moved_is_bounded_near_nothing():
    before = outcomes(np.random.default_rng(0), 3000)
    found = compare_calibration(before, before)
    assert found["difference"] == 0 and found["bins"] == 15
    assert 0 < found["high"] < 0.003 and found["low"] == -found["high"]
    assert found["float"] == found["design"] == pytest.approx(metrics.ece(before["top1"], before["confidence"]))


def test_the_errors_change_by_no_more_than_what_moved():
    random = np.random.default_rng(1)
    for _ in range(200):
        before, after = outcomes(random, 40), outcomes(random, 40, lambda c: 1 - c)
        change = abs(compare_calibration(before, after)["difference"])
        assert change <= moved(before, after).mean() + 1e-12
        assert (moved(before, after) <= 2).all()


@pytest.mark.parametrize("samples", [1, 3, 1000])
def test_an_error_is_no_more_than_all(samples):
    """Nor is its change: float that is never sure and never right, a design that is always sure."""
    before, after = ({"top1": np.zeros(samples, bool), "confidence": np.full(samples, c)} for c in (0.05, 1.0))
    found = compare_calibration(before, after)
    assert found["design"] <= 1 and found["high"] <= 1 and found["difference"] == pytest.approx(0.95)


def test_the_bound_holds_as_often_as_it_says():
    """A design that says it is surer than it is, by a known amount; the error of float and design is known."""
    random, missed = np.random.default_rng(2), 0
    many = outcomes(random, 100_000)
    shifted = lambda one: {**one, "confidence": np.minimum(one["confidence"] + 0.05, 1.0)}  # noqa: E731
    truth = compare_calibration(many, shifted(many))["difference"]
    for _ in range(60):
        before = outcomes(random, 100)
        found = compare_calibration(before, shifted(before))
        missed += not found["low"] <= truth <= found["high"]
    assert truth > 0.03 and missed <= 3


def test_a_group_counts_once():
    before = {"top1": np.array([True, False, False, False]), "confidence": np.array([0.9, 0.6, 0.6, 0.6])}
    after = {**before, "confidence": np.array([0.9, 0.62, 0.62, 0.62])}
    found = compare_calibration(before, after, groups=np.array([0, 1, 1, 1]))
    assert found["float"] == pytest.approx(abs(1 - 0.9) / 2 + abs(0 - 0.6) / 2)
    alone = compare_calibration(*({k: v[:2] for k, v in one.items()} for one in (before, after)))
    assert found["high"] == pytest.approx(alone["high"])


def test_thousands_of_samples_that_move_both_ways_are_bounded_closer():
    random = np.random.default_rng(3)
    before = outcomes(random, 10_000)
    noise = random.choice([-0.1, 0.1], 10_000)
    after = {**before, "confidence": np.clip(before["confidence"] + noise, 0, 1)}
    found = compare_calibration(before, after)
    assert abs(found["difference"]) < found["high"] < 0.15 < 0.3 < moved(before, after).mean()
    few = compare_calibration(*({k: v[:200] for k, v in one.items()} for one in (before, after)))
    assert few["high"] < 0.8  # where the sum over bins would say nothing
