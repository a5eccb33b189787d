"""Ways to write a softmax out, each told; and formulas that are none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner

import narrowmax as nm

X = torch.linspace(-2, 2, 12).view(4, 3)
MASK = torch.tensor([1.0, 1.0, 0.0])


def e(x):
    return torch.exp(x - x.amax(-1, keepdim=True))


def total(x):
    return x.sum(-1, keepdim=True)


def in_place(x):
    found = x.exp()
    found /= found.sum(-1, keepdim=True)
    return found


QUOTIENT, PRODUCT = "exp(x) / sum(exp(x))", "exp(x) * (1 / sum(exp(x)))"
SOFTMAXES = {
    "a quotient": (lambda x: e(x) / total(e(x)), QUOTIENT),
    "in place": (in_place, QUOTIENT),
    "div_": (lambda x: (f := e(x)).div_(total(f)), QUOTIENT),
    "a guard": (lambda x: e(x) / (total(e(x)) + 1e-9), QUOTIENT),
    "a guard before": (lambda x: e(x) / (1e-9 + total(e(x))), QUOTIENT),
    "a clamp": (lambda x: torch.div(e(x), total(e(x)).clamp_min(1e-9)), QUOTIENT),
    "of 2": (lambda x: 2**x / total(2**x), QUOTIENT),
    "pow": (lambda x: torch.pow(2, x) / total(torch.pow(2, x)), QUOTIENT),
    "masked": (lambda x: (f := e(x) * MASK) / total(f), QUOTIENT),
    "filled": (lambda x: (f := e(x).masked_fill(MASK == 0, 0)) / total(f), QUOTIENT),
    "unsqueezed": (lambda x: e(x) / e(x).sum(-1).unsqueeze(-1), QUOTIENT),
    "a product": (lambda x: e(x) * (1 / total(e(x))), PRODUCT),
    "reciprocal": (lambda x: total(e(x)).reciprocal() * e(x), PRODUCT),
    "logsumexp": (lambda x: torch.exp(x - x.logsumexp(-1, keepdim=True)), "exp(x - logsumexp(x))"),
    "normalize": (lambda x: F.normalize(e(x), p=1, dim=-1), "normalize(exp(x), p=1)"),
    "normalize by place": (lambda x: F.normalize(e(x), 1), "normalize(exp(x), p=1)"),
}
OTHERS = {
    "a mean of exponentials": lambda x: e(x) / 3,
    "a weighted mean": lambda x: (e(x) * x).sum() / total(x),
    "deviations": lambda x: x + torch.exp(0.5 * x) * x,
    "an exponential of the past": lambda x: x.exp().log_().div(total(x.exp())),
    "a square": lambda x: x**2 / total(x**2),
    "a length": lambda x: F.normalize(e(x), dim=-1),
    "a distribution": lambda x: torch.distributions.Categorical(logits=x).probs,
    "a sum of logs": lambda x: x - x.logsumexp(-1, keepdim=True),
}


def unseen(function):
    with nm.doctor(network := Inner(function)) as seen:
        network(X)
    return [one.evidence for one in seen.findings() if one.trap == "softmax-unseen"]


@pytest.mark.parametrize("case", SOFTMAXES)
def test_a_softmax_that_is_written_out(case):
    function, formula = SOFTMAXES[case]
    assert unseen(function) == [f"{formula} ran once, and neither measure nor replace can see it"]


@pytest.mark.parametrize("case", OTHERS)
def test_a_formula_that_is_none(case):
    assert unseen(OTHERS[case]) == []
