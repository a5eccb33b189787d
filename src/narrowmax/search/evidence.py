"""What a sample proves about a loss: exact one-sided bounds, and how many samples a claim needs.

Every metric is a loss per sample of a design against the float network on the same samples:

    a rate (outcomes are booleans, true = right)   P(float right, design wrong) - P(float wrong, design right)
    a mean (outcomes are real, less is better)     E[design - float], each counted up to a stated ceiling

A mean without a ceiling cannot be bounded by any number of samples: one in a million may be a
million.  So a sample's NLL counts as no more than its ceiling, for design and float network alike.

Samples are independent and alike, or fall into groups that are; then a group counts once, and the
loss is that of a random sample of a random group.

A bound holds with the stated confidence on its own side, for any distribution and any number of
samples: no normal approximation, no bootstrap.  A claim about several metrics bounds each at the
full confidence; it is made only where all hold, and then needs no correction (the chance that all
hold wrongly is at most that of one of them; an intersection-union test).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from narrowmax.errors import DataError

Outcomes = Mapping[str, np.ndarray]

# The stakes of `log_capital` and the share of the starting money on each.  A stake near 1 is best
# where losses are small, which is what narrow designs have; small stakes survive rare large losses.
STAKES = np.array([0.99, 0.9, 0.7, 0.4, 0.15, 0.05])
SHARES = np.array([16, 8, 4, 2, 1, 1]) / 32
_STEPS = 60  # of bisection, which then ends 2**-60 of the range from the bound


@dataclass(frozen=True)
class Bounds:
    """The loss of one metric: `estimate`, and one-sided bounds `low` and `high` of its true value.

    samples: what was counted, groups where samples are grouped
    """

    estimate: float
    low: float
    high: float
    samples: int


def rate_high(count: float, samples: float, confidence: float) -> float:
    """The exact (Clopper-Pearson) upper bound of a probability seen `count` times in `samples`.

    count: 0 to samples; may be a fraction, where a sample of another size is projected
    """
    if count >= samples:
        return 1.0
    return float(betaincinv(count + 1, samples - count, confidence))


def rate_low(count: float, samples: float, confidence: float) -> float:
    """The exact (Clopper-Pearson) lower bound of a probability seen `count` times in `samples`."""
    return 0.0 if count <= 0 else float(betaincinv(count, samples - count + 1, 1 - confidence))


def log_capital(values: np.ndarray, ceiling: float, mean: float, repeats: float | np.ndarray = 1.0) -> float:
    """The logarithm of what betting against "the mean of `values` is at least `mean`" has earned.

    values: (samples,) independent, none above `ceiling`
    mean: below `ceiling`
    repeats: how often each value counts, (samples,) or alike (to project a sample of another size; 1 for a test)

    If the true mean is at least `mean`, each bet 1 - s + s * (ceiling - value) / (ceiling - mean)
    is never negative and expected to give back at most its stake, so by Markov's inequality the
    capital reaches 1 / (1 - confidence) with a chance of at most 1 - confidence.  This is the
    betting test of Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
    betting" (JRSS B, 2024), with a mixture of constant stakes in place of their running ones: the
    result does not depend on the order of the samples, and no lower end of the values is needed.
    """
    worth = (ceiling - np.asarray(values, float)) / (ceiling - mean)
    growth = (repeats * np.log1p(STAKES[:, None] * (worth - 1))).sum(axis=1)
    return float(np.logaddexp.reduce(growth + np.log(SHARES)))


def mean_high(values: np.ndarray, ceiling: float, confidence: float) -> float:
    """The upper bound of the mean of `values` (samples,), none above `ceiling`; at most `ceiling`.

    It is the least mean against which `log_capital` wins; the capital grows with the mean.
    """
    if not len(values):
        return ceiling
    wanted, mean = -math.log(1 - confidence), float(np.mean(values))
    values, repeats = np.unique(values, return_counts=True)  # most samples lose nothing: they count together
    return _bisect(lambda mean: log_capital(values, ceiling, mean, repeats) >= wanted, mean, ceiling)


def _bisect(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The least value that holds, from above: `holds` is false, then true, and true at `high`."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if low < middle < high and holds(middle):
            high = middle
        else:
            low = middle
    return high


def needed_for_rate(tolerance: float, confidence: float, lost: int = 0) -> int:
    """How many samples show a rate's loss to be below `tolerance`, where `lost` of them are lost."""
    return _least(lambda samples: rate_high(lost, samples, confidence) < tolerance)


def needed_for_mean(tolerance: float, ceiling: float, confidence: float) -> int:
    """How many samples show a mean's loss to be below `tolerance`, where no sample differs at all."""
    wanted = -math.log(1 - confidence)
    return _least(lambda samples: log_capital(np.zeros(1), ceiling, tolerance, samples) > wanted)


def _least(enough: Callable[[int], bool]) -> int:
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def losses(
    float_outcomes: Outcomes,
    design_outcomes: Outcomes,
    ceilings: Mapping[str, float],
    confidence: float,
    groups: np.ndarray | None = None,
) -> dict[str, Bounds]:
    """The bounds of each metric's loss.

    float_outcomes, design_outcomes: by metric, (samples,) booleans or real numbers
    ceilings: by real metric, above 0, up to which it counts
    groups: (samples,) labels of samples that belong together, or None

    Raises DataError for outcomes of unlike or no length, for NaN, and for a mean without a ceiling.
    """
    return {
        metric: loss(metric, float_outcomes[metric], design_outcomes[metric], ceilings, confidence, groups)
        for metric in float_outcomes
    }


def loss(metric, before, after, ceilings, confidence, groups=None) -> Bounds:
    """The bounds of one metric's loss; see `losses`."""
    before, after = _checked(metric, before, after, groups)
    if is_rate(before):
        return _rate_loss(before & ~after, after & ~before, confidence, groups)
    differences, ceiling = mean_losses(metric, before, after, ceilings)
    return _mean_loss(by_group(differences, groups), ceiling, confidence)


def is_rate(outcomes: np.ndarray) -> bool:
    """Whether outcomes are right or wrong, rather than real numbers."""
    return np.asarray(outcomes).dtype == bool


def _rate_loss(lost, gained, confidence, groups) -> Bounds:
    estimate = by_group(lost.astype(float) - gained, groups)
    units = len(estimate)
    high = rate_high(any_of(lost, groups), units, confidence)
    # The lower bound needs both counts, each at half the risk.
    each = (1 + confidence) / 2
    low = rate_low(all_of(lost, groups), units, each) - rate_high(any_of(gained, groups), units, each)
    return Bounds(float(estimate.mean()), low, high, units)


def _mean_loss(differences, ceiling, confidence) -> Bounds:
    high = mean_high(differences, ceiling, confidence)
    low = -mean_high(-differences, ceiling, confidence)
    return Bounds(float(differences.mean()), low, high, len(differences))


def by_group(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """(units,) the mean of each group of `values`, or the values where there are no groups."""
    if groups is None:
        return np.asarray(values, float)
    _, members = np.unique(groups, return_inverse=True)
    return np.bincount(members, weights=values) / np.bincount(members)


def any_of(marks: np.ndarray, groups: np.ndarray | None) -> int:
    """How many groups hold a marked sample: their share is at least that of the marked samples."""
    return int(np.count_nonzero(by_group(marks, groups) > 0))


def all_of(marks: np.ndarray, groups: np.ndarray | None) -> int:
    """How many groups hold only marked samples: their share is at most that of the marked samples."""
    return int(np.count_nonzero(by_group(marks, groups) == 1))


def count_units(groups: np.ndarray | None, samples: int) -> int:
    """How many independent things a sample holds: its groups, else its samples."""
    return samples if groups is None else len(np.unique(groups))


def compare_outcomes(
    float_outcomes: Outcomes,
    design_outcomes: Outcomes,
    confidence: float = 0.95,
    ceilings: Mapping[str, float] | None = None,
    groups: np.ndarray | None = None,
) -> dict[str, dict[str, float]]:
    """Float and design side by side, by metric: `{float, design, difference, low, high, confidence}`.

    `difference` is the loss, positive where the design is worse, whichever way the metric runs;
    `low` and `high` are its one-sided bounds, each at `confidence`.  Arguments and errors are those
    of `losses`.
    """
    bounds = losses(float_outcomes, design_outcomes, ceilings or {}, confidence, groups)
    return {
        metric: {
            "float": float(by_group(float_outcomes[metric], groups).mean()),
            "design": float(by_group(design_outcomes[metric], groups).mean()),
            "difference": bound.estimate,
            "low": bound.low,
            "high": bound.high,
            "confidence": confidence,
        }
        for metric, bound in bounds.items()
    }


def _checked(metric, before, after, groups) -> tuple[np.ndarray, np.ndarray]:
    before, after = np.asarray(before), np.asarray(after)
    lengths = {len(before), len(after)} | ({len(groups)} if groups is not None else set())
    if len(lengths) > 1 or 0 in lengths:
        raise DataError(
            f"outcomes of {metric} have lengths {sorted(lengths)}; float, design and groups need the same one, above 0"
        )
    if is_rate(before) != is_rate(after):
        raise DataError(f"outcomes of {metric} are booleans on one side only; give booleans on both, or numbers")
    return before, after


def mean_losses(metric, before, after, ceilings: Mapping[str, float]) -> tuple[np.ndarray, float]:
    """(samples,) each sample's loss of a real metric, and the ceiling that none exceeds; see `losses`."""
    if metric not in ceilings:
        raise DataError(f"{metric} has no stated ceiling, without which its mean cannot be bounded; state one")
    ceiling = ceilings[metric]
    lost = np.minimum(after, ceiling) - np.minimum(before, ceiling)
    if np.isnan(lost).any():
        raise DataError(
            f"{metric} of sample {int(np.isnan(lost).argmax())} is not a number; look for overflow in what gave it"
        )
    return np.clip(lost, -ceiling, ceiling), ceiling
