"""Every way a network can call a softmax, against a reference written out by hand.

For each case: the call is seen under the layer's name, with its masks apart; what goes in is right;
the replaced output equals the reference; the gradient of every parameter does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import softmax as early_bound

from narrowmax.models import measure, replace

B, H, L, E = 2, 2, 5, 4


class Quarter(torch.autograd.Function):
    """Rounding to a quarter, saturated at -8 and 7.75, straight through: what the design's input does."""

    @staticmethod
    def forward(ctx, x):
        return (x * 4).round().clamp(-32, 31) / 4

    @staticmethod
    def backward(ctx, g):
        return g


def exact(x, axis=-1, mask=None):
    """Softmax of the rounded input, masked cells 0, empty rows 0: the reference in torch operations."""
    q = Quarter.apply(x) if mask is None else Quarter.apply(x.masked_fill(~mask, 0)).masked_fill(~mask, -math.inf)
    return torch.nan_to_num(torch.softmax(q, axis), nan=0.0)


class Calls(nn.Module):
    """A linear layer, then the softmax of the case, by a layer called `call`."""

    def __init__(self, function):
        super().__init__()
        self.fc = nn.Linear(6, 6, dtype=torch.float64)
        self.call = Inner(function)

    def forward(self, x):
        return self.call(3 * self.fc(x))


class Inner(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


SPELLINGS = {
    "F.softmax": lambda x: F.softmax(x, dim=-1),
    "F.softmax positional": lambda x: F.softmax(x, -1),
    "F.softmax dtype": lambda x: F.softmax(x, dim=1, dtype=torch.float64),
    "F.softmax implicit": lambda x: F.softmax(x, _stacklevel=5),
    "torch.softmax": lambda x: torch.softmax(x, 1),
    "torch.softmax keywords": lambda x: torch.softmax(input=x, dim=1),
    "Tensor.softmax": lambda x: x.softmax(-1),
    "Tensor.softmax keyword": lambda x: x.softmax(dim=-1),
    "torch.special.softmax": lambda x: torch.special.softmax(x, -1),
    "early bound": lambda x: early_bound(x, dim=-1),
    "nn.Softmax": nn.Softmax(dim=-1),
    "aten.softmax": lambda x: torch.ops.aten.softmax(x, -1),
    "aten.softmax.int": lambda x: torch.ops.aten.softmax.int(x, -1),
    "aten._softmax": lambda x: torch.ops.aten._softmax(x, -1, False),
    "aten._safe_softmax": lambda x: torch.ops.aten._safe_softmax(x, -1),
    "F.softmin": lambda x: F.softmin(-x, dim=-1),
}
LOGS = {
    "F.log_softmax": lambda x: F.log_softmax(x, dim=-1),
    "torch.log_softmax": lambda x: torch.log_softmax(x, -1),
    "Tensor.log_softmax": lambda x: x.log_softmax(-1),
    "torch.special.log_softmax": lambda x: torch.special.log_softmax(x, -1),
    "nn.LogSoftmax": nn.LogSoftmax(dim=-1),
    "aten.log_softmax": lambda x: torch.ops.aten.log_softmax(x, -1),
    "aten._log_softmax": lambda x: torch.ops.aten._log_softmax(x, -1, False),
}


def _gradients(network, run):
    network.zero_grad()
    out = run(network)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    (out * weight).sum().backward()
    return out.detach(), [p.grad.clone() for p in network.parameters()]


def _same(got, wanted, tolerance):
    assert torch.allclose(got[0], wanted[0], rtol=0, atol=tolerance)
    assert len(got[1]) == len(wanted[1]) > 0
    for ours, theirs in zip(got[1], wanted[1], strict=True):
        assert theirs.abs().max() > 0
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.fixture
def x():
    return torch.randn(B, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("spelling", [*SPELLINGS, *LOGS])
def test_spelling(spelling, x, plain):
    torch.manual_seed(0)
    function = {**SPELLINGS, **LOGS}[spelling]
    network, log = Calls(function), spelling in LOGS
    reference = Calls(lambda x: exact(x).log() if log else exact(x))
    reference.load_state_dict(network.state_dict())
    before = network(x)
    with measure(network) as seen:
        assert torch.equal(network(x), before)
    (one,) = seen.softmaxes()
    name = "call.function" if isinstance(function, nn.Module) else "call"
    assert (one["name"], one["kind"], one["function"]) == (name, "classifier", "log_softmax" if log else "softmax")
    inner = 3 * network.fc(x)
    assert (one["rows"], one["n"], one["masked"]) == (B, 6, 0)
    assert (one["min"], one["max"]) == (inner.min().item(), inner.max().item())
    with replace(network, plain(output="UQ1.40")) as replaced:
        got = _gradients(network, lambda net: net(x))
    assert [(site.name, count) for site, count in replaced.sites.items()] == [(name, 1)]
    _same(got, _gradients(reference, lambda net: net(x)), 1e-8 if log else 2**-40)
    assert torch.equal(network(x), before)
