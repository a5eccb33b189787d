"""Metrics of a softmax, row by row, and their summary under the keys of `narrowmax simulate`.

Rows lie along the last axis; arrays are (rows, n) unless said otherwise; labels are (rows,)
integers.  `mask` is true where an element takes part.  A tie at the top is never counted in
anybody's favour: where a wrong class shares the largest score, top-1 is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from narrowmax.formats import Format


def half_step(output: Format) -> float:
    """Half the smallest non-zero value of `output`: what is below it becomes 0."""
    return float(output.step) / 2


def floor_of(n: int) -> float:
    """The floor of a probability for NLL and KL in rows of `n`: half a step of 8 bits, at most half of an equal share.

    An output of 0 stands for anything small; without a floor one such output makes a mean infinite.
    It is the same for every design.  Half a step of a design's own output would let a coarse one raise
    its floor until nothing can be lost: with UQ1.0 all below one half would count alike, and a unit that
    only names the winner would be as good as softmax.  Published with every NLL as `nll_floor`.
    """
    return min(2.0**-9, 0.5 / n)


# A sample's NLL counts up to that of a probability of 2**-16 where a bound of its mean is asked for: no word of a
# softmax is finer by much, and 1,000 judged samples can then carry a tolerance of 0.05.
NLL_CEILING = 16 * math.log(2)

TOP = 5  # of top-5
BINS = 15  # of the expected calibration error, of equal width

# What a winner alone says of the other classes is that they are impossible; counted as 16 bits can say it.
IMPOSSIBLE = 2.0**-16


def winners(scores: np.ndarray, mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """`(first, tied)` of each row: index of the first largest score, whether others share it."""
    scores = _hidden(scores, mask)
    first = scores.argmax(axis=-1)
    top = np.take_along_axis(scores, first[..., None], axis=-1)
    return first, (scores == top).sum(axis=-1) > 1


def top1(scores: np.ndarray, labels: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Bool (rows,): the label's score is larger than every other one; a tie is wrong, and so is a masked label."""
    first, tied = winners(scores, mask)
    right = (first == labels) & ~tied
    return right if mask is None else right & np.take_along_axis(mask, labels[..., None], axis=-1)[..., 0]


def top_k(scores: np.ndarray, labels: np.ndarray, k: int = TOP, mask: np.ndarray | None = None) -> np.ndarray:
    """Bool (rows,): fewer than k others have the label's score or a larger one; a masked label is wrong."""
    hidden = _hidden(scores, mask)
    own = np.take_along_axis(hidden, labels[..., None], axis=-1)
    right = (hidden >= own).sum(axis=-1) <= k
    return right if mask is None else right & np.take_along_axis(mask, labels[..., None], axis=-1)[..., 0]


def confidence(probabilities: np.ndarray) -> np.ndarray:
    """Float64 (rows,): the largest probability; of a row that sums to more than 1, its share of the sum."""
    probabilities = np.asarray(probabilities, float)
    return probabilities.max(axis=-1) / np.maximum(probabilities.sum(axis=-1), 1.0)


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """(rows,) the bin of each confidence, 0 to BINS - 1; a confidence on an edge belongs to the bin below it."""
    return np.clip(np.ceil(np.asarray(confidence, float) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def ece(right: np.ndarray, confidence: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The expected calibration error: |share right - mean confidence| of each bin, weighted by the samples in it.

    right: bool (samples,); confidence: 0..1, as `confidence`; weights: of the samples, alike unless given
    C. Guo et al., "On calibration of modern neural networks" (ICML 2017), with its 15 bins of equal width.
    """
    weights = np.full(len(right), 1 / len(right)) if weights is None else weights / weights.sum()
    gaps = np.bincount(bins_of(confidence), weights=weights * (right - np.asarray(confidence, float)), minlength=BINS)
    return float(np.abs(gaps).sum())


def nll(probabilities: np.ndarray, labels: np.ndarray, floor: float, exact: np.ndarray) -> np.ndarray:
    """Float64 (rows,): -log of the label's probability, so counted that no output gains by what it cannot say.

    A row that sums to more than 1 is divided by its sum: else an output of all ones would be
    perfect.  A probability below `floor` (> 0) counts as `floor`, and what the floor hides is hidden
    on both sides: where the label's `exact` NLL (rows,) is beyond -log(floor), the rest is added, so
    that the difference from `exact` is that of two softmaxes floored alike.
    """
    of_label = np.take_along_axis(probabilities, labels[..., None], axis=-1)[..., 0]
    share = of_label / np.maximum(probabilities.sum(axis=-1), 1.0)
    hidden = np.where(np.isfinite(exact), np.maximum(exact + np.log(floor), 0.0), 0.0)  # a masked label hides nothing
    return -np.log(np.maximum(share, floor)) + hidden


def exact_nll(x: np.ndarray, labels: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Float64 (rows,): `logsumexp(x) - x[label]`, of logits, which no floor touches; infinite for a masked label."""
    x = _hidden(np.asarray(x, np.float64), mask)
    top = np.maximum(x.max(axis=-1, keepdims=True), np.finfo(np.float64).min)  # finite where nothing takes part
    with np.errstate(divide="ignore", under="ignore"):
        total = np.log(np.exp(x - top).sum(axis=-1))
    own = np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]
    return np.where(own == -np.inf, np.inf, total + top[..., 0] - np.maximum(own, np.finfo(np.float64).min))


def of_logits(x: np.ndarray, labels: np.ndarray, mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What exact softmax of logits is worth by row: `{top1, nll}`, as `top1` and `exact_nll` give them."""
    return {"top1": top1(x, labels, mask), "nll": exact_nll(x, labels, mask)}


def kl(exact: np.ndarray, got: np.ndarray, floor: float) -> np.ndarray:
    """Float64 (rows,): sum of `p log(p/q) - p + q`, p exact and q got; masked elements are 0 in both.

    For rows that sum to 1 this is the Kullback-Leibler divergence of p from q; the two more terms keep
    it from rewarding rows that sum to more, so no element's term is negative.  An output of 0 is
    taken as `floor`, or as p itself where p is smaller and no output could tell.
    """
    q = np.where(got > 0, got, np.minimum(exact, floor))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(exact > 0, exact * np.log(exact / q), 0.0)
    return (terms - exact + q).sum(axis=-1)


def compare(
    x: np.ndarray,
    exact: np.ndarray,
    got: np.ndarray,
    floor: float,
    labels: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """One value for each row and metric: what a design's output is worth beside exact softmax.

    x, exact, got: logits, their exact softmax, the design's probabilities
    Keys: agree, tied, max_abs_error, sum_abs_error, elements, zeros, kl, row_sum_error, empty, and
    with labels float_right, right, nll, float_nll, float_confidence, confidence, and in rows of more
    than five float_right5, right5.  In `zeros` an element counts whose output is 0
    though it takes part; `agree` means that the exact winner alone wins.  An empty row (nothing
    takes part) has no winner and no row sum.
    """
    error = np.abs(got - exact)
    first, tied = winners(got, mask)
    exact_first, exact_tied = winners(x, mask)
    present = np.isfinite(x) if mask is None else mask & np.isfinite(x)
    elements = present.sum(axis=-1)
    rows = {
        "agree": (first == exact_first) & ~tied & ~exact_tied & (elements > 0),
        "tied": tied & (elements > 0),
        "max_abs_error": error.max(axis=-1, initial=0.0),
        "sum_abs_error": np.where(present, error, 0.0).sum(axis=-1),
        "elements": elements,
        "zeros": ((got == 0) & present).sum(axis=-1),
        "kl": kl(exact, got, floor),
        "row_sum_error": np.where(elements > 0, np.abs(got.sum(axis=-1) - 1.0), 0.0),
        "empty": elements == 0,
    }
    return rows if labels is None else {**rows, **_judged(x, exact, got, floor, labels, mask)}


def _judged(x, exact, got, floor, labels, mask) -> dict[str, np.ndarray]:
    true_nll = exact_nll(x, labels, mask)
    found = {
        "float_right": top1(x, labels, mask),
        "right": top1(got, labels, mask),
        "float_nll": true_nll,
        "nll": nll(got, labels, floor, true_nll),
        "float_confidence": confidence(exact),
        "confidence": confidence(got),
    }
    if x.shape[-1] > TOP:
        found |= {"float_right5": top_k(x, labels, mask=mask), "right5": top_k(got, labels, mask=mask)}
    return found


def concatenate(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The rows of several `compare` results, in order."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def summary(rows: dict[str, np.ndarray], floor: float) -> dict:
    """The keys of `narrowmax simulate --json` from the rows of `compare`; design and n are the caller's.

    Means over rows that are not empty.  `top1.difference` is float - design (the loss, positive
    where the design is worse); `lost` and `won` count the rows behind it.  Its bounds `low`,
    `high` are statistics and are left None for `search` to fill.
    """
    full = ~rows["empty"]
    mean = lambda name: float(rows[name][full].mean()) if full.any() else None  # noqa: E731
    elements = int(rows["elements"].sum())
    found = {
        "rows": len(full),
        "empty_rows": int(rows["empty"].sum()),
        "top1": None,
        "agreement": mean("agree"),
        "ties": mean("tied"),
        "max_abs_error": float(rows["max_abs_error"].max(initial=0.0)),
        "mean_abs_error": float(rows["sum_abs_error"].sum()) / elements if elements else None,
        "kl": mean("kl"),
        "nll": None,
        "nll_float": None,
        "nll_floor": floor,
        "row_sum_error": {"mean": mean("row_sum_error"), "max": float(rows["row_sum_error"].max(initial=0.0))},
        "zero_share": int(rows["zeros"].sum()) / elements if elements else None,
        "worst_row": int(rows["max_abs_error"].argmax()) if len(full) else None,
    }
    if "right" in rows:
        found |= {
            "top1": losses(rows["float_right"], rows["right"]),
            "nll": mean("nll"),
            "nll_float": mean("float_nll"),
        }
    return found


def losses(float_right: np.ndarray, right: np.ndarray) -> dict:
    """`{float, design, difference, lost, won, low, high, confidence}` of two bool arrays (samples,).

    The bounds are None here: `search` computes them.
    """
    lost, won = int((float_right & ~right).sum()), int((~float_right & right).sum())
    samples = max(len(right), 1)
    return {
        "float": float(float_right.sum() / samples),
        "design": float(right.sum() / samples),
        "difference": (lost - won) / samples,
        "lost": lost,
        "won": won,
        "low": None,
        "high": None,
        "confidence": None,
    }


def _hidden(scores: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Scores with -inf (the lowest integer) where masked."""
    if mask is None:
        return scores
    lowest = -np.inf if scores.dtype.kind == "f" else np.iinfo(scores.dtype).min
    return np.where(mask, scores, lowest)
