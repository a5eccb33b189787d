"""Values to NumPy and back on PyTorch, below Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from narrowmax.errors import DataError


def spellings() -> list[tuple[object, str, bool]]:
    """`(owner, name, whether it gives logs)` of PyTorch's own softmaxes."""
    owners = (torch, torch.nn.functional)
    return [(owner, name, name.startswith("log")) for owner in owners for name in ("softmax", "log_softmax")]


@contextmanager
def traced_anew(clones: dict) -> Iterator[None]:
    """What `torch.compile` has made runs as it was written inside."""
    with torch.compiler.set_stance("force_eager"):
        yield


def flush() -> None:
    """Wait until all that was told has been heard: PyTorch does not run ahead."""


def plain(x: Tensor) -> np.ndarray | None:
    """The values of a tensor as NumPy."""
    return _wide(x.detach()).cpu().numpy()


def told(x, function: Callable[..., None], *more) -> None:
    """Call `function` with the values of tensors."""
    function(*map(plain, (x, *more)))


def through(x: Tensor, forward: Callable[..., np.ndarray], backward: Callable[..., np.ndarray], *more):
    """`forward(x, *more)` on NumPy, with the gradient `backward(g, x, *more)` by `x`; in the shape and dtype of `x`."""
    return _Through.apply(x, forward, backward, *more)


def scores(query: Tensor, key: Tensor) -> Tensor:
    """(batch, queries, heads, d), (batch, keys, heads, d) -> (batch, heads, queries, keys), at least float32."""
    return torch.einsum("BTNH,BSNH->BNTS", _wide(query), _wide(key))


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, forward, backward, *more):
        ctx.call, ctx.more = backward, more
        ctx.save_for_backward(x)
        return _tensor(forward(*map(plain, (x, *more))), x)

    @staticmethod
    def backward(ctx, g):
        if torch.is_grad_enabled():
            raise DataError("the softmax of a design has no second derivative; call backward without create_graph")
        (x,) = ctx.saved_tensors
        return _tensor(ctx.call(*map(plain, (g, x, *ctx.more))), x), *[None] * (2 + len(ctx.more))


def _tensor(got: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(got)).to(like)


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
