"""Rows that are sampled: ranges are those of all rows, the rest is of the share that is told; small calls wait."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from narrowmax.rows import RowStatistics

RANDOM = np.random.default_rng(0)
OF_ALL = (
    "rows",
    "elements",
    "masked",
    "empty_rows",
    "not_finite",
    "n",
    "n_min",
    "min",
    "max",
    "all_within",
    "within_for",
)


@pytest.mark.parametrize("masked", [False, True])
def test_ranges_are_exact_and_the_rest_is_near(masked):
    x = RANDOM.normal(0, 4, (40, 1000, 100)).astype(np.float32)
    mask = RANDOM.random(x.shape) < 0.8 if masked else None
    whole, part = RowStatistics(), RowStatistics(sample=5)
    for at, call in enumerate(x):
        for statistics in (whole, part):
            statistics.update(call, None if mask is None else mask[at])
    wanted, found = whole.report(), part.report()
    assert wanted["sampled"] == 1
    assert 0.3 < found["sampled"] < 0.6  # a million of 4 million elements, and a fifth of the others
    assert [found[key] for key in OF_ALL] == [wanted[key] for key in OF_ALL]
    assert found["distance"]["max"] == wanted["distance"]["max"]
    assert found["mean"] == pytest.approx(wanted["mean"], abs=0.02)
    assert found["std"] == pytest.approx(wanted["std"], rel=0.01)
    assert found["distance"]["p99"] == pytest.approx(wanted["distance"]["p99"], rel=0.05)
    assert found["formats"]["e4m3"]["inexact"] == pytest.approx(wanted["formats"]["e4m3"]["inexact"], abs=0.01)
    assert found["formats"]["fp16"]["underflow"] == wanted["formats"]["fp16"]["underflow"] == 0


def test_the_first_million_elements_are_counted_whole():
    whole, part = RowStatistics(), RowStatistics(sample=5)
    for _ in range(10):
        x = RANDOM.normal(0, 4, (1000, 100))
        whole.update(x)
        part.update(x)
    assert whole.report() == part.report()


@pytest.mark.parametrize("masked", [False, True])
def test_small_calls_give_what_one_call_gives(masked):
    x = RANDOM.normal(0, 4, (60, 7)).astype(np.float32)
    mask = RANDOM.random(x.shape) < 0.7 if masked else None
    one, many = RowStatistics(), RowStatistics()
    one.update(x, mask)
    for at in range(0, 60, 3):
        part = slice(at, at + 3)
        buffer = x[part].copy()
        many.update(buffer, None if mask is None or at == 30 else mask[part])
        buffer[:] = 99  # whoever owns it goes on with it
    if masked:
        one = RowStatistics()
        one.update(x, np.where(np.arange(60)[:, None] // 3 == 10, True, mask))
    assert many.all_within(5) == one.all_within(5)
    assert many.within_for(0.9) == one.within_for(0.9)
    assert many.report() == one.report()


def test_what_waits_is_merged_and_travels():
    x = RANDOM.normal(0, 4, (6, 7))
    one, two, both = RowStatistics(), RowStatistics(), RowStatistics()
    one.update(x[:3])
    two.update(x[3:])
    both.update(x)
    merged = pickle.loads(pickle.dumps(one)).merge(two).report()
    assert (merged["rows"], merged["max"], merged["gap"]) == (6, x.max(), both.report()["gap"])


def test_calls_of_other_lengths_and_dtypes_do_not_wait_together():
    statistics = RowStatistics()
    for x in (np.full((2, 3), 0.1), np.full((2, 4), 0.1), np.full((2, 4), 0.1, np.float32)):
        statistics.update(x)
    report = statistics.report()
    assert (report["rows"], report["elements"], report["n_min"], report["n"]) == (6, 22, 3, 4)
    assert (report["min"], report["max"]) == (0.1, float(np.float32(0.1)))
