"""The bounds hold for every distribution: exactly where they can be counted, by simulation elsewhere."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError
from narrowmax.search.evidence import (
    SHARES,
    STAKES,
    compare_outcomes,
    log_capital,
    loss,
    losses,
    mean_high,
    needed_for_mean,
    needed_for_rate,
    rate_high,
    rate_low,
)

RISK = 0.05


def binomial(count: int, samples: int, p: float) -> float:
    return math.comb(samples, count) * p**count * (1 - p) ** (samples - count)


def outcomes(both_right=0, lost=0, won=0, both_wrong=0) -> tuple[np.ndarray, np.ndarray]:
    before = [True] * both_right + [True] * lost + [False] * won + [False] * both_wrong
    after = [True] * both_right + [False] * lost + [True] * won + [False] * both_wrong
    return np.array(before, bool), np.array(after, bool)


# rates


@pytest.mark.parametrize(
    ("tolerance", "lost", "needed"), [(0.005, 0, 598), (0.005, 1, 947), (0.001, 0, 2995), (0.001, 1, 4742)]
)
def test_needed_samples_are_those_of_the_design(tolerance, lost, needed):
    assert needed_for_rate(tolerance, 0.95, lost) == needed
    assert rate_high(lost, needed, 0.95) < tolerance <= rate_high(lost, needed - 1, 0.95)


@pytest.mark.parametrize("samples", [1, 2, 7, 20])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_rate_bounds_are_where_the_binomial_tail_is_the_risk(samples, confidence):
    for count in range(samples + 1):
        high, low = rate_high(count, samples, confidence), rate_low(count, samples, confidence)
        if count < samples:
            tail = sum(binomial(k, samples, high) for k in range(count + 1))
            assert tail == pytest.approx(1 - confidence, rel=1e-9)
        if count:
            tail = sum(binomial(k, samples, low) for k in range(count, samples + 1))
            assert tail == pytest.approx(1 - confidence, rel=1e-9)
    assert (rate_low(0, samples, confidence), rate_high(samples, samples, confidence)) == (0, 1)


def test_a_rate_with_no_loss_is_bounded_in_closed_form():
    assert rate_high(0, 598, 0.95) == pytest.approx(1 - 0.05 ** (1 / 598), rel=1e-12)


def chance(samples: int, lost: Fraction, won: Fraction, event) -> float:
    """The exact chance of an event on the counts of lost and won among independent samples."""
    total = 0.0
    for a in range(samples + 1):
        for b in range(samples + 1 - a):
            ways = math.comb(samples, a) * math.comb(samples - a, b)
            if event(a, b):
                total += ways * float(lost) ** a * float(won) ** b * float(1 - lost - won) ** (samples - a - b)
    return total


@pytest.mark.parametrize("samples", [5, 14])
@pytest.mark.parametrize("lost", [Fraction(1, 50), Fraction(1, 10), Fraction(1, 3), Fraction(3, 5)])
@pytest.mark.parametrize("won", [Fraction(0), Fraction(1, 100), Fraction(1, 4)])
def test_bounds_of_a_rate_miss_its_loss_no_more_often_than_the_risk(samples, lost, won):
    bounds = {
        (a, b): loss("top1", *outcomes(samples - a - b, a, b), {}, 1 - RISK)
        for a in range(samples + 1)
        for b in range(samples + 1 - a)
    }
    true = float(lost - won)
    assert chance(samples, lost, won, lambda a, b: bounds[a, b].high < true) <= RISK
    assert chance(samples, lost, won, lambda a, b: bounds[a, b].low > true) <= RISK


def test_gains_do_not_lower_the_upper_bound_of_a_rate():
    without, with_gains = (loss("top1", *outcomes(980 - won, 10, won, 10), {}, 0.95) for won in (0, 9))
    assert without.high == with_gains.high
    assert (without.estimate, with_gains.estimate) == (0.01, 0.001)


def test_a_rate_that_clearly_loses_has_a_lower_bound_that_says_so():
    bounds = loss("top1", *outcomes(900, 80, 5, 15), {}, 0.95)
    assert 0.05 < bounds.low < bounds.estimate == 0.075 < bounds.high


# means


DISTRIBUTIONS = {
    "rare and as large as can be": (lambda random, shape: (random.random(shape) < 0.01) * 10.0, 0.1),
    "half rare, half gained": (lambda random, shape: (random.random(shape) < 0.02) * 9.0 - 0.1, 0.08),
    "small noise": (lambda random, shape: random.normal(0.01, 0.05, shape), 0.01),
    "always the same": (lambda random, shape: np.full(shape, 0.02), 0.02),
    "long tail of gains": (lambda random, shape: 0.5 - random.pareto(1.5, shape), -1.5),
    "coin": (lambda random, shape: random.integers(0, 2, shape) * 10.0, 5.0),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("samples", [20, 300])
def test_upper_bound_of_a_mean_misses_it_no_more_often_than_the_risk(name, samples):
    draw, mean = DISTRIBUTIONS[name]
    repeats = 2000
    values = draw(np.random.default_rng(1), (repeats, samples))
    missed = sum(log_capital(row, 10.0, mean) >= -math.log(RISK) for row in values)
    assert missed / repeats <= RISK + 3 * math.sqrt(RISK * (1 - RISK) / repeats)


@pytest.mark.parametrize("p", [0.001, 0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("samples", [3, 30, 300])
def test_upper_bound_of_a_mean_of_two_values_misses_it_no_more_often_than_the_risk_by_counting(p, samples):
    ceiling = 7.0
    missed = 0.0
    for count in range(samples + 1):
        values = np.repeat([ceiling, 0.0], [count, samples - count])
        if mean_high(values, ceiling, 1 - RISK) < p * ceiling:
            missed += binomial(count, samples, p)
    assert missed <= RISK


def test_the_bets_give_back_no_more_than_was_staked():
    """The whole proof: no bet is negative, and its expectation is at most one, if the mean is as said."""
    ceiling, mean = 10.0, 0.3
    assert SHARES.sum() == 1 and np.all(SHARES > 0) and np.all((0 <= STAKES) & (STAKES <= 1))
    for value in (ceiling, mean, -50.0):
        bets = 1 - STAKES + STAKES * (ceiling - value) / (ceiling - mean)
        assert np.all(bets >= 0)
        assert log_capital(np.array([value]), ceiling, mean) == pytest.approx(math.log(SHARES @ bets))
        assert (SHARES @ bets <= 1 + 1e-12) == (value >= mean)


@given(st.lists(st.floats(-20, 5), min_size=1, max_size=30), st.randoms())
def test_upper_bound_of_a_mean_is_above_it_and_forgets_order(values, random):
    high = mean_high(np.array(values), 5.0, 0.95)
    assert np.mean(values) - 1e-9 <= high <= 5.0
    random.shuffle(values)
    assert mean_high(np.array(values), 5.0, 0.95) == pytest.approx(high)


@pytest.mark.parametrize(("tolerance", "ceiling", "needed"), [(0.05, 6.24, 413), (0.05, 12.0, 796), (0.01, 6.24, 2072)])
def test_needed_samples_of_a_mean_are_where_equal_outcomes_suffice(tolerance, ceiling, needed):
    assert needed_for_mean(tolerance, ceiling, 0.95) == needed
    assert mean_high(np.zeros(needed), ceiling, 0.95) < tolerance <= mean_high(np.zeros(needed - 1), ceiling, 0.95)


def test_equal_outcomes_need_little_more_than_the_best_bet_does():
    best = math.log(20) / -math.log(1 - 0.05 / 12)
    assert best < needed_for_mean(0.05, 12.0, 0.95) < 1.12 * best


def test_bound_of_a_mean_comes_near_to_the_normal_one():
    values = np.random.default_rng(0).normal(0.0, 0.5, 5000)
    normal = values.mean() + 1.645 * 0.5 / math.sqrt(5000)
    assert normal < mean_high(values, 6.24, 0.95) < normal + 0.01


def test_both_sides_count_up_to_the_ceiling():
    before, after = np.array([1000.0, 1.0, 3.0, 9.0]), np.array([2.0, np.inf, 3.5, 8.0])
    bounds = loss("nll", before, after, {"nll": 4.0}, 0.95)
    assert bounds.estimate == (-2.0 + 3.0 + 0.5 + 0.0) / 4


def test_a_mean_whose_samples_are_equal_to_the_ceiling_is_not_bounded_below_it():
    assert loss("nll", np.zeros(1000), np.full(1000, 9.0), {"nll": 4.0}, 0.95).high == 4.0
    assert loss("nll", np.zeros(1000), np.full(1000, 9.0), {"nll": 4.0}, 0.95).low > 3.9


# groups


def test_a_group_counts_once():
    groups = np.repeat(np.arange(100), 50)
    before = np.ones(5000, bool)
    after = before.copy()
    after[:50] = False  # one whole group
    after[50:60] = False  # a fifth of another
    bounds = loss("top1", before, after, {}, 0.95, groups)
    assert bounds.samples == 100
    assert bounds.estimate == pytest.approx(0.012)
    assert bounds.high == rate_high(2, 100, 0.95)
    assert bounds.low == rate_low(1, 100, 0.975) - rate_high(0, 100, 0.975)


def test_a_group_has_the_mean_of_its_samples():
    groups = np.array(["b", "a", "b"])
    bounds = loss("nll", np.zeros(3), np.array([1.0, 4.0, 2.0]), {"nll": 5.0}, 0.95, groups)
    assert (bounds.estimate, bounds.samples) == (2.75, 2)
    assert bounds.high == mean_high(np.array([1.5, 4.0]), 5.0, 0.95)


# the record, and refusals


def test_compare_outcomes_gives_the_record_of_simulate():
    before, after = outcomes(900, 3, 1, 96)
    values = np.full(1000, 0.5)
    got = compare_outcomes(
        {"top1": before, "nll": values}, {"top1": after, "nll": values + 0.01}, 0.95, ceilings={"nll": 6.0}
    )
    assert list(got["top1"]) == ["float", "design", "difference", "low", "high", "confidence"]
    assert (got["top1"]["float"], got["top1"]["design"], got["top1"]["confidence"]) == (0.903, 0.901, 0.95)
    assert got["top1"]["difference"] == 0.002
    assert got["top1"]["high"] == rate_high(3, 1000, 0.95)
    assert got["top1"]["low"] == rate_low(3, 1000, 0.975) - rate_high(1, 1000, 0.975)
    assert got["nll"]["difference"] == pytest.approx(0.01)
    assert got["nll"]["low"] < 0.01 < got["nll"]["high"]


@pytest.mark.parametrize(
    ("before", "after", "ceilings", "groups", "message"),
    [
        (
            [True],
            [True, False],
            {},
            None,
            "outcomes of m have lengths [1, 2]; float, design and groups need the same one, above 0",
        ),
        ([], [], {}, None, "outcomes of m have lengths [0]; float, design and groups need the same one, above 0"),
        (
            [True],
            [True],
            {},
            [1, 2],
            "outcomes of m have lengths [1, 2]; float, design and groups need the same one, above 0",
        ),
        ([True], [0.5], {}, None, "outcomes of m are booleans on one side only; give booleans on both, or numbers"),
        ([0.5], [0.5], {}, None, "m has no stated ceiling, without which its mean cannot be bounded; state one"),
        (
            [0.5, 0.5],
            [0.5, math.nan],
            {"m": 8.0},
            None,
            "m of sample 1 is not a number; look for overflow in what gave it",
        ),
    ],
)
def test_outcomes_that_prove_nothing_are_refused(before, after, ceilings, groups, message):
    with pytest.raises(DataError) as refused:
        losses({"m": np.array(before)}, {"m": np.array(after)}, ceilings, 0.95, groups)
    assert str(refused.value) == message
