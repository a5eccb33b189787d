"""What a format does in layers of unusual kinds, and where a loop calls a network in unusual ways."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small
from torch import nn

from narrowmax.models.training import precision

X, Y = cloud(32)


def sgd(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(network.parameters(), 0.0)


class Own(nn.Module):
    """Gives its weight on."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(8) / 8)

    def forward(self) -> torch.Tensor:
        return self.weight


class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift, self.rest = Own(), small()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(x + self.shift())


def test_a_layer_that_gives_its_weight_on_keeps_no_hook():
    network = Shifted()
    F.cross_entropy(network(X), Y).backward()
    plain = network.shift.weight.grad.clone()
    with precision(network, sgd(network), gradients="Q2.3"):
        for _ in range(3):
            network.zero_grad()
            F.cross_entropy(network(X), Y).backward()
        assert (network.shift.weight.grad * 8 % 1 == 0).all()
    network.zero_grad()
    F.cross_entropy(network(X), Y).backward()
    assert network.shift.weight.grad.equal(plain) and not network.shift.weight._backward_hooks


@pytest.mark.parametrize("network", [nn.Identity(), nn.Sequential(nn.Identity(), small())], ids=["alone", "first"])
def test_an_input_that_passes_through_keeps_no_hook(network):
    x = X.clone().requires_grad_()
    optimiser = torch.optim.SGD([x], 0.1)
    with precision(network, optimiser, gradients="Q2.3"):
        for _ in range(3):
            F.cross_entropy(network(x), Y).backward()
    assert not x._backward_hooks
    with precision(network, optimiser, activations="Q2.3"):
        F.cross_entropy(network(x), Y).backward()
    assert not x._backward_hooks


def calls_forward(network, x):
    return F.cross_entropy(network(x), Y)


def calls_a_layer(network, x):
    return nn.CrossEntropyLoss()(network.rest(x), Y)


def names_its_input(network, x):
    return F.cross_entropy(input=network.rest(x), target=Y)


@pytest.mark.parametrize("loss", [calls_forward, calls_a_layer, names_its_input])
def test_scores_are_watched_whatever_the_loop_calls(loss):
    network = Shifted()
    optimiser = sgd(network)
    with precision(network, optimiser, activations="Q4.8") as training:
        for _ in range(2):
            optimiser.zero_grad()
            loss(network, X).backward()
            optimiser.step()
    assert training.epochs[0]["push"]["rows"] == 2 * len(X)
