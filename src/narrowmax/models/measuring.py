"""`measure`: what reaches each softmax of a network, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from narrowmax.models.attention import unwrapped
from narrowmax.models.interception import Listener
from narrowmax.models.measurement import Measurement
from narrowmax.models.sites import Site
from narrowmax.rows import FORMATS, WITHIN


class NetworkMeasurement(Measurement, Listener):
    """A measurement of a torch network; made by `measure`."""

    watches = True

    def __init__(self, network: nn.Module, within: Iterable[float], formats: Iterable[str], heads: bool):
        Listener.__init__(self, network)
        Measurement.__init__(self, within, formats, heads)

    def wants(self, site: Site) -> bool:
        """A measurement replaces nothing."""
        return False

    def see(self, site: Site, x: Tensor, axis: int, mask: Tensor | None, heads: int | None) -> None:
        """Count one call: rows of `x` along `axis`, true in `mask` where an element takes part."""
        rows, axis = _array(x, axis)
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
    written out by hand, and one inside TorchScript; flex_attention, which hides its own, is refused with
    a DataError.  What `torch.compile` has made before runs uncompiled inside the block.
    """
    return NetworkMeasurement(network, within, formats, heads)


def _array(x: Tensor, axis: int) -> tuple[np.ndarray, int]:
    """`x` as NumPy, with its axis counted from the end; the examples of a `vmap` unwrapped."""
    axis = axis if axis < 0 else axis - x.dim()
    while torch._C._functorch.is_batchedtensor(x):
        batch = torch._C._functorch.maybe_get_bdim(x) - x.dim() - 1
        x = torch._C._functorch.get_unwrapped(x)
        axis = axis - 1 if batch >= axis else axis
    x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return x.cpu().numpy(), axis
