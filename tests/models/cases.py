"""Networks with one softmax, and the reference that a replaced one must equal, in torch operations."""

from __future__ import annotations

import math

import torch
from torch import nn

from narrowmax.models import measure


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


def gradients(network, run):
    network.zero_grad()
    out = run(network)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    (out * weight).sum().backward()
    return out.detach(), [p.grad.clone() for p in network.parameters()]


def same(got, wanted, tolerance):
    assert torch.allclose(got[0], wanted[0], rtol=0, atol=tolerance)
    assert len(got[1]) == len(wanted[1]) > 0
    for ours, theirs in zip(got[1], wanted[1], strict=True):
        assert theirs.abs().max() > 0
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def seen_names(network, run):
    with measure(network) as seen:
        run(network)
    return sorted((one["name"], one["kind"], one["rows"]) for one in seen.softmaxes())
