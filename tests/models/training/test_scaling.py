"""Loss scaling: what a loop does between backward and step meets gradients that are not scaled."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small
from torch import nn

from narrowmax.errors import DataError
from narrowmax.models.training import precision

X, Y = cloud(32)
SCALES = [1024, 3.0, "dynamic"]


def sgd(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(network.parameters(), 0.1)


def trained(change, scale, parts: int = 1) -> list[torch.Tensor]:
    """The weights after 3 steps of so many backward passes, with `change` of the network before each step."""
    network = small()
    optimiser = sgd(network)
    with precision(network, optimiser, loss_scale=scale):
        for _ in range(3):
            optimiser.zero_grad()
            for x, y in zip(X.chunk(parts), Y.chunk(parts), strict=True):
                F.cross_entropy(network(x), y).backward()
            change(network)
            optimiser.step()
    return list(network.parameters())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize(
    "change",
    [
        lambda network: None,
        lambda network: nn.utils.clip_grad_norm_(network.parameters(), 0.1),
        lambda network: nn.utils.clip_grad_value_(network.parameters(), 0.01),
    ],
    ids=["as it is", "norm clipped", "values clipped"],
)
def test_a_loop_that_clips_or_accumulates_gradients_does_the_same_with_a_scale(scale, parts, change):
    for one, other in zip(trained(change, scale, parts), trained(change, None, parts), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_every_leaf_that_backward_reaches_has_its_own_gradient(scale):
    """An input, and another network in front, whose own optimiser knows of no scale."""
    found = []
    for given in (None, scale):
        front, network, x = small(8, seed=5), small(), X.clone().requires_grad_()
        with precision(network, sgd(network), loss_scale=given):
            F.cross_entropy(network(front(x)), Y).backward()
        found.append([x.grad, *(one.grad for one in front.parameters())])
    assert all(torch.allclose(one, other, rtol=1e-5, atol=1e-7) for one, other in zip(*found, strict=True))


def test_an_overflow_is_seen_though_its_gradients_are_clipped_before_the_step():
    network = small()
    optimiser, own = sgd(network), copy.deepcopy(network.state_dict())
    with precision(network, optimiser, gradients="Q1.6", loss_scale="dynamic") as training:
        F.cross_entropy(network(X), Y).backward()
        nn.utils.clip_grad_value_(network.parameters(), 0.5)
        optimiser.step()
        assert training.end_epoch()["skipped"] == 1
    assert all(value.equal(own[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("scale", [64, "dynamic"])
def test_gradients_that_were_never_scaled_are_refused(scale):
    network = small()
    optimiser = sgd(network)
    with precision(network, optimiser, loss_scale=scale):
        F.cross_entropy(network(X), Y).backward()
        optimiser.step()
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(network(X), Y))
        with pytest.raises(DataError, match="^gradients came without loss.backward"):
            optimiser.step()


def test_gradients_are_as_they_are_after_a_backward_pass_that_failed():
    network = small()
    with precision(network, sgd(network), loss_scale=64):
        F.cross_entropy(network(X), Y).backward()
        before = [one.grad.clone() for one in network.parameters()]
        loss = F.cross_entropy(network(X), Y)
        with pytest.raises(RuntimeError):
            loss.backward(torch.ones(3))
        assert all(one.grad.equal(kept) for one, kept in zip(network.parameters(), before, strict=True))
