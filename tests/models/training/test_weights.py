"""Rounded weights: in place whichever layer is called first, and out of the way of whoever else writes weights."""

from __future__ import annotations

import copy
import re
from contextlib import ExitStack

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small
from torch import nn

from narrowmax.errors import DataError
from narrowmax.formats import parse
from narrowmax.models.training import precision
from narrowmax.models.training.rounding import rounded

X, Y = cloud(32)


def sgd(network: nn.Module, rate: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(network.parameters(), rate)


def step(network: nn.Module, optimiser: torch.optim.Optimizer, forward=None) -> None:
    optimiser.zero_grad()
    F.cross_entropy((forward or network)(X), Y).backward()
    optimiser.step()


def the_same(network: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(value.equal(state[name]) for name, value in network.state_dict().items())


def by_hand(state: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the network of these weights gives when they are rounded."""
    return torch.func.functional_call(small(), {n: rounded(parse("Q2.4"), one) for n, one in state.items()}, X)


@pytest.mark.parametrize("rounded_ones", [False, True])
def test_a_state_dict_loaded_within_the_block_stays(rounded_ones):
    network = small()
    optimiser = sgd(network)
    with precision(network, optimiser, weights="Q2.4"):
        if rounded_ones:
            network(X)
        best = copy.deepcopy(network.state_dict())
        step(network, optimiser)
        network(X)  # an evaluation, after which rounded weights are in place
        if rounded_ones:
            best = copy.deepcopy(network.state_dict())
        network.load_state_dict(best)
        assert the_same(network, best)
        assert network(X).equal(by_hand(best))
    assert the_same(network, best)


def test_a_state_dict_of_one_layer_loaded_within_the_block_stays():
    network, other = small(), small(seed=7)
    own = copy.deepcopy(network.state_dict())
    with precision(network, weights="Q2.4"):
        network(X)
        network[2].load_state_dict(other[2].state_dict())
    assert network[2].weight.equal(other[2].weight) and network[0].weight.equal(own["0.weight"])


def test_averaged_weights_that_are_put_in_and_out_are_rounded_too_and_the_networks_own_come_back():
    network, average = small(), small(seed=7)
    optimiser = sgd(network)
    with precision(network, optimiser, weights="Q2.4"):
        step(network, optimiser)
        own = copy.deepcopy(network)
        network(X)
        for one, other in zip(network.parameters(), average.parameters(), strict=True):
            one.data.copy_(other)
        assert network(X).equal(by_hand(average.state_dict()))
        for one, kept in zip(network.parameters(), own.parameters(), strict=True):
            one.data.copy_(kept)
        assert network(X).equal(by_hand(own.state_dict()))
    assert the_same(network, own.state_dict())


def test_a_network_that_is_made_double_within_the_block_keeps_its_own_weights():
    network = small()
    own = network[0].weight.detach().clone()
    with precision(network, weights="Q2.4"):
        network(X)
        network.double()
    assert network[0].weight.equal(own.double())


class Lesson(nn.Module):
    """Its loop calls a method that is not `forward`, as Lightning's does."""

    def __init__(self):
        super().__init__()
        self.net = small()

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def test_weights_are_rounded_in_whatever_is_called():
    lesson, network = Lesson(), small()
    own, seen = network[0].weight.detach().clone(), []
    lesson.net[0].register_forward_pre_hook(lambda layer, args: seen.append(layer.weight.detach().clone()))
    optimiser = sgd(lesson)
    with precision(lesson, optimiser, weights="Q2.2"):
        step(lesson, optimiser, lesson.scores)
        network[0].weight.data = lesson.net[0].weight.detach().clone()
        step(lesson, optimiser, lesson.scores)
    assert seen[0].equal(rounded(parse("Q2.2"), own))
    assert seen[1].equal(rounded(parse("Q2.2"), network[0].weight))


def test_weights_that_no_layer_ever_used_are_not_trained_in_silence():
    network = small()
    optimiser = sgd(network)
    sentence = "weights=Q2.4 were never put in place: no layer of the network was called"
    with precision(network, optimiser, weights="Q2.4"), pytest.raises(DataError, match="^" + re.escape(sentence)):
        optimiser.step()  # with nothing to update yet
        step(network, optimiser, lambda x: x @ network[0].weight.T)


def test_two_blocks_do_not_share_weights():
    network = small()
    optimiser, own = sgd(network), copy.deepcopy(network.state_dict())
    with precision(network, optimiser, weights="Q2.4"):
        with pytest.raises(DataError, match="^another block gives these weights a format already"):
            precision(network[2], optimiser, updates="Q2.6").__enter__()
        assert not network(X).equal(small()(X))
    assert the_same(network, own)
    with precision(network, weights="Q2.4"):  # as nothing is left of the first
        pass


def test_two_blocks_of_different_layers_train_as_one():
    def trained(*blocks: dict) -> list[torch.Tensor]:
        network = small()
        optimiser = sgd(network)
        with ExitStack() as stack:
            for knobs in blocks:
                stack.enter_context(precision(network, optimiser, **knobs))
            for _ in range(3):
                step(network, optimiser)
        return list(network.parameters())

    first, second = (
        trained({"weights": "Q2.4", "layers": "0"}, {"weights": "Q2.4", "layers": "2"}),
        trained({"weights": "Q2.4"}),
    )
    assert all(one.equal(other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("knobs", [{"weights": "Q2.2"}, {"gradients": "fp16"}, {}])
def test_other_weights_in_the_place_of_those_that_are_rounded_are_refused(knobs):
    network = small()
    state, own = small().state_dict(), network[0].weight
    with precision(network, sgd(network), **knobs):
        for part, given in ((network, state), (network[0], small()[0].state_dict())):
            with pytest.raises(DataError, match=r"^load_state_dict\(assign=True\) would put .* before the block$"):
                part.load_state_dict(given, assign=True)
    assert network[0].weight is own
    network.load_state_dict(state, assign=True)
    assert network[0].weight is not own
