"""Losses that hold a softmax: seen, replaced, and worth what they are without a design."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Calls, Inner, seen_names
from torch import nn

from narrowmax.models import measure, replace

B = 2


@dataclass
class Loss:
    shape: tuple
    weight: bool = False
    ignore: bool = False
    probabilities: bool = False
    options: tuple = ()


LOSSES = {
    "rows": Loss((6, 4)),
    "one row": Loss((4,)),
    "pixels": Loss((2, 4, 3, 3)),
    "weight": Loss((6, 4), weight=True),
    "ignored": Loss((6, 4), ignore=True),
    "weight, ignored, pixels": Loss((2, 4, 3, 3), weight=True, ignore=True),
    "probabilities": Loss((6, 4), probabilities=True),
    "probabilities, weight, pixels": Loss((2, 4, 3, 3), weight=True, probabilities=True),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("case", LOSSES)
def test_cross_entropy(case, smoothing, reduction, plain):
    """A design that is all but exact gives the loss and the gradient of F.cross_entropy itself."""
    torch.manual_seed(0)
    loss = LOSSES[case]
    x = (4 * torch.randn(loss.shape, dtype=torch.float64)).round() / 4
    axis = 1 if len(loss.shape) > 1 else 0
    rows = [size for at, size in enumerate(loss.shape) if at != axis]
    target = torch.softmax(torch.randn(loss.shape).double(), axis) if loss.probabilities else torch.randint(0, 4, rows)
    options = {"reduction": reduction, "label_smoothing": smoothing}
    if loss.ignore:
        target.view(-1)[1] = 3
        options["ignore_index"] = 3
    if loss.weight:
        options["weight"] = torch.tensor([0.5, 1.0, 2.0, 0.25]).double()
    network = Inner(lambda x: F.cross_entropy(x, target, **options))
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    with replace(network, plain(input="Q6.2", output="UQ1.50"), where="classifier"):
        got = network(ours)
        got.sum().backward()
    wanted = network(theirs)
    wanted.sum().backward()
    assert torch.allclose(got, wanted, rtol=1e-10, atol=1e-9)
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("old", [{"size_average": False}, {"reduce": False}])
def test_the_old_words_for_a_reduction(old, plain):
    x, target = torch.zeros(2, 4, dtype=torch.float64), torch.tensor([0, 1])
    network = Inner(lambda x: F.cross_entropy(x, target, **old))
    with pytest.warns(UserWarning, match="deprecated"):
        wanted = network(x)
        with replace(network, plain(output="UQ1.40")):
            assert torch.allclose(network(x), wanted)


def test_a_loss_outside_of_the_network_bears_the_name_of_the_layer_that_made_its_input(plain):
    network = nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.ReLU(), nn.Linear(5, 4)))
    x, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 3, 0, 1])
    criterion = nn.CrossEntropyLoss()
    with measure(network) as seen:
        criterion(network(x), labels)
        F.cross_entropy(network(x)[:4], labels[:4])
        F.softmax(torch.zeros(2, 4), dim=-1)
    found = {(one["name"], one["function"]): one["rows"] for one in seen.softmaxes()}
    assert found == {("1.1", "cross_entropy"): 10, ("<outside>", "softmax"): 2}


def test_a_zero_of_the_design_does_not_make_the_loss_infinite(plain):
    network = Inner(lambda x: F.cross_entropy(x, torch.tensor([1])))
    with replace(network, plain(output="UQ0.4")):
        assert network(torch.tensor([[7.0, -7.0]])).item() == pytest.approx(math.log(32))


def test_gumbel_softmax_is_seen_where_it_is_called():
    network = Calls(lambda x: F.gumbel_softmax(x, tau=0.5))
    with measure(network) as seen:
        network(torch.randn(B, 6, dtype=torch.float64))
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("call", B)]


def test_linear_cross_entropy_equals_its_parts(plain):
    torch.manual_seed(0)
    x, weight, target = torch.randn(5, 3).double(), torch.randn(4, 3).double(), torch.randint(0, 4, (5,))
    network = Inner(lambda x: F.linear_cross_entropy(x, weight, target))
    parts = Inner(lambda x: F.cross_entropy(F.linear(x, weight), target))
    assert seen_names(network, lambda net: net(x)) == [("<network>", "classifier", 5)]
    with replace(network, plain()):
        got = network(x)
    with replace(parts, plain()):
        assert torch.equal(got, parts(x))


@pytest.mark.parametrize("mask", [-1e9, -math.inf])
def test_the_loss_of_a_masked_class_is_infinite_and_that_of_the_others_is_not(mask, plain):
    x = torch.tensor([[1.0, mask, 0.5], [0.0, mask, 0.0]])
    with replace(nn.Identity(), plain(output="UQ1.20")):
        got = F.cross_entropy(x, torch.tensor([0, 1]), reduction="none")
    assert torch.isfinite(got).tolist() == [True, False]
