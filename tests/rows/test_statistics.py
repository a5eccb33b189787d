"""Streaming statistics against the plain NumPy of the same words."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from narrowmax.errors import DataError
from narrowmax.rows import RowStatistics

LOGITS = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    st.tuples(st.integers(1, 12), st.integers(1, 7)),
    elements=st.floats(-40, 40, width=32).map(lambda v: v if abs(v) > 1e-30 else 0.0),
)


def seen(x, mask=None, **how):
    statistics = RowStatistics(**how)
    statistics.update(x, mask)
    return statistics.report()


@given(LOGITS, st.data())
def test_report_equals_its_definitions(x, data):
    mask = data.draw(hnp.arrays(bool, x.shape))
    report = seen(x, mask)
    rows = [row[keep].astype(np.float64) for row, keep in zip(x, mask, strict=True) if keep.any()]
    assert (report["rows"], report["empty_rows"]) == (len(rows), len(x) - len(rows))
    assert (report["elements"], report["masked"]) == (mask.sum(), (~mask).sum())
    if not rows:
        assert report["min"] is report["std"] is report["within_for"]["0.5"] is report["all_within"]["10"] is None
        return
    values = np.concatenate(rows)
    assert (report["min"], report["max"]) == (values.min(), values.max())
    assert (report["n_min"], report["n"]) == (min(map(len, rows)), max(map(len, rows)))
    assert report["mean"] == pytest.approx(values.mean(), abs=1e-12)
    assert report["std"] == pytest.approx(values.std(), abs=1e-6)
    reach = np.array([np.abs(row).max() for row in rows])
    assert report["all_within"] == {f"{r}": (reach <= r).mean() for r in (5, 10, 15, 20)}
    _check_quantiles(report, rows, reach)


def _check_quantiles(report, rows, reach):
    distance = np.concatenate([row.max() - row for row in rows])
    assert report["distance"]["max"] == distance.max()
    assert report["within_for"]["1"] == reach.max()
    for share, found in [*((q, report["within_for"][q]) for q in ("0.5", "0.9", "0.99", "0.999"))]:
        exact = np.sort(reach)[int(np.ceil(float(share) * len(reach) - 1e-9)) - 1]
        assert exact <= found <= exact * (1 + 1 / 64)
    for key, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
        exact = np.sort(distance)[int(np.ceil(share * len(distance) - 1e-9)) - 1]
        assert exact <= report["distance"][key] <= exact * (1 + 1 / 64)
    gaps = np.array([np.diff(np.sort(row)[-2:])[0] for row in rows if len(row) > 1])
    if len(gaps):
        assert report["ties"] == (gaps == 0).mean()
        exact = np.sort(gaps)[int(np.ceil(0.5 * len(gaps) - 1e-9)) - 1]
        assert exact <= report["gap"]["p50"] <= exact * (1 + 1 / 64)
    else:
        assert report["ties"] is report["gap"]["p50"] is None


@given(LOGITS, st.integers(0, 12))
def test_merged_parts_equal_the_whole(x, cut):
    cut = min(cut, len(x))
    whole, first, second = RowStatistics(), RowStatistics(), RowStatistics()
    whole.update(x)
    first.update(x[:cut])
    second.update(x[cut:])
    merged = first.merge(second)
    assert merged is first
    ours, theirs = merged.report(), whole.report()
    for moment in ("mean", "std"):
        assert ours.pop(moment) == pytest.approx(theirs.pop(moment), abs=1e-6)
    tails = [one.pop("tail") for one in (ours, theirs)]
    assert ours == theirs
    for mine, other in zip(*tails, strict=True):
        assert mine["rows"] == other["rows"]
        assert mine["beyond"] == pytest.approx(other["beyond"], abs=1e-12)


def test_rows_may_have_any_length_and_axis():
    statistics = RowStatistics()
    statistics.update(np.zeros((2, 3)))
    statistics.update(np.zeros((4, 5, 2)), axis=1)
    report = statistics.report()
    assert (report["rows"], report["n_min"], report["n"], report["elements"]) == (2 + 8, 3, 5, 6 + 40)


def test_the_whole_is_worked_on_in_blocks_without_a_difference():
    x = np.random.default_rng(0).normal(0, 5, (1500, 400))
    report = seen(x)
    assert report["mean"] == pytest.approx(x.mean(), abs=1e-12)
    assert report["std"] == pytest.approx(x.std(), rel=1e-12)
    assert report["all_within"]["15"] == (np.abs(x).max(1) <= 15).mean()


def test_a_large_offset_does_not_spoil_the_deviation():
    x = np.random.default_rng(0).normal(1e6, 1, (300, 10))
    one, two = RowStatistics(), RowStatistics()
    one.update(x[:100])
    two.update(x[100:])
    assert one.merge(two).report()["std"] == pytest.approx(x.std(), rel=1e-9)


def test_within_is_exact_at_the_r_asked_for_and_at_edges_and_refused_elsewhere():
    x = np.array([[5.3], [5.4], [np.nextafter(10, 11)], [10.0]])
    statistics = RowStatistics(within=(5.3, 7))
    statistics.update(x)
    assert statistics.report()["all_within"] == {"5.3": 0.25, "7": 0.5}
    assert statistics.report(within=(10, 5.5))["all_within"] == {"10": 0.75, "5.5": 0.5}
    message = r"^the share within R = 5\.4 was not counted; ask for it before measuring, with within=\(5\.4,\)$"
    with pytest.raises(DataError, match=message):
        statistics.all_within(5.4)
    with pytest.raises(DataError, match="R = -1 "):
        statistics.all_within(-1)


def test_r_is_not_narrowed_beside_float32():
    assert float(np.float32(5.3)) > 5.3
    assert seen(np.array([[5.3]], np.float32), within=(5.3,))["all_within"] == {"5.3": 0.0}


def test_float64_on_the_wrong_side_of_an_edge_by_the_last_bit():
    above = np.nextafter(10.0, 11.0)
    assert np.float32(above) == 10
    assert seen([[above]])["all_within"]["10"] == 0
    assert RowStatistics(within=()).all_within(10) is None
    bare = RowStatistics(within=())
    bare.update(np.array([[above], [10.0]]))
    assert bare.all_within(10) == 0.5


def test_minus_infinity_is_a_mask():
    report = seen(np.array([[-np.inf, 1.0, 2.0], [-np.inf] * 3]))
    assert (report["rows"], report["empty_rows"], report["masked"], report["elements"]) == (1, 1, 4, 2)
    assert (report["min"], report["distance"]["max"]) == (1.0, 1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_set_aside(bad):
    x = np.array([[0.0, bad], [1.0, 2.0], [3.0, bad]])
    report = seen(x)
    assert (report["rows"], report["not_finite"], report["max"], report["elements"]) == (1, 2, 2.0, 2)
    hidden = seen(x, np.array([[True, False]]))
    assert (hidden["rows"], hidden["not_finite"], hidden["max"]) == (3, 0, 3.0)


def test_memory_does_not_grow_with_what_is_seen():
    statistics, random = RowStatistics(), np.random.default_rng(0)
    sizes = []
    for _ in range(3):
        for length in (10, 100):
            statistics.update(random.normal(0, 10, (500, length)))
        sizes.append(len(pickle.dumps(statistics)))
    assert sizes[0] == pytest.approx(sizes[2], rel=0.01)
    assert sizes[2] < (0.5 + 2 * 0.13) * 2**20


def test_integers_are_values():
    report = seen(np.array([[-7, 3], [0, 0]], dtype=np.int8))
    assert (report["min"], report["max"], report["ties"], report["distance"]["max"]) == (-7.0, 3.0, 0.5, 10.0)


def test_tail_mass_by_row_length():
    short, long = np.array([[0.0, -5.0]]), np.full((1, 101), -9.0)
    long[0, 0] = 0.0
    statistics = RowStatistics()
    statistics.update(short)
    statistics.update(long)
    first, second = statistics.report()["tail"]
    assert (first["n_above"], first["n_up_to"], first["rows"]) == (1, 2, 1)
    assert (second["n_above"], second["n_up_to"], second["rows"]) == (64, 128, 1)
    e5, e9 = np.exp(-5), 100 * np.exp(-9)
    assert first["beyond"]["4"] == pytest.approx(e5 / (1 + e5), rel=1e-6)
    assert first["beyond"]["6"] == 0
    assert second["beyond"]["8"] == pytest.approx(e9 / (1 + e9), rel=1e-6)
    assert second["beyond"]["10"] == 0


def test_a_distance_at_an_edge_is_not_beyond_it():
    report = seen(np.array([[0.0, -8.0]]))
    assert report["tail"][0]["beyond"]["8"] == 0
    assert report["tail"][0]["beyond"]["6"] > 0


def test_nothing_seen_is_reported_as_nothing():
    report = RowStatistics().report()
    assert (report["rows"], report["n"], report["min"], report["ties"], report["tail"]) == (0, 0, None, None, [])
    assert report["formats"]["fp16"] == {
        "overflow": None,
        "underflow": None,
        "inexact": None,
        "bits_used": 0,
        "bits": 16,
    }


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        DataError, match=r"^a mask of shape \(3,\) does not fit rows of shape \(2, 2\); give one broadcastable to it$"
    ):
        RowStatistics().update(np.zeros((2, 2)), np.ones(3, bool))
    with pytest.raises(DataError, match=r"^a single number is no row; give an array with an axis of elements$"):
        RowStatistics().update(np.float64(1))
    with pytest.raises(
        DataError, match=r"^statistics counted at different R or formats cannot be merged; make both with the same$"
    ):
        RowStatistics(within=(1,)).merge(RowStatistics())


@pytest.mark.parametrize(
    ("file", "shares"),
    [("vgg16_bn", {"10": 0.0753, "15": 0.3989, "20": 0.945}), ("repvgg_a2", {"10": 0.5385, "15": 0.931, "20": 0.9978})],
)
def test_shares_of_the_cifar_100_networks(shared_data, file, shares):
    """The README of the data has 7.5/39.9/94.5 and 53.9/93.1/99.8 %."""
    with np.load(
        shared_data / "wasscal_logits" / f"logits_cifar100_{file}_pretrainedcy.npz", allow_pickle=False
    ) as stored:
        logits = stored["logits"]
    report = seen(logits)
    assert {r: report["all_within"][r] for r in shares} == shares
    assert report["rows"] == 10_000
    exact = np.float64(logits)
    assert report["std"] == pytest.approx(exact.std(), rel=1e-12)
    assert report["formats"]["fp16"]["inexact"] == (logits.astype(np.float16) != logits).mean()


def test_what_is_sampled_stands_for_all():
    """Else the first million would outweigh all that comes later."""
    generator = np.random.default_rng(0)
    statistics = RowStatistics(sample=7)
    for block, spread in enumerate([1] * 16 + [10] * 128):
        rows = generator.normal(0, spread, (650, 100)).astype(np.float32)
        statistics.update(rows + (spread - 1) / 5)
        assert statistics.report()["rows"] == 650 * (block + 1)
    report = statistics.report()
    assert report["sampled"] < 0.4
    assert report["mean"] == pytest.approx(128 * 1.8 / 144, rel=0.05)
    assert report["std"] == pytest.approx(np.sqrt((16 + 128 * (100 + 1.8**2)) / 144 - 1.6**2), rel=0.05)


def test_a_deviation_beyond_float64_is_no_number():
    statistics = RowStatistics()
    statistics.update(np.array([[1e155, -1e155], [0.0, 1e160]]))
    assert np.isnan(statistics.report()["std"]) and statistics.report()["max"] == 1e160
