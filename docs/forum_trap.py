"""The forum's trap in Keras: rounding before the last layer, in training, on digits.

A student rounded at the 10th, 20th and 30th decimal before the softmax of a VGG network, got about 36 % whatever
the decimal, and no harm from a cast to FP16.  Here are a small network, the same lines, and what changes.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

import narrowmax as nm
from narrowmax.keras import Quantize
from narrowmax.models.digits_data import digits

EPOCHS, RATE, BATCH = 12, 0.01, 64


class Line(layers.Layer):
    """A line of code between two layers."""

    def __init__(self, function: Callable, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def rounded(decimals: int) -> layers.Layer:
    """What was written in the forum: `tf.round(x * 10**decimals) / 10**decimals`."""
    return Line(lambda x: ops.round(x * 10.0**decimals) / 10.0**decimals, name="rounding")


def through_fp16() -> layers.Layer:
    """A cast to FP16 and back."""
    return Line(lambda x: ops.cast(ops.cast(x, "float16"), "float32"), name="cast")


CASES: dict[str, Callable[[], layers.Layer] | None] = {
    "nothing": None,
    "a cast to FP16": through_fp16,
    "round at 10 decimals": lambda: rounded(10),
    "round at 20 decimals": lambda: rounded(20),
    "round at 30 decimals": lambda: rounded(30),
    "round at 10 decimals, straight through": lambda: Quantize("decimal(10)", name="rounding"),
    "round at 2 decimals, straight through": lambda: Quantize("decimal(2)", name="rounding"),
    "round at 0 decimals, straight through": lambda: Quantize("decimal(0)", name="rounding"),
}


def network(between: Callable[[], layers.Layer] | None) -> keras.Model:
    """64-8-8-10 with a line before the last layer."""
    hidden = [layers.Dense(8, activation="relu", name=name) for name in ("first", "second")]
    last = layers.Dense(10, activation="softmax", name="last")
    return keras.Sequential([layers.Input((64,)), *hidden, *([between()] if between else []), last])


def trained(case: str, seed: int = 0, epochs: int = EPOCHS) -> dict:
    """Accuracy on images that nothing was trained on, whether the first layer moved, and what `doctor` finds.

    The test images are those of the digits that `narrowmax` never trains on; the others train.
    """
    data = digits()
    images, split = data.images.reshape(-1, 64), np.concatenate([data.training, data.selection])
    keras.utils.set_random_seed(seed)
    model = network(CASES[case])
    model.compile(keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [ops.convert_to_numpy(one).copy() for one in model.get_layer("first").weights]
    model.fit(images[split], data.labels[split], batch_size=BATCH, epochs=epochs - 1, verbose=0)
    with nm.doctor(model) as seen:
        model.fit(images[split], data.labels[split], batch_size=BATCH, epochs=1, verbose=0)
    after = [ops.convert_to_numpy(one) for one in model.get_layer("first").weights]
    tested = data.judgement
    _, accuracy = model.evaluate(images[tested], data.labels[tested], verbose=0)
    return {
        "accuracy": float(accuracy),
        "moved": not all(map(np.array_equal, before, after)),
        "traps": [one.trap for one in seen.findings()],
    }


def rows(seeds: int = 2) -> list[dict]:
    """A row for each case: accuracies by seed."""
    found = []
    for case in CASES:
        runs = [trained(case, seed) for seed in range(seeds)]
        found.append({"case": case, "accuracies": [one["accuracy"] for one in runs], **_same(runs)})
    return found


def _same(runs: list[dict]) -> dict:
    """What is the same in all runs."""
    assert all((one["moved"], one["traps"]) == (runs[0]["moved"], runs[0]["traps"]) for one in runs)
    return {"moved": runs[0]["moved"], "traps": runs[0]["traps"]}
