"""`measure`: what reaches each softmax of a network, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from narrowmax.errors import DataError
from narrowmax.models.attention import has_no_values, unwrapped
from narrowmax.models.interception import Listener
from narrowmax.models.measurement import Measurement
from narrowmax.models.sites import Site
from narrowmax.rows import FORMATS, WITHIN


class NetworkMeasurement(Measurement, Listener):
    """A measurement of a torch network; made by `measure`.

    `watches`: set it to False to count nothing for a while, during validation for instance.
    """

    watches = True

    def __init__(self, network: nn.Module, within: Iterable[float], formats: Iterable[str], heads: bool):
        Listener.__init__(self, network)
        Measurement.__init__(self, within, formats, heads)

    def see(self, site: Site, x: Tensor, axis: int, mask: Tensor | None, heads: int | None) -> None:
        """Count one call: rows of `x` along `axis`, true in `mask` where an element takes part."""
        rows, axis = as_array(x, axis)
        self.count(site, rows, None if mask is None else unwrapped(mask).cpu().numpy(), axis, heads)


def measure(
    network: nn.Module, *, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False
) -> NetworkMeasurement:
    """See what reaches every softmax of `network` inside a `with` block; nothing in it changes.

        with nm.measure(network) as seen:
            run(network)
        print(seen.table())

    within: R of the shares of rows inside +-R; formats: what to compare values with
    heads: keep the heads of an attention apart
    Rows that a backward pass computes again (checkpointing) are not counted twice.  Not seen: a softmax
    written out by hand, and those of another network with weights that runs in the block.  What
    `torch.compile` has made runs uncompiled inside the block.

    Raises DataError, with the remedy, for what hides a softmax: TorchScript, flex_attention and other fused
    kernels called by their own names, the flash and flex implementations of Transformers, sparse softmax.
    """
    return NetworkMeasurement(network, within, formats, heads)


def as_array(x: Tensor, axis: int) -> tuple[np.ndarray, int]:
    """`x` as NumPy, with its axis counted from the end; the examples of a `vmap` unwrapped."""
    axis = axis if axis < 0 else axis - x.dim()
    while torch._C._functorch.is_functorch_wrapped_tensor(x):
        if torch._C._functorch.is_batchedtensor(x):
            batch = torch._C._functorch.maybe_get_bdim(x) - x.dim() - 1
            axis = axis - 1 if batch >= axis else axis
        x = torch._C._functorch.get_unwrapped(x)
    if has_no_values(x):
        raise DataError(
            "a network that runs without values (torch.export, fake and meta tensors) has nothing to measure; measure "
            "the network itself, or what torch.export.unflatten makes of a program"
        )
    with torch._C._DisableFuncTorch():  # whose transforms would wrap these two as well
        x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        return np.atleast_1d(x.cpu().resolve_neg().numpy()), axis if x.dim() else 0
