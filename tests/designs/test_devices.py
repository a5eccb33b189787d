"""Designs on tensors of any device: here a processor's, handed to the functions that serve the others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from narrowmax.designs import design, devices

X = torch.tensor(np.random.default_rng(0).normal(0, 4, (3, 4, 5)), dtype=torch.float32)
MASKS = {
    "none": None,
    "all": torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)) < 0.6,
    "array": np.random.default_rng(1).random((4, 5)) < 0.6,
    "column": torch.tensor([[True], [False], [True], [True]]),
    "one": torch.tensor(True),
}


def both(found, x, axis=-1, mask=None):
    """Codes and probabilities, in lists."""
    codes = devices.simulate(found, x, axis, mask)
    return codes.tolist(), devices.probabilities(found, codes, x.shape[axis], axis, torch.float32).tolist()


@pytest.mark.parametrize("name", ["table_reciprocal", "table_divide", "softermax", "argmax"])
@pytest.mark.parametrize("mask", MASKS)
def test_equals_the_processors(name, mask, monkeypatch):
    found, mask = design(name), MASKS[mask]
    infinite = X.clone()
    infinite[0, 1, 2], infinite[2] = -math.inf, -math.inf
    cases = [(x, axis) for x in (X, infinite, X.double(), X.half(), X.bfloat16()) for axis in (0, 1, -1)]
    wanted = [(found.simulate(x, axis, mask).tolist(), found(x, axis, mask).tolist()) for x, axis in cases]
    for name in ("cpu", "numpy", "__array__"):
        monkeypatch.setattr(torch.Tensor, name, None)  # from here on nothing may leave its device
    for case, expected in zip(cases, wanted, strict=True):
        assert both(found, *case, mask) == expected


@pytest.mark.parametrize("form", ["Q5.3", "UQ3.5:floor", "Q3.2:half_up:wrap", "Q8.0:half_away"])
def test_any_fixed_point_input(form):
    found = design(f"table_divide(input={form})")
    x = X.abs() * 5
    assert devices.simulate(found, x, -1, None).equal(found.simulate(x))


def test_one_row_and_a_gradient():
    found = design("table_divide")
    codes = devices.simulate(found, X[0, 0].clone().requires_grad_(), -1, None)
    assert codes.equal(found.simulate(X[0, 0])) and not codes.requires_grad


@pytest.mark.parametrize("name, x, axis, mask", [
    ("ideal", X, -1, None),
    ("ideal(input=fp16)", X, -1, None),
    ("table_divide(input=Q5.3:forbid)", X, -1, None),
    ("table_reciprocal(input=Q5.3, exp=UQ0.24, reciprocal=UQ1.24, output=UQ0.24)", X, -1, None),
    ("table_divide", X.to(torch.int32), -1, None),
    ("table_divide", X > 0, -1, None),
    ("table_divide", torch.zeros(3, 0), -1, None),
    ("table_divide", torch.tensor(1.0), -1, None),
    ("table_divide", X, 3, None),
    ("table_divide", X, -1, torch.ones(5)),
    ("table_divide", X, -1, np.ones((2, 5), bool)),
    ("table_divide", X, -1, np.ones((1, 3, 4, 5), bool)),
    ("table_divide", torch.tensor([1.0, math.nan]), -1, None),
    ("table_divide", torch.tensor([1.0, math.inf]), -1, None),
    ("table_divide", torch.tensor([1.0, math.nan, -math.inf]), -1, torch.tensor([False, True, True])),
    ("table_divide", torch.zeros(2, 3, device="meta"), -1, None),
])  # fmt: skip
def test_what_is_left_to_the_processor(name, x, axis, mask):
    assert devices.simulate(design(name), x, axis, mask) is None


def test_what_is_masked_may_be_anything():
    x = torch.tensor([1.0, math.nan, math.inf, 0.5])
    found, mask = design("table_divide"), torch.tensor([True, False, False, True])
    assert devices.simulate(found, x, -1, mask).equal(found.simulate(x, mask=mask))


def test_probabilities_are_exact_or_left_to_the_processor():
    codes = torch.tensor([[3, 255]])
    assert devices.probabilities(design("table_divide"), codes, 2, -1, torch.float32).dtype == torch.float32
    assert devices.probabilities(design("table_divide(output=UQ8.20)"), codes, 2, -1, torch.float32) is None
    wide = devices.probabilities(design("table_divide(output=UQ8.20)"), codes, 2, -1, torch.float64)
    assert wide.tolist() == [[3 * 2.0**-20, 255 * 2.0**-20]]
    assert codes.tolist() == [[3, 255]]
