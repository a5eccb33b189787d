"""A training of a Keras model that was interrupted goes on from its last epoch, to the bits of one that was not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from tests.keras_backends.training_networks import task
from tests.models.training.keeping import Kept

import narrowmax as nm

ROWS = {
    "stochastic": {"weights": "Q3.5:stochastic", "gradients": "Q2.12:stochastic", "updates": "Q3.8:stochastic"},
    "scaled": {"gradients": "Q1.6", "loss_scale": "dynamic"},
}


def made(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(16, activation="relu", name="a"), layers.Dropout(0.2), layers.BatchNormalization(name="b")]
    return keras.Sequential([layers.Input((8,)), *hidden, layers.Dense(4, name="c")])


def adam(network) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(1e-2)


def trained(kept: Kept, row: str):
    return nm.train(task(made, optimiser=adam, epochs=3), seed=1, unfinished=kept, **ROWS[row])


def same(one, other) -> None:
    assert one.epochs == other.epochs and one.outcomes.keys() == other.outcomes.keys()
    assert all(np.array_equal(values, other.outcomes[name]) for name, values in one.outcomes.items())
    assert all(map(np.array_equal, one.network.get_weights(), other.network.get_weights()))


@pytest.mark.parametrize("row", ROWS)
def test_what_is_resumed_is_what_was_never_interrupted(row):
    whole = trained(kept := Kept(), row)
    assert len(kept.saved) == 2 and len(whole.epochs) == 3
    resumed = trained(later := Kept(kept.saved[0]), row)
    assert len(later.saved) == 1
    same(resumed, whole)


def test_a_state_that_is_not_of_this_network_is_left_alone():
    whole = trained(kept := Kept(), "stochastic")
    for name, value in {"variable 0": np.zeros(3, np.float32), "random python": np.zeros(3, np.uint8)}.items():
        found = trained(Kept({**kept.saved[0], name: value}), "stochastic")
        same(found, whole)
