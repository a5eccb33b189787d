"""The records of this room: what is judged (`Task`), on what (`Logits`), and how well (`Accuracy`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from narrowmax.errors import DataError
from narrowmax.formats import Affine

METRICS = ("top1", "nll")
NAMED = ("classification", "language")
WHERE = ("attention", "classifier")


@dataclass(frozen=True)
class Logits:
    """Stored rows with what is known of them.

    logits: float32 or float64 (..., n), without NaN or +inf; -inf is a mask
    labels: int64 (...), 0..n-1; mask: bool like logits, true = takes part
    groups: (...) samples that belong together; epoch: (...) integers
    stored: the affine integers that the logits were stored as, where they were and their zero point is one
    """

    name: str
    logits: np.ndarray
    labels: np.ndarray | None = None
    mask: np.ndarray | None = None
    groups: np.ndarray | None = None
    epoch: np.ndarray | None = None
    stored: Affine | None = None

    @property
    def n(self) -> int:
        """Elements of a row."""
        return self.logits.shape[-1]


@dataclass(frozen=True)
class Accuracy:
    """Outcomes of one evaluation: `metrics` maps rates such as "top1" (share right) and means such as "nll"."""

    samples: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Task:
    """A network, its data and its metric.

    network: a torch module
    batches: `(inputs, labels)` pairs, or a function that makes an iterator of them; inputs is what the
        network is called with (a tuple: its arguments).  Never data that the network was trained on
    metric: "classification" (top-1, top-5, NLL and calibration of the network's output, which are logits),
        "language" (of windows of text: see `outcomes.language`), or a function `(outputs, labels) -> outcomes`,
        by metric an array of one value a sample: bool for a rate (true = right), real for a mean (less is better).
        A study judges "top1" and "nll" unless it is told other tolerances
    ceilings: by real metric, above 0, up to which a sample counts in a bound of its mean; of nll it is known
    where: whose softmax is judged, "attention", "classifier", or a pattern of layer names
    groups: (samples,) samples that belong together; selection, judgement: disjoint index arrays
        over samples (a seeded split is made where they are not given)
    trained: number of samples trained on, where it is known
    threads: of PyTorch while the task runs; one is quickest for small networks
    epochs: what reached the softmaxes as training went on, dicts as `Measurement.softmaxes` has them
    training: how the network is trained, a `narrowmax.models.training.TrainingLoop`
    """

    network: object
    batches: Iterable | Callable[[], Iterable]
    metric: str | Callable = "classification"
    name: str = "task"
    title: str = ""
    where: str = "classifier"
    groups: np.ndarray | None = None
    selection: np.ndarray | None = None
    judgement: np.ndarray | None = None
    trained: int | None = None
    threads: int | None = None
    ceilings: Mapping[str, float] = field(default_factory=dict)
    epochs: list[dict] = field(default_factory=list, repr=False)
    notes: str = ""
    training: object = field(default=None, repr=False)

    def __post_init__(self):
        if isinstance(self.metric, str) and self.metric not in NAMED:
            raise DataError(
                f"the metric of task {self.name} is {self.metric!r}; give {' or '.join(NAMED)}, or a function of yours"
            )

    def pairs(self) -> Iterator[tuple]:
        """The `(inputs, labels)` pairs, from the start."""
        return iter(self.batches() if callable(self.batches) else self.batches)
