"""The metrics that a task may name, and what its own may give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from narrowmax.errors import DataError
from narrowmax.models import Task, accuracy, evaluator
from narrowmax.models.outcomes import classification, language


def test_classification_equals_pytorch():
    torch.manual_seed(0)
    logits, labels = 4 * torch.randn(200, 12), torch.randint(0, 12, (200,))
    found = classification(logits.numpy(), labels.numpy())
    top = logits.topk(5).indices == labels[:, None]
    assert np.array_equal(found["top1"], top[:, 0].numpy())
    assert np.array_equal(found["top5"], top.any(1).numpy())
    assert np.allclose(found["nll"], F.cross_entropy(logits, labels, reduction="none"), atol=1e-5)
    assert np.allclose(found["confidence"], logits.softmax(1).max(1).values, atol=1e-6)
    assert "top5" not in classification(logits[:, :5].numpy(), labels.numpy() % 5)


def test_language_is_of_windows():
    torch.manual_seed(0)
    logits, labels = torch.randn(20, 9, 5), torch.randint(0, 5, (20, 9))
    labels[3, 5:] = labels[4, :2] = -100
    found = language(logits.numpy(), labels.numpy())
    per_place = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    told = (labels != -100).sum(1)
    right = (logits.argmax(2) == labels) & (labels != -100)
    assert np.allclose(found["nll"], per_place.sum(1) / told, atol=1e-5)
    assert np.allclose(found["error"], 1 - right.sum(1) / told)
    last = torch.full((20,), 8).index_fill(0, torch.tensor([3]), 4)
    assert np.array_equal(found["top1"], right[torch.arange(20), last])


def test_a_window_without_labels_is_refused():
    """Its NLL would be 0, that of a perfect one."""
    labels = np.array([[1, -100, 0], [-100] * 3])
    with pytest.raises(DataError, match="^window 1 of a batch has no label but -100, so it cannot be judged; "):
        language(np.zeros((2, 3, 2)), labels)


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.attention(4 * x, 4 * x, x, need_weights=False)[0])


@pytest.fixture
def task():
    torch.manual_seed(0)
    x, labels = torch.randn(60, 4, 6), torch.randint(0, 3, (60, 4))
    return Task(Attends(), [(x[:32], labels[:32]), (x[32:], labels[32:])], "language", "windows", where="attention")


def test_a_language_model_is_judged_by_window(task):
    judge = evaluator(task)
    assert (judge.samples, judge.metrics, judge.beside) == (60, ("top1", "nll", "error"), ())
    assert judge.ceilings["error"] == 1
    assert set(accuracy(judge).metrics) == {"top1", "nll", "error"}


def test_a_metric_of_ones_own_names_what_it_likes(task):
    def distance(output, labels):
        return {"distance": output.square().mean((1, 2)).numpy()}

    judge = evaluator(dataclasses.replace(task, metric=distance, ceilings={"distance": 4.0}))
    assert judge.metrics == ("distance",) and judge.ceilings["distance"] == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the metric of task windows gives nothing; give an array by name, such as top1"),
        (
            {"top1": np.zeros(32, int)},
            "the metric of task windows gives top1 of type int64; give bools, true where right, or floats",
        ),
    ],
)
def test_what_a_metric_gives_is_checked(task, given, message):
    with pytest.raises(DataError, match=f"^{message}$"):
        evaluator(dataclasses.replace(task, metric=lambda output, labels: given))


def test_an_unknown_metric_is_refused(task):
    message = "^the metric of task windows is 'map'; give classification or language, or a function of yours$"
    with pytest.raises(DataError, match=message):
        dataclasses.replace(task, metric="map")
