"""`measure`: what reaches each softmax of a network, in one streaming pass."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from narrowmax import store
from narrowmax.models import showing
from narrowmax.models.attention import unwrapped
from narrowmax.models.interception import Listener, Site
from narrowmax.rows import FORMATS, WITHIN, RowStatistics


class Measurement(Listener):
    """What was seen of each softmax: `table()`, `plot()`, `to_json()`, `softmaxes()`.

    `epoch`: set it as training goes on, statistics are kept apart by it (None: no epochs).
    """

    watches = True

    def __init__(
        self,
        network: nn.Module,
        within: Iterable[float] = WITHIN,
        formats: Iterable[str] = FORMATS,
        heads: bool = False,
    ):
        super().__init__(network)
        self.epoch: int | None = None
        self._within, self._formats, self._heads = tuple(within), tuple(formats), heads
        self._statistics: dict[tuple, RowStatistics] = {}
        self._lock = threading.Lock()
        RowStatistics(self._within, self._formats)  # refuses what it cannot count before anything runs

    def wants(self, site: Site) -> bool:
        """A measurement replaces nothing."""
        return False

    def see(self, site: Site, x: Tensor, axis: int, mask: Tensor | None, heads: int | None) -> None:
        """Count one call: rows of `x` along `axis`, true in `mask` where an element takes part."""
        rows, axis = _array(x, axis)
        present = None if mask is None else unwrapped(mask).cpu().numpy()
        with self._lock:
            if not self._heads or not heads:
                self._of(site, None).update(rows, present, axis)
                return
            for head, (part, seen) in enumerate(_by_head(rows, present, heads)):
                self._of(site, head).update(part, seen, axis)

    def _of(self, site: Site, head: int | None) -> RowStatistics:
        key = (site.name, site.kind, site.function, head, self.epoch)
        if key not in self._statistics:
            self._statistics[key] = RowStatistics(self._within, self._formats)
        return self._statistics[key]

    def merge(self, other: Measurement) -> Measurement:
        """Add what `other` has seen (another process, another part of the data); returns self."""
        for key, seen in other._statistics.items():
            fresh = RowStatistics(self._within, self._formats)
            self._statistics[key] = self._statistics.get(key, fresh).merge(seen)
        return self

    def softmaxes(self, within: Iterable[float] | None = None) -> list[dict]:
        """One dict for each softmax, head and epoch: the keys of `narrowmax measure --json`."""
        return [
            {"name": name, "kind": kind, "function": function, "head": head, "epoch": epoch, **seen.report(within)}
            for (name, kind, function, head, epoch), seen in self._statistics.items()
        ]

    def to_json(self) -> str:
        """`softmaxes()` as strict JSON text with a schema."""
        return store.dumps({"schema": "narrowmax/measure/1", "softmaxes": self.softmaxes()})

    def table(self) -> str:
        """A plain-text table, a line for each softmax."""
        return showing.table(self.softmaxes())

    def plot(self, name: str | None = None):
        """A plotly figure: the range of each softmax, or, of the one called `name`, shares inside +-R by epoch.

        Raises DataError where no such softmax was seen, ToolMissing without plotly.
        """
        return showing.plot(self.softmaxes(), name)

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        return showing.html(self.softmaxes())

    def __getstate__(self) -> dict:
        """Only what was seen travels to another process, not the network."""
        return {
            "_statistics": self._statistics,
            "_within": self._within,
            "_formats": self._formats,
            "_heads": self._heads,
        }


def measure(
    network: nn.Module, *, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False
) -> Measurement:
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
    return Measurement(network, within, formats, heads)


def _array(x: Tensor, axis: int) -> tuple[np.ndarray, int]:
    """`x` as NumPy, with its axis counted from the end; the examples of a `vmap` unwrapped."""
    axis = axis if axis < 0 else axis - x.dim()
    while torch._C._functorch.is_batchedtensor(x):
        batch = torch._C._functorch.maybe_get_bdim(x) - x.dim() - 1
        x = torch._C._functorch.get_unwrapped(x)
        axis = axis - 1 if batch >= axis else axis
    x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return x.cpu().numpy(), axis


def _by_head(rows: np.ndarray, present: np.ndarray | None, heads: int):
    """`(rows, mask)` of each head: scores are (..., heads, queries, keys) or (batch*heads, queries, keys)."""
    shape = rows.shape if rows.ndim >= 4 else (-1, heads, *rows.shape[-2:])
    rows = rows.reshape(shape)
    present = (
        None
        if present is None
        else np.broadcast_to(present, rows.shape if present.ndim >= 4 else present.shape).reshape(shape)
    )
    for head in range(heads):
        yield rows[..., head, :, :], None if present is None else present[..., head, :, :]
