"""An attention in a layer, and what its softmax gets, gives and passes back, in NumPy."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops
from tests.keras_backends import cases

B, T, D, HEADS, DEPTH = 2, 5, 8, 2, 4
X = np.random.default_rng(3).normal(0, 2, (B, T, D)).astype(np.float32)
UPSTREAM = np.random.default_rng(4).normal(0, 1, (B, T, D)).astype(np.float32)
PADDING = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]], bool)
GIVEN = {
    "plain": {},
    "causal": {"use_causal_mask": True},
    "padding": {"attention_mask": PADDING[:, None, :]},
    "both": {"use_causal_mask": True, "attention_mask": PADDING[:, None, :]},
}


class Attends(layers.Layer):
    """Self-attention called `attend` in a layer called `block`."""

    def __init__(self, attention, given):
        super().__init__(name="block")
        self.attend, self.given = attention, given

    def call(self, x, training=False):
        return self.attend(x, x, training=training, **self.given)


def multi_head(dropout, given):
    attention = layers.MultiHeadAttention(HEADS, DEPTH, dropout=dropout, name="attend")
    model = keras.Sequential([layers.Input(batch_shape=(B, T, D)), Attends(attention, given)])
    return model, attention


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def projected(layer):
    kernel, bias = map(numpy, layer.weights)
    return np.einsum("btd,dnh->btnh", X, kernel) + bias


def scores(attention):
    query, key = projected(attention._query_dense), projected(attention._key_dense)
    return np.einsum("btnh,bsnh->bnts", query, key) / np.sqrt(DEPTH)


def mask_of(given):
    mask = np.ones((B, HEADS, T, T), bool)
    mask &= given.get("attention_mask", np.ones((B, 1, T), bool))[:, None]
    return mask & np.tri(T, dtype=bool) if given.get("use_causal_mask") else mask


def weighted(attention, p):
    kernel, bias = map(numpy, attention._output_dense.weights)
    out = np.einsum("bnts,bsnh->btnh", p, projected(attention._value_dense))
    return np.einsum("btnh,nhd->btd", out, kernel) + bias


def step(model, attention) -> np.ndarray:
    """What one step with the loss sum(`UPSTREAM` * output) changes in the query's kernel: its gradient."""
    before = numpy(attention._query_dense.kernel).copy()
    model.compile(keras.optimizers.SGD(1.0), loss=lambda one, other: ops.sum(one * other, axis=(1, 2)))
    model.train_on_batch(X, UPSTREAM)
    return (before - numpy(attention._query_dense.kernel)) * B


def through(attention, given) -> np.ndarray:
    """The straight-through gradient that `step` should see."""
    mask, x = mask_of(given), scores(attention)
    q = np.where(mask, cases.quantised(x), -np.inf)
    y = cases.softmax(np.where(mask.any(-1, keepdims=True), q, 0))
    kernel = numpy(attention._output_dense.kernel)
    g = np.einsum("btd,nhd,bsnh->bnts", UPSTREAM, kernel, projected(attention._value_dense))
    dx = y * (g - (g * y).sum(-1, keepdims=True)) / np.sqrt(DEPTH)
    return np.einsum("btd,bnts,bsnh->dnh", X, dx, projected(attention._key_dense))
