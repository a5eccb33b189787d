"""A design's softmax as an operator `narrowmax::softmax`, which `torch.compile` and `torch.export` keep as one node.

A design travels in it as its text, so that a program that was exported can be saved, and run where narrowmax is.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import handle_torch_function, has_torch_function_unary

from narrowmax import designs, formats
from narrowmax.errors import DataError, DesignError
from narrowmax.models import attention, gradients
from narrowmax.models.training import rounding

_ARGUMENTS = "Tensor x, int axis, Tensor? mask, str design, bool log, float? slope"
_design = lru_cache(designs.design)


@torch.library.custom_op("narrowmax::softmax", mutates_args=(), schema=f"({_ARGUMENTS}) -> Tensor")
def _forward(x, axis, mask, design, log, slope):
    return gradients.softmax(x.detach(), axis, mask, _design(design), log, slope, False)


@torch.library.custom_op("narrowmax::softmax_backward", mutates_args=(), schema=f"(Tensor g, {_ARGUMENTS}) -> Tensor")
def _backward(g, x, axis, mask, design, log, slope):
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        y = gradients.softmax(leaf, axis, mask, _design(design), log, slope, False)
        return torch.autograd.grad(y, leaf, g)[0]


@_forward.register_fake
def _(x, axis, mask, design, log, slope):
    return torch.empty_like(x)


@_backward.register_fake
def _(g, x, axis, mask, design, log, slope):
    return torch.empty_like(x)


def _keep(ctx, inputs, output):
    x, ctx.axis, mask, ctx.design, ctx.log, ctx.slope = inputs
    ctx.save_for_backward(x, mask)


def _gradient(ctx, g):
    x, mask = ctx.saved_tensors
    return _backward(g, x, ctx.axis, mask, ctx.design, ctx.log, ctx.slope), *[None] * 5


@torch.library.custom_op("narrowmax::rounded", mutates_args=(), schema="(Tensor x, str format) -> Tensor")
def rounded(x, format):
    """The values of the codes of `x` in a format; its gradient is that of the identity: straight through."""
    return rounding.rounded(formats.parse(format), x.detach())


rounded.register_fake(lambda x, format: torch.empty_like(x))
rounded.register_autograd(lambda ctx, g: (g, None))
_forward.register_autograd(_gradient, setup_context=_keep)


def explicit_softmax(x: Tensor, dim: int, mask: Tensor | None, design, slope: float | None) -> Tensor:
    """The design's probabilities of `x` along `dim`, in a network that says so itself: who measures hears of it."""
    if has_torch_function_unary(x):
        return handle_torch_function(explicit_softmax, (x,), x, dim, mask, design, slope)
    return softmax(x, dim, attention.hidden(x) if mask is None else mask, design, False, slope, False)


def explicit_log_softmax(x: Tensor, dim: int, mask: Tensor | None, design, slope: float | None) -> Tensor:
    """The logs of `explicit_softmax`, of probabilities no smaller than half the output's step."""
    if has_torch_function_unary(x):
        return handle_torch_function(explicit_log_softmax, (x,), x, dim, mask, design, slope)
    return softmax(x, dim, attention.hidden(x) if mask is None else mask, design, True, slope, False)


def softmax(x: Tensor, axis: int, mask: Tensor | None, design, log: bool, slope: float | None, spare: bool) -> Tensor:
    """`gradients.softmax`; as an operator where the network is being compiled or exported.

    Raises DataError for other than floats and inside `torch.func`, DesignError for a design without a text where the
    network is compiled or runs without values.
    """
    if not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        raise DataError(f"a softmax is of floats, not of {kind}; call float() first, or give dtype=torch.float32")
    if not (attention.is_traced() or attention.has_no_values(x)):
        _refuse_transforms(x)
        return gradients.softmax(x, axis, mask, design, log, slope, spare)
    text = getattr(design, "text", None)
    if text is None:
        raise DesignError(f"{type(design).__name__} has no text to be compiled with; give a narrowmax.Design")
    return _forward(x, axis, mask, text, log, slope)


def _refuse_transforms(x: Tensor) -> None:
    """Inside `torch.vmap` and `torch.func` a tensor has no values to hand to a design; a design has no tangent."""
    gradients.refuse_vmap(x)
    if forward_ad.unpack_dual(x).tangent is not None:
        raise DataError("a softmax with a tangent (forward mode) cannot be replaced; call backward on the loss instead")
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        raise DataError("a softmax inside torch.func cannot be replaced; call backward on the loss instead")
