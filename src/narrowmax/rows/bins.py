"""Bins over the bit pattern of a non-negative float32: 1/64 of a power of two each.

Neighbouring float32 numbers have neighbouring bit patterns, so dropping the 17 lowest bits of the
pattern gives 64 bins a binade over the whole range, no parameter to choose, and bins that two
histograms always share (a merge is an addition).  Bins are closed at the top, `(low, high]`, so
the count of `a <= R` is exact for every R that has 7 significant bits or fewer, every integer up
to 128 among them.  Bin 0 holds exactly the zeros.
"""

from __future__ import annotations

import numpy as np

DROPPED_BITS = 17  # of the 23 fraction bits of a float32: 6 stay
BINS = (0x7F800000 >> DROPPED_BITS) + 1
"""Bins 0 (zero) to 16,320 (whose upper edge is infinity)."""

EDGES = (np.arange(BINS, dtype=np.int64) << DROPPED_BITS).astype(np.uint32).view(np.float32).astype(np.float64)
"""Upper edge of each bin, float64; the lower edge is the one before."""

NORMAL = (2.0**-126, float(np.finfo(np.float32).max))
"""Between these, and at 0, a bin is as narrow as said above; below, bins grow wide, and above there is one."""


def upward(magnitudes: np.ndarray) -> np.ndarray:
    """The smallest float32 not below each magnitude (float32 or float64, finite, >= 0)."""
    if magnitudes.dtype == np.float32:
        return magnitudes
    with np.errstate(over="ignore"):
        near = magnitudes.astype(np.float32)
        return np.where(near < magnitudes, np.nextafter(near, np.float32(np.inf)), near)


def index(magnitudes: np.ndarray) -> np.ndarray:
    """Bin number of each magnitude (float32 or float64, finite, >= 0)."""
    bits = upward(np.abs(magnitudes)).view(np.int32)
    return (bits + ((1 << DROPPED_BITS) - 1)) >> DROPPED_BITS


def count(magnitudes: np.ndarray) -> np.ndarray:
    """Histogram, int64 (BINS,), of magnitudes."""
    return np.bincount(index(magnitudes).ravel(), minlength=BINS)


def is_edge(value: float) -> bool:
    """Whether `a <= value` is counted exactly by the bins."""
    return bool(EDGES[np.searchsorted(EDGES, value)] == value)


def at_most(histogram: np.ndarray, value: float) -> int:
    """Count of magnitudes <= `value`, which must be an edge (`is_edge`)."""
    return int(histogram[: np.searchsorted(EDGES, value) + 1].sum())


def bracket(histogram: np.ndarray, share: float) -> tuple[float, float]:
    """`(low, high)`: the smallest R with at least `share` of the counts <= R lies in (low, high]."""
    cumulative = np.cumsum(histogram)
    needed = max(1, int(np.ceil(share * cumulative[-1] - 1e-9)))
    bin_number = int(np.searchsorted(cumulative, needed))
    return float(EDGES[max(bin_number - 1, 0)]), float(EDGES[bin_number])
