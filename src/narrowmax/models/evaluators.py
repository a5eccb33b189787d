"""What search asks of a source: which samples a design gets right, and how sure it is of them.

An evaluator has `metrics` ("top1", "nll", ...), `samples`, `n` (elements of a row), `groups`, the disjoint
index arrays `selection` and `judgement`, `digest` (of network and data), maybe `chance` (of top1, by guessing), and

    float_outcomes(indices) -> {"top1": bool (k,), "nll": float64 (k,), ...}
    outcomes(design, indices) -> the same with `design` in place

one value for each sample, bool for a rate and real for a mean (then it may have `ceilings`, up to which they count);
a tie at the top that a wrong class could win is wrong.
"""

from __future__ import annotations

import numpy as np

from narrowmax import metrics
from narrowmax.designs.sweeping import Sweep
from narrowmax.errors import DataError
from narrowmax.models.probabilities import checked
from narrowmax.models.splits import split, split_of
from narrowmax.models.task import METRICS, Accuracy, Logits, Task
from narrowmax.store import digest

_SWEEPS = 4  # sets of samples whose rows are kept ready


def evaluator(source: Task | Logits, seed: int = 0):
    """The evaluator of a task or of stored logits.

    A task whose `where` is "classifier" is run once; from then on its logits are evaluated.
    Raises DataError for logits without labels, and for probabilities in their place.
    """
    if isinstance(source, Logits):
        return LogitsEvaluator(source, seed)
    if source.where == "classifier" and source.metric == "classification":
        from narrowmax.models.networks import logits_of

        return LogitsEvaluator(logits_of(source), seed, source)
    from narrowmax.models.networks import NetworkEvaluator

    return NetworkEvaluator(source, seed)


def accuracy(judge, design=None, indices: np.ndarray | None = None) -> Accuracy:
    """How well an evaluator's source does, as it is or with `design` in place.

    indices: of samples, those of judgement unless given
    """
    indices = judge.judgement if indices is None else indices
    outcomes = judge.float_outcomes(indices) if design is None else judge.outcomes(design, indices)
    return Accuracy(len(indices), {name: float(outcomes[name].mean()) for name in judge.metrics})


class LogitsEvaluator:
    """Designs on stored logits: the softmax is the classifier's.  A sample is a labelled row.

    Of logits with epochs the last one counts.  Rows of more axes than (samples, n) are samples each;
    those of one leading index stay in one part.
    """

    metrics = METRICS

    def __init__(self, logits: Logits, seed: int = 0, task: Task | None = None):
        if logits.labels is None:
            raise DataError(f"{logits.name} has no labels, so accuracy cannot be judged; add an array 'labels'")
        checked(logits)
        last = slice(None) if logits.epoch is None else logits.epoch.ravel() == logits.epoch.max()
        self.name, self.n = logits.name, logits.n
        self.chance = 1 / self.n  # of top-1, by guessing
        self.rows = logits.logits.reshape(-1, logits.n)[last]
        self.labels = logits.labels.ravel()[last]
        self.mask = None if logits.mask is None else logits.mask.reshape(-1, logits.n)[last]
        groups = groups_of(logits)
        self.groups = None if groups is None else groups[last]
        self.notes = (
            f"in the NLL no probability counts as less than {metrics.floor_of(self.n):.3g}, neither the design's nor "
            "the exact one: what lies below is not judged",
        )
        self.samples = len(self.rows)
        self.selection, self.judgement = (
            split_of(task, self.samples, seed, self.groups) if task else split(self.samples, self.groups, seed)
        )
        self._sweeps: dict[bytes, Sweep] = {}
        self.digest = digest("logits", self.rows, self.labels, self.mask, self.groups, self.selection, self.judgement)
        self._float = {
            "top1": metrics.top1(self.rows, self.labels, self.mask),
            "nll": metrics.exact_nll(self.rows, self.labels, self.mask),
        }

    def float_outcomes(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of exact softmax."""
        return {name: values[indices] for name, values in self._float.items()}

    def outcomes(self, design, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of `design`."""
        if design.output_rate == "row":
            return self._winners(design, indices)
        found = self._sweep(indices).outcomes(design, METRICS)
        return {"top1": found["right"], "nll": found["nll"]}

    def _sweep(self, indices: np.ndarray) -> Sweep:
        """The rows of some samples; those asked for last are kept, since many designs are tried on the same."""
        key = np.asarray(indices).tobytes()
        if key not in self._sweeps:
            while len(self._sweeps) >= _SWEEPS:
                del self._sweeps[next(iter(self._sweeps))]
            mask = None if self.mask is None else self.mask[indices]
            self._sweeps[key] = Sweep(self.rows[indices], self.labels[indices], mask)
        return self._sweeps[key]

    def _winners(self, design, indices: np.ndarray) -> dict[str, np.ndarray]:
        mask = None if self.mask is None else self.mask[indices]
        codes = design.simulate(self.rows[indices], axis=-1, mask=mask)
        return winner_outcomes(codes[:, 0], self.labels[indices])


def winner_outcomes(winner: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Outcomes of a design that only names the winner: certain of it, the others impossible."""
    right = winner == labels
    return {"top1": right, "nll": np.where(right, 0.0, -np.log(metrics.IMPOSSIBLE))}


def groups_of(logits: Logits) -> np.ndarray | None:
    """(rows,) what each row belongs to, its leading index unless it is said; None where each stands alone."""
    rows, groups = logits.logits.shape[:-1], logits.groups
    if groups is None and len(rows) == 1:
        return None
    groups = np.arange(rows[0]) if groups is None else np.asarray(groups)
    if groups.shape != rows[: groups.ndim]:
        raise DataError(f"{logits.name} has groups of shape {groups.shape} for rows of shape {rows}; give one a row")
    return np.broadcast_to(groups.reshape(groups.shape + (1,) * (len(rows) - groups.ndim)), rows).ravel()
