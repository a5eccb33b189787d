"""A Keras network in a file as a task to train: plainly, on most of the samples beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import keras
import numpy as np

from narrowmax.models.inputs import Inputs
from narrowmax.models.splits import split
from narrowmax.models.task import Task
from narrowmax.models.training.loop import TrainingLoop

BATCH, RATE = 32, 1e-3
"""Samples of a step; of Adam, as Keras' own examples have it."""


def task(network: keras.Model, inputs: Inputs, name: str) -> Task:
    """The network's layers, with new weights, trained with Adam; judged on 3 samples of 10, groups kept whole.

    Raises DataError for inputs that the network does not take, and fewer than two samples or groups.
    """
    named = inputs.named([each.name for each in network.inputs])
    arrays = list(named.arrays.values())
    held_out, trained = split(inputs.samples, inputs.groups)
    return Task(
        network,
        partial(_in_order, arrays, inputs.labels, held_out),
        name=name,
        groups=None if inputs.groups is None else inputs.groups[held_out],
        trained=len(trained),
        training=TrainingLoop(
            partial(_shuffled, arrays, inputs.labels, trained),
            lambda network: keras.optimizers.Adam(RATE),
            network=lambda seed: keras.models.clone_model(network),
        ),
    )


def _in_order(arrays: list[np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> Iterator[tuple]:
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        given = tuple(array[part] for array in arrays)
        yield given if len(given) > 1 else given[0], labels[part]


def _shuffled(arrays: list[np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> Iterator[tuple]:
    return _in_order(arrays, labels, np.random.permutation(chosen))
