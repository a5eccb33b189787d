"""What was seen of the softmaxes of a network, whatever it is written in."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from narrowmax import store
from narrowmax.models import showing
from narrowmax.models.sites import Site
from narrowmax.rows import FORMATS, WITHIN, RowStatistics

SAMPLE = 13
"""Beyond the first million elements of a softmax, one block of rows in so many is counted whole; of all, the range is.

A prime, so that calls that repeat in a pattern do not fall into step with it.
"""


class Measurement:
    """What was seen of each softmax: `table()`, `plot()`, `to_json()`, `softmaxes()`.

    `epoch`: set it as training goes on, statistics are kept apart by it (None: no epochs).
    within: R of the shares of rows inside +-R; formats: what to compare values with
    heads: keep the heads of an attention apart
    """

    def __init__(self, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False):
        self.epoch: int | None = None
        self._within, self._formats, self._heads = tuple(within), tuple(formats), heads
        self._statistics: dict[tuple, RowStatistics] = {}
        self._lock = threading.Lock()
        self._fresh()  # refuses what it cannot count before anything runs

    def count(self, site: Site, rows: np.ndarray, present: np.ndarray | None, axis: int, heads: int | None) -> None:
        """Count one call.

        rows: floats, rows along `axis` (from the end); present: true where an element takes part, broadcasts
        heads: how many the scores (..., heads, queries, keys) or (batch*heads, queries, keys) have, where known
        """
        with self._lock:
            if not self._heads or not heads:
                self._of(site, None).update(rows, present, axis)
                return
            for head, (part, seen) in enumerate(_by_head(rows, present, heads)):
                self._of(site, head).update(part, seen, axis)

    def _fresh(self) -> RowStatistics:
        return RowStatistics(self._within, self._formats, SAMPLE)

    def _of(self, site: Site, head: int | None) -> RowStatistics:
        key = (site.name, site.kind, site.function, head, self.epoch)
        if key not in self._statistics:
            self._statistics[key] = self._fresh()
        return self._statistics[key]

    def merge(self, other: Measurement) -> Measurement:
        """Add what `other` has seen (another process, another part of the data); returns self."""
        for key, seen in other._statistics.items():
            self._statistics[key] = self._statistics.get(key, self._fresh()).merge(seen)
        return self

    def softmaxes(self, within: Iterable[float] | None = None) -> list[dict]:
        """One dict for each softmax, head and epoch: the keys of `narrowmax measure --json`."""
        with self._lock:
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
        return {name: getattr(self, name) for name in ("_statistics", "_within", "_formats", "_heads")}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state, epoch=None, _lock=threading.Lock())


def _by_head(rows: np.ndarray, present: np.ndarray | None, heads: int):
    """`(rows, mask)` of each head."""
    shape = rows.shape if rows.ndim >= 4 else (-1, heads, *rows.shape[-2:])
    rows = rows.reshape(shape)
    present = (
        None
        if present is None
        else np.broadcast_to(present, rows.shape if present.ndim >= 4 else present.shape).reshape(shape)
    )
    for head in range(heads):
        yield rows[..., head, :, :], None if present is None else present[..., head, :, :]
