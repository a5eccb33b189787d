"""A small convolutional network in Keras on digits, as a task to train.

narrowmax train docs.keras_digits:task
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

import narrowmax as nm
from narrowmax.models.digits_data import SELECTED, digits

BATCH, RATE, MOMENTUM, EPOCHS = 32, 0.05, 0.9, 10


def network(seed: int) -> keras.Model:
    """8x8 images (batch, 8, 8, 1) -> ten probabilities."""
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="first"),
            layers.MaxPooling2D(name="half"),
            layers.Flatten(name="flat"),
            layers.Dense(48, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="last"),
        ]
    )


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """An epoch of the digits to train on, in random order."""
    data = digits()
    order = np.random.permutation(data.training)
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        yield data.images[part, :, :, None], data.labels[part]


def optimiser(network: keras.Model) -> keras.optimizers.Optimizer:
    """Stochastic gradient descent with momentum."""
    return keras.optimizers.SGD(RATE, momentum=MOMENTUM)


def task() -> nm.Task:
    """Judged on the digits that nothing is trained on."""
    data = digits()
    held_out = np.concatenate([data.selection, data.judgement])
    return nm.Task(
        network(0),
        [(data.images[held_out, :, :, None], data.labels[held_out])],
        name="keras-digits",
        title="Handwritten digits, convolutional network in Keras",
        selection=np.arange(SELECTED),
        judgement=np.arange(SELECTED, len(held_out)),
        trained=len(data.training),
        training=nm.TrainingLoop(batches, optimiser, network=network, epochs=EPOCHS),
    )
