"""Probabilities are refused wherever logits are wanted, and logits never are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError
from narrowmax.models import Logits, Task, evaluator, measured
from narrowmax.models.doctor.examining import examine
from narrowmax.models.networks import NetworkEvaluator, logits_of
from narrowmax.models.probabilities import ROWS, Watch, are_probabilities
from narrowmax.reference import softmax
from narrowmax.study.sources import Source

X, LABELS = np.random.default_rng(0).normal(0, 3, (40, 6)).astype(np.float32), np.arange(40) % 6
REFUSED = "^net gives probabilities where logits are wanted: of 40 rows .* give what enters it, or the logarithms$"


def stored(rows: np.ndarray, labels=LABELS, mask=None) -> Logits:
    return Logits("net", rows, labels, mask)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("n", [2, 10, 1000])
def test_probabilities_of_any_width_are_known(dtype, n):
    p = softmax(np.random.default_rng(n).normal(0, 3, (64, n))).astype(dtype)
    assert are_probabilities(p) and not are_probabilities(p + dtype(0.1)) and not are_probabilities(-p)
    assert not are_probabilities(np.log(p.astype(np.float64) + 1e-9)) and not are_probabilities(p[:, :1] * 0 + 1)


def test_what_takes_no_part_does_not_count():
    mask = np.arange(6) < 4
    p = np.where(mask, softmax(X, mask=np.broadcast_to(mask, X.shape)), 7)
    assert are_probabilities(p, np.broadcast_to(mask, p.shape)) and not are_probabilities(p)


def test_a_row_where_nothing_takes_part_tells_nothing():
    mask, watch = np.arange(40)[:, None] % 7 > 0, Watch()
    watch.see(np.where(mask, softmax(X), 0), mask)
    watch.see(np.zeros((3, 6)), np.zeros((3, 6), bool))
    with pytest.raises(DataError, match="of 34 rows no element is negative"):
        watch.refuse("net")


@given(st.integers(ROWS, 60), st.integers(2, 20), st.floats(0.1, 20), st.integers(0, 99))
def test_logits_are_never_refused(rows, n, spread, seed):
    watch = Watch()
    watch.see(np.random.default_rng(seed).normal(0, spread, (rows, n)))
    watch.refuse("net")


def test_few_rows_may_be_an_accident_and_many_batches_are_none():
    p, watch = softmax(X), Watch()
    watch.see(p[: ROWS - 1])
    watch.refuse("net")
    watch.see(p[:1])
    with pytest.raises(DataError, match=rf"of {ROWS} rows"):
        watch.refuse("net")


@pytest.mark.parametrize("use", [evaluator, measured, lambda rows: Source("net.npz", rows).logits])
def test_stored_probabilities_are_refused_and_their_logarithms_are_not(use):
    p = softmax(X)
    with pytest.raises(DataError, match=REFUSED):
        use(stored(p))
    use(stored(np.log(p)))


def test_doctor_tells_of_stored_probabilities():
    findings, _ = examine(stored(softmax(X)))
    assert "softmax-twice" in {found.trap for found in findings}


def with_a_tail(folder):
    """A network whose last softmax is followed by operators that are not known to change nothing."""
    from tests.models.onnx.graphs import constant, model, node, opened, value

    nodes = [
        node("Softmax", ["x"], ["p"], axis=-1),
        node("Reshape", ["p", "shape"], ["r"]),
        node("Mul", ["r", "factor"], ["y"]),
    ]
    constants = [constant("shape", np.array([0, 6])), constant("factor", np.float32(1))]
    return opened(folder, model(nodes, [value("x", [None, 6])], [value("y")], 17, constants))


def tailed(folder) -> Task:
    parts = [(X[:20], LABELS[:20]), (X[20:], LABELS[20:])]
    return Task(with_a_tail(folder), parts, name="net", where="*")


@pytest.mark.parametrize("use", [logits_of, evaluator, NetworkEvaluator])
def test_a_network_that_ends_in_probabilities_is_refused(tmp_path, use):
    with pytest.raises(DataError, match=REFUSED):
        use(tailed(tmp_path))


def test_what_enters_its_softmax_can_be_measured_all_the_same(tmp_path):
    one, *_ = measured(tailed(tmp_path))
    assert (one["rows"], one["max"]) == (40, X.max())
