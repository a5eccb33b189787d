"""What a network's logits are worth, sample by sample: the metrics that a task may name."""

from __future__ import annotations

import numpy as np

from narrowmax import metrics
from narrowmax.errors import DataError

BESIDE = ("confidence",)
"""Outcomes that no tolerance is for by themselves; with "top1" they give the calibration error."""

NO_LABEL = -100
"""The label of a place in a text that is not judged, as in PyTorch."""


def classification(logits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Of logits (samples, n) and labels (samples,): "top1", "nll", "confidence", and where n is above five "top5"."""
    found = {
        "top1": metrics.top1(logits, labels),
        "nll": metrics.exact_nll(logits, labels),
        "confidence": _confidence(logits),
    }
    return found | ({"top5": metrics.top_k(logits, labels)} if logits.shape[-1] > metrics.TOP else {})


def _confidence(logits: np.ndarray) -> np.ndarray:
    x = np.asarray(logits, np.float64)
    return 1 / np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1)


def language(logits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Of logits (windows, length, n) and the symbols that follow (windows, length); a sample is a window.

    "nll": the mean NLL of its symbols, whose exponential is the perplexity; "top1": whether the last symbol, which is
    guessed from all the others, is right; "error": the share of its symbols that are guessed wrong.  A label of
    -100 is not judged.

    Raises DataError for a window of such labels alone, which would count as a perfect one.
    """
    told = labels != NO_LABEL
    if not told.any(axis=1).all():
        empty = int((~told.any(axis=1)).argmax())
        raise DataError(f"window {empty} of a batch has no label but {NO_LABEL}, so it cannot be judged; leave it out")
    known = np.where(told, labels, 0)
    right, nll = metrics.top1(logits, known), metrics.exact_nll(logits, known)
    places = told.sum(axis=1)
    last = told.shape[1] - 1 - told[:, ::-1].argmax(axis=1)
    return {
        "top1": right[np.arange(len(right)), last],
        "nll": np.where(told, nll, 0).sum(axis=1) / places,
        "error": (told & ~right).sum(axis=1) / places,
    }


OF_LOGITS = {"classification": classification, "language": language}
"""By name, the metrics of logits: `(logits, labels) -> outcomes`."""
CEILINGS = {"nll": metrics.NLL_CEILING, "error": 1.0}
"""Up to what a sample counts in a bound of a mean, of the real metrics above."""
