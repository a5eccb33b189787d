"""How far a design moves a classifier's calibration, and what a sample proves of that."""

from __future__ import annotations

import numpy as np

from narrowmax import metrics
from narrowmax.search.evidence import Outcomes, by_group, mean_high

_MOST = 2.0  # what one sample can move, see `moved`
_WHOLE = 1.0  # of an error, and so of its change


def compare_calibration(
    before: Outcomes, after: Outcomes, confidence: float = 0.95, groups: np.ndarray | None = None
) -> dict[str, float]:
    """The expected calibration error of float and design: `{float, design, difference, low, high, confidence, bins}`.

    before, after: "top1" bool and "confidence" 0..1, each (samples,); groups: (samples,) or None
    `low` and `high` are one-sided bounds of the difference, each at `confidence`, and alike but for their sign.

    The error is the sum over bins of |E[z]|, z of a sample being right - confidence in its own bin and 0 in the
    others.  So it changes by no more than the sum over bins of |E[z' - z]| (`_of_bins`), and that by no more than the
    mean of `moved`; both are bounded as means are, exactly, for every distribution and number of samples, where a
    bootstrap of a biased estimate is not.  The first is closer where samples move both ways and there are thousands,
    the second where there are few.  The bound is for the error in these bins of equal width; which way it goes is for
    the estimate to say.
    """
    weights = _weights(len(before["top1"]), groups)
    errors = [min(metrics.ece(one["top1"], one["confidence"], weights), _WHOLE) for one in (before, after)]
    each = 1 - (1 - confidence) / 2  # of two bounds, the lower counts
    by_sample = mean_high(by_group(moved(before, after), groups), _MOST, each)
    high = min(by_sample, _of_bins(before, after, each, groups), _WHOLE)
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


def _of_bins(before: Outcomes, after: Outcomes, confidence: float, groups: np.ndarray | None) -> float:
    """A bound of the sum over bins of |E[z' - z]|: each bin's mean is bounded from both sides, all of them at once."""
    each = 1 - (1 - confidence) / (2 * metrics.BINS)
    most = 1 + 1 / metrics.BINS  # of a sample that turns right or wrong, and moves inside its bin
    changes = (by_group(change, groups) for change in (_of_each_bin(after) - _of_each_bin(before)).T)
    return sum(max(mean_high(change, most, each), mean_high(-change, most, each)) for change in changes)


def _of_each_bin(outcomes: Outcomes) -> np.ndarray:
    """(samples, bins) z of each sample, in its own bin."""
    confidence = np.asarray(outcomes["confidence"], float)
    found = np.zeros((len(confidence), metrics.BINS))
    found[np.arange(len(confidence)), metrics.bins_of(confidence)] = outcomes["top1"] - confidence
    return found


def _weights(samples: int, groups: np.ndarray | None) -> np.ndarray:
    """(samples,) a sample's weight where each group has the same."""
    if groups is None:
        return np.full(samples, 1 / samples)
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / (len(sizes) * sizes[members])
