"""Top-5, confidence and the expected calibration error, against their definitions in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from narrowmax import metrics

SCORES = hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 8)), elements=st.integers(-3, 3).map(float))


@given(SCORES, st.data())
def test_top_k_counts_all_that_could_stand_before_the_label(scores, data):
    labels = np.array(
        data.draw(st.lists(st.integers(0, scores.shape[1] - 1), min_size=len(scores), max_size=len(scores)))
    )
    k = data.draw(st.integers(1, scores.shape[1]))
    wanted = [
        sum(other >= row[label] for place, other in enumerate(row) if place != label) < k
        for row, label in zip(scores, labels, strict=True)
    ]
    assert metrics.top_k(scores, labels, k).tolist() == wanted
    assert metrics.top_k(scores, labels, 1).tolist() == metrics.top1(scores, labels).tolist()


def test_a_masked_label_is_in_no_top():
    scores, mask = np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])
    assert [metrics.top_k(scores, np.array([k]), 2, mask)[0] for k in range(3)] == [True, False, True]


def test_confidence_is_a_share_of_rows_that_sum_to_more_than_one():
    assert metrics.confidence(np.array([[0.5, 0.25], [1.0, 1.0], [0.0, 0.0]])).tolist() == [0.5, 0.5, 0.0]


def by_hand(right, confidence) -> float:
    bins = {}
    for ok, sure in zip(right, confidence, strict=True):
        bins.setdefault(max(1, math.ceil(sure * metrics.BINS)), []).append((ok, sure))
    gaps = (len(b) * abs(sum(o for o, _ in b) / len(b) - sum(s for _, s in b) / len(b)) for b in bins.values())
    return sum(gaps) / len(right)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
def test_ece_is_the_gap_of_each_bin(samples):
    right, confidence = map(np.array, zip(*samples, strict=True))
    assert metrics.ece(right, confidence) == pytest.approx(by_hand(right, confidence), abs=1e-12)


def test_ece_of_a_network_that_is_as_sure_as_it_is_right_is_small():
    random = np.random.default_rng(0)
    confidence = random.random(100_000)
    assert metrics.ece(random.random(100_000) < confidence, confidence) < 0.01
    assert metrics.ece(np.zeros(8, bool), np.ones(8)) == 1


def test_weights_count_as_repeats():
    right, confidence = np.array([True, False, True]), np.array([0.9, 0.7, 0.72])
    repeated = metrics.ece(right.repeat([1, 3, 2]), confidence.repeat([1, 3, 2]))
    assert metrics.ece(right, confidence, np.array([1.0, 3, 2])) == pytest.approx(repeated)


def test_a_confidence_of_single_precision_has_the_bin_of_its_value():
    single = np.float32([0.2, 0.4, 0.6, 0.8])  # each a little beside the edge, in float32 on it
    assert metrics.bins_of(single).tolist() == metrics.bins_of(single.astype(float)).tolist()
    assert metrics.confidence(np.float32([[0.2, 0.3]])).dtype == np.float64
