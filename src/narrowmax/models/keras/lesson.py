"""A Keras network in a file as a task to train: plainly, on most of the samples beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import keras
import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.inputs import Inputs
from narrowmax.models.keras.learning import anew
from narrowmax.models.networks import check_labels
from narrowmax.models.splits import split
from narrowmax.models.task import Task
from narrowmax.models.training.loop import TrainingLoop

BATCH, RATE = 32, 1e-3
"""Samples of a step; of Adam, as Keras' own examples have it."""


def task(network: keras.Model, inputs: Inputs, name: str) -> Task:
    """The network's layers, with new weights, trained with Adam; judged on 3 samples of 10, groups kept whole.

    Frozen layers, and those that only hold a state, stay as they are in the file.
    Raises DataError for inputs that the network does not take, fewer than two samples or groups, a network that gives
    no scores of two classes or more, and labels that are none of these.
    """
    named = inputs.named([each.name for each in network.inputs])
    labels = _classes(network, inputs, name)
    arrays = list(named.arrays.values())
    held_out, trained = split(inputs.samples, inputs.groups)
    return Task(
        network,
        partial(_in_order, arrays, labels, held_out),
        name=name,
        groups=None if inputs.groups is None else inputs.groups[held_out],
        trained=len(trained),
        training=TrainingLoop(
            partial(_shuffled, arrays, labels, trained),
            lambda network: keras.optimizers.Adam(RATE),
            network=lambda seed: anew(network),
        ),
    )


def _classes(network: keras.Model, inputs: Inputs, name: str) -> np.ndarray:
    """The labels, one for each row of scores: Keras' own data have them in a column."""
    shapes = [tuple(each.shape) for each in network.outputs]
    if len(shapes) != 1 or len(shapes[0]) < 2 or shapes[0][-1] in (None, 1):
        raise DataError(
            f"{name} gives {' and '.join(map(str, shapes))}, which is not the scores of two classes or more; train it "
            "as a task with a loss and a metric of its own, ./file.py:function"
        )
    *rows, n = shapes[0]
    labels = inputs.labels[:, 0] if len(rows) == 1 and inputs.labels.shape[1:] == (1,) else inputs.labels
    own = [*labels.shape, *rows[labels.ndim :]]
    check_labels(name, labels, (*(one or size for one, size in zip(rows, own, strict=False)), n))
    return labels


def _in_order(arrays: list[np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> Iterator[tuple]:
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        given = tuple(array[part] for array in arrays)
        yield given if len(given) > 1 else given[0], labels[part]


def _shuffled(arrays: list[np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> Iterator[tuple]:
    return _in_order(arrays, labels, np.random.permutation(chosen))
