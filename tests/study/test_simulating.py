"""`simulate` against a few lines of integers written from the page of the design alone, and against its own parts."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import narrowmax as nm
from narrowmax import models
from narrowmax.cli import run
from narrowmax.models import Logits
from narrowmax.study import Source, load
from narrowmax.study.simulating import beside, simulate

INPUT_INTEGER, INPUT_FRACTION, EXP, OUT = 5, 3, 8, 8
DESIGN = f"table_divide(input=Q{INPUT_INTEGER}.{INPUT_FRACTION}, exp=UQ0.{EXP}, output=UQ0.{OUT}:half_up)"


def exponential(distance: int) -> int:
    """exp(-distance * 2**-INPUT_FRACTION) in UQ0.8: rounded half to even, 1.0 becomes the largest code."""
    with mpmath.workdps(50):
        exact = mpmath.exp(mpmath.mpf(-distance) / 2**INPUT_FRACTION) * 2**EXP
        return min(int(mpmath.nint(exact)), 2**EXP - 1)


TABLE = [exponential(distance) for distance in range(2 ** (INPUT_INTEGER + INPUT_FRACTION))]


def row_by_hand(row) -> list[int]:
    """The page, read aloud: round to Q5.3, subtract from the maximum, look up, add, divide, round half up."""
    low, high = -(2 ** (INPUT_INTEGER + INPUT_FRACTION - 1)), 2 ** (INPUT_INTEGER + INPUT_FRACTION - 1) - 1
    codes = [max(low, min(high, round(Fraction(float(x)) * 2**INPUT_FRACTION))) for x in row]
    e = [TABLE[max(codes) - code] for code in codes]
    total = sum(e)
    return [min((2 * (value << OUT) + total) // (2 * total), 2**OUT - 1) for value in e]


def hard_rows(n: int) -> np.ndarray:
    """All equal, one hot, the maximum first and last, ties, both ends, halves of a step, beyond the range."""
    step = 2.0**-INPUT_FRACTION
    ramp = np.linspace(-20, 20, n)
    rows = [
        np.zeros(n),
        np.full(n, -15.9),
        np.full(n, 99.0),
        np.full(n, -99.0),
        np.eye(n)[0] * 30,
        np.eye(n)[-1] * 30 - 15,
    ]
    rows += [
        ramp,
        ramp[::-1],
        np.arange(n) * step / 2,
        -np.arange(n) * step / 2,
        np.where(np.arange(n) % 2, 3.0, 3.0 - step),
    ]
    rows += [np.where(np.arange(n) == n // 2, 15.875, 15.875 - d * step) for d in range(0, 256, 5)]
    return np.array(rows, np.float32)


def simulated(tmp_path, rows: np.ndarray) -> np.ndarray:
    np.savez(tmp_path / "rows.npz", logits=rows)
    words = ["simulate", str(tmp_path / "rows.npz"), "--design", DESIGN, "--save", str(tmp_path / "out.npz"), "--json"]
    assert run(words) == 0
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        return saved["codes"]


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_a_model_written_from_the_page_agrees_on_hard_rows(tmp_path, n):
    rows = hard_rows(n)
    assert simulated(tmp_path, rows).tolist() == [row_by_hand(row) for row in rows]


@pytest.mark.parametrize("name", ["vgg16_bn", "repvgg_a2"])
def test_a_model_written_from_the_page_agrees_on_trained_logits(tmp_path, shared_data, name):
    with np.load(shared_data / f"wasscal_logits/logits_cifar100_{name}_pretrainedcy.npz", allow_pickle=False) as file:
        rows = file["logits"][::20]
    assert len(rows) == 500
    assert simulated(tmp_path, rows).tolist() == [row_by_hand(row) for row in rows]


def test_top1_of_simulate_is_that_of_the_evaluator(source, work):
    design = nm.design("table_divide(input=Q4.0)")
    made = simulate(source, design, work)
    found = source.evaluator.outcomes(design, np.arange(1500))
    assert made["top1"]["design"] == found["top1"].mean()
    assert made["nll"] == pytest.approx(found["nll"].mean(), rel=1e-12)
    top1 = made["top1"]
    assert top1["difference"] == pytest.approx(top1["float"] - top1["design"])
    assert top1["low"] < top1["difference"] < top1["high"]


def test_a_design_in_a_network_is_seen_row_by_row_and_judged_by_the_network(work):
    from narrowmax.store import Store

    work.store = Store()
    source, design = load("digits-vit", work), nm.design("table_divide(input=Q4.1, output=UQ0.4)")
    made = beside(source, design, 0.95, work)
    found = source.evaluator.outcomes(design, np.arange(source.evaluator.samples))
    assert made["top1"]["design"] == found["top1"].mean() and made["nll"] == pytest.approx(found["nll"].mean())
    sites = [one for one in models.measured(source.thing) if one["kind"] == "attention"]
    last = max(one["epoch"] for one in sites)
    rows = sum(one["rows"] for one in sites if one["epoch"] == last)  # of the selection samples
    selected, samples = len(source.evaluator.selection), source.evaluator.samples
    assert made["samples"] == samples and made["rows"] == rows // selected * samples


def test_masked_elements_take_no_part(work):
    random = np.random.default_rng(0)
    rows, mask = random.normal(0, 3, (40, 9)), random.random((40, 9)) < 0.6
    mask[3] = False
    masked = Source("m", Logits("m", rows, mask=mask))
    hidden = Source("m", Logits("m", np.where(mask, rows, -np.inf)))
    found = [beside(one, nm.design("softermax"), 0.95, work) for one in (masked, hidden)]
    assert found[0] == found[1] and found[0]["empty_rows"] == 1


def test_a_large_file_is_worked_on_in_parts(source, work, monkeypatch):
    design = nm.design("softermax(chunk=4)")
    whole = beside(source, design, 0.95, work)
    monkeypatch.setattr("narrowmax.study.simulating._BLOCK", 600)
    assert beside(source, design, 0.95, work) == whole
    assert work.told[-1] == "simulate: 1500 rows"
