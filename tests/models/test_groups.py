"""What belongs together in stored logits: leading indices, epochs stacked, rows that are there again."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax import metrics
from narrowmax.designs import design
from narrowmax.errors import DataError
from narrowmax.models import Logits, LogitsEvaluator
from narrowmax.models.evaluators import groups_of
from narrowmax.search import narrow

SAMPLE_EPOCHS = np.array([[1] * 3, [2] * 3, [2] * 3, [1] * 3])


@pytest.mark.parametrize(
    ("shape", "epoch", "wanted"),
    [
        ((4,), None, None),
        ((4, 3), None, np.repeat(np.arange(4), 3)),
        ((4, 3), SAMPLE_EPOCHS, np.repeat(np.arange(4), 3)),  # two samples of each epoch
        ((2, 3), np.array([[5] * 3, [9] * 3]), None),
        ((2, 3), np.array([[5] * 3, [9, 9, 5]]), np.repeat(np.arange(2), 3)),
        ((2, 3, 2), np.array([5, 9]).repeat(6).reshape(2, 3, 2), np.tile(np.repeat(np.arange(3), 2), 2)),
    ],
)
def test_the_leading_index_is_of_samples_unless_it_is_of_epochs(shape, epoch, wanted):
    found = groups_of(Logits("g", np.zeros((*shape, 5)), np.zeros(shape, int), epoch=epoch))
    assert found is None if wanted is None else np.array_equal(found, wanted)


def repeated(note: str) -> bool:
    return "are there more than once, number for number" in note


def test_judged_rows_that_are_there_more_than_once_are_counted_in_a_note():
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(100, 10)), random.integers(0, 10, 100)
    again = Logits("again", np.repeat(x, 30, 0), np.repeat(labels, 30))
    notes = LogitsEvaluator(again).notes
    assert any(note.startswith("2,100 of 2,100 judged rows") and repeated(note) for note in notes)
    alone = LogitsEvaluator(Logits("alone", x, labels))
    other = Logits("other", np.repeat(x, 2, 0), np.stack([labels, (labels + 1) % 10], 1).ravel())  # another label
    grouped = Logits("grouped", again.logits, again.labels, groups=np.repeat(np.arange(100), 30))
    for judge in (alone, LogitsEvaluator(other), LogitsEvaluator(grouped)):
        assert not any(map(repeated, judge.notes))


def test_rows_that_differ_in_their_mask_are_not_the_same():
    mask = np.ones((4, 3), bool)
    mask[[1, 3], 2] = False
    x, labels = np.zeros((4, 3)) + np.array([[0], [0], [1], [1]]), np.zeros(4, int)
    assert not any(map(repeated, LogitsEvaluator(Logits("m", x, labels, mask)).notes))


def test_top5_of_stored_logits_is_computed_where_it_is_asked_for():
    random = np.random.default_rng(1)
    labels = random.integers(0, 12, 400)
    x = random.normal(0, 2, (400, 12))
    mask = random.random(x.shape) < 0.9
    judge, some = LogitsEvaluator(Logits("m", x, labels, mask)), np.arange(0, 400, 3)
    coarse = design("table_divide(input=Q4.0, exp=UQ0.3, output=UQ0.3)")
    plain, found = judge.float_outcomes(some), judge.outcomes(coarse, some)
    assert judge.offered == ("top5",) and [*plain] == [*found] == ["top1", "nll"]
    top5 = metrics.top_k(coarse(x, mask=mask), labels, mask=mask)
    assert (plain["top5"] == metrics.top_k(x, labels, mask=mask)[some]).all() and (found["top5"] == top5[some]).all()
    assert found["top5"].mean() < plain["top5"].mean()
    winner = judge.outcomes(design("argmax"), some)
    assert (winner["top5"] == winner["top1"]).all()
    with pytest.raises(KeyError):
        found["error"]
    few = LogitsEvaluator(Logits("few", x[:, :5], labels % 5))
    assert few.offered == () and not isinstance(few.outcomes(coarse, some).get("top5"), np.ndarray)


def test_a_loss_of_top5_can_be_tolerated_where_logits_are_narrowed():
    random = np.random.default_rng(2)
    labels = random.integers(0, 10, 1500)
    x = random.normal(0, 1, (1500, 10))
    x[np.arange(1500), labels] += 9
    judge = LogitsEvaluator(Logits("l", x, labels))
    found = narrow(judge, "table_divide(input=Q5.1, exp=UQ0.4, output=UQ0.4)", {"top1": 0.05, "top5": 0.04}, budget=12)
    assert found.loss["top5"]["high"] < 0.04
    with pytest.raises(DataError, match="'error' to tolerate a loss of; this source has top1, nll, top5$"):
        narrow(judge, "table_divide", {"error": 0.04})
