"""A small Keras network and its data, for tests of training with formats in it."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

import narrowmax as nm

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(256, 8)).astype(np.float32)
Y = (X @ RANDOM.normal(size=(8, 4))).argmax(1)


def small(seed: int = 1, softmax: bool = False) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    last = layers.Dense(4, activation="softmax" if softmax else None, name="last")
    return keras.Sequential([layers.Input((8,)), layers.Dense(16, activation="relu", name="first"), last])


def shuffled():
    for part in np.split(np.random.permutation(192), 6):
        yield X[part], Y[part]


def sgd(network) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(0.3)


def task(network=small, **more) -> nm.Task:
    loop = nm.TrainingLoop(shuffled, **{"optimiser": sgd, "network": network, "epochs": 2, **more})
    return nm.Task(network(0), [(X[192:], Y[192:])], name="cloud", training=loop)


def trained(model, epochs: int = 2, rate: float = 0.3, **knobs):
    """`model.fit` inside of `nm.precision`: what it recorded."""
    if not model.compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(rate), loss=loss, run_eagerly=True)
    with nm.precision(model, **knobs) as training:
        for _ in range(epochs):
            model.fit(X[:192], Y[:192], batch_size=32, shuffle=False, verbose=0)
            training.end_epoch()
    return training
