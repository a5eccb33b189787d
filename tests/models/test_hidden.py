"""What hides its softmax is refused with the remedy, where missing it in silence would spoil a measurement."""

from __future__ import annotations

import types
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner
from torch import nn

from narrowmax.errors import DataError
from narrowmax.models import measure, replace

X = torch.arange(12.0).view(3, 4)


class Soft(nn.Module):
    def forward(self, x):
        return F.softmax(x, dim=-1)


class Shift(nn.Module):
    def forward(self, x):
        return x + 1


@torch.jit.script
def scripted(x):
    return x.softmax(-1)


@torch.jit.script
def harmless(x):
    return x + 1


class Calls(nn.Module):
    def forward(self, x):
        return scripted(x)


helpers = types.ModuleType("helpers")
helpers.scripted = scripted


def helper(x):
    return scripted(x)


class CallsMember(nn.Module):
    def forward(self, x):
        return helpers.scripted(x)


class CallsHelper(nn.Module):
    def forward(self, x):
        return partial(helper)(x)


def calls_cell():
    inside = scripted

    class CallsCell(nn.Module):
        def forward(self, x):
            return inside(x)

    return CallsCell()


def calls_member_of_cell():
    inside = helpers

    class CallsMemberOfCell(nn.Module):
        def forward(self, x):
            return inside.scripted(x)

    return CallsMemberOfCell()


class CallsHarmless(nn.Module):
    def forward(self, x):
        return harmless(x).softmax(-1)


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (lambda: torch.jit.script(Soft()), "the network"),
        (lambda: torch.jit.trace(Soft(), X), "the network"),
        (lambda: nn.Sequential(nn.Linear(4, 4), torch.jit.script(Soft())), "1"),
        (Calls, "scripted"),
        (CallsMember, "scripted"),
        (CallsHelper, "scripted"),
        (calls_cell, "inside"),
        (calls_member_of_cell, "scripted"),
        (lambda: Inner(scripted), "function"),
        (lambda: Inner(partial(helper)), "scripted"),
    ],
)
def test_torchscript_with_a_softmax(network, what, plain):
    message = (
        f"^{what} is TorchScript, whose softmax cannot be seen; give the Python module that it was made from, or set "
        "PYTORCH_JIT=0$"
    )
    for context in (measure(network()), replace(network(), plain())):
        with pytest.raises(DataError, match=message):
            context.__enter__()
        assert not any(module._forward_hooks for module in context.network.modules())
    assert torch._C._len_torch_function_stack() == 0


@pytest.mark.parametrize("network", [lambda: nn.Sequential(torch.jit.script(Shift()), Soft()), CallsHarmless])
def test_torchscript_without_a_softmax_is_not_in_the_way(network):
    with measure(made := network()) as seen:
        made(X)
    assert [one["rows"] for one in seen.softmaxes()] == [3]


@pytest.mark.parametrize("chosen", ["flash_attention_2", "flex_attention", "kernels-community/flash-attn"])
def test_implementations_of_transformers_that_hide_theirs(tiny, chosen):
    network = tiny("llama")
    network.config._attn_implementation = chosen
    message = (
        f"^the attention implementation {chosen} hides its softmax; call "
        r"network\.set_attn_implementation\('sdpa'\) first$"
    )
    with pytest.raises(DataError, match=message), measure(network):
        pass
    network.set_attn_implementation("sdpa")
    with measure(network):
        pass


Q = torch.zeros(1, 1, 16, 16)
KERNELS = {
    "_scaled_dot_product_flash_attention_for_cpu": lambda q: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        q, q, q
    ),
    "_scaled_dot_product_attention_math": lambda q: torch.ops.aten._scaled_dot_product_attention_math(q, q, q),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_called_by_their_own_names(name):
    message = f"^{name} hides its softmax; use scaled_dot_product_attention in the network instead$"
    with measure(network := Inner(KERNELS[name])), pytest.raises(DataError, match=message):
        network(Q)
    network(Q)


@pytest.mark.parametrize("function", [torch.sparse.softmax, torch.sparse.log_softmax])
def test_sparse_tensors(function):
    message = r"^a softmax of a sparse tensor cannot be seen; call to_dense\(\) on it, or mask a dense one$"
    with measure(network := Inner(lambda x: function(x, 1))), pytest.raises(DataError, match=message):
        network(X.to_sparse())


@pytest.mark.filterwarnings("ignore")
def test_nested_tensors(plain):
    x = torch.nested.nested_tensor([X[:2], X], layout=torch.jagged)
    message = "^a softmax of a nested tensor cannot be seen; pad it, and mask what was padded$"
    for context in (measure(network := Soft()), replace(network, plain())):
        with context, pytest.raises(DataError, match=message):
            network(x)


def test_what_runs_without_values_has_nothing_to_measure():
    message = r"^a network that runs without values \(torch.export, fake and meta tensors\) has nothing to measure"
    with measure(network := Soft()), pytest.raises(DataError, match=message):
        network(X.to("meta"))


def test_gradients_by_transformation_are_measured_and_not_replaced(plain):
    network = Soft()
    loss = lambda x: network(x)[0].square().sum()  # noqa: E731
    with measure(network) as seen:
        found = torch.func.grad(loss)(X)
    assert torch.equal(found, torch.func.grad(loss)(X))
    assert [(one["rows"], one["max"]) for one in seen.softmaxes()] == [(3, 11.0)]
    message = "^a softmax inside torch.func cannot be replaced; call backward on the loss instead$"
    with pytest.raises(DataError, match=message), replace(network, plain()):
        torch.func.grad(loss)(X)


def test_a_softmax_of_integers(plain):
    from torch.ao.nn.quantized import Softmax

    x = torch.quantize_per_tensor(X, 0.1, 0, torch.quint8)
    message = "^a softmax of quantised tensors is one of integers and cannot be seen; dequantise before it$"
    for context in (measure(network := Softmax(-1, 1 / 256, 0)), replace(network, plain())):
        with context, pytest.raises(DataError, match=message):
            network(x)


def test_a_network_that_ran_and_called_no_softmax(plain):
    message = "^no softmax was replaced: the network ran, and called none that can be seen; run what"
    for network in (nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4)), Inner(torch.sigmoid)):
        with pytest.raises(DataError, match=message), replace(network, plain()):
            network(X)
        with replace(network, plain()):
            pass
    with replace(network, plain()) as outer, replace(nn.Softmax(-1), plain()) as inner:
        inner.network(network(X))
    assert (len(outer.sites), len(inner.sites)) == (0, 1)
