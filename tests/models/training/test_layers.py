"""What a format does in layers of unusual kinds, and where a loop calls a network in unusual ways."""

from __future__ import annotations

import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small
from torch import nn
from torch.utils.checkpoint import checkpoint

from narrowmax.errors import DataError
from narrowmax.formats import parse
from narrowmax.models.training import precision
from narrowmax.models.training.rounding import rounded

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


def grouped() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Linear(8, 16), nn.ReLU()), nn.Linear(16, 4))


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"weights": "Q2.1"}, "weights=Q2.1 would act nowhere: layers='0' chooses none of 0.0, 1; give a pattern"),
        ({"activations": "Q2.1"}, "activations=Q2.1 would act nowhere: layers='0' chooses none of 0.0, 0.1, 1; give"),
        ({"gradients": "fp16"}, "gradients=fp16 would act nowhere: layers='0' chooses none of 0.0, 0.1, 1; give"),
        ({"updates": "Q2.1", "layers": "0.1"}, "updates=Q2.1 would act nowhere: layers='0.1' chooses none of 0.0, 1;"),
    ],
)
def test_a_format_that_would_act_on_no_layer_is_refused(knobs, sentence):
    network = grouped()
    with pytest.raises(DataError, match="^" + re.escape(sentence)):
        precision(network, sgd(network), **{"layers": "0", **knobs})


def test_a_group_of_layers_is_chosen_by_a_pattern():
    network = grouped()
    with precision(network, weights="Q2.1", activations="Q2.1", layers="0*"):
        hidden, scores = network[0](X), network(X)
    assert (hidden * 2 % 1 == 0).all() and not (scores * 2 % 1 == 0).all()


class Tied(nn.Module):
    """The last layer has the weights of the first, and both the same activation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table, self.first = nn.Embedding(10, 8), nn.Tanh()
        self.second, self.head = self.first, nn.Linear(8, 10, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.second(self.first(self.table(x))))


def test_layers_are_chosen_by_any_of_their_names():
    network, x, form = Tied(), torch.arange(10), parse("Q2.3")
    own = network.table.weight.detach()
    short = rounded(form, own)
    with precision(network, weights="Q2.3", layers="head"):
        assert network(x).equal(torch.tanh(torch.tanh(short)) @ short.T)
    with precision(network, activations="Q2.3", layers="second"):
        once = rounded(form, torch.tanh(own))
        assert network(x).equal(rounded(form, torch.tanh(once)) @ own.T)


def test_packed_sequences_are_rounded():
    layer = nn.LSTM(3, 4, batch_first=True)
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 3, 3), [3, 2], batch_first=True)
    with precision(layer, activations="Q2.1"):
        found, (state, cell) = layer(packed)
    assert isinstance(found, nn.utils.rnn.PackedSequence) and found.batch_sizes.equal(packed.batch_sizes)
    assert all((one * 2 % 1 == 0).all() for one in (found.data, state, cell))
    assert nn.utils.rnn.pad_packed_sequence(found, batch_first=True)[1].tolist() == [3, 2]


@pytest.mark.parametrize("knobs", [{"weights": "Q2.4"}, {"gradients": "Q1.6", "updates": "Q2.6", "loss_scale": 8}])
def test_sparse_gradients_are_those_of_a_dense_table(knobs):
    def trained(sparse: bool) -> tuple[list[torch.Tensor], dict]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Embedding(10, 8, sparse=sparse), small())
        optimiser = torch.optim.SGD(network.parameters(), 0.5)
        x, y = torch.tensor([1, 3, 3, 7]), torch.tensor([0, 1, 2, 3])
        with precision(network, optimiser, **knobs) as training:
            for _ in range(3):
                optimiser.zero_grad()
                for _ in range(2):  # the second is added to the first
                    F.cross_entropy(network(x), y).backward()
                optimiser.step()
        assert network[0].weight.grad.is_sparse == sparse
        return list(network.parameters()), training.epochs[0]

    (sparse, epoch), (dense, other) = trained(True), trained(False)
    assert all(torch.allclose(one, kept, rtol=0, atol=1e-6) for one, kept in zip(sparse, dense, strict=True))
    assert epoch["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-6)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_network_that_is_recomputed_in_backward_trains_the_same(reentrant):
    found = []
    for run in (lambda network, x: network(x), partial(checkpoint, use_reentrant=reentrant)):
        network = nn.Sequential(small(8), nn.Tanh(), small(seed=2))
        optimiser = torch.optim.SGD(network.parameters(), 0.1)
        with precision(network, optimiser, weights="Q2.5:stochastic", activations="Q3.2", gradients="Q2.9") as training:
            F.cross_entropy(network[2](run(network[:2], X.clone().requires_grad_())), Y).backward()
            optimiser.step()
        found.append((training.epochs[0]["places"], [one.detach().clone() for one in network.parameters()]))
    assert found[0][0] == found[1][0]
    assert all(one.equal(other) for one, other in zip(found[0][1], found[1][1], strict=True))


def test_random_rounding_that_would_be_recomputed_is_refused():
    network = small()
    with precision(network, sgd(network), activations="Q3.2:stochastic"):
        loss = F.cross_entropy(checkpoint(network, X, use_reentrant=False), Y)
        with pytest.raises(DataError, match="^activations=Q3.2:stochastic cannot be recomputed in the backward pass"):
            loss.backward()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
def test_a_compiled_network_trains_as_it_does_uncompiled():
    def trained(compiled: bool) -> list[torch.Tensor]:
        network = small()
        optimiser = torch.optim.SGD(network.parameters(), 0.1)
        called = torch.compile(network, backend="eager") if compiled else network
        with precision(called, optimiser, weights="Q2.4", activations="Q3.4", gradients="fp16", loss_scale=64):
            for _ in range(3):
                optimiser.zero_grad()
                F.cross_entropy(called(X), Y).backward()
                optimiser.step()
        return list(network.parameters())

    assert all(one.equal(other) for one, other in zip(trained(True), trained(False), strict=True))
