"""The two gradients of a design inside a network."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from narrowmax.designs import design
from narrowmax.errors import DataError, FormatError
from narrowmax.models import gradients, replace
from narrowmax.models.surrogates import slope_of


def gradient(design, x, g, how, log=False):
    network = nn.LogSoftmax(-1) if log else nn.Softmax(-1)
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    with replace(network, design, gradient=how):
        network(x).backward(torch.tensor(g, dtype=torch.float64))
    return x.grad.numpy()


def jacobian(y):
    return np.diag(y) - np.outer(y, y)


X, G = [0.8, -1.3, 2.1], [1.0, -2.0, 0.5]


@pytest.mark.parametrize("output", ["UQ0.3", "UQ1.16"])
def test_straight_through_is_the_slope_of_softmax_at_the_rounded_input(plain, output):
    """Also where the output is so coarse that its rows do not sum to 1."""
    rounded = np.round(np.array(X) * 2) / 2
    y = np.exp(rounded) / np.exp(rounded).sum()
    got = gradient(plain("Q4.1", output), X, G, "straight-through")
    assert np.allclose(got, jacobian(y) @ G, rtol=1e-12)
    assert np.allclose(gradient(plain("Q4.1", output), X, [3.0] * 3, "straight-through"), 0, atol=1e-15)


def test_straight_through_of_the_logarithm(plain):
    rounded = np.round(np.array(X) * 2) / 2
    y = np.exp(rounded) / np.exp(rounded).sum()
    got = gradient(plain("Q4.1", "UQ1.30"), X, G, "straight-through", log=True)
    assert np.allclose(got, np.array(G) - y * sum(G), rtol=1e-12)


def test_straight_through_passes_where_the_input_saturates_and_slope_does_not(plain):
    design = plain("Q3.1", "UQ1.16")  # -4 to 3.5
    x = [3.0, 5.0, -9.0]
    through, own = (gradient(design, x, G, how) for how in ("straight-through", "slope"))
    y = np.exp([3.0, 3.5, -4.0]) / np.exp([3.0, 3.5, -4.0]).sum()
    assert np.allclose(through, jacobian(y) @ G, rtol=1e-12)
    assert own[0] != 0
    assert own[1:].tolist() == [0, 0]


def test_slope_takes_the_designs_own_output(plain):
    design = plain("Q4.1", "UQ0.3")
    codes = np.round(np.exp(np.round(np.array(X) * 2) / 2) / np.exp(np.round(np.array(X) * 2) / 2).sum() * 8)
    y = codes / codes.sum()
    assert np.allclose(gradient(design, X, G, "slope"), slope_of(design) * jacobian(y) @ G, rtol=1e-12)


@pytest.mark.parametrize(("base", "slope"), [(math.e, 1.0), (2.0, math.log(2)), (4.0, math.log(4))])
def test_the_slope_of_a_base_is_its_logarithm(plain, base, slope):
    assert slope_of(plain("Q4.8", "UQ1.20", base)) == pytest.approx(slope, rel=1e-3)
    assert slope_of(plain("Q4.3", "UQ0.8", base)) == pytest.approx(slope, rel=0.05)


def test_a_design_too_coarse_to_have_a_slope_has_1(plain):
    class OneHot:
        def __call__(self, x):
            return (x == x.max(axis=-1, keepdims=True)) & (x.argmax(-1)[:, None] == np.arange(2))

    assert slope_of(OneHot()) == 1.0


def test_the_gradient_of_masked_elements_and_empty_rows_is_zero(plain):
    x = [[0.5, -math.inf, 1.0], [-math.inf] * 3]
    for how in ("straight-through", "slope"):
        got = gradient(plain(), x, [G, G], how)
        assert got[0, 1] == 0
        assert got[0, 0] == pytest.approx(-got[0, 2]) != 0
        assert got[1].tolist() == [0, 0, 0]


def test_a_second_derivative_is_refused(plain):
    network, x = nn.Softmax(-1), torch.tensor(X, requires_grad=True)
    message = "^the softmax of a design has no second derivative; call backward without create_graph$"
    with replace(network, plain()), pytest.raises(DataError, match=message):
        torch.autograd.grad(network(x)[0], x, create_graph=True)


def test_wrapping_inputs_have_the_gradient_where_they_land(plain):
    y = np.exp([-3.0, 1.0]) / np.exp([-3.0, 1.0]).sum()
    got = gradient(plain("Q3.1:half_even:wrap", "UQ1.16"), [5.0, 1.0], [1.0, 0.0], "straight-through")
    assert np.allclose(got, jacobian(y) @ [1.0, 0.0], rtol=1e-12)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("how", ["straight-through", "slope"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2), (torch.float16, 2e-3)])
def test_narrow_floats_have_the_gradient_of_wide_ones(plain, dtype, tolerance, how, log):
    x = torch.tensor([[0.75, -1.25, 2.0, -9.5], [0.0, 0.0, 0.5, -math.inf]])
    g = torch.tensor([[1.0, -2.0, 0.5, 3.0], [0.5, 1.0, -1.0, 0.0]])
    found = []
    for kind in (torch.float64, dtype):
        network, leaf = nn.LogSoftmax(-1) if log else nn.Softmax(-1), x.to(kind).requires_grad_()
        with replace(network, plain("Q4.3", "UQ1.14"), gradient=how):
            out = network(leaf)
            out.backward(g.to(kind))
        assert out.dtype == leaf.grad.dtype == kind
        found.append((out.detach().double(), leaf.grad.double()))
    for wide, narrow in zip(*found, strict=True):
        assert torch.allclose(narrow, wide, rtol=tolerance, atol=tolerance)


def test_any_axis_and_a_gradient_that_is_not_contiguous(plain):
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    g = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).permute(2, 1, 0)
    for axis in (0, 1, -1):
        leaf, moved = x.clone().requires_grad_(), x.movedim(axis, -1).contiguous().requires_grad_()
        for given, network, slope in ((leaf, nn.Softmax(axis), g), (moved, nn.Softmax(-1), g.movedim(axis, -1))):
            with replace(network, plain()):
                network(given).backward(slope)
        assert torch.allclose(leaf.grad.movedim(axis, -1), moved.grad, rtol=1e-12)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_divergence_is_named_and_other_refusals_are_passed_on(value):
    network, broken = nn.Softmax(-1), torch.tensor([[0.0, value]])
    found = design("table_divide")
    with pytest.raises(DataError, match="^NaN or infinity reached a softmax"), replace(network, found):
        network(broken)
    with pytest.raises(FormatError, match="^100 is outside Q5.3:forbid"):
        with replace(network, design("table_divide(input=Q5.3:forbid)")):
            network(torch.tensor([0.0, 100.0]))


def test_without_a_gradient_none_is_prepared(plain, monkeypatch):
    monkeypatch.setattr(gradients, "_derivative", None)
    network = nn.Softmax(-1)
    with replace(network, plain()):
        network(torch.tensor(X))
        with pytest.raises(TypeError):
            network(torch.tensor(X, requires_grad=True))


def test_what_a_network_gives_to_softmax_is_left_as_it_is(plain):
    """The gradient may lie in memory that nobody reads any more, and there alone."""
    for network, given in ((nn.Softmax(-1), X), (nn.LogSoftmax(-1), X), (nn.Softmax(-1), [*X, -math.inf])):
        x = torch.tensor(given, requires_grad=True)
        with replace(network, plain("Q3.1")):
            network(x).sum().backward()
        assert x.detach().equal(torch.tensor(given))


@pytest.mark.parametrize("how", ["straight-through", "slope"])
def test_a_gradient_can_be_taken_twice(plain, how):
    q = torch.randn(2, 1, 5, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    with replace(nn.Identity(), plain(), gradient=how):
        out = nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)
    first, second = (torch.autograd.grad(out.sum(), q, retain_graph=True)[0] for _ in range(2))
    assert first.equal(second) and first.abs().max() > 0


@pytest.mark.parametrize("mask", [-1e9, -3e4, -math.inf])
@pytest.mark.parametrize("grad", [True, False])
def test_a_masked_logarithm_is_as_low_as_its_mask(mask, grad, plain):
    """So that an entropy, whose p is 0 there, is finite where the mask is, and no masked class is ever drawn."""
    x = torch.tensor([[1.0, mask, 0.5], [0.0, 0.0, 0.0]], requires_grad=grad)
    with replace(nn.LogSoftmax(-1), plain(output="UQ1.20")):
        got = torch.log_softmax(x, -1)
    assert got[0, 1] == mask
    assert torch.allclose(got, torch.log_softmax(x, -1), atol=1e-4, rtol=1e-4)
    assert torch.isfinite((got.exp() * got).sum()) == math.isfinite(mask)


def test_what_a_mask_beside_the_scores_hides_has_no_logarithm(plain):
    from narrowmax.torch import LogSoftmax

    x, mask = torch.tensor([1.0, 2.0, math.nan]), torch.tensor([True, False, False])
    assert LogSoftmax(plain())(x, mask)[1:].tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
def test_other_than_floats_are_refused(dtype, plain):
    message = "^a softmax is of floats, not of (int64|bool); call float.. first, or give dtype=torch.float32$"
    x = torch.ones(2, 3).to(dtype)
    with pytest.raises(DataError, match=message), replace(nn.Softmax(-1), plain()):
        torch.softmax(x, -1)


def test_tangents_are_refused(plain):
    x = torch.ones(2, 3)
    message = r"^a softmax with a tangent \(forward mode\) cannot be replaced; call backward on the loss instead$"
    with forward_ad.dual_level(), pytest.raises(DataError, match=message), replace(nn.Softmax(-1), plain()):
        torch.softmax(forward_ad.make_dual(x, x), -1)


def test_a_view_with_the_negative_bit(plain):
    x = torch.tensor([[1 + 2j, 3 - 1j]]).conj().imag
    with replace(nn.Softmax(-1), plain()):
        assert torch.equal(torch.softmax(x, -1), plain()(x.clone().resolve_neg()).float())
