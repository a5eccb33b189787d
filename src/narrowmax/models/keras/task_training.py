"""How a Keras model is trained with the loop of a task."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import keras
import numpy as np

from narrowmax.models.keras import backends, randomness
from narrowmax.models.keras.networks import Logits, forward
from narrowmax.models.keras.training import KerasTraining
from narrowmax.models.training.labels import classes
from narrowmax.models.training.loop import Schedule, TrainingLoop
from narrowmax.models.training.record import Precision

_SEEDS = ("global_random_seed", "global_seed_generator")  # what Keras itself remembers


@contextmanager
def seeded(seed: int, threads: int | None) -> Iterator[None]:
    """With random numbers of its own, of Python, NumPy and Keras.

    threads: heeded on PyTorch; TensorFlow and JAX choose theirs when they start
    """
    from keras.src.backend.common import global_state

    before = random.getstate(), np.random.get_state(), [global_state.get_global_attribute(name) for name in _SEEDS]
    try:
        with ExitStack() as stack:
            if keras.backend.backend() == "torch":
                from narrowmax.models.pytorch import seeded

                stack.enter_context(seeded(seed, threads))
            keras.utils.set_random_seed(seed)
            yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        for name, value in zip(_SEEDS, before[2], strict=True):
            global_state.set_global_attribute(name, value)


class KerasTrainer:
    """See `running.Trainer`."""

    def __init__(self, network: keras.Model, loop: TrainingLoop, precision: Precision, seed: int, epochs: int):
        inputs, _ = next(iter(loop.pairs()))
        loss = loop.loss
        output = forward(network, inputs)  # and the network is built now
        ends_in_softmax = isinstance(output, Logits)
        self._n = output.shape[-1] if isinstance(output, np.ndarray) and output.ndim == 2 else 0
        if loss is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not ends_in_softmax)
        optimiser = loop.optimiser(network)
        network.compile(optimiser, loss=loss, run_eagerly=True, jit_compile=False, auto_scale_loss=False)
        self.network = network
        self.schedule = Schedule(loop, optimiser, epochs)
        self.training = KerasTraining(network, optimiser, precision, seed)

    def step(self, inputs: object, labels: object) -> np.ndarray | None:
        """See `running.Trainer`."""
        classes(labels, (len(labels), self._n))  # a loss would take wrong ones, or refuse them in words of its own
        several = isinstance(inputs, tuple) and not isinstance(inputs, Mapping)
        self.network.train_on_batch(list(inputs) if several else inputs, labels)
        backends.bridge().flush()
        scores = self.training.formats.scores
        rows = np.empty(0) if scores is None else scores
        finite = np.isfinite(rows).all() and np.isfinite(self.training.last_loss)
        return rows if finite else None

    def end_epoch(self) -> None:
        """Step the schedule."""
        self.schedule.step()

    def state(self) -> dict[str, np.ndarray]:
        """See `running.Trainer`."""
        variables = {f"variable {n}": _plain(one) for n, one in enumerate(self._variables())}
        return {**variables, "schedule": np.array(self.schedule.steps), **randomness.state(self.training.rounder)}

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """See `running.Trainer`."""
        optimiser = self.training.optimiser
        if not optimiser.built:
            optimiser.build(self.network.trainable_variables)
        variables = self._variables()
        values = [state.get(f"variable {n}") for n in range(len(variables))]
        fits = all(b is not None and b.shape == tuple(a.shape) for a, b in zip(variables, values, strict=True))
        if not fits or "schedule" not in state or not randomness.resume(self.training.rounder, state):
            return False
        self.schedule.resume(int(state["schedule"]))  # before the optimiser's variables, its rate among them
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return True

    def _variables(self) -> list[keras.Variable]:
        """Of the network (seeds of dropout are among them) and of the optimiser with its scale."""
        return [*self.network.variables, *self.training.optimiser.variables]


def _plain(variable: keras.Variable) -> np.ndarray:
    """In a type that NumPy itself has, which holds the value exactly."""
    found = backends.array(variable)
    return found if found.dtype.isbuiltin == 1 else found.astype(np.float32)
