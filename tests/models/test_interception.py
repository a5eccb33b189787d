"""Which layer made what a softmax outside all layers is given; whose block is whose, by thread and by end."""

from __future__ import annotations

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from narrowmax.models import measure, replace
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


def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join(20)


def test_threads_that_replace_in_one_network_get_each_its_own_design(plain):
    network, designs = nn.Sequential(nn.Linear(3, 5), nn.Softmax(-1)), (plain(output="UQ1.2"), plain(output="UQ1.6"))
    entered, over, got = threading.Event(), threading.Event(), {}
    with torch.no_grad():
        wanted = []
        for design in designs:
            with replace(network, design):
                wanted.append(network(X))

        def other():
            with torch.no_grad(), replace(network, designs[1]):
                entered.set()
                over.wait(20)
                got["other"] = network(X)

        thread = threading.Thread(target=other)
        with replace(network, designs[0]) as replaced:
            thread.start()
            entered.wait(20)
            got["here"] = network(X)
            over.set()
            thread.join(20)
    assert torch.equal(got["here"], wanted[0]) and torch.equal(got["other"], wanted[1])
    assert list(replaced.sites.values()) == [1]


def test_a_block_is_not_blamed_for_what_another_thread_runs(plain):
    network, entered, over, errors = nn.Sequential(nn.Linear(3, 5)), threading.Event(), threading.Event(), []

    def idle():
        try:
            with replace(network, plain()):
                entered.set()
                over.wait(20)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=idle)
    with measure(network):
        thread.start()
        entered.wait(20)
        network(X)
        over.set()
        thread.join(20)
    assert errors == []


def test_a_block_that_another_thread_ends_is_over_in_its_own():
    network, found = Answer("plain"), []

    def end():
        seen.__exit__(None, None, None)
        with measure(network) as own:
            F.softmax(network(X), -1)
        found.append(own.softmaxes()[0]["name"])

    seen = measure(network).__enter__()
    in_a_thread(end)
    F.softmax(network(X), -1)
    assert seen.softmaxes() == [] and found == ["head"]
    with measure(network) as again:
        F.softmax(network(X), -1)
    assert again.softmaxes()[0]["rows"] == 4
    assert not _get_current_function_mode_stack()


def test_a_block_that_ends_inside_a_mode_of_the_user_leaves_that_on():
    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    seen = measure(Answer("plain")).__enter__()
    with Mode() as mode, torch.device("meta"):
        seen.__exit__(None, None, None)
        assert mode in _get_current_function_mode_stack() and torch.empty(2).is_meta
    assert not _get_current_function_mode_stack()
