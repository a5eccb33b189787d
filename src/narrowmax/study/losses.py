"""What a design loses of each metric of a source, with bounds, as the records of commands hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from narrowmax import metrics
from narrowmax.search import compare_outcomes
from narrowmax.search.calibration import compare_calibration

UNASKED = "the metric of this task gives none"


def losses(
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    ceilings: Mapping[str, float],
    confidence: float,
    groups: np.ndarray | None,
    language: bool = False,
) -> dict:
    """`{top1, nll_loss, losses, calibration, perplexity}` of outcomes of the float network and of a design.

    before, after: by metric (samples,) bools or real numbers; groups: (samples,) or None
    losses: by metric `{float, design, difference, low, high, confidence}`, a real one with `counted_up_to`
    top1, nll_loss: the same two again, top-1 with the counts behind it; null, with a reason, where there is none
    calibration: of a classifier whose outcomes hold "confidence", see `search.calibration`
    perplexity: of a language model, see `_perplexity`
    """
    judged = [name for name in before if name != "confidence"]
    found = compare_outcomes({name: before[name] for name in judged}, after, confidence, ceilings, groups)
    for name, outcome in found.items():
        if name in ceilings and before[name].dtype != bool:
            outcome["counted_up_to"] = ceilings[name]
    return {
        **_told("top1", "top1", found, lambda one: {**metrics.losses(before["top1"], after["top1"]), **one}),
        **_told("nll_loss", "nll", found, dict),
        "losses": found,
        **_or_why("calibration", _calibration(before, after, confidence, groups), "no confidence is known of a class"),
        **_or_why("perplexity", _perplexity(found["nll"]) if language else None, "this is no language model"),
    }


def _or_why(key: str, value: dict | None, reason: str) -> dict:
    return {key: value} if value is not None else {key: None, f"{key}_reason": reason}


def _told(key: str, metric: str, found: dict, shown) -> dict:
    return {key: shown(found[metric])} if metric in found else {key: None, f"{key}_reason": UNASKED}


def _calibration(before, after, confidence: float, groups) -> dict | None:
    if "confidence" not in before or "top1" not in before:
        return None
    return compare_calibration(before, after, confidence, groups)


def _perplexity(nll: dict) -> dict:
    """`{float, design, ratio: {estimate, low, high}, confidence}`: exponentials of the mean NLL and of its loss.

    The bounds are those of the NLL's loss, which counts up to a ceiling: exact as they are.
    """
    ratio = {"estimate": nll["difference"], "low": nll["low"], "high": nll["high"]}
    return {
        "float": math.exp(nll["float"]),
        "design": math.exp(nll["design"]),
        "ratio": {name: math.exp(value) for name, value in ratio.items()},
        "confidence": nll["confidence"],
        "counted_up_to": math.exp(nll["counted_up_to"]),
    }
