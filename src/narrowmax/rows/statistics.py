"""`RowStatistics`: everything `narrowmax measure` reports, from one pass, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from narrowmax.errors import DataError
from narrowmax.rows import bins
from narrowmax.rows.counting import BLOCK, count
from narrowmax.rows.counts import Counts
from narrowmax.rows.masses import separate_mass

WITHIN = (5.0, 10.0, 15.0, 20.0)
FORMATS = ("fp16", "bf16", "e4m3", "e5m2")
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)
"""Shares of rows for which `within_for` gives the range."""
DISTANCES = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0)
"""Distances from the maximum beyond which `tail` gives the softmax mass."""

_SMALL = 1 << 15  # elements below which a call waits for others
_WHOLE = 1 << 20  # elements that are counted whole before rows are sampled


class RowStatistics:
    """Statistics of softmax rows; rows of any length, elements masked or not.

    within: the R at which `all_within` is counted exactly, besides every R with 7 significant
        bits or fewer (5, 10, 12.5, ... up to every integer below 128), which always is
    formats: fixed or float formats (texts) to say what they would clip, flush and round
    sample: 1 counts every row whole.  N counts every row's range, and beyond the first million elements
        everything else of one block of rows in N, which is cheaper: see `report`

    Memory: 0.5 MiB, and 0.13 MiB for each power of two of row lengths, however much is seen.
    """

    def __init__(self, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, sample: int = 1):
        self._sample, self._turn = sample, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray | None]] = []  # small calls, counted together
        self._within, self._formats = tuple(within), tuple(str(text) for text in formats)
        self._seen = Counts(self._within, self._formats)

    def update(self, x: np.ndarray, mask: np.ndarray | None = None, axis: int = -1) -> None:
        """Count the rows along `axis` of `x` (floats or integers: values).

        mask: broadcastable to `x`, true = takes part; -inf never takes part.
        Rows with NaN or +inf among their elements are set aside and counted as `not_finite`.

        Raises DataError if `mask` does not fit `x`.
        """
        rows, present = _as_rows(x, mask, axis)
        if rows.size < _SMALL and rows.size:
            self._wait(rows.copy(), present)
            return
        self._flush()
        self._count(rows, present)

    def _wait(self, rows: np.ndarray, present: np.ndarray | None) -> None:
        """Keep a small call until there is a block of its like: a pass over the bins costs what 10,000 elements do."""
        like = self._waiting and (self._waiting[0][0].shape[1], self._waiting[0][0].dtype)
        if like and like != (rows.shape[1], rows.dtype):
            self._flush()
        self._waiting.append((rows, None if present is None else present.copy()))
        if sum(one.size for one, _ in self._waiting) >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        masked = any(present is not None for _, present in waiting)
        masks = [np.ones(one.shape, bool) if present is None else present for one, present in waiting if masked]
        self._count(np.concatenate([one for one, _ in waiting]), np.concatenate(masks) if masked else None)

    def _count(self, rows: np.ndarray, present: np.ndarray | None) -> None:
        step = max(1, BLOCK // max(rows.shape[1], 1))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            count(self._seen, rows[part], None if present is None else present[part], self._stands_for())

    def _stands_for(self) -> int:
        """How many blocks the next one counts for: one until there were enough elements, then `sample` or none.

        Else the first million would outweigh all that came later.
        """
        if self._sample == 1 or self._seen["elements"] <= _WHOLE:
            return 1
        self._turn = (self._turn + 1) % self._sample
        return self._sample if self._turn == 0 else 0

    def merge(self, other: RowStatistics) -> RowStatistics:
        """Add what `other` has seen, which must be counted at the same R and formats; returns self."""
        self._flush()
        other._flush()
        self._seen.merge(other._seen)
        return self

    # The report.

    def all_within(self, r: float) -> float | None:
        """Exact share of rows whose every unmasked element has absolute value <= `r`; None without rows.

        Raises DataError for an `r` that was not asked for and needs more than 7 significant bits.
        """
        self._flush()
        r = float(r)
        seen = self._seen
        if r in seen.within:
            inside = int(seen.inside[np.searchsorted(seen.within, r)])
        elif r > 0 and bins.is_edge(r):
            inside = bins.at_most(seen.reaches, r)
        else:
            raise DataError(
                f"the share within R = {r:g} was not counted; ask for it before measuring, with within=({r:g},)"
            )
        return inside / seen["rows"] if seen["rows"] else None

    def within_for(self, share: float) -> tuple[float, float]:
        """`(low, high)`: the smallest R that holds `share` (0..1) of the rows lies in (low, high].

        Bin edges, at most 1.6 % apart in float32's normal numbers, see `bins.NORMAL`; exact, both equal, for share 1.
        """
        self._flush()
        largest = max(abs(self._seen.end("low")), abs(self._seen.end("high")))
        if share >= 1:
            return largest, largest
        low, high = bins.bracket(self._seen.reaches, share)
        return low, min(high, largest)

    def report(self, within: Iterable[float] | None = None) -> dict:
        """What was seen, under the keys of `narrowmax measure --json`, in plain Python values.

        Shares are 0..1.  Quantiles (`within_for`, `distance`, `gap`) are the upper edges of their
        bins, at most 1.6 % too large (beyond float32's normal numbers they are bounds, see `bins.NORMAL`);
        `max`, `min` and `all_within` are exact, and so are `ties` and
        `formats` where all rows were counted whole.
        `std` is NaN where the squares are beyond float64.
        Everything but counts is None where no row was seen.

        separate_mass: elements far below all others, see `masses`; None where there are none
        tail: mean softmax mass beyond distances from the maximum, by row length; to 5e-6 of itself, see `counting`
        sampled: the share of rows that were counted whole, 1 unless `sample` was given.  Counts, `min`, `max`,
        `all_within`, `within_for` and the largest `distance` are of all rows; the rest is of these.
        """
        self._flush()
        seen, rows = self._seen, self._seen["rows"]
        known = (lambda name: seen.end(name)) if rows else (lambda name: None)
        return {
            "rows": rows,
            "empty_rows": seen["empty_rows"],
            "not_finite": seen["not_finite"],
            "sampled": seen["sampled_rows"] / rows if rows else None,
            "n": int(seen.end("longest")),
            "n_min": int(seen.end("shortest")) if rows else 0,
            "elements": seen["elements"] - seen["masked"],
            "masked": seen["masked"],
            "min": known("low"),
            "max": known("high"),
            "mean": known("mean"),
            "std": self._deviation() if rows else None,
            "all_within": {f"{float(r):g}": self.all_within(r) for r in (self._within if within is None else within)},
            "within_for": {f"{q:g}": self.within_for(q)[1] if rows else None for q in QUANTILES},
            "distance": _quantiles(seen.distances, ("p50", "p99", "p999"), seen.end("widest")),
            "separate_mass": separate_mass(seen.distances),
            "gap": _quantiles(seen.gaps, ("p01", "p50"), seen.end("closest")),
            "ties": seen["tied_rows"] / seen["gap_rows"] if seen["gap_rows"] else None,
            "tail": self._tail(),
            "formats": {text: self._format(text) for text in self._formats},
        }

    def _deviation(self) -> float:
        square = self._seen.end("square")
        return math.sqrt(square / self._seen["sampled_values"]) if math.isfinite(square) else math.nan

    def _tail(self) -> list[dict]:
        """Mean softmax mass beyond each of `DISTANCES`, by row length up to each power of two."""
        return [
            {
                "n_above": (1 << power) // 2,
                "n_up_to": 1 << power,
                "rows": int(mass[-1]),
                "beyond": {f"{d:g}": float(_beyond(mass, d)) for d in DISTANCES},
            }
            for power, mass in sorted(self._seen.mass.items())
        ]

    def _format(self, text: str) -> dict:
        seen, limits = self._seen, self._seen.fits.limits[text]
        low, high, of = seen.end("low"), seen.end("high"), seen["sampled_values"]
        clipped, flushed, inexact = seen.fits.of(text, seen.digits)
        # Of the ends of all rows, how many it clips: what was sampled may hold none of them.
        past = int(high > limits.clip_above) + int(low < limits.clip_below)
        return {
            "overflow": max(clipped, past) / of if of else None,
            "underflow": flushed / of if of else None,
            "inexact": inexact / of if of else None,
            "bits_used": seen.digits.bits_used(limits, low, high),
            "bits": limits.format.bits,
        }


def _quantiles(histogram: np.ndarray, wanted: tuple[str, ...], largest: float) -> dict:
    if not histogram.any():
        return dict.fromkeys((*wanted, "max"))
    found = {key: min(bins.bracket(histogram, float(f"0.{key[1:]}"))[1], largest) for key in wanted}
    return {**found, "max": largest}


def _beyond(mass: np.ndarray, distance: float) -> float:
    return mass[np.searchsorted(bins.EDGES, distance) + 1 : -1].sum() / mass[-1]


def _as_rows(x, mask, axis) -> tuple[np.ndarray, np.ndarray | None]:
    """`x` as float32 or float64 (rows, n), the mask with it."""
    x = np.asarray(x)
    if x.ndim == 0:
        raise DataError("a single number is no row; give an array with an axis of elements")
    x = x.astype(np.float32 if x.dtype.kind == "f" and x.dtype.itemsize <= 4 else np.float64, copy=False)
    present = None if mask is None else _along(_broadcast(np.asarray(mask, dtype=bool), x.shape), axis)
    return _along(x, axis), present


def _along(x: np.ndarray, axis: int) -> np.ndarray:
    moved = np.moveaxis(x, axis, -1)
    return moved.reshape(math.prod(moved.shape[:-1]), moved.shape[-1])


def _broadcast(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise DataError(
            f"a mask of shape {mask.shape} does not fit rows of shape {shape}; give one broadcastable to it"
        ) from None
