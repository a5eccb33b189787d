"""What reaches the softmaxes of a source: the `softmaxes` of `narrowmax measure`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from narrowmax.models.frameworks import framework_of
from narrowmax.models.networks import logits_in, run
from narrowmax.models.probabilities import checked
from narrowmax.models.task import Logits, Task
from narrowmax.rows import FORMATS, WITHIN, RowStatistics


def measured(source: Task | Logits, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS) -> list[dict]:
    """One dict for each softmax and epoch, keys as in `narrowmax measure --json`.

    Logits: an entry for each epoch they know.  A task: what was kept as it was trained, then what its
    network does now, on its selection samples where it has a split (ranges steer the choice of
    designs, so they are not taken from what is judged), else on all its batches.
    """
    within, formats = tuple(within), tuple(formats)
    if isinstance(source, Logits):
        checked(source)
        return [_of_rows(source, epoch, within, formats) for epoch in _epochs(source)]
    return [*_history(source), *_now(source, within, formats)]


def _epochs(source: Logits) -> list[int | None]:
    return [None] if source.epoch is None else [int(epoch) for epoch in np.unique(source.epoch)]


def _of_rows(source: Logits, epoch: int | None, within: tuple, formats: tuple) -> dict:
    chosen = slice(None) if epoch is None else source.epoch == epoch
    statistics = RowStatistics(within, formats)
    statistics.update(source.logits[chosen], None if source.mask is None else source.mask[chosen])
    return {
        "name": source.name,
        "kind": "classifier",
        "function": "stored",
        "head": None,
        "epoch": epoch,
        **statistics.report(),
    }


def _last(task: Task) -> int | None:
    return max((one["epoch"] for one in task.epochs), default=None)


def _history(task: Task) -> list[dict]:
    """All epochs but the last, which is the network as it is now and is measured again, at the R asked for."""
    return [one for one in task.epochs if one["epoch"] != _last(task)]


def _now(task: Task, within: tuple, formats: tuple) -> list[dict]:
    framework = framework_of(task.network)
    seen = framework.measure(task.network, within=within, formats=formats)
    seen.epoch = _last(task)
    with seen:
        for output, _ in run(task, _wanted(task)):
            if task.metric == "classification":
                framework.classify(logits_in(output))  # the classifier's, which the metric applies
    return seen.softmaxes()


def _wanted(task: Task) -> np.ndarray | None:
    if task.selection is None:
        return None
    wanted = np.zeros(int(max(np.max(task.selection), np.max(task.judgement))) + 1, bool)
    wanted[task.selection] = True
    return wanted
