"""Which layer made what a softmax outside all layers is given; what is kept to know it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from narrowmax.models import measure
from narrowmax.models.sites import NETWORK

X = torch.randn(4, 3)


class Answer(nn.Module):
    """Logits as a network returns them: itself, a part of them, in a dict with what a layer before them made."""

    def __init__(self, shape: str):
        super().__init__()
        self.shape, self.body, self.head = shape, nn.Linear(3, 8), nn.Linear(8, 5)

    def forward(self, x):
        hidden = self.body(x)
        logits = self.head(hidden)
        return {"plain": logits, "part": logits[:, 1:], "dict": {"logits": logits, "hidden": hidden}}[self.shape]


@pytest.mark.parametrize("gradient", [True, False])
@pytest.mark.parametrize("shape", ["plain", "part", "dict"])
def test_the_innermost_layer_that_returned_it_is_named(shape, gradient):
    network = Answer(shape)
    with torch.set_grad_enabled(gradient), measure(network) as seen:
        for _ in range(3):
            given = network(X)
            F.softmax(given["logits"] if shape == "dict" else given, -1)
        if shape == "dict":
            F.softmax(given["hidden"], -1)
    named = {"plain": ["head"], "part": [NETWORK], "dict": ["head", "body"]}[shape]
    assert [one["name"] for one in seen.softmaxes()] == named


def test_a_layer_called_alone_is_named_too():
    network = Answer("plain")
    with measure(network) as seen:
        logits = network.head(network.body(X))
        network(X)
        F.cross_entropy(logits, torch.zeros(4, dtype=torch.long))
    assert [one["name"] for one in seen.softmaxes()] == ["head"]


def test_of_tensors_that_are_gone_nothing_is_kept():
    network = Answer("dict")
    with torch.no_grad(), measure(network) as seen:
        for _ in range(5):
            given = network(X)
            network.body(X)
            assert len(seen._makers) == 2 and seen._path.made == []
        del given
        assert len(seen._makers) == 0
