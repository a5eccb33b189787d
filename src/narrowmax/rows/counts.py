"""What is kept of the rows that were seen: sums that add up, in arrays that NumPy and C both count in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from narrowmax.errors import DataError
from narrowmax.rows import bins
from narrowmax.rows.limits import Digits, Fits

COUNTERS = (
    "rows", "empty_rows", "not_finite", "elements", "masked", "gap_rows", "tied_rows", "sampled_rows", "sampled_values"
)  # fmt: skip
SMALLEST, LARGEST = ("low", "shortest"), ("high", "longest", "widest", "closest")
"""Of all rows: the smallest and the largest element and length, the largest distance and the largest gap."""
RECORD = np.dtype(
    [(name, np.int64) for name in COUNTERS] + [(name, np.float64) for name in ("mean", "square", *SMALLEST, *LARGEST)]
)
"""square: the sum of squared deviations from the mean."""
_HISTOGRAMS = ("reaches", "distances", "gaps")


class Counts:
    """Sums over rows.

    record: one record of `RECORD`
    reaches, distances, gaps: histograms (see `bins`) of the largest magnitude of each row, of the distances of its
        elements from its maximum, and of that of its second largest
    mass: by ceil(log2 n), the softmax mass in each bin of distances, and last the rows
    inside: for each R of `within`, the rows whose every element is within
    digits, fits: of the values
    """

    def __init__(self, within: Iterable[float], formats: Iterable[str]):
        self.record = np.zeros((), RECORD)
        self.record["low"] = self.record["shortest"] = np.inf
        self.record["high"] = -np.inf
        self.reaches, self.distances, self.gaps = (np.zeros(bins.BINS, np.int64) for _ in _HISTOGRAMS)
        self.mass: dict[int, np.ndarray] = {}
        self.within = np.unique(np.array(list(within), np.float64))
        self.inside = np.zeros(len(self.within), np.int64)
        self.digits, self.fits = Digits(), Fits(formats)

    def __getitem__(self, counter: str) -> int:
        return int(self.record[counter])

    def end(self, name: str) -> float:
        return float(self.record[name])

    @property
    def tables(self) -> tuple:
        """What the compiled loops add to, in their order."""
        arrays = (self.record, self.reaches, self.distances, self.gaps, self.digits.table, self.within, self.inside)
        return (*arrays, self.fits.numbers, self.fits.counts, self.mass)

    def mass_of(self, power: int) -> np.ndarray:
        """The mass of rows that are up to 2**power long."""
        if power not in self.mass:
            self.mass[power] = np.zeros(bins.BINS + 1)
        return self.mass[power]

    def merge(self, other: Counts) -> None:
        if (self.within.tolist(), list(self.fits.limits)) != (other.within.tolist(), list(other.fits.limits)):
            raise DataError("statistics counted at different R or formats cannot be merged; make both with the same")
        self.add_moments(other["sampled_values"], other.record["mean"], other.record["square"])
        for name in COUNTERS[:-1]:
            self.record[name] += other.record[name]
        for name in _HISTOGRAMS:
            getattr(self, name)[:] += getattr(other, name)
        for power, mass in other.mass.items():
            self.mass_of(power)[:] += mass
        self.inside += other.inside
        self.digits.table += other.digits.table
        self.fits.counts += other.fits.counts
        self.extend(**{name: other.record[name] for name in (*SMALLEST, *LARGEST)})

    def extend(self, **ends: float) -> None:
        for name, end in ends.items():
            self.record[name] = (min if name in SMALLEST else max)(self.record[name], end)

    def add_moments(self, count: int, mean: float, square: float) -> None:
        """Add so many values with their mean and their sum of squared deviations from it."""
        if not count:
            return
        record, before = self.record, self["sampled_values"]
        delta, total = mean - record["mean"], before + count
        record["square"] += square + delta * delta * before * count / total
        record["mean"] += delta * count / total
        record["sampled_values"] += count
