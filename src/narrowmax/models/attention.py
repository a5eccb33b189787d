"""Scaled dot-product attention written out, so that its softmax can be seen and replaced; masks."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad

from narrowmax.errors import DataError
from narrowmax.models.masks import MASKED_BELOW
from narrowmax.models.workspace import borrowed


@dataclass
class Arguments:
    """The arguments of `F.scaled_dot_product_attention`."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False

    def __post_init__(self):
        """Raises DataError for a mask that is a tensor of a class with an attention of its own."""
        if self.attn_mask is not None and type(self.attn_mask) is not Tensor:
            self.attn_mask = _written_out(self.attn_mask, self.query)


def _written_out(mask: Tensor, query: Tensor) -> Tensor:
    """The values of a mask of a class of its own."""
    if hasattr(mask, "_materialize"):  # torch.nn.attention.bias.CausalBias, which holds none
        return mask._materialize(query.device)
    if getattr(type(mask).__torch_function__, "__func__", None) in _ORDINARY:
        return mask
    raise DataError(
        f"what attention makes of a mask of the class {type(mask).__name__} cannot be seen; give a bool tensor, true "
        "where a key takes part, or an additive one"
    )


_ORDINARY = (Tensor.__torch_function__.__func__, None)
"""Of a class whose functions are those of every tensor; of one that leaves them alone, as a parameter's, None."""


def hidden(x: Tensor) -> Tensor | None:
    """True where an element takes part; None where all do.  By value: see `MASKED_BELOW`."""
    x = x.detach()
    if is_traced() or has_no_values(x):
        return ~(x < MASKED_BELOW)
    if x.numel() and unwrapped(x).amin().item() >= MASKED_BELOW:  # one quick pass; NaN takes the other
        return None
    masked = x < MASKED_BELOW
    return ~masked if unwrapped(masked).any() else None


def has_no_values(x: Tensor) -> bool:
    """Whether it is a meta or a fake tensor, of a network that runs for its shapes alone."""
    return x.is_meta or isinstance(x, FakeTensor)


def is_traced() -> bool:
    """Whether what runs is being compiled, exported or traced: then nothing may depend on values."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def unwrapped(x: Tensor) -> Tensor:
    """What a tensor inside `torch.vmap` or `torch.func.grad` stands for: all examples together, without a gradient."""
    while torch._C._functorch.is_functorch_wrapped_tensor(x):
        x = torch._C._functorch.get_unwrapped(x)
    return x


def scores(given: Arguments) -> tuple[Tensor, int, Tensor | None]:
    """`(scores, axis, mask)`: what reaches the softmax, (..., queries, keys), at least float32.

    An additive mask is added; its cells below `MASKED_BELOW` are masked instead.  Computed with
    autocast off: kernels accumulate the scores of half-precision inputs in float32.
    """
    query, key = _wide(given.query), _wide(given.key)
    with _autocast_off(query.device.type):
        if given.enable_gqa:
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
        scale = 1 / math.sqrt(query.shape[-1]) if given.scale is None else given.scale
        return _masked(_product(query, key, scale), given)


def _product(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """`(query * scale) @ key.T`; where nobody keeps it (no gradient, real values), in borrowed memory."""
    plain = query.is_cpu and query.shape[:-2] == key.shape[:-2] and query.dtype == key.dtype
    if not plain or is_traced() or not _has_values(query) or not _has_values(key):
        return (query * scale) @ key.transpose(-2, -1)
    if torch.is_grad_enabled():
        return _Product.apply(query, key, scale)
    scaled, keyed = borrowed("query", query.shape, query.dtype), borrowed("key", key.shape, key.dtype)
    room = borrowed("scores", (*query.shape[:-1], key.shape[-2]), query.dtype)
    torch.bmm(_heads(torch.mul(query, scale, out=scaled)), _heads(keyed.copy_(key)).transpose(1, 2), out=_heads(room))
    return room


def _heads(x: Tensor) -> Tensor:
    """(..., rows, columns) -> (all heads, rows, columns)."""
    return x.view(math.prod(x.shape[:-2]), *x.shape[-2:])


class _Product(torch.autograd.Function):
    """`apply(query, key, scale)`: what autograd makes of `(query * scale) @ key.T`, in fewer passes over it."""

    @staticmethod
    def forward(ctx, query, key, scale):
        scaled, keyed = torch.mul(query, scale, out=query.new_empty(query.shape)), key.contiguous()
        ctx.scale = scale
        ctx.save_for_backward(query, key, scaled, keyed)
        return torch.bmm(_heads(scaled), _heads(keyed).transpose(1, 2)).view(*query.shape[:-1], key.shape[-2])

    @staticmethod
    def backward(ctx, g):
        query, key, scaled, keyed = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is wanted
            return (g @ key) * ctx.scale, g.transpose(-2, -1) @ (query * ctx.scale), None
        g, (needs_query, needs_key, _) = _heads(g.contiguous()), ctx.needs_input_grad
        scaled, keyed = _heads(scaled), _heads(keyed)
        of_query = torch.baddbmm(scaled, g, keyed, beta=0, alpha=ctx.scale).view(query.shape) if needs_query else None
        return of_query, torch.bmm(g.transpose(1, 2), scaled).view(key.shape) if needs_key else None, None


def _has_values(x: Tensor) -> bool:
    """Whether it is its values alone: of no subclass, of no transform, and without a tangent (forward mode)."""
    if type(x) not in (Tensor, torch.nn.Parameter) or torch._C._functorch.is_functorch_wrapped_tensor(x):
        return False
    return forward_ad.unpack_dual(x).tangent is None


def autocast(x: Tensor) -> torch.dtype | None:
    """What autocast makes of `x` before a matrix product, None where it leaves it alone (off, or float64)."""
    if x.is_meta:
        return None
    kind = x.device.type
    on = torch.is_autocast_enabled(kind) and x.dtype in (torch.float32, torch.float16, torch.bfloat16)
    return torch.get_autocast_dtype(kind) if on else None


def upcast(x: Tensor) -> bool:
    """Whether autocast makes a softmax of `x` in float32: on every kind of device but the processor."""
    return not x.is_cpu and autocast(x) is not None


def _autocast_off(kind: str) -> AbstractContextManager:
    """A context in which autocast is off on a kind of device; where it is off anyway, none has to be made."""
    on = kind != "meta" and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if on else nullcontext()


def _narrow(x: Tensor) -> Tensor:
    """`x` as the attention kernels receive it."""
    dtype = autocast(x)
    return x if dtype is None else x.to(dtype)


def _wide(x: Tensor) -> Tensor:
    """`x` as the attention kernels take it into their products: half precision accumulates in float32."""
    x = _narrow(x)
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _masked(x: Tensor, given: Arguments) -> tuple[Tensor, int, Tensor | None]:
    x, mask = _with_mask(x, given.attn_mask)
    if given.is_causal:  # aligned at the top left; together with a mask as the fused kernels take the two
        causal = torch.ones(x.shape[-2:], dtype=torch.bool, device=x.device).tril()
        mask = causal if mask is None else mask & causal
    return x, -1, None if mask is None else mask.expand(x.shape)


def _with_mask(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Scores, with what an additive mask adds, and the cells that take part."""
    if mask is None or mask.dtype == torch.bool:
        return x, mask
    gone = mask < MASKED_BELOW  # NaN is no mask
    return x + mask.masked_fill(gone, 0).to(x.dtype), ~gone


def weighted(given: Arguments, probabilities: Tensor) -> Tensor:
    """The rest of attention: dropout, then the mean of the values by `probabilities`."""
    value, dtype = _wide(given.value), autocast(given.value) or given.value.dtype
    with _autocast_off(probabilities.device.type):
        probabilities = probabilities.to(value.dtype)
        if given.enable_gqa:
            value = value.repeat_interleave(given.query.shape[-3] // value.shape[-3], dim=-3)
        if given.dropout_p > 0:
            probabilities = F.dropout(probabilities, given.dropout_p, training=True)
        return (probabilities @ value).to(dtype)
