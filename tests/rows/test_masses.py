"""A mask that was written as a number like -100 is told from scores that are wide."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.rows import RowStatistics

SCORES = np.random.default_rng(0).normal(0, 2, (200, 16))


def mass(x):
    (statistics := RowStatistics()).update(x)
    return statistics.report()["separate_mass"]


@pytest.mark.parametrize("value", [-50, -100, -1000])
def test_a_number_added_as_a_mask_is_seen(value):
    hidden = np.zeros(SCORES.shape, bool)
    hidden[:50, :4] = True
    found = mass(SCORES + value * hidden)
    distance = SCORES.max(1, where=~hidden, initial=-np.inf)[:, None] - (SCORES + value * hidden)
    far = distance[hidden]
    assert found["share"] == hidden.mean()
    assert found["from"] <= far.min() <= found["from"] * (1 + 1 / 64)
    assert far.max() <= found["to"] <= far.max() * (1 + 1 / 64)
    rest = distance[~hidden].max()
    assert rest <= found["rest_within"] <= rest * (1 + 1 / 64)


WIDE = np.random.default_rng(0).exponential(40, (500, 100))
FEW = SCORES.copy()
FEW[0, 0] = -100
NEAR = np.where(np.arange(16) < 4, SCORES - 25, SCORES)


@pytest.mark.parametrize("x", [SCORES, WIDE, FEW, NEAR, 1e-3 * SCORES, np.zeros((3, 4)), np.array([[1.0]])])
def test_scores_are_no_mask(x):
    assert mass(x) is None


def test_a_mask_that_is_told_apart_is_none():
    assert mass(np.where(np.arange(16) < 4, -np.inf, SCORES)) is None
