"""A sweep against the definitions of its metrics, applied to each design's own simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import narrowmax as nm
from narrowmax import metrics, reference
from narrowmax.designs import Sweep, catalogue, sweep, sweeping
from narrowmax.engines import compiled
from narrowmax.errors import DataError, DesignError

TEXTS = (
    "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)",
    "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.16)",
    "table_divide(input=Q4.6, exp=UQ0.12, output=Q2.10)",
    "table_reciprocal(input=Q5.1, output=UQ1.7)",
    "table_reciprocal(input=Q6.6)",
    "softermax",
    "softermax(chunk=4)",
    "argmax",
    "ideal(input=Q5.3, output=UQ0.8)",
    "ideal(input=fp16, output=e4m3)",
)
DESIGNS = [nm.design(text) for text in TEXTS]
REALS = {"max_abs_error": 1e-6, "mean_abs_error": 3e-6, "kl": 3e-6, "nll": 1e-12, "nll_float": 1e-12}


def rows(seed: int, count: int, n: int, masked: bool = False):
    random = np.random.default_rng(seed)
    x = random.normal(0, random.choice([0.5, 3.0]), (count, n))
    mask = random.random(x.shape) < random.choice([0.0, 0.3, 1.0], (count, 1)) if masked else None
    x[random.random(x.shape) < 0.02 * masked] = -np.inf
    return x, random.integers(0, n, count), mask


def by_definition(one, x, labels, mask):
    got = one.probabilities(one.simulate(x, mask=mask), x.shape[1])
    floor = metrics.IMPOSSIBLE if one.output_rate == "row" else metrics.floor_of(x.shape[1])
    found = metrics.compare(x, reference.softmax(x, mask), got, floor, labels, mask)
    return found, metrics.summary(found, floor)


def check(found: dict, wanted: dict, errors: np.ndarray):
    """Counts and rows equal, real numbers within what `sweep` promises."""
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        if value is None:
            assert found[name] is None, name
        elif name in REALS:
            assert found[name] == pytest.approx(value, rel=REALS[name], abs=REALS[name]), name
        elif name == "row_sum_error":
            pairs = [(found[name][key], value[key]) for key in value]
            assert all(a is b or a == pytest.approx(b, rel=1e-12, abs=1e-12) for a, b in pairs)
        elif name == "worst_row":
            assert errors[found[name]] >= errors.max() - 2.0**-22
        elif name == "top1":
            bounds = {"low", "high", "confidence"}
            assert set(found[name]) == set(value) and not any(found[name][k] for k in bounds)
            assert all(found[name][k] == pytest.approx(v, rel=1e-12) for k, v in value.items() if k not in bounds)
        else:
            assert found[name] == pytest.approx(value, rel=1e-12), name


def check_all(designs, x, labels, mask, **more):
    for one, found in zip(designs, sweep(designs, x, labels, mask, **more), strict=True):
        compared, wanted = by_definition(one, x, labels, mask)
        check(found, wanted, compared["max_abs_error"])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n", [1, 2, 10, 33, 100])
def test_every_kind_of_design(n, masked):
    x, labels, mask = rows(n, 150, n, masked)
    check_all(DESIGNS, x, labels, mask)
    check_all(DESIGNS, x, None, mask)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 140), n=st.integers(1, 50), masked=st.booleans())
def test_any_rows(seed, count, n, masked):
    check_all(DESIGNS[:6], *rows(seed, count, n, masked))


def test_every_architecture():
    designs = [nm.design(name) for name in catalogue()]
    check_all(designs, *rows(1, 70, 20))


def test_many_designs_of_one_input_format_take_lists(monkeypatch):
    designs = [nm.design(f"table_divide(input=Q5.3, exp=UQ0.{e}, output=UQ0.{o})") for e in (6, 8, 10) for o in (8, 12)]
    if compiled.available():
        monkeypatch.setattr("narrowmax.engines.compiled.sweep.LISTS_FROM", 2)
        held = Sweep(*rows(2, 200, 600))
        held.run(designs)
        assert (designs[0].input, "lists") in held._blocks[0]._compiled._kept
    check_all(designs, *rows(2, 200, 600))
    designs.append(nm.design("ideal(input=Q5.3, output=UQ0.8)"))
    check_all(designs, *rows(3, 70, 400))


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_and_threads_change_nothing(monkeypatch, threads):
    x, labels, _ = rows(4, 700, 12)
    whole = sweep(DESIGNS, x, labels)
    monkeypatch.setattr(sweeping, "BLOCK", 64 * 12)
    seen = []
    parts = sweep(DESIGNS, x, labels, threads=threads, progress=lambda done, rows: seen.append((done, rows)))
    for one, other in zip(whole, parts, strict=True):
        assert one["worst_row"] == other["worst_row"] and one["top1"] == other["top1"]
        assert one["kl"] == pytest.approx(other["kl"], abs=1e-7)
    assert seen == [(done, 700) for done in (*range(64, 700, 64), 700)]
    assert parts == sweep(DESIGNS, x, labels, threads=2)


def test_a_memory_map_is_read_block_by_block(monkeypatch, tmp_path):
    x, labels, _ = rows(5, 300, 20)
    file = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    file[:] = x
    monkeypatch.setattr(sweeping, "BLOCK", 64 * 20)
    monkeypatch.setattr(sweeping, "KEPT", 0)
    held = Sweep(file, labels)
    found = held.run(DESIGNS)
    assert held._blocks == {}
    assert found == sweep(DESIGNS, np.asarray(file, np.float64), labels)


@pytest.mark.parametrize("one", DESIGNS, ids=str)
def test_outcomes_are_those_of_compare(one):
    x, labels, mask = rows(6, 150, 15, True)
    for given_labels in (labels, None):
        wanted, _ = by_definition(one, x, given_labels, mask)
        found = Sweep(x, given_labels, mask).outcomes(one, sweeping.METRICS)
        assert {"right", "nll"} <= set(found) or given_labels is None
        for name, values in found.items():
            assert values == pytest.approx(wanted[name], rel=1e-5, abs=3e-6), name
            if values.dtype.kind != "f":
                assert np.array_equal(values, wanted[name])


def test_what_was_made_is_kept():
    x, labels, _ = rows(7, 100, 10)
    held = Sweep(x, labels)
    first = held.run(DESIGNS[:3])
    blocks = dict(held._blocks)
    assert held.run(DESIGNS[:3]) == first and held._blocks == blocks


def test_metrics_are_switched():
    x, labels, _ = rows(8, 100, 30)
    whole = sweep(DESIGNS, x, labels)
    for word in sweeping.METRICS:
        for one, all_of in zip(sweep(DESIGNS, x, labels, metrics=word), whole, strict=True):
            there = {name: value for name, value in one.items() if value not in (None, {"mean": None, "max": None})}
            assert there == {name: all_of[name] for name in there}
            assert len(there) > 3


def test_without_the_extension_the_numbers_are_the_same(monkeypatch):
    x, labels, mask = rows(9, 80, 12, True)
    before = sweep(DESIGNS, x, labels, mask)
    monkeypatch.setattr(compiled, "available", lambda: False)
    for one, other, design in zip(before, sweep(DESIGNS, x, labels, mask), DESIGNS, strict=True):
        check(one, other, by_definition(design, x, labels, mask)[0]["max_abs_error"])


def test_no_rows():
    (found,) = sweep(["softermax"], np.zeros((0, 4)), np.zeros(0, np.int64))
    assert (found["rows"], found["kl"], found["worst_row"]) == (0, None, None)
    assert sweep([], np.zeros((3, 4))) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3),), "not rows"),
        ((np.zeros((3, 0)),), "not rows"),
        ((np.array([[0, np.nan], [0, 0]]),), "nan at element 1 of row 0 has no softmax"),
        ((np.array([[0, 0], [np.inf, 0]]),), "inf at element 0 of row 1"),
        ((np.zeros((3, 2)), [0, 1]), "give 3 integers"),
        ((np.zeros((2, 2)), [0, 2]), "classes 0 to 1"),
        ((np.zeros((2, 2)), None, [0, 1]), "mask of type"),
        ((np.zeros((2, 2)), None, None, ["speed"]), "no metric 'speed'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        sweep(["softermax"], *arguments)


@pytest.mark.parametrize("order", [1, -1])
def test_designs_of_one_input_format_of_which_one_never_looks_at_it(order):
    """An index of 1,024 distances and more in one step: every output is the same."""
    blind = nm.design("index_softmax(bits=7, scale=0.0625, clip=45.0, index_bits=2, index=floor)")
    check_all([blind, nm.design("ibert(bits=7, scale=0.0625)")][::order], *rows(8, 70, 20))


def test_rows_too_long_for_a_design_are_refused():
    with pytest.raises(DesignError, match="takes rows of up to 15 elements, not 16"):
        sweep(["argmax(input=Q5.3, output=UQ4.0)"], np.zeros((1, 16)))


def test_judged_row_by_row_in_one_pass():
    x, labels, mask = rows(5, 300, 9, masked=True)
    whole = Sweep(x, labels, mask)
    for one, (summary, found) in zip(DESIGNS, whole.judged(DESIGNS), strict=True):
        alone = whole.outcomes(one, ("top1", "nll"))
        assert summary == whole.run([one])[0] and set(found) == {"right", "nll"}
        assert all(np.array_equal(found[name], alone[name]) for name in found)
    with pytest.raises(DataError, match="rows without labels cannot be judged one by one"):
        Sweep(x).judged(DESIGNS)


def test_no_rows_are_judged_too():
    ((summary, rows),) = Sweep(np.zeros((0, 4)), np.zeros(0, int)).judged(DESIGNS[:1])
    assert summary["rows"] == 0
    assert rows["right"].shape == rows["nll"].shape == (0,)


def test_what_numpy_raises_elsewhere_is_not_raised_here():
    x = np.random.default_rng(0).normal(0, 40, (200, 10))
    with np.errstate(all="raise"):
        found = sweep(DESIGNS[:2], x, x.argmax(1), threads=2)
    assert found == sweep(DESIGNS[:2], x, x.argmax(1))


@pytest.mark.parametrize("threads", [0, -5, 1.5, "2"])
def test_threads_are_counted(threads):
    with pytest.raises(DataError, match="give a number of at least 1"):
        sweep(DESIGNS[:1], np.zeros((3, 4)), threads=threads)
