"""A design's softmax inside a network: forward bit-accurate, backward by choice.

Softmax's backward needs only its output `y`: `dx = y * (g - sum(g * y))`.

straight-through: `y` is the float softmax of the design's *quantised* input, which is exactly the
    straight-through gradient of the input format.  The design's own output is not taken: where its
    rows do not sum to 1, a constant in `g` would leak into `dx`.
slope: `y` is the design's own output, its rows scaled to sum to 1, times the slope of its
    exponential (1 for base e, ln 2 for base 2, measured on the design), and 0 where the input
    saturates: what the surrogate itself would do to a small change.

`y` is computed in the dtype of `x`, at least float32, as in the network that is replaced: float32
holds quantised inputs of up to 24 bits exactly, and a gradient is no more exact than its network.
"""

from __future__ import annotations

import torch
from torch import Tensor

from narrowmax.engines.tensors import quantising
from narrowmax.errors import DataError
from narrowmax.models.masks import MASKED_BELOW
from narrowmax.models.surrogates import DIVERGED, half_step, refuse_shape


class DesignSoftmax(torch.autograd.Function):
    """`apply(x, axis, mask, design, log, slope, spare)`: the design's probabilities, or their logs.

    slope: None for the straight-through gradient, else the number of `slope_of(design)`
    spare: whether nobody reads `x` any more, so that its memory may hold what the gradient needs
    Logs are of probabilities no smaller than half the output's step, for a 0 has none.
    """

    @staticmethod
    def forward(ctx, x, axis, mask, design, log, slope, spare):
        wide = _plain(x, mask)
        got = probabilities(design, wide, axis, mask)
        ctx.axis, ctx.log = axis, log
        room = wide if spare or wide.data_ptr() != x.data_ptr() else None
        ctx.save_for_backward(*_derivative(design, wide, axis, mask, got, slope, room))
        return _given(design, got, x, mask, log)

    @staticmethod
    def backward(ctx, g):
        if torch.is_grad_enabled():
            raise DataError("the softmax of a design has no second derivative; call backward without create_graph")
        y, *factor = ctx.saved_tensors
        wide = g.to(y.dtype)
        if ctx.log:
            dx = torch.addcmul(wide, y, wide.sum(ctx.axis, keepdim=True), value=-1)
        else:
            dx = torch._softmax_backward_data(wide, y, ctx.axis, y.dtype)
        for each in factor:
            dx = dx * each
        return dx.to(g.dtype), *[None] * 6


def softmax(x: Tensor, axis: int, mask: Tensor | None, design, log: bool, slope: float | None, spare: bool) -> Tensor:
    """`DesignSoftmax` where there is a gradient to take, and what it gives where there is none."""
    if x.requires_grad and torch.is_grad_enabled():
        return DesignSoftmax.apply(x, axis, mask, design, log, slope, spare)
    return _given(design, probabilities(design, _plain(x, mask), axis, mask), x, mask, log)


def _given(design, got: Tensor, x: Tensor, mask: Tensor | None, log: bool) -> Tensor:
    """Probabilities of `x` as the network wants them; masked logs are what masked them, as those of PyTorch nearly are.

    So an entropy of them is finite where the mask is.
    """
    if log:
        got = got.clamp(min=half_step(design.output)).log_()
        if mask is not None:
            masks = x.detach().masked_fill(~(x < MASKED_BELOW), -torch.inf)
            got = torch.where(mask, got, masks.to(got.dtype))
    return got.to(x.dtype)


def probabilities(design, x: Tensor, axis: int, mask: Tensor | None) -> Tensor:
    """What `design` makes of `x`, of the same shape, dtype and device; masked elements and empty rows are 0.

    Raises DataError for NaN or +inf.
    """
    try:
        got = design(x, axis=axis, mask=mask)
        got = got if isinstance(got, Tensor) else torch.as_tensor(got, device="cpu")
    except DataError:
        _refuse_divergence(x)
        raise
    refuse_shape(design, got.shape, x.shape)
    got = got if got.dtype is x.dtype and got.device == x.device else got.to(x)
    return got if mask is None else got.masked_fill(~mask, 0.0)


def refuse_vmap(x: Tensor) -> None:
    """Raises DataError inside `torch.vmap`, where a tensor has no values to hand to a design."""
    if torch._C._functorch.is_batchedtensor(x):
        raise DataError("a softmax inside torch.vmap cannot be replaced; call the network on batches instead")


def _plain(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x`, detached, at least float32, masked cells 0."""
    x = x.detach().resolve_neg()
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return wide if mask is None else wide.masked_fill(~mask, 0.0)


def _refuse_divergence(x: Tensor) -> None:
    if not torch.isfinite(x).all():
        raise DataError(DIVERGED)


def _derivative(
    design, x: Tensor, axis: int, mask: Tensor | None, got: Tensor, slope: float | None, room: Tensor | None
) -> tuple[Tensor, ...]:
    """`(y,)` or `(y, factor)` in x's dtype: the softmax whose derivative is taken, and a factor for each input.

    room: memory that may be written into, which may be that of x
    """
    if slope is None:
        return (_softmax(quantising.rounded_somewhere(design.input, x, room), axis, mask),)
    total = got.sum(axis, keepdim=True)
    y = torch.where(total > 0, got / total.clamp(min=torch.finfo(got.dtype).tiny), 0.0)
    lowest, highest = design.input.lowest, design.input.highest
    inside = torch.ones_like(x) if lowest is None else (x >= float(lowest)) & (x <= float(highest))
    return y, inside.to(y.dtype) * slope


def _softmax(x: Tensor, axis: int, mask: Tensor | None) -> Tensor:
    """Softmax of memory that may be written into; into other memory, which is quicker than into the same."""
    if mask is None:
        return torch.softmax(x, axis)
    return torch.softmax(x.masked_fill_(~mask, -torch.inf), axis).nan_to_num_(nan=0.0)
