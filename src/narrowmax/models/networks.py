"""Tasks that are run: their logits, what reaches their softmaxes, designs inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.frameworks import framework_of, measure, replace
from narrowmax.models.measurement import Measurement
from narrowmax.models.outcomes import BESIDE, CEILINGS, OF_LOGITS
from narrowmax.models.probabilities import Watch, checked
from narrowmax.models.sites import Site, chooses
from narrowmax.models.splits import split_of
from narrowmax.models.task import Logits, Task
from narrowmax.store import digest


def run(task: Task, wanted: np.ndarray | None = None) -> Iterator[tuple[object, object]]:
    """`(output, labels)` of each batch, without gradients, the network in evaluation mode.

    wanted: bool (samples,); of other samples nothing is given, and nothing is run where inputs are
        arrays with a sample a row
    """
    framework, start = framework_of(task.network), 0
    with framework.evaluating(task.network, task.threads):
        for inputs, labels in task.pairs():
            keep = np.ones(len(labels), bool) if wanted is None else wanted[start : start + len(labels)]
            start += len(labels)
            if keep.any():
                yield _kept_output(framework, task.network, inputs, keep), labels if keep.all() else _kept(labels, keep)


def _kept_output(framework, network, inputs: object, keep: np.ndarray):
    if keep.all():
        return framework.forward(network, inputs)
    any_size = not getattr(network, "fixed", False)
    if any_size and all(hasattr(x, "shape") and len(x) == len(keep) for x in _arrays(inputs)):
        return framework.forward(network, _kept(inputs, keep))
    return _kept(logits_in(framework.forward(network, inputs)), keep)


def _arrays(inputs: object) -> tuple:
    if isinstance(inputs, Mapping):
        return tuple(inputs.values())
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _kept(values: object, keep: np.ndarray) -> object:
    """The samples of `values` to keep: an array or tensor, a tuple or mapping of them, or a sequence of labels."""
    if isinstance(values, Mapping):
        return {name: _kept(value, keep) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(_kept(value, keep) for value in values)
    return values[keep] if hasattr(values, "shape") else np.asarray(values)[keep]


def logits_in(output: object) -> object:
    """The logits of a network's output, which Transformers wrap."""
    return getattr(output, "logits", output)


def array(values: object) -> np.ndarray:
    """A tensor or array, on any device, as NumPy; narrow floats as float32."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().resolve_neg()
        values = values.float() if values.is_floating_point() and values.itemsize < 4 else values
    return np.asarray(values)


def logits_of(task: Task) -> Logits:
    """The network's outputs, as logits with labels, in the order of the batches.

    Raises DataError for labels that are no classes of the network, and for outputs that are probabilities.
    """
    outputs, labels = zip(*((_logits(task, output), array(labels)) for output, labels in run(task)), strict=True)
    rows, labels = np.concatenate(outputs), np.concatenate(labels)
    stored = getattr(task.network, "stored", None)
    if not getattr(task, "labelled", True):
        return checked(Logits(task.name, rows, groups=task.groups, stored=stored))
    check_labels(task.name, labels, rows.shape)
    return checked(Logits(task.name, rows, labels, groups=task.groups, stored=stored))


def check_labels(name: str, labels: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises DataError for labels that are not one of the n classes for each row of logits of a shape (..., n)."""
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"task {name} has labels of type {labels.dtype}; give integers, or the task a metric of its own"
        )
    if labels.shape != shape[:-1]:
        raise DataError(f"task {name} has labels of shape {labels.shape} for logits of {shape}; give one label a row")
    if labels.size and not 0 <= labels.min() <= labels.max() < shape[-1]:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(f"a label of task {name} is {wrong}; labels of rows of {shape[-1]} are 0 to {shape[-1] - 1}")


def rows_in(name: str, output: object) -> np.ndarray:
    """The logits (batch, ..., n) in a network's output, in floats.  Raises DataError where there are none."""
    output = logits_in(output)
    if not hasattr(output, "shape") or len(output.shape) < 2:
        raise DataError(
            f"the network of task {name} gives no tensor of logits (batch, n); give the task a metric of its own"
        )
    rows = array(output)
    return rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float32)


def _logits(task: Task, output: object) -> np.ndarray:
    rows = rows_in(task.name, output)
    if not np.isfinite(rows).all():
        raise DataError(
            f"the network of task {task.name} gives NaN or infinite logits; look for overflow or divergence in it"
        )
    return rows


class NetworkEvaluator:
    """Designs in every softmax of the network that the task's `where` chooses, judged by the task's metric.

    metrics: those that the task's metric gives; ceilings: of the real ones
    beside: what outcomes hold besides, one value a sample too: a classifier's "confidence"
    """

    def __init__(self, task: Task, seed: int = 0):
        self.task, self.name = task, task.name
        self.groups = None if task.groups is None else np.asarray(task.groups)
        self._labels: np.ndarray | None = None
        self._watch = Watch()
        self._float = self._outcomes(None)
        self._watch.refuse(self.name)
        self.metrics = tuple(name for name in self._float if name not in BESIDE)
        self.beside = tuple(name for name in self._float if name in BESIDE)
        self.ceilings = {**CEILINGS, **task.ceilings}
        self.samples = len(self._labels)
        self.selection, self.judgement = split_of(task, self.samples, seed)
        self.n = self._row_length()
        weights = framework_of(task.network).weights(task.network)
        data = [(inputs, labels) for inputs, labels in task.pairs()]
        split = (self.groups, self.selection, self.judgement)
        # The outcomes stand for the code of the network and of the metric, which have no digest.
        self.digest = digest("network", repr(task.network), weights, data, str(task.where), self._float, *split)

    def _row_length(self) -> int:
        with measure(self.task.network) as seen:
            next(run(self.task))
        sites = [(Site(one["name"], one["kind"], one["function"]), one["n"]) for one in seen.softmaxes()]
        lengths = [n for site, n in sites if chooses(self.task.where, site)]
        if not lengths:
            raise DataError(
                f"no softmax of task {self.task.name} is chosen by where={self.task.where!r}; {_names(seen)}"
            )
        return max(lengths)

    def float_outcomes(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of the network as it is."""
        return {name: values[indices] for name, values in self._float.items()}

    def outcomes(self, design, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Outcomes of the network with `design` in place, in the order of `indices`."""
        wanted = np.zeros(self.samples, bool)
        wanted[indices] = True
        with replace(self.task.network, design, where=self.task.where):
            found = self._outcomes(wanted)
        place = np.cumsum(wanted) - 1
        return {name: values[place[indices]] for name, values in found.items()}

    def _outcomes(self, wanted: np.ndarray | None) -> dict[str, np.ndarray]:
        found, labels = [], []
        for output, own in run(self.task, wanted):
            found.append(self._judged(output, own))
            labels.append(array(own))
        found = _joined(found)
        self._check_order(np.concatenate(labels), wanted)
        return found

    def _judged(self, output: object, labels: object) -> dict[str, np.ndarray]:
        metric = self.task.metric
        if isinstance(metric, str):
            rows, own = _logits(self.task, output), array(labels)
            self._watch.see(rows)
            if metric == "classification":
                check_labels(self.task.name, own, rows.shape)
            found = OF_LOGITS[metric](rows, own)
        else:
            found = {name: np.asarray(values) for name, values in metric(output, labels).items()}
        _check_outcomes(self.task.name, found, len(labels))
        return found

    def _check_order(self, labels: np.ndarray, wanted: np.ndarray | None) -> None:
        """Samples are known by their place, so each pass must bring them in the same order."""
        if self._labels is None:
            self._labels = labels
        known = self._labels if wanted is None else self._labels[wanted]
        if not np.array_equal(known, labels):
            raise DataError(
                f"the batches of task {self.task.name} come in another order each time; turn shuffling off, "
                "for each sample is compared with itself"
            )


def _names(seen: Measurement) -> str:
    names = ", ".join(one["name"] for one in seen.softmaxes())
    return f"it has {names}" if names else "no softmax was seen in its network"


def _check_outcomes(name: str, found: dict[str, np.ndarray], samples: int) -> None:
    """What a task's own metric gives is one bool or real number for each sample, of one metric at least."""
    if not found:
        raise DataError(f"the metric of task {name} gives nothing; give an array by name, such as top1")
    for key, values in found.items():
        if values.shape != (samples,):
            raise DataError(
                f"the metric of task {name} gives {key} of shape {values.shape} for {samples} samples; "
                "give one value for each"
            )
        if values.dtype.kind not in "bf":
            raise DataError(
                f"the metric of task {name} gives {key} of type {values.dtype}; give bools, true where right, or floats"
            )


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if not parts:
        raise DataError("the task has no batches; give at least one pair of inputs and labels")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
