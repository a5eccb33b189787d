"""A design's softmax and gradient on NumPy arrays: the twin of what PyTorch networks get."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.designs import design
from narrowmax.errors import DataError, DesignError
from narrowmax.models import surrogates
from narrowmax.models.gradients import DesignSoftmax

DESIGNS = ("table_divide(input=Q4.2, output=UQ0.6)", "ideal(input=Q3.3, output=UQ0.8)", "ideal(input=fp16)")


@given(
    text=st.sampled_from(DESIGNS),
    seed=st.integers(0, 2**16),
    log=st.booleans(),
    masked=st.booleans(),
    gradient=st.sampled_from(surrogates.GRADIENTS),
    axis=st.sampled_from([-1, -2]),
)
def test_the_same_as_in_a_torch_network(text, seed, log, masked, gradient, axis):
    random = np.random.default_rng(seed)
    x, g = random.normal(0, 4, (2, 3, 5)), random.normal(0, 1, (2, 3, 5))
    mask = random.random(x.shape) < 0.7 if masked else None
    made = design(text)
    slope = surrogates.slope_for(made, gradient)
    tensor = torch.tensor(x, requires_grad=True)
    flags = None if mask is None else torch.from_numpy(mask)
    wanted = DesignSoftmax.apply(tensor, axis, flags, made, log, slope, False)
    wanted.backward(torch.from_numpy(g if mask is None else np.where(mask, g, 0)))
    assert np.array_equal(surrogates.forward(made, x, axis, mask, log), wanted.detach().numpy())
    got = surrogates.backward(made, g, x, axis, mask, log, slope)
    assert np.allclose(got, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype):
    x = np.array([[0.5, 1.0]], dtype)
    made = design(DESIGNS[0])
    assert surrogates.forward(made, x, -1, None, True).dtype == dtype
    assert surrogates.backward(made, np.ones(x.shape), x, -1, None, False, 1.0).dtype == dtype


def test_refusals():
    made = design(DESIGNS[0])
    with pytest.raises(DataError, match="^NaN or infinity reached a softmax that a design replaces; look for .* it$"):
        surrogates.forward(made, np.array([[1.0, np.nan]]), -1, None, False)
    with pytest.raises(DataError, match="^gradient 'none' is not known; give one of straight-through, slope$"):
        surrogates.slope_for(made, "none")
    with pytest.raises(DesignError, match="^.* gives .* for a softmax of .*; a network needs a design with one output"):
        surrogates.forward(lambda x, axis, mask: x[..., :1], np.zeros((2, 3)), -1, None, False)
