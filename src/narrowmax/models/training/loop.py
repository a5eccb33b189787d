"""`TrainingLoop`: how the network of a task is trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

EPOCHS = 10


@dataclass(frozen=True)
class TrainingLoop:
    """What `narrowmax train` does with a task, in PyTorch or Keras.

    batches: `(inputs, labels)` pairs of one epoch, or a function that makes an iterator of them, drawn with torch's
        own random numbers, in Keras with NumPy's, which are seeded; inputs is what the network is called with (a
        tuple: its arguments).  Never the data that the task judges on
    optimiser: a function of the network that makes an optimiser of its framework
    network: a function of a seed that makes the network to train; None: the task's own, copied, is trained on
    loss: a function `(output, labels)` that gives the loss, a tensor, in Keras what `compile` takes; None: the
        cross-entropy of logits
    schedule: a function `(optimiser, epochs)` that makes a scheduler, stepped at the end of each epoch, or None
    epochs: how many, unless said otherwise
    """

    batches: Iterable | Callable[[], Iterable]
    optimiser: Callable
    network: Callable[[int], object] | None = None
    loss: Callable | None = None
    schedule: Callable | None = None
    epochs: int = EPOCHS

    def pairs(self) -> Iterable[tuple]:
        """The `(inputs, labels)` pairs of an epoch."""
        return iter(self.batches() if callable(self.batches) else self.batches)


class Schedule:
    """What a loop steps at the end of each epoch, if anything; nothing is asked of it but `step`."""

    def __init__(self, loop: TrainingLoop, optimiser: object, epochs: int):
        self._made = loop.schedule(optimiser, epochs) if loop.schedule else None
        self.steps = 0

    def step(self) -> None:
        """The end of an epoch."""
        self.steps += 1
        if self._made is not None:
            self._made.step()

    def resume(self, steps: int) -> None:
        """To where it was after so many steps, by making them again; what it did to the optimiser is the caller's."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of steps before the optimiser's first
            for _ in range(steps):
                self.step()
