"""Keras models with one softmax, and the reference that a replaced one must equal, in NumPy."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

BACKEND = keras.backend.backend()
DESIGN = "table_divide(input=Q4.2, output=UQ0.8)"
ROWS, FEATURES, CLASSES = 8, 6, 5
X = np.random.default_rng(0).normal(0, 2, (ROWS, FEATURES)).astype(np.float32)
G = np.random.default_rng(1).normal(0, 1, (ROWS, CLASSES)).astype(np.float32)


def own_softmax(x):
    """The backend's own softmax, past Keras."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.nn.softmax(x)
    if BACKEND == "jax":
        import jax

        return jax.nn.softmax(x)
    import torch

    return torch.softmax(x, dim=-1)


@keras.saving.register_keras_serializable(package="tests")
class Calls(layers.Layer):
    """A layer that calls a softmax in its own code."""

    def __init__(self, function=ops.softmax, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def _then(after):
    return lambda: keras.Sequential([layers.Input((FEATURES,)), layers.Dense(CLASSES, name="fc"), *after()])


def _functional():
    given = keras.Input((FEATURES,))
    return keras.Model(given, ops.softmax(layers.Dense(CLASSES, name="fc")(given)))


def _nested():
    inner = keras.Sequential(
        [layers.Input((FEATURES,)), layers.Dense(CLASSES, activation="softmax", name="fc")], name="inner"
    )
    given = keras.Input((FEATURES,))
    return keras.Model(given, inner(given))


# what makes the model, the name of the layer that calls, whether it gives logs
SPELLINGS = {
    "Dense(activation='softmax')": (
        lambda: keras.Sequential([layers.Input((FEATURES,)), layers.Dense(CLASSES, activation="softmax", name="fc")]),
        "fc",
        False,
    ),
    "layers.Softmax": (_then(lambda: [layers.Softmax(name="out")]), "out", False),
    "layers.Activation('softmax')": (_then(lambda: [layers.Activation("softmax", name="out")]), "out", False),
    "layers.Activation('log_softmax')": (_then(lambda: [layers.Activation("log_softmax", name="out")]), "out", True),
    "ops.softmax in a functional model": (_functional, "softmax*", False),
    "ops.softmax in a layer": (_then(lambda: [Calls(name="out")]), "out", False),
    "ops.log_softmax in a layer": (_then(lambda: [Calls(ops.log_softmax, name="out")]), "out", True),
    "the backend's own softmax in a layer": (_then(lambda: [Calls(own_softmax, name="out")]), "out", False),
    "a model inside a model": (_nested, "inner/fc", False),
}


def dense(model) -> layers.Dense:
    """The layer of a case that has weights."""
    return next(one for one in model._flatten_layers() if isinstance(one, layers.Dense))


def logits(model, x=X) -> np.ndarray:
    """What reaches the softmax of a case."""
    kernel, bias = (keras.ops.convert_to_numpy(one) for one in dense(model).weights)
    return x @ kernel + bias


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def quantised(x: np.ndarray) -> np.ndarray:
    """The input of `DESIGN`, Q4.2: a quarter, saturated."""
    return np.clip(np.round(x * 4), -32, 31) / 4


def through(x: np.ndarray, g: np.ndarray, log: bool = False) -> np.ndarray:
    """The straight-through gradient by x of sum(g * softmax), or of its log."""
    y = softmax(quantised(x.astype(np.float64)))
    return g - y * g.sum(-1, keepdims=True) if log else y * (g - (g * y).sum(-1, keepdims=True))


def step(model, x, g) -> np.ndarray:
    """What one step with the loss sum(g * output) changes in the kernel of the case's layer: its gradient."""
    before = keras.ops.convert_to_numpy(dense(model).kernel).copy()
    model.compile(keras.optimizers.SGD(1.0), loss=lambda wanted, given: ops.sum(wanted * given, axis=-1))
    model.train_on_batch(x, g)
    return (before - keras.ops.convert_to_numpy(dense(model).kernel)) * len(x)
