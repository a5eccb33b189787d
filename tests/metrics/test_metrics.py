"""Each metric against its definition in plain Python, on rows made to break it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from narrowmax import metrics
from narrowmax.formats import parse

FLOOR = 2.0**-9
ROWS = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(-6, 6).map(float))


def exact_softmax(x, mask):
    out = np.zeros(x.shape)
    for r, row in enumerate(x):
        here = [k for k in range(len(row)) if mask[r, k]]
        for k in here:
            out[r, k] = math.exp(row[k]) / math.fsum(math.exp(row[j]) for j in here)
    return out


@pytest.mark.parametrize(
    ("format", "floor"),
    [
        ("UQ0.8", 2**-9),
        ("UQ1.15", 2**-16),
        ("fp16", 2**-25),
        ("e4m3", 2**-10),
        ("decimal(3)", 0.0005),
        ("uint8@0.00390625", 2**-9),
    ],
)
def test_half_a_step_is_half_the_smallest_value_that_is_not_zero(format, floor):
    assert metrics.half_step(parse(format)) == floor


@pytest.mark.parametrize(("n", "floor"), [(1, 2**-9), (10, 2**-9), (256, 2**-9), (1000, 0.0005)])
def test_the_floor_is_that_of_8_bits_and_at_most_half_of_an_equal_share(n, floor):
    assert metrics.floor_of(n) == floor


def test_one_bit_that_names_the_winner_is_no_softmax():
    """Sure or not, right or wrong: with a floor of half a step alone it would lose nothing on any row."""
    exact = np.array([[0.6, 0.4, 0, 0, 0, 0, 0, 0, 0, 0]])
    one_hot, label = np.eye(10)[:1], np.array([1])
    before = -np.log(exact[:, 1])
    assert metrics.nll(one_hot, label, metrics.half_step(parse("UQ1.0")), before)[0] == pytest.approx(before[0])
    assert metrics.nll(one_hot, label, metrics.floor_of(10), before)[0] == pytest.approx(9 * np.log(2))


@given(ROWS, st.data())
def test_compare_equals_its_definitions(x, data):
    mask = data.draw(hnp.arrays(bool, x.shape))
    labels = data.draw(hnp.arrays(np.int64, len(x), elements=st.integers(0, x.shape[1] - 1)))
    exact = exact_softmax(x, mask)
    got = np.round(exact * 8) / 8
    rows = metrics.compare(x, exact, got, FLOOR, labels, mask)
    for r in range(len(x)):
        _check_row(rows, r, x[r], exact[r], got[r], labels[r], mask[r])


def _check_row(rows, r, x, exact, got, label, mask):
    here = [k for k in range(len(x)) if mask[k]]
    assert rows["empty"][r] == (not here)
    assert rows["elements"][r] == len(here)
    assert rows["max_abs_error"][r] == max((abs(got[k] - exact[k]) for k in here), default=0)
    assert rows["sum_abs_error"][r] == pytest.approx(sum(abs(got[k] - exact[k]) for k in here))
    assert rows["zeros"][r] == sum(got[k] == 0 for k in here)
    assert rows["row_sum_error"][r] == pytest.approx(abs(sum(got[k] for k in here) - 1) if here else 0)
    kl = 0
    for k in here:
        q = got[k] or min(exact[k], FLOOR)
        kl += exact[k] * math.log(exact[k] / q) - exact[k] + q
    assert rows["kl"][r] == pytest.approx(kl, abs=1e-12)
    best = [k for k in here if got[k] == max(got[j] for j in here)]
    exact_best = [k for k in here if x[k] == max(x[j] for j in here)]
    assert rows["tied"][r] == (len(best) > 1)
    assert rows["agree"][r] == (len(best) == len(exact_best) == 1 and best == exact_best)
    assert rows["right"][r] == (best == [label])
    assert rows["float_right"][r] == (exact_best == [label])
    share = got[label] / max(1, sum(got))
    hidden = max(0, math.log(FLOOR) - math.log(exact[label])) if mask[label] else 0
    assert rows["nll"][r] == pytest.approx(-math.log(max(share, FLOOR)) + hidden)
    if mask[label]:
        assert rows["float_nll"][r] == pytest.approx(-math.log(exact[label]))
        # softmaxes floored alike: the difference is what the output says, not what the floor hides
        alike = -math.log(max(share, FLOOR)) + math.log(max(exact[label], FLOOR))
        assert rows["nll"][r] - rows["float_nll"][r] == pytest.approx(alike, abs=1e-9)


def test_a_tie_at_the_top_is_wrong_whoever_stands_first():
    scores = np.array([[3, 3, 1], [3, 2, 3], [1, 2, 3]])
    labels = np.array([0, 2, 2])
    assert metrics.top1(scores, labels).tolist() == [False, False, True]
    assert metrics.winners(scores)[0].tolist() == [0, 0, 2]
    assert metrics.winners(scores)[1].tolist() == [True, True, False]


def test_a_masked_element_neither_wins_nor_ties():
    scores = np.array([[5, 3, 3], [5, 5, 3]])
    mask = np.array([[False, True, False], [False, True, True]])
    assert metrics.top1(scores, np.array([1, 1]), mask).tolist() == [True, True]


def test_nll_of_extreme_logits_is_exact():
    x = np.array([[0.0, -1000.0], [1000.0, 0.0]])
    assert metrics.exact_nll(x, np.array([1, 0])).tolist() == [1000.0, 0.0]


def test_no_output_gains_by_what_it_cannot_say():
    label, none = np.array([0]), np.array([0.0])
    assert metrics.nll(np.array([[0.5, 0.25]]), label, FLOOR, none)[0] == -math.log(0.5)  # too small a sum stays
    assert metrics.nll(np.array([[1.0, 1.0]]), label, FLOOR, none)[0] == math.log(2)  # all ones say nothing
    beyond = np.array([5 - math.log(FLOOR)])  # exact softmax is 5 nats worse than the floor can show
    assert metrics.nll(np.array([[0.0, 1.0]]), label, FLOOR, beyond)[0] == pytest.approx(beyond[0])


def test_kl_is_that_of_kullback_and_leibler_for_rows_that_sum_to_one():
    p, q = np.array([[0.5, 0.25, 0.25]]), np.array([[0.25, 0.25, 0.5]])
    assert metrics.kl(p, q, FLOOR)[0] == pytest.approx(0.5 * math.log(2) + 0.25 * math.log(0.5))
    assert metrics.kl(p, p, FLOOR)[0] == 0


@given(
    hnp.arrays(np.float64, (4, 5), elements=st.floats(0, 1)), hnp.arrays(np.float64, (4, 5), elements=st.floats(0, 1))
)
def test_kl_is_never_negative_and_zeros_do_not_make_it_infinite(p, q):
    found = metrics.kl(p, np.round(q * 16) / 16, 1 / 32)
    assert (found >= -1e-12).all()
    assert np.isfinite(found).all()


def test_a_zero_below_the_floor_costs_nothing():
    assert metrics.kl(np.array([[1 - FLOOR / 2, FLOOR / 2]]), np.array([[1 - FLOOR / 2, 0.0]]), FLOOR)[0] == 0


def test_summary_of_two_rows():
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    exact = exact_softmax(x, np.ones(x.shape, bool))
    got = np.array([[0.75, 0.25], [0.5, 0.5]])
    rows = metrics.compare(x, exact, got, FLOOR, np.array([0, 1]))
    found = metrics.summary(rows, FLOOR)
    p = exact[0, 0]
    counted = {"float": 1.0, "design": 0.5, "difference": 0.5, "lost": 1, "won": 0}
    assert found["top1"] == {**counted, "low": None, "high": None, "confidence": None}
    assert (found["rows"], found["agreement"], found["ties"], found["worst_row"]) == (2, 0.5, 0.5, 1)
    assert found["max_abs_error"] == p - 0.5
    assert found["mean_abs_error"] == pytest.approx((abs(p - 0.75) * 2 + (p - 0.5) * 2) / 4)
    assert found["nll"] == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)  # both sums are 1
    assert found["nll_float"] == pytest.approx(-math.log(p))
    assert (found["nll_floor"], found["row_sum_error"], found["zero_share"]) == (FLOOR, {"mean": 0.0, "max": 0.0}, 0.0)


def test_summary_keys_are_those_of_the_command():
    found = metrics.summary(metrics.compare(np.zeros((1, 2)), np.full((1, 2), 0.5), np.full((1, 2), 0.5), FLOOR), FLOOR)
    wanted = "rows top1 agreement ties max_abs_error mean_abs_error kl nll row_sum_error zero_share worst_row"
    assert set(wanted.split()) <= set(found)
    assert found["top1"] is found["nll"] is None


def test_empty_rows_are_left_out_of_means():
    x, mask = np.zeros((2, 2)), np.array([[True, True], [False, False]])
    exact = np.array([[0.5, 0.5], [0, 0]])
    found = metrics.summary(metrics.compare(x, exact, exact, FLOOR, None, mask), FLOOR)
    assert (found["rows"], found["empty_rows"], found["ties"], found["row_sum_error"]["mean"]) == (2, 1, 1.0, 0.0)
    nothing = metrics.summary(metrics.compare(x[1:], exact[1:], exact[1:], FLOOR, None, mask[1:]), FLOOR)
    assert (nothing["kl"], nothing["mean_abs_error"], nothing["zero_share"]) == (None, None, None)


@given(ROWS, st.integers(0, 5))
def test_parts_put_together_equal_the_whole(x, cut):
    exact = exact_softmax(x, np.ones(x.shape, bool))
    got = np.round(exact * 4) / 4
    labels = np.zeros(len(x), np.int64)
    whole = metrics.compare(x, exact, got, FLOOR, labels)
    cut = min(cut, len(x) - 1)
    parts = [
        metrics.compare(x[s], exact[s], got[s], FLOOR, labels[s])
        for s in (slice(0, cut), slice(cut, None))
        if len(x[s])
    ]
    joined = metrics.concatenate(parts)
    assert all(np.array_equal(joined[name], whole[name]) for name in whole)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_losses_count_both_ways(pairs):
    before, after = (np.array(side) for side in zip(*pairs, strict=True))
    found = metrics.losses(before, after)
    assert found["lost"] == sum(a and not b for a, b in pairs)
    assert found["won"] == sum(b and not a for a, b in pairs)
    assert found["difference"] == pytest.approx(found["float"] - found["design"])
