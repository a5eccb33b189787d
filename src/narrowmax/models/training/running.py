"""`train`: a task trained with number formats in the loop, judged after every epoch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

import numpy as np

from narrowmax import metrics
from narrowmax.errors import DataError, NetworkError
from narrowmax.models import outcomes
from narrowmax.models.networks import array, check_labels, rows_in
from narrowmax.models.sites import Site, chooses
from narrowmax.models.task import Task
from narrowmax.models.training.diagnosis import Finding, diagnose
from narrowmax.models.training.labels import classes
from narrowmax.models.training.loop import TrainingLoop
from narrowmax.models.training.record import Precision, precision_of
from narrowmax.models.training.watching import Training, trainable
from narrowmax.rows import RowStatistics

_EPOCHS = "epochs"  # in a state: their records


class Trainer(Protocol):
    """How a framework trains a network with a task's loop; made by its `trainer`, see `frameworks`."""

    training: Training

    def step(self, inputs: object, labels: object) -> np.ndarray | None:
        """One step on a batch: the logits (..., n) before it; None where they or the loss are not finite.

        Of a network without logits (several outputs, one number a sample) the loss is all that is looked at: (0,).
        """

    def end_epoch(self) -> None:
        """Step what is stepped by epoch."""

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the rest of a training depends on, between two epochs."""

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """Go on from a state, within `training`; where it cannot be read, nothing is changed and this is False."""


class Unfinished(Protocol):
    """A place for the state of a training that is not over."""

    def load(self) -> dict[str, np.ndarray] | None:
        """What was saved last, or None."""

    def save(self, state: dict[str, np.ndarray]) -> None:
        """Keep it, in the place of what was saved before."""


@dataclass(frozen=True)
class Trained:
    """One training that is over.

    network: with its own weights
    epochs: as `Training.epochs`, and of each epoch `train` (top1 and nll of exact softmax, over the epoch as it ran),
        `held_out` (the mean of each of the task's metrics), `logits` (what `narrowmax.measure` tells of the held-out
        ones) and `diverged`
    outcomes: of the held-out samples at the end, by metric, (samples,); None where the training diverged
    """

    precision: Precision
    seed: int
    epochs: list[dict]
    outcomes: dict[str, np.ndarray] | None
    network: object = field(repr=False)

    def diagnosis(self, goal: float | None = None) -> Finding:
        """Whether the training stalled, and why; see `Training.diagnosis`."""
        return diagnose(self.precision, self.epochs, goal)


def train(
    task: Task,
    precision: Precision | None = None,
    *,
    epochs: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    unfinished: Unfinished | None = None,
    **knobs: object,
) -> Trained:
    """Train the network of a task with formats in the loop, and judge it on the task's own samples after each epoch.

        trained = nm.train(task, weights="Q2.6", updates="Q2.6:stochastic", seed=1)
        print(trained.diagnosis(), trained.epochs[-1]["held_out"])

    task: with `training`, a `TrainingLoop`; precision or knobs: as `narrowmax.precision` takes them; its softmax goes
        where the task's `where` says, unless it says another place
    seed: of the weights, of the order of the samples, and of stochastic rounding
    unfinished: where the state is kept after each epoch but the last; a training whose state is there goes on from
        it, to the very bits that it would have had without the interruption
    A training that diverges ends there.

    Raises DataError for a task that does not say how it is trained, and what `narrowmax.precision` raises.
    """
    loop = task.training
    if not isinstance(loop, TrainingLoop):
        raise DataError(
            f"task {task.name} does not say how it is trained; give it training=TrainingLoop(batches, optimiser)"
        )
    precision = precision or precision_of(**{"where": task.where, **knobs})
    framework = trainable(task.network)
    with framework.seeded(seed, task.threads):
        network = framework.copied(task.network) if loop.network is None else loop.network(seed)
        if trainable(network) is not framework:
            raise NetworkError(f"task {task.name} has a network of another framework than its loop makes; give one")
        told = progress or (lambda line: None)
        return _Run(task, framework, network, precision, seed, epochs or loop.epochs, told, unfinished).trained()


@dataclass
class _Run:
    task: Task
    framework: ModuleType
    network: object
    precision: Precision
    seed: int
    epochs: int
    progress: Callable[[str], None]
    unfinished: Unfinished | None

    def trained(self) -> Trained:
        trainer = self.framework.trainer(self.network, self.task.training, self.precision, self.seed, self.epochs)
        found = None
        with trainer.training as training:
            for number in range(self._resumed(trainer) + 1, self.epochs + 1):
                self.progress(f"{self.precision.text}, seed {self.seed}: epoch {number} of {self.epochs}")
                seen = self._epoch(trainer)
                found = None if seen["diverged"] else self._judged(seen)
                training.end_epoch(**seen)
                if found is None:
                    break
                trainer.end_epoch()
                if self.unfinished is not None and number < self.epochs:
                    self.unfinished.save({_EPOCHS: _bytes(json.dumps(training.epochs)), **trainer.state()})
        return Trained(self.precision, self.seed, training.epochs, found, self.network)

    def _resumed(self, trainer: Trainer) -> int:
        """How many epochs are over already."""
        state = None if self.unfinished is None else self.unfinished.load()
        if state is None or not trainer.resume(state):
            return 0
        trainer.training.epochs += json.loads(state[_EPOCHS].tobytes())
        return len(trainer.training.epochs)

    def _epoch(self, trainer: Trainer) -> dict:
        """One pass over the training data; `train` and `diverged`."""
        right, nll = [], []
        for inputs, labels in self.task.training.pairs():
            rows = trainer.step(inputs, labels)
            if rows is None:
                return {"diverged": True}
            own = classes(labels, rows.shape)
            if own is not None:
                right.append(metrics.top1(rows, own))
                nll.append(metrics.exact_nll(rows, own))
        if not right:
            return {"diverged": False}
        return {"diverged": False, "train": {"top1": _mean(right), "nll": _mean(nll)}}

    def _judged(self, seen: dict) -> dict[str, np.ndarray] | None:
        """Outcomes of the held-out samples with the formats in place; their means and ranges are put into `seen`."""
        parts, statistics = [], RowStatistics()
        with self.framework.evaluating(self.network):
            for inputs, labels in self.task.pairs():
                parts.append(self._outcomes(self.framework.forward(self.network, inputs), labels, statistics))
        if any(part is None for part in parts):
            seen["diverged"] = True
            return None
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        seen["held_out"] = {name: float(values.mean()) for name, values in found.items()}
        seen["logits"] = statistics.report()
        return found

    def _outcomes(self, output: object, labels: object, statistics: RowStatistics) -> dict | None:
        metric, labels = self.task.metric, array(labels)
        if not isinstance(metric, str):
            return {name: np.asarray(values) for name, values in metric(output, labels).items()}
        rows = rows_in(self.task.name, output)
        if not np.isfinite(rows).all():
            return None
        if metric == "classification":
            check_labels(self.task.name, labels, rows.shape)
        statistics.update(rows)
        found = outcomes.OF_LOGITS[metric](rows, labels)
        return {**found, **self._of_the_design(rows, labels)} if metric == "classification" else found

    def _of_the_design(self, rows: np.ndarray, labels: np.ndarray) -> dict:
        """A classifier whose softmax is a design is judged by what comes out of that; a tie counts as wrong."""
        design = self.precision.softmax
        if design is None or not chooses(self.precision.where, Site("", "classifier", "softmax")):
            return {}
        p = np.asarray(design(rows.astype(np.float32)), np.float64)
        floor = metrics.floor_of(rows.shape[-1])
        found = {"top1": metrics.top1(p, labels), "confidence": metrics.confidence(p)}
        if p.shape[-1] > metrics.TOP:
            found["top5"] = metrics.top_k(p, labels)
        return found | {"nll": metrics.nll(p, labels, floor, metrics.exact_nll(rows, labels))}


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def _mean(parts: list[np.ndarray]) -> float:
    return float(np.concatenate(parts).mean())
