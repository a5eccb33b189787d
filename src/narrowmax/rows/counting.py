"""Blocks of rows, counted: by compiled loops, or by NumPy, which defines what they do.

Both give the same counts.  Masses differ by the rounding of exp(-distance), which the loops take in
float32: by (distance + 2) * 2e-7 of each at most; means and deviations by that of float64.
"""

from __future__ import annotations

import threading

import numpy as np

from narrowmax.rows import bins
from narrowmax.rows.counts import Counts
from narrowmax.rows.limits import digits

try:
    from narrowmax.rows import _native
except ImportError:  # where narrowmax was installed without a compiler
    _native = None

BLOCK = 1 << 16  # elements worked on at once, small enough to stay in cache
_LONG = 200  # elements of a row from which NumPy is quick at its largest one


def count(counts: Counts, rows: np.ndarray, present: np.ndarray | None, times: int) -> None:
    """Add a block of rows to `counts`.

    rows: float32 or float64 (rows, n); present: true where an element takes part
    times: how often everything but the ranges is counted; 0 counts the ranges alone
    """
    (by_numpy if _native is None else by_loops)(counts, rows, present, times)


def by_loops(counts: Counts, rows: np.ndarray, present: np.ndarray | None, times: int) -> None:
    """`count`, compiled."""
    rows = np.ascontiguousarray(rows)
    present = None if present is None else np.ascontiguousarray(present)
    counted = 0
    while counted < len(rows):
        left = slice(counted, None)
        done, power = _native.count(rows[left], None if present is None else present[left], times, counts.tables)
        counted += done
        if power >= 0:
            counts.mass_of(power)


def by_numpy(counts: Counts, rows: np.ndarray, present: np.ndarray | None, times: int) -> None:
    """`count`, by NumPy."""
    top, bottom = (None, None) if present is not None or not rows.size else _ends(rows)
    if top is None or not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        rows, present = _set_aside(counts, rows, present)
        if not len(rows):
            return
        top = _ends(rows if present is None else np.where(present, rows, -np.inf))[0]
        bottom = _ends(rows if present is None else np.where(present, rows, np.inf))[1]
    _count_ranges(counts, rows, present, top, bottom)
    if times:
        counts.record["sampled_rows"] += len(rows)
        _count_values(counts, rows.ravel() if present is None else rows[present], times)
        _count_distances(counts, rows, present, top, times)
        _count_gaps(counts, rows if present is None else np.where(present, rows, -np.inf), top, times)


def _ends(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the smallest element of each row; NaN where there is one."""
    if rows.shape[1] >= _LONG:
        return rows.max(axis=1), rows.min(axis=1)
    columns = _columns(rows)  # a copy is quicker than a loop for each of many short rows
    return columns.max(axis=0), columns.min(axis=0)


_scratch = threading.local()


def _columns(rows: np.ndarray) -> np.ndarray:
    """`rows.T`, contiguous, in memory that this thread uses again: fresh pages cost more than a copy."""
    if rows.size > BLOCK:
        return rows.T.copy()
    if not hasattr(_scratch, rows.dtype.name):
        setattr(_scratch, rows.dtype.name, np.empty(BLOCK, rows.dtype))
    memory = getattr(_scratch, rows.dtype.name)
    columns = memory[: rows.size].reshape(rows.shape[::-1])
    columns[:] = rows.T
    return columns


def _set_aside(counts: Counts, rows, present):
    """Rows that are neither empty nor broken, which are counted; masked cells 0; mask None where there are none."""
    live = np.isfinite(rows)
    present = rows != -np.inf if present is None else present & (rows != -np.inf)
    broken = (present & ~live).any(axis=1)
    empty = ~present.any(axis=1) & ~broken
    counts.record["not_finite"] += broken.sum()
    counts.record["empty_rows"] += empty.sum()
    counts.record["elements"] += rows.shape[1] * empty.sum()
    counts.record["masked"] += rows.shape[1] * empty.sum()
    kept = ~(broken | empty)
    rows, present = rows[kept], present[kept]
    return (rows, None) if present.all() else (np.where(present, rows, 0), present)


def _count_ranges(counts: Counts, rows, present, top, bottom) -> None:
    """What is counted of every row, sampled or not."""
    lengths = np.array([rows.shape[1]]) if present is None else present.sum(axis=1)
    counts.record["rows"] += len(rows)
    counts.record["elements"] += rows.size
    counts.record["masked"] += 0 if present is None else rows.size - lengths.sum()
    reach = np.maximum(np.abs(top), np.abs(bottom))
    counts.reaches += bins.count(reach)
    for at, r in enumerate(counts.within):  # a Python float would be narrowed to float32
        counts.inside[at] += (reach <= r).sum()
    ends = {"low": bottom.min(), "high": top.max(), "shortest": lengths.min(), "longest": lengths.max()}
    counts.extend(**ends, widest=_apart(top, bottom).max())


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b in float64."""
    with np.errstate(over="ignore"):
        return a.astype(np.float64) - b


def _count_values(counts: Counts, values: np.ndarray, times: int) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(dtype=np.float64)
        square = np.square(values - mean).sum()
        counts.add_moments(len(values) * times, mean, square * times)
    nonzero = values[values != 0]
    exponent, significant = digits(nonzero)
    counts.digits.update(exponent, significant, times)
    counts.fits.update(nonzero, exponent, significant, times)


def _count_distances(counts: Counts, rows, present, top, times: int) -> None:
    distance = np.maximum(_apart(top[:, None], rows), 0.0)
    weight = np.exp(-distance) if present is None else np.where(present, np.exp(-distance), 0.0)
    weight *= times / weight.sum(axis=1, keepdims=True)
    lengths = np.full(len(rows), rows.shape[1]) if present is None else present.sum(axis=1)
    number = bins.index(distance)
    shown = number if present is None else number[present]
    counts.distances += np.bincount(shown.ravel(), minlength=bins.BINS) * times
    powers = np.ceil(np.log2(lengths)).astype(int)
    for power in np.unique(powers):
        of_length = powers == power
        mass = counts.mass_of(int(power))
        mass[:-1] += np.bincount(number[of_length].ravel(), weight[of_length].ravel(), bins.BINS)
        mass[-1] += of_length.sum() * times


def _count_gaps(counts: Counts, rows, top, times: int) -> None:
    if rows.shape[1] < 2:
        return
    rest = rows.copy()
    np.put_along_axis(rest, rows.argmax(axis=1)[:, None], -np.inf, axis=1)
    second = rest.max(axis=1)
    paired = second != -np.inf
    gap = _apart(top[paired], second[paired])
    counts.record["gap_rows"] += len(gap) * times
    counts.record["tied_rows"] += (gap == 0).sum() * times
    counts.gaps += bins.count(gap) * times
    counts.extend(closest=gap.max(initial=0.0))
