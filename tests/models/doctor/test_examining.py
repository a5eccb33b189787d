"""A SOURCE under examination: built-in tasks are clean, broken ones are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import narrowmax as nm
from narrowmax.models import Logits, resolve
from narrowmax.models.doctor.examining import examine


def task(network: nn.Module, samples: int = 300, **more) -> nm.Task:
    generator = torch.Generator().manual_seed(1)
    inputs, labels = torch.randn(samples, 6, generator=generator), torch.arange(samples) % 3
    return nm.Task(network, [(inputs, labels)], **more)


@pytest.mark.parametrize("name", ["digits-cnn", "digits-vit"])
def test_built_in_tasks_are_clean(name):
    findings, samples = examine(resolve(name))
    assert findings == [] and samples >= 512


def test_an_untrained_network_does_not_learn():
    torch.manual_seed(0)
    (found,), samples = examine(task(nn.Linear(6, 3)))
    assert (found.trap, found.where, samples) == ("does-not-learn", "<network>", 300)
    assert (
        "% of 300 samples are right, and always naming the most frequent class would make 33.3 % right"
        in found.evidence
    )


def test_samples_of_one_class_say_nothing_about_chance():
    inputs, labels = torch.randn(300, 6), torch.zeros(300, dtype=torch.long)
    assert examine(nm.Task(nn.Linear(6, 3), [(inputs, labels)])) == ([], 300)


def test_few_samples_say_nothing_about_chance():
    assert examine(task(nn.Linear(6, 3), samples=60)) == ([], 60)


def test_the_network_itself_is_left_as_it_is():
    network = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    examine(task(network))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training and all(one.grad is None for one in network.parameters())


def test_a_network_that_gives_probabilities():
    findings, _ = examine(task(nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)), samples=60))
    assert [one.trap for one in findings] == ["softmax-twice"]


def test_a_metric_of_its_own_is_run_without_a_loss():
    metric = lambda output, labels: {"top1": labels == 0, "nll": np.zeros(len(labels))}  # noqa: E731
    assert examine(task(nn.Linear(6, 3), metric=metric)) == ([], 300)


def rows(seed: int = 0, n: int = 10) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (500, n)).astype(np.float32)


def test_stored_logits():
    logits = rows()
    assert examine(Logits("mine", logits, logits.argmax(-1))) == ([], 500)
    (found,), _ = examine(Logits("mine", logits, logits.argmin(-1)))
    assert found.trap == "does-not-learn" and "0 % of 500 samples are right" in found.evidence
    (found,), _ = examine(Logits("mine", nm.design("ideal")(logits)))
    assert (found.trap, found.where) == ("softmax-twice", "mine")
    (found,), _ = examine(Logits("mine", np.round(logits)))
    assert found.trap == "ties"
    (found,), _ = examine(Logits("mine", logits * 1e5))
    assert found.trap == "fp16-overflow"


def test_masked_elements_are_no_trap():
    logits, mask = rows(), np.ones((500, 10), bool)
    logits[:, 4], mask[:, 5] = -np.inf, False
    logits[:, 5] = 1e6
    assert examine(Logits("mine", logits, mask=mask)) == ([], 500)
