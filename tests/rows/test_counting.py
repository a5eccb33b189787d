"""The compiled counting of rows against NumPy's: counts are equal, masses and moments as near as is said."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from narrowmax.rows import RowStatistics, bins, counting
from narrowmax.rows.counting import by_loops, by_numpy
from narrowmax.rows.counts import COUNTERS, LARGEST, SMALLEST, Counts

native = pytest.importorskip("narrowmax.rows._native", reason="the compiled counting of rows is not built")

FORMATS = ("fp16", "bf16", "e4m3", "e5m2", "fp32", "Q5.3", "UQ0.8", "Q-1.6")
WITHIN = (0.0, 0.3, 5.0, 10.0)
RANDOM = np.random.default_rng(0)
ROUGH = [0.0, -0.0, 1.0, -1.0, 0.5, 448.0, 449.0, 65504.0, 65519.0, 65520.0, 2.0**-25, 1.1 * 2.0**-25, 2.0**-134]
ROUGH += [2.0**-149, 2.0**-126, 3.4e38, -3.4e38, 16.0, -16.0, 15.9375, 90.0, -1e4]
BEYOND_FLOAT32 = [1e-300, 5e-324, 3.5e38, -1e60, 1 + 2.0**-40, 0.1]
BROKEN = [-np.inf, -np.inf, np.inf, np.nan]


@st.composite
def blocks(draw):
    """Rows, a mask or None, and how often they are counted."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.integers(0, 9)), draw(st.sampled_from([0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64]))
    usual = st.floats(-40, 40, width=32)
    rare = st.sampled_from(ROUGH + (BEYOND_FLOAT32 if dtype is np.float64 else []))
    kinds = [usual, rare, st.one_of(usual, rare)]
    kinds += [st.one_of(*kinds, st.sampled_from(BROKEN))] if draw(st.booleans()) else []
    rows = draw(hnp.arrays(dtype, shape, elements=draw(st.sampled_from(kinds)), fill=usual))
    mask = st.one_of(st.none(), hnp.arrays(bool, shape), hnp.arrays(bool, shape, elements=st.just(True)))
    return rows, draw(mask), draw(st.sampled_from([0, 1, 7]))


def both(rows, present, times) -> tuple[Counts, Counts]:
    found, expected = Counts(WITHIN, FORMATS), Counts(WITHIN, FORMATS)
    by_loops(found, rows, present, times)
    by_numpy(expected, rows, present, times)
    return found, expected


def assert_equal(found: Counts, expected: Counts) -> None:
    for name in (*COUNTERS, *SMALLEST, *LARGEST):
        assert found.record[name] == expected.record[name], name
    for name in ("reaches", "distances", "gaps", "inside"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert np.array_equal(found.digits.table, expected.digits.table)
    assert np.array_equal(found.fits.counts, expected.fits.counts)
    assert_near(found, expected)


def assert_near(found: Counts, expected: Counts) -> None:
    """Masses to (distance + 2) * 2e-7 of each, moments to the rounding of float64 in sums."""
    assert found.mass.keys() == expected.mass.keys()
    for power, mass in expected.mass.items():
        near = (np.minimum(bins.EDGES, 1e3) + 2) * 2e-7 * mass[:-1] + 1e-37 * (1 + mass[-1])
        assert (np.abs(found.mass[power] - mass)[:-1] <= near).all()
        assert found.mass[power][-1] == mass[-1]
    reach, values = max(abs(expected.end("low")), abs(expected.end("high"))), expected["sampled_values"]
    if values:
        assert found.end("mean") == pytest.approx(expected.end("mean"), abs=1e-13 * reach)
        assert found.end("square") == pytest.approx(
            expected.end("square"), rel=1e-11, abs=1e-13 * reach * reach * values
        )


@given(blocks())
def test_loops_count_what_numpy_counts(block):
    assert_equal(*both(*block))


def masks(shape):
    """None, and masks at random, of padding, of causal attention, and with rows of nothing."""
    rows, n = shape
    padded = np.arange(n) < RANDOM.integers(0, n + 1, (rows, 1))
    return [None, RANDOM.random(shape) < 0.7, padded, np.tri(rows, n, n - rows, bool), RANDOM.random((rows, n)) < 0.02]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(300, 10), (40, 65), (9, 1000), (3, 2047), (3, 2048), (3, 2049), (2, 9999)])
def test_rows_of_all_lengths(shape, dtype):
    x = (RANDOM.normal(0, 4, shape) * RANDOM.choice([1e-3, 1, 30], (shape[0], 1))).astype(dtype)
    for mask in masks(shape):
        for times in (0, 1, 7):
            assert_equal(*both(x, mask, times))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [5, 33, 3000])
def test_one_element_that_is_not_finite_wherever_it_is(bad, n):
    for at in {0, 1, n // 2, n - 2, n - 1}:
        x = RANDOM.normal(0, 4, (4, n)).astype(np.float32)
        x[2, at] = bad
        for mask in (None, np.arange(n) != at, np.arange(n) >= min(3, n - 2)):
            assert_equal(*both(x, None if mask is None else np.tile(mask, (4, 1)), 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_numbers(dtype):
    """Whose distances and squares overflow: all is counted but the moments, which are no numbers."""
    large = np.finfo(dtype).max
    found, expected = both(np.array([[large, -large, 0], [large, large, 1]], dtype), None, 1)
    for counts in (found, expected):
        counts.record["mean"] = counts.record["square"] = 0
    assert_equal(found, expected)


def test_masses_are_as_near_as_they_are_said_to_be():
    distances = np.concatenate([np.linspace(0, 100, 4001), np.geomspace(1e-30, 1, 500)])
    for distance in distances:
        counts = Counts((), ())
        by_loops(counts, np.array([[0.0, -distance]]), None, 1)
        exact = math.exp(-distance)
        mass = counts.mass[1][bins.index(np.array([distance]))[0]]
        whole = mass if bins.index(np.array([distance]))[0] else mass / 2
        bound = (distance + 2) * 2e-7 if distance < 87 else 1.0
        assert whole == pytest.approx(exact / (1 + exact), rel=bound, abs=1e-37)


def test_parts_counted_by_either_merge():
    x = RANDOM.normal(0, 4, (400, 50)).astype(np.float32)
    whole, merged, other = (Counts(WITHIN, FORMATS) for _ in range(3))
    by_numpy(whole, x, None, 1)
    by_loops(merged, x[:130], None, 1)
    by_numpy(other, x[130:], None, 1)
    merged.merge(other)
    assert_equal(merged, whole)


@pytest.mark.parametrize("cast", [np.float16, np.float32, np.float64, np.int8, ">f4", np.longdouble])
def test_arrays_of_all_kinds(cast, monkeypatch):
    x = RANDOM.normal(0, 9, (6, 5, 40)).astype(cast)
    mask = RANDOM.random((6, 1, 40)) < 0.8
    cases = [
        (x, None, -1),
        (x, mask, 1),
        (x[:, ::2, ::-1], mask[..., ::-1], 0),
        (x[..., :0], None, -1),
        (x[:0], None, 1),
    ]
    for values, present, axis in cases:
        reports = []
        for loops in (native, None):
            monkeypatch.setattr(counting, "_native", loops)
            statistics = RowStatistics()
            statistics.update(values, present, axis)
            reports.append(statistics.report())
        assert_reports_equal(*reports)


def assert_reports_equal(found: dict, expected: dict) -> None:
    for key in ("mean", "std"):
        one, other = found.pop(key), expected.pop(key)
        assert one == other if other is None else one == pytest.approx(other, rel=1e-12)
    for one, other in zip(found.pop("tail"), expected.pop("tail"), strict=True):
        assert one.pop("beyond") == pytest.approx(other.pop("beyond"), rel=1e-5)
        assert one == other
    assert found == expected


def test_rows_without_elements_are_empty():
    for way in (by_loops, by_numpy):
        counts = Counts(WITHIN, FORMATS)
        way(counts, np.zeros((3, 0), np.float32), None, 1)
        way(counts, np.zeros((0, 3), np.float32), None, 1)
        assert (counts["rows"], counts["empty_rows"], counts["elements"]) == (0, 3, 0)


def test_threads_count_apart():
    x = RANDOM.normal(0, 4, (8, 400, 100)).astype(np.float32)

    def counted(part):
        counts = Counts(WITHIN, FORMATS)
        for _ in range(5):
            by_loops(counts, part, part > -9, 1)
        return counts

    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(counted, x), map(counted, x), strict=True):
            assert_equal(found, expected)


def test_what_does_not_fit_is_refused():
    counts = Counts(WITHIN, FORMATS)
    x = np.zeros((2, 3), np.float32)
    for rows in (x.astype(np.int32), x.astype(">f4"), x[0]):
        with pytest.raises(TypeError, match="^rows are a matrix of float32 or float64$"):
            native.count(rows, None, 1, counts.tables)
    with pytest.raises(ValueError, match="^an array of 6 bytes is 2 bytes long$"):
        native.count(x, np.ones((2, 1), bool), 1, counts.tables)
    with pytest.raises(TypeError, match="^tables are nine arrays and a dict$"):
        native.count(x, None, 1, counts.tables[1:])
    with pytest.raises(ValueError, match="^an array of 130568 bytes is 8 bytes long$"):
        native.count(x, None, 1, (*counts.tables[:2], np.zeros(1), *counts.tables[3:]))
    with pytest.raises(ValueError, match="^a row is 2\\^0 to 2\\^63 long$"):
        native.count(x, None, 1, (*counts.tables[:-1], {64: np.zeros(bins.BINS + 1)}))
    assert counts["rows"] == 0
