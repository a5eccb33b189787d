"""How far a design moves a classifier's calibration, and what a sample proves of that."""

from __future__ import annotations

import numpy as np

from narrowmax import metrics
from narrowmax.search.evidence import Outcomes, by_group, mean_high

_MOST = 2.0  # what one sample can move, see `moved`


def compare_calibration(
    before: Outcomes, after: Outcomes, confidence: float = 0.95, groups: np.ndarray | None = None
) -> dict[str, float]:
    """The expected calibration error of float and design: `{float, design, difference, low, high, confidence, bins}`.

    before, after: "top1" bool and "confidence" 0..1, each (samples,); groups: (samples,) or None
    `low` and `high` are one-sided bounds of the difference, each at `confidence`, and alike but for their sign.

    The error is the sum over bins of |E[z]|, z of a sample being right - confidence in its own bin and 0 in the
    others.  So it changes by no more than the mean of `moved`, which is bounded as any mean is (`mean_high`): exactly,
    for every distribution and number of samples, where a bootstrap of a biased estimate is not.  The bound is for the
    error in these bins of equal width; which way it goes is for the estimate to say.
    """
    weights = _weights(len(before["top1"]), groups)
    errors = [metrics.ece(one["top1"], one["confidence"], weights) for one in (before, after)]
    high = mean_high(by_group(moved(before, after), groups), _MOST, confidence)
    return {
        "float": errors[0],
        "design": errors[1],
        "difference": errors[1] - errors[0],
        "low": -high,
        "high": high,
        "confidence": confidence,
        "bins": metrics.BINS,
    }


def moved(before: Outcomes, after: Outcomes) -> np.ndarray:
    """(samples,) how far each sample's z moves, 0 to 2: |z - z'| in one bin, |z| + |z'| where the bin is another."""
    z, also = (one["top1"] - np.asarray(one["confidence"], float) for one in (before, after))
    same = metrics.bins_of(before["confidence"]) == metrics.bins_of(after["confidence"])
    return np.where(same, np.abs(z - also), np.abs(z) + np.abs(also))


def _weights(samples: int, groups: np.ndarray | None) -> np.ndarray:
    """(samples,) a sample's weight where each group has the same."""
    if groups is None:
        return np.full(samples, 1 / samples)
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / (len(sizes) * sizes[members])
