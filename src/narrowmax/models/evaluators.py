"""What search asks of a source: which samples a design gets right, and how sure it is of them.

An evaluator has `metrics` ("top1", "nll", ...), `samples`, `n` (elements of a row), `groups`, the disjoint
index arrays `selection` and `judgement`, `digest` (of network and data), maybe `chance` (of top1, by guessing), and

    float_outcomes(indices) -> {"top1": bool (k,), "nll": float64 (k,), ...}
    outcomes(design, indices) -> the same with `design` in place

one value for each sample, bool for a rate and real for a mean (then it may have `ceilings`, up to which they count);
a tie at the top that a wrong class could win is wrong.  It may have `offered`: metrics that outcomes give where one
asks for them by name, and that are not computed otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from narrowmax import metrics
from narrowmax.designs.sweeping import Sweep
from narrowmax.errors import DataError
from narrowmax.models.probabilities import checked
from narrowmax.models.splits import split, split_of
from narrowmax.models.task import METRICS, Accuracy, Logits, Task
from narrowmax.store import digest

_REPEATED = (
    "{:,} of {:,} judged rows are there more than once, number for number and with their label, and some may be among "
    "the selected: if they are one sample again, they are no evidence of their own; say so in an array `groups`"
)
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
    those of one leading index stay in one part.  Of more than five classes "top5" is offered.
    """

    metrics = METRICS

    def __init__(self, logits: Logits, seed: int = 0, task: Task | None = None):
        if logits.labels is None:
            raise DataError(f"{logits.name} has no labels, so accuracy cannot be judged; add an array 'labels'")
        checked(logits)
        last = slice(None) if logits.epoch is None else logits.epoch.ravel() == logits.epoch.max()
        self.name, self.n = logits.name, logits.n
        self.offered = ("top5",) if self.n > metrics.TOP else ()
        self.chance = 1 / self.n  # of top-1, by guessing
        self.rows = logits.logits.reshape(-1, logits.n)[last]
        self.labels = logits.labels.ravel()[last]
        self.mask = None if logits.mask is None else logits.mask.reshape(-1, logits.n)[last]
        groups = groups_of(logits)
        self.groups = None if groups is None else groups[last]
        self._grouped = logits.groups is not None
        self.samples = len(self.rows)
        self.selection, self.judgement = (
            split_of(task, self.samples, seed, self.groups) if task else split(self.samples, self.groups, seed)
        )
        self._sweeps: dict[bytes, Sweep] = {}
        self.digest = digest("logits", self.rows, self.labels, self.mask, self.groups, self.selection, self.judgement)
        self._float = metrics.of_logits(self.rows, self.labels, self.mask)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What one must know of the metrics and of the samples."""
        floor = (
            f"in the NLL no probability counts as less than {metrics.floor_of(self.n):.3g}, neither the design's nor "
            "the exact one: what lies below is not judged"
        )
        again = 0 if self._grouped else int(np.count_nonzero(self._repeated()[self.judgement]))
        return (floor, _REPEATED.format(again, len(self.judgement))) if again else (floor,)

    def _repeated(self) -> np.ndarray:
        """(samples,) whether a row, with its mask and label, is there more than once."""
        masks = self.rows[:, :0] if self.mask is None else self.mask
        every = zip(self.rows, masks, self.labels.tolist(), strict=True)
        known = np.array([hash((row.tobytes(), mask.tobytes(), label)) for row, mask, label in every])
        _, place, counts = np.unique(known, return_inverse=True, return_counts=True)
        return counts[place] > 1

    def float_outcomes(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of exact softmax."""
        found = {name: values[indices] for name, values in self._float.items()}
        return self._offering(found, lambda: self._top5(indices, lambda x, mask: x))

    def outcomes(self, design, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of `design`."""
        if design.output_rate == "row":
            return self._winners(design, indices)
        found = self._sweep(indices).outcomes(design, METRICS)
        found = {"top1": found["right"], "nll": found["nll"]}
        return self._offering(found, lambda: self._top5(indices, lambda x, mask: design(x, mask=mask)))

    def _offering(self, found: dict[str, np.ndarray], top5: Callable[[], np.ndarray]) -> dict[str, np.ndarray]:
        return _Offering(found, top5) if self.offered else found

    def _top5(self, indices: np.ndarray, scores: Callable) -> np.ndarray:
        """Outcomes by what `scores` makes of logits and mask, which are taken here, once they are needed."""
        x, labels, mask = self._given(indices)
        return metrics.top_k(scores(x, mask), labels, mask=mask)

    def _given(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Logits, labels and mask of some samples."""
        return self.rows[indices], self.labels[indices], None if self.mask is None else self.mask[indices]

    def _sweep(self, indices: np.ndarray) -> Sweep:
        """The rows of some samples; those asked for last are kept, since many designs are tried on the same."""
        key = np.asarray(indices).tobytes()
        if key not in self._sweeps:
            while len(self._sweeps) >= _SWEEPS:
                del self._sweeps[next(iter(self._sweeps))]
            self._sweeps[key] = Sweep(*self._given(indices))
        return self._sweeps[key]

    def _winners(self, design, indices: np.ndarray) -> dict[str, np.ndarray]:
        x, labels, mask = self._given(indices)
        found = winner_outcomes(design.simulate(x, axis=-1, mask=mask)[:, 0], labels)
        return self._offering(found, lambda: found["top1"])  # of the others none is before another


class _Offering(dict):
    """Outcomes, and "top5" once it is asked for."""

    def __init__(self, found: dict[str, np.ndarray], top5: Callable[[], np.ndarray]):
        super().__init__(found)
        self._top5 = top5

    def __missing__(self, name: str) -> np.ndarray:
        if name != "top5":
            raise KeyError(name)
        return self.setdefault(name, self._top5())


def winner_outcomes(winner: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Outcomes of a design that only names the winner: certain of it, the others impossible."""
    right = winner == labels
    return {"top1": right, "nll": np.where(right, 0.0, -np.log(metrics.IMPOSSIBLE))}


def groups_of(logits: Logits) -> np.ndarray | None:
    """(rows,) what each row belongs to, its leading index unless it is said; None where each stands alone.

    Where the leading index is that of an epoch, the next one is the sample's.
    """
    rows, groups = logits.logits.shape[:-1], logits.groups
    if groups is None:
        first = int(_stacks_epochs(logits.epoch))
        if len(rows) == first + 1:
            return None
        groups = np.broadcast_to(np.arange(rows[first]), rows[: first + 1])
    groups = np.asarray(groups)
    if groups.shape != rows[: groups.ndim]:
        raise DataError(f"{logits.name} has groups of shape {groups.shape} for rows of shape {rows}; give one a row")
    return np.broadcast_to(groups.reshape(groups.shape + (1,) * (len(rows) - groups.ndim)), rows).ravel()


def _stacks_epochs(epoch: np.ndarray | None) -> bool:
    """Whether each leading index is an epoch of its own."""
    if epoch is None or epoch.ndim < 2:
        return False
    first = epoch.reshape(len(epoch), -1)
    return bool((first == first[:, :1]).all()) and len(np.unique(first[:, 0])) == len(first)
