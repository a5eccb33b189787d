"""What narrowing claims: a tolerance for each metric, a confidence, and the samples that carry it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from narrowmax.errors import ClaimRefused, DataError
from narrowmax.search.evidence import (
    Bounds,
    Outcomes,
    any_of,
    by_group,
    is_rate,
    log_capital,
    losses,
    mean_losses,
    needed_for_mean,
    needed_for_rate,
    rate_high,
)

WORST = 100.0  # the largest strain told apart
_SURE = 3.0  # standard errors above the tolerance at which a design is not looked at again


@dataclass(frozen=True)
class Claim:
    """That each metric loses less than its tolerance, at a confidence, on `judged` samples or groups.

    tolerances: by metric, above 0; of a rate in parts of one (0.005 is half a point)
    confidence: 0.5 to 1, ends excluded
    ceilings: up to what each real metric counts (`evidence.losses`); a metric without one is a rate
    judged: how many independent samples or groups the judgement has

    Raises DataError for numbers out of these ranges.
    """

    tolerances: Mapping[str, float]
    confidence: float
    ceilings: Mapping[str, float]
    judged: int

    def __post_init__(self):
        if not 0.5 < self.confidence < 1:
            raise DataError(f"a confidence of {self.confidence} is not between 0.5 and 1; 0.95 is usual")
        if not self.tolerances:
            raise DataError("a claim needs a tolerance for at least one metric, such as top1=0.005")
        for metric, tolerance in self.tolerances.items():
            if not 0 < tolerance < self.ceilings.get(metric, 1.0):
                most = self.ceilings.get(metric, 1.0)
                raise DataError(f"a tolerance of {tolerance} for {metric} is not above 0 and below {most:g}")

    @property
    def needed(self) -> dict[str, int]:
        """By metric, the fewest samples or groups that carry the claim when nothing at all is lost."""
        return {metric: self._needed(metric) for metric in self.tolerances}

    def _needed(self, metric: str) -> int:
        if metric in self.ceilings:
            return needed_for_mean(self.tolerances[metric], self.ceilings[metric], self.confidence)
        return needed_for_rate(self.tolerances[metric], self.confidence)

    def check(self) -> None:
        """Raise ClaimRefused where the samples cannot carry the claim even if nothing is lost."""
        metric, needed = max(self.needed.items(), key=lambda item: item[1])
        if needed > self.judged:
            raise ClaimRefused(
                f"to show at {100 * self.confidence:.6g} % confidence that less than {self._amount(metric)} of "
                f"{metric} is lost takes {needed} judged samples even where nothing is, and there are {self.judged}; "
                "give more samples, a wider tolerance or a lower confidence"
            )

    def _amount(self, metric: str) -> str:
        tolerance = self.tolerances[metric]
        return f"{tolerance:.6g}" if metric in self.ceilings else f"{100 * tolerance:.6g} points"

    def bounds(self, before: Outcomes, after: Outcomes, groups: np.ndarray | None) -> dict[str, Bounds]:
        """The bounds of each claimed metric's loss; see `evidence.losses`."""
        claimed = {metric: before[metric] for metric in self.tolerances}
        return losses(claimed, after, self.ceilings, self.confidence, groups)

    def holds(self, bounds: Mapping[str, Bounds]) -> bool:
        """Whether every upper bound lies below its tolerance."""
        return all(bounds[metric].high < tolerance for metric, tolerance in self.tolerances.items())

    def broken(self, bounds: Mapping[str, Bounds]) -> list[str]:
        """The metrics whose lower bound lies above the tolerance: what is shown to lose too much."""
        return [metric for metric, tolerance in self.tolerances.items() if bounds[metric].low > tolerance]


@dataclass(frozen=True)
class Outlook:
    """What a selection sample says about a design's chance before the judges.

    strain: at most 1 where the claim would hold if the judged samples were like these; 0 to `WORST`
    hopeless: whether some loss lies above its tolerance by more than chance explains
    loss: by metric, the loss on the selection sample
    """

    strain: float
    hopeless: bool
    loss: dict[str, float]


def outlook(claim: Claim, before: Outcomes, after: Outcomes, groups: np.ndarray | None) -> Outlook:
    """The outlook of a design with outcomes `after`, where the float network's are `before`."""
    views = {metric: _outlook(claim, metric, before[metric], after[metric], groups) for metric in claim.tolerances}
    return Outlook(
        strain=min(WORST, max(view.strain for view in views.values())),
        hopeless=any(view.hopeless for view in views.values()),
        loss={metric: view.loss[metric] for metric, view in views.items()},
    )


def _outlook(claim: Claim, metric: str, before, after, groups) -> Outlook:
    tolerance = claim.tolerances[metric]
    if is_rate(before):
        lost = before & ~after
        strain = _rate_strain(claim, tolerance, any_of(lost, groups), len(by_group(lost, groups)))
        difference = by_group(lost.astype(float) - (after & ~before), groups)
    else:
        lost, ceiling = mean_losses(metric, before, after, claim.ceilings)
        difference = by_group(lost, groups)
        strain = _mean_strain(claim, tolerance, difference, ceiling)
    return Outlook(strain, _surely_above(difference, tolerance), {metric: float(difference.mean())})


def _rate_strain(claim: Claim, tolerance: float, lost: int, units: int) -> float:
    return rate_high(lost * claim.judged / units, claim.judged, claim.confidence) / tolerance


def _mean_strain(claim: Claim, tolerance: float, differences: np.ndarray, ceiling: float) -> float:
    wanted = -math.log(1 - claim.confidence)
    earned = log_capital(differences, ceiling, tolerance, claim.judged / len(differences))
    return wanted / max(earned, wanted / WORST)


def _surely_above(values: np.ndarray, tolerance: float) -> bool:
    return bool(values.mean() - _SURE * values.std() / math.sqrt(len(values)) > tolerance)
