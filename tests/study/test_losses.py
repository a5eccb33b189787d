"""What a record says of each metric."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import narrowmax as nm
from narrowmax import metrics
from narrowmax.models import Logits, Task
from narrowmax.search import compare_outcomes
from narrowmax.search.calibration import compare_calibration
from narrowmax.study import Source
from narrowmax.study.comparing import _in_network
from narrowmax.study.losses import losses
from narrowmax.study.simulating import beside

DESIGN = "ideal(input=Q3.1, output=UQ0.6)"


def test_stored_logits_have_every_metric_of_a_classifier(work):
    random = np.random.default_rng(0)
    x, labels = random.normal(0, 4, (300, 9)).astype(np.float32), random.integers(0, 9, 300)
    design = nm.design(DESIGN)
    found = beside(Source("x", Logits("x", x, labels)), design, 0.9, work)
    p = design(x)
    exact = torch.softmax(torch.from_numpy(x).double(), 1).numpy()
    before = {"top1": metrics.top1(x, labels), "top5": metrics.top_k(x, labels), "confidence": exact.max(1)}
    after = {"top1": metrics.top1(p, labels), "top5": metrics.top_k(p, labels), "confidence": metrics.confidence(p)}
    assert set(found["losses"]) == {"top1", "top5", "nll"}
    assert found["losses"]["top5"] == compare_outcomes({"top5": before["top5"]}, after, 0.9)["top5"]
    assert found["calibration"]["design"] == pytest.approx(compare_calibration(before, after, 0.9)["design"])
    assert found["losses"]["nll"] == found["nll_loss"] and found["nll_loss"]["counted_up_to"] == metrics.NLL_CEILING
    assert found["top1"]["lost"] == (before["top1"] & ~after["top1"]).sum()
    assert found["perplexity"] is None


class Windows(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(6, 1, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.attention(6 * x, 6 * x, x, need_weights=False)[0])


def test_a_language_model_has_a_perplexity(work):
    torch.manual_seed(0)
    batches = [(torch.randn(50, 4, 6), torch.randint(0, 3, (50, 4)))]
    source = Source("windows", Task(Windows(), batches, "language", "windows", where="attention"))
    found = beside(source, nm.design(DESIGN), 0.95, work)
    told, nll = found["perplexity"], found["losses"]["nll"]
    assert told["float"] == pytest.approx(math.exp(found["nll_float"]))
    assert told["ratio"]["high"] == pytest.approx(math.exp(nll["high"])) and told["ratio"]["low"] < 1
    assert told["design"] / told["float"] == pytest.approx(told["ratio"]["estimate"])
    assert found["losses"]["error"]["counted_up_to"] == 1 and found["calibration"] is None


def test_a_task_with_metrics_of_its_own_says_what_it_has_not():
    made = {"distance": np.array([0.1, 0.2])}
    found = losses(made, made, {"distance": 1.0}, 0.95, None)
    assert (found["top1"], found["nll_loss"]) == (None, None)
    assert found["top1_reason"] == "the metric of this task gives none"
    assert found["losses"]["distance"]["difference"] == 0
    assert found["calibration_reason"] == "no confidence is known of a class"
    assert found["perplexity_reason"] == "this is no language model"


def test_a_comparison_says_the_same_of_a_network(work):
    torch.manual_seed(0)
    batches = [(torch.randn(50, 4, 6), torch.randint(0, 3, (50, 4)))]
    source = Source("windows", Task(Windows(), batches, "language", "windows", where="attention"))
    design = nm.design(DESIGN)
    found, whole = _in_network(source, design, 0.95, work), beside(source, design, 0.95, work)
    for key in ("top1", "losses", "calibration", "calibration_reason", "perplexity"):
        assert found[key] == whole[key]
    assert found["nll"] == whole["nll_loss"]
