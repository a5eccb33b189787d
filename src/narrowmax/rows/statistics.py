"""`RowStatistics`: everything `narrowmax measure` reports, from one pass, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from narrowmax.errors import DataError
from narrowmax.rows import bins
from narrowmax.rows.limits import Digits, Fit, digits, limits
from narrowmax.rows.masses import separate_mass

WITHIN = (5.0, 10.0, 15.0, 20.0)
FORMATS = ("fp16", "bf16", "e4m3", "e5m2")
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)
"""Shares of rows for which `within_for` gives the range."""
DISTANCES = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0)
"""Distances from the maximum beyond which `tail` gives the softmax mass."""

_BLOCK = 1 << 16  # elements worked on at once
_SMALL = 1 << 15  # elements below which a call waits for others
_LONG = 200  # elements of a row from which NumPy is quick at its largest one
_WHOLE = 1 << 20  # elements that are counted whole before rows are sampled
_COUNTERS = (
    "rows", "empty_rows", "not_finite", "elements", "masked", "tied_rows", "gap_rows", "sampled_rows", "sampled_values"
)  # fmt: skip
_HISTOGRAMS = ("magnitudes", "reaches", "distances", "gaps")


class RowStatistics:
    """Statistics of softmax rows; rows of any length, elements masked or not.

    within: the R at which `all_within` is counted exactly, besides every R with 7 significant
        bits or fewer (5, 10, 12.5, ... up to every integer below 128), which always is
    formats: fixed or float formats (texts) to say what they would clip, flush and round
    sample: 1 counts every row whole.  N counts every row's range, and beyond the first million elements
        everything else of one block of rows in N, which is cheaper: see `report`

    Memory: 0.6 MiB, and 0.13 MiB for each power of two of row lengths, however much is seen.
    """

    def __init__(self, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, sample: int = 1):
        self._sample, self._turn = sample, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray | None]] = []  # small calls, counted together
        self._within = dict.fromkeys((np.float64(r) for r in within), 0)  # a Python float would be narrowed to float32
        self._fits = {str(text): Fit(limits(text)) for text in formats}
        self._digits = Digits()
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._histograms = {name: np.zeros(bins.BINS, np.int64) for name in _HISTOGRAMS}
        self._mass: dict[int, np.ndarray] = {}  # by ceil(log2 n): softmax mass by distance, and rows
        self._mean = self._square = 0.0  # mean, and sum of squared deviations from it
        self._low, self._high = np.inf, -np.inf
        self._shortest, self._longest = np.inf, 0
        self._widest = self._closest = 0.0  # largest distance and gap

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
        if sum(one.size for one, _ in self._waiting) >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        masked = any(present is not None for _, present in waiting)
        masks = [np.ones(one.shape, bool) if present is None else present for one, present in waiting if masked]
        self._count(np.concatenate([one for one, _ in waiting]), np.concatenate(masks) if masked else None)

    def _count(self, rows: np.ndarray, present: np.ndarray | None) -> None:
        step = max(1, _BLOCK // max(rows.shape[1], 1))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            self._block(rows[part], None if present is None else present[part])

    def merge(self, other: RowStatistics) -> RowStatistics:
        """Add what `other` has seen, which must be counted at the same R and formats; returns self."""
        if (self._within.keys(), self._fits.keys()) != (other._within.keys(), other._fits.keys()):
            raise DataError("statistics counted at different R or formats cannot be merged; make both with the same")
        self._flush()
        other._flush()
        self._merge_moments(other._counts["sampled_values"], other._mean, other._square)
        for name in _COUNTERS:
            self._counts[name] += other._counts[name]
        for name in _HISTOGRAMS:
            self._histograms[name] += other._histograms[name]
        for r, count in other._within.items():
            self._within[r] += count
        for text, fit in other._fits.items():
            self._fits[text].merge(fit)
        for length, mass in other._mass.items():
            self._mass[length] = self._mass.get(length, 0) + mass
        self._digits.table += other._digits.table
        self._extend(other._low, other._high, other._shortest, other._longest, other._widest, other._closest)
        return self

    def _extend(self, low, high, shortest, longest, widest, closest) -> None:
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._shortest, self._longest = min(self._shortest, shortest), max(self._longest, longest)
        self._widest, self._closest = max(self._widest, widest), max(self._closest, closest)

    def _merge_moments(self, count: int, mean: float, square: float) -> None:
        before = self._counts["sampled_values"]
        if not count:
            return
        delta, total = mean - self._mean, before + count
        self._square += square + delta * delta * before * count / total
        self._mean += delta * count / total

    # One block of rows, small enough to stay in cache.

    def _block(self, rows: np.ndarray, present: np.ndarray | None) -> None:
        top, bottom = (None, None) if present is not None else _ends(rows)
        if top is None or not (np.isfinite(top).all() and np.isfinite(bottom).all()):
            rows, present = self._set_aside(rows, present)
            if not len(rows):
                return
            top = _ends(rows if present is None else np.where(present, rows, -np.inf))[0]
            bottom = _ends(rows if present is None else np.where(present, rows, np.inf))[1]
        self._count_ranges(rows, present, top, bottom)
        stands_for = self._stands_for(rows.size)
        if not stands_for:
            return
        self._counts["sampled_rows"] += len(rows)
        whole = self if stands_for == 1 else RowStatistics(self._within, self._fits)
        whole._count_values(rows.ravel() if present is None else rows[present])
        whole._count_distances(rows, present, top)
        whole._count_gaps(rows if present is None else np.where(present, rows, -np.inf), top)
        if whole is not self:
            self.merge(whole._times(stands_for))

    def _stands_for(self, elements: int) -> int:
        """How many blocks a block counts for: itself until there were enough elements, then one in `sample` for all."""
        if self._sample == 1 or self._counts["elements"] <= _WHOLE + elements:
            return 1
        self._turn = (self._turn + 1) % self._sample
        return self._sample if self._turn == 0 else 0

    def _times(self, times: int) -> RowStatistics:
        """Each thing that was counted, so many times; else the first million would outweigh all that came later."""
        self._counts = {name: count * times for name, count in self._counts.items()}
        self._square *= times
        for counted in (*self._histograms.values(), *self._mass.values(), self._digits.table):
            counted *= times
        for fit in self._fits.values():
            fit.clipped, fit.flushed, fit.inexact = fit.clipped * times, fit.flushed * times, fit.inexact * times
        return self

    def _count_ranges(self, rows, present, top, bottom) -> None:
        """What is counted of every row, sampled or not."""
        lengths = np.array([rows.shape[1]]) if present is None else present.sum(axis=1)
        self._counts["rows"] += len(rows)
        self._counts["elements"] += rows.size
        self._counts["masked"] += 0 if present is None else rows.size - int(lengths.sum())
        reach = np.maximum(np.abs(top), np.abs(bottom))
        self._histograms["reaches"] += bins.count(reach)
        for r in self._within:
            self._within[r] += int((reach <= r).sum())
        widest = (top.astype(np.float64) - bottom).max()
        ends = float(bottom.min()), float(top.max())
        self._extend(*ends, int(lengths.min()), int(lengths.max()), float(widest), 0.0)

    def _set_aside(self, rows, present):
        """Rows that are neither empty nor broken, which are counted; masked cells 0; mask None where there are none."""
        live = np.isfinite(rows)
        if present is None and live.all():
            return rows, None
        present = rows != -np.inf if present is None else present & (rows != -np.inf)
        broken = (present & ~live).any(axis=1)
        empty = ~present.any(axis=1) & ~broken
        self._counts["not_finite"] += int(broken.sum())
        self._counts["empty_rows"] += int(empty.sum())
        self._counts["elements"] += rows.shape[1] * int(empty.sum())
        self._counts["masked"] += rows.shape[1] * int(empty.sum())
        kept = ~(broken | empty)
        rows, present = rows[kept], present[kept]
        return (rows, None) if present.all() else (np.where(present, rows, 0), present)

    def _count_values(self, values: np.ndarray) -> None:
        mean = float(values.mean(dtype=np.float64))
        self._merge_moments(len(values), mean, float(np.square(values - np.float64(mean)).sum()))
        self._counts["sampled_values"] += len(values)
        self._histograms["magnitudes"] += bins.count(values)
        nonzero = values[values != 0]
        exponent, significant = digits(nonzero)
        self._digits.update(exponent, significant)
        for fit in self._fits.values():
            fit.update(nonzero, exponent, significant)

    def _count_distances(self, rows, present, top) -> None:
        distance = top[:, None].astype(np.float64) - rows
        weight = np.exp(-distance) if present is None else np.where(present, np.exp(-distance), 0.0)
        weight /= weight.sum(axis=1, keepdims=True)
        lengths = np.full(len(rows), rows.shape[1]) if present is None else present.sum(axis=1)
        number = bins.index(np.maximum(distance, 0.0))
        shown = number if present is None else number[present]
        self._histograms["distances"] += np.bincount(shown.ravel(), minlength=bins.BINS)
        self._count_mass(number, weight, np.ceil(np.log2(lengths)).astype(int))

    def _count_mass(self, number, weight, magnitude_of_n) -> None:
        for power in np.unique(magnitude_of_n):
            of_length = magnitude_of_n == power
            mass = np.zeros(bins.BINS + 1)
            mass[:-1] = np.bincount(number[of_length].ravel(), weight[of_length].ravel(), bins.BINS)
            mass[-1] = of_length.sum()
            self._mass[int(power)] = self._mass.get(int(power), 0) + mass

    def _count_gaps(self, rows, top) -> None:
        if rows.shape[1] < 2:
            return
        rest = rows.copy()
        np.put_along_axis(rest, rows.argmax(axis=1)[:, None], -np.inf, axis=1)
        second = rest.max(axis=1)
        paired = second != -np.inf
        gap = top[paired].astype(np.float64) - second[paired]
        self._counts["gap_rows"] += len(gap)
        self._counts["tied_rows"] += int((gap == 0).sum())
        self._histograms["gaps"] += bins.count(gap)
        self._closest = max(self._closest, float(gap.max(initial=0.0)))

    # The report.

    def all_within(self, r: float) -> float | None:
        """Exact share of rows whose every unmasked element has absolute value <= `r`; None without rows.

        Raises DataError for an `r` that was not asked for and needs more than 7 significant bits.
        """
        self._flush()
        r = float(r)
        if r in self._within:
            count = self._within[r]
        elif r > 0 and bins.is_edge(r):
            count = bins.at_most(self._histograms["reaches"], r)
        else:
            raise DataError(
                f"the share within R = {r:g} was not counted; ask for it before measuring, with within=({r:g},)"
            )
        return count / self._counts["rows"] if self._counts["rows"] else None

    def within_for(self, share: float) -> tuple[float, float]:
        """`(low, high)`: the smallest R that holds `share` (0..1) of the rows lies in (low, high].

        Bin edges, at most 1.6 % apart; exact, both equal, for share 1.
        """
        self._flush()
        largest = max(abs(self._low), abs(self._high))
        if share >= 1:
            return largest, largest
        low, high = bins.bracket(self._histograms["reaches"], share)
        return low, min(high, largest)

    def report(self, within: Iterable[float] | None = None) -> dict:
        """What was seen, under the keys of `narrowmax measure --json`, in plain Python values.

        Shares are 0..1.  Quantiles (`within_for`, `distance`, `gap`) are the upper edges of their
        bins, at most 1.6 % too large; `max`, `min` and `all_within` are exact, and so are `ties` and
        `formats` where all rows were counted whole.
        Everything but counts is None where no row was seen.

        separate_mass: elements far below all others, see `masses`; None where there are none
        sampled: the share of rows that were counted whole, 1 unless `sample` was given.  Counts, `min`, `max`,
        `all_within`, `within_for` and the largest `distance` are of all rows; the rest is of these.
        """
        self._flush()
        counts = self._counts
        present = counts["elements"] - counts["masked"]
        asked = tuple(self._within) if within is None else tuple(within)
        known = counts["rows"] > 0
        return {
            "rows": counts["rows"],
            "empty_rows": counts["empty_rows"],
            "not_finite": counts["not_finite"],
            "sampled": counts["sampled_rows"] / counts["rows"] if known else None,
            "n": int(self._longest),
            "n_min": int(self._shortest) if known else 0,
            "elements": present,
            "masked": counts["masked"],
            "min": self._low if known else None,
            "max": self._high if known else None,
            "mean": self._mean if known else None,
            "std": float(np.sqrt(self._square / counts["sampled_values"])) if known else None,
            "all_within": {f"{float(r):g}": self.all_within(r) for r in asked},
            "within_for": {f"{q:g}": self.within_for(q)[1] if known else None for q in QUANTILES},
            "distance": self._quantiles("distances", ("p50", "p99", "p999"), self._widest),
            "separate_mass": separate_mass(self._histograms["distances"]),
            "gap": self._quantiles("gaps", ("p01", "p50"), self._closest),
            "ties": counts["tied_rows"] / counts["gap_rows"] if counts["gap_rows"] else None,
            "tail": self._tail(),
            "formats": self._formats(counts["sampled_values"]),
        }

    def _quantiles(self, name: str, wanted: tuple[str, ...], largest: float) -> dict:
        histogram = self._histograms[name]
        if not histogram.any():
            return dict.fromkeys((*wanted, "max"))
        found = {key: min(bins.bracket(histogram, float(f"0.{key[1:]}"))[1], largest) for key in wanted}
        return {**found, "max": largest}

    def _tail(self) -> list[dict]:
        """Mean softmax mass beyond each of `DISTANCES`, by row length up to each power of two."""
        return [
            {
                "n_above": (1 << power) // 2,
                "n_up_to": 1 << power,
                "rows": int(mass[-1]),
                "beyond": {f"{d:g}": float(_beyond(mass, d)) for d in DISTANCES},
            }
            for power, mass in sorted(self._mass.items())
        ]

    def _past(self, limits) -> int:
        """Of the ends of all rows, how many a format clips: what was sampled may hold none of them."""
        return int(self._high > limits.clip_above) + int(self._low < limits.clip_below)

    def _formats(self, present: int) -> dict:
        share = (lambda count: count / present) if present else (lambda count: None)
        return {
            text: {
                "overflow": share(max(fit.clipped, self._past(fit.limits))),
                "underflow": share(fit.flushed),
                "inexact": share(fit.inexact),
                "bits_used": self._digits.bits_used(fit.limits, self._low, self._high),
                "bits": fit.limits.format.bits,
            }
            for text, fit in self._fits.items()
        }


def _ends(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the smallest element of each row; NaN where there is one."""
    if rows.shape[1] >= _LONG:
        return rows.max(axis=1), rows.min(axis=1)
    columns = _columns(rows)  # a copy is quicker than a loop for each of many short rows
    return columns.max(axis=0), columns.min(axis=0)


_scratch = threading.local()


def _columns(rows: np.ndarray) -> np.ndarray:
    """`rows.T`, contiguous, in memory that this thread uses again: fresh pages cost more than a copy."""
    if rows.size > _BLOCK:
        return rows.T.copy()
    if not hasattr(_scratch, rows.dtype.name):
        setattr(_scratch, rows.dtype.name, np.empty(_BLOCK, rows.dtype))
    memory = getattr(_scratch, rows.dtype.name)
    columns = memory[: rows.size].reshape(rows.shape[::-1])
    columns[:] = rows.T
    return columns


def _beyond(mass: np.ndarray, distance: float) -> float:
    return mass[np.searchsorted(bins.EDGES, distance) + 1 : -1].sum() / mass[-1]


def _as_rows(x, mask, axis) -> tuple[np.ndarray, np.ndarray | None]:
    """`x` as float32 or float64 (rows, n), the mask with it."""
    x = np.asarray(x)
    if x.ndim == 0:
        raise DataError("a single number is no row; give an array with an axis of elements")
    x = x.astype(np.float32 if x.dtype.kind == "f" and x.dtype.itemsize <= 4 else np.float64, copy=False)
    if mask is not None:
        mask = _broadcast(np.asarray(mask, dtype=bool), x.shape)
        mask = np.moveaxis(mask, axis, -1).reshape(-1, x.shape[axis])
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis]), mask


def _broadcast(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise DataError(
            f"a mask of shape {mask.shape} does not fit rows of shape {shape}; give one broadcastable to it"
        ) from None
