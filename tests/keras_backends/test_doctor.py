"""Each trap of a Keras experiment is found on every backend, and nothing is found where there is none."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends.cases import BACKEND, Calls

import narrowmax as nm
from narrowmax.models.frameworks import framework_of

SAMPLES, FEATURES, CLASSES = 64, 20, 10
X = np.random.default_rng(0).normal(size=(SAMPLES, FEATURES)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, CLASSES, SAMPLES)
HIDDEN = np.where(np.arange(CLASSES) == 3, -1e9, 0).astype(np.float32)


def model(between=None, behind=None) -> keras.Model:
    """Two layers, with something between them and something behind them."""
    between = [Calls(between, name="between")] if between else []
    behind = [behind if isinstance(behind, layers.Layer) else Calls(behind, name="behind")] if behind else []
    first, last = layers.Dense(32, activation="relu", name="first"), layers.Dense(CLASSES, name="last")
    return keras.Sequential([keras.Input((FEATURES,)), first, *between, last, *behind])


def examined(network: keras.Model, from_logits: bool = True) -> list:
    """Findings of an epoch of training."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    network.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    with nm.doctor(network) as seen:
        network.fit(X, Y, epochs=1, batch_size=32, verbose=0)
    return seen.findings()


def traps(findings: list) -> list[str]:
    return [one.trap for one in findings]


def test_a_clean_network_gives_no_finding():
    assert examined(model()) == []
    assert examined(model(behind=layers.Softmax(name="behind")), from_logits=False) == []
    through = lambda x: x + ops.stop_gradient(ops.round(x * 4) / 4 - x)  # noqa: E731
    assert examined(model(through)) == []
    assert examined(model(lambda x: ops.cast(ops.cast(x, "float16"), "float32"))) == []


@pytest.mark.parametrize("decimals", [10, 30])
def test_rounding_beyond_float32_does_nothing_and_blocks_the_gradient(decimals):
    without, blocked = examined(model(lambda x: ops.round(x * 10.0**decimals) / 10.0**decimals))
    assert traps([without, blocked]) == ["rounding-without-effect", "rounding-blocks-gradient"]
    assert without.where == blocked.where == "between"
    assert "which has 24 bits" in without.evidence and "first/kernel" in blocked.evidence


def test_rounding_by_the_backend_is_seen():
    def rounded(x):
        if BACKEND == "tensorflow":
            import tensorflow as tf

            return tf.round(x * 16) / 16
        if BACKEND == "jax":
            import jax.numpy as jnp

            return jnp.round(x * 16) / 16
        import torch

        return torch.round(x * 16) / 16

    assert traps(examined(model(rounded))) == ["rounding-blocks-gradient"]


def test_rounding_before_the_softmax_stops_all_training():
    """TensorFlow has no gradient then, and Keras raises; what was seen until there is told all the same."""
    network = model(behind=lambda x: ops.softmax(ops.round(x * 16) / 16))
    network.compile(optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy())
    seen = nm.doctor(network)
    try:
        with seen:
            network.fit(X, Y, epochs=1, verbose=0)
    except ValueError as error:
        assert "No gradients provided" in str(error)
    assert "rounding-blocks-gradient" in traps(seen.findings())


def test_softmax_twice():
    found = examined(model(behind=layers.Softmax(name="behind")), from_logits=True)
    assert traps(found) == ["softmax-twice"] and found[0].where == "behind"
    found = examined(model(behind=lambda x: ops.softmax(ops.softmax(x))), from_logits=False)
    assert "softmax-twice" in traps(found)


def test_logits_where_probabilities_are_expected():
    (found,) = examined(model(), from_logits=False)
    assert (found.trap, found.where) == ("logits-for-probabilities", "last")
    assert "sparse_categorical_crossentropy(from_logits=False)" in found.evidence


def test_a_quantiser_behind_the_mask():
    found = examined(model(behind=lambda x: ops.clip((x + ops.convert_to_tensor(HIDDEN)) * 8, -128, 127) / 8))
    assert traps(found) == ["quantised-after-mask"] and found[0].where == "behind"


def test_a_graph_that_is_cut_is_told():
    (found,) = examined(model(ops.stop_gradient))
    assert found.trap == "does-not-learn" and "no gradient reaches 2 of 4 parameters" in found.evidence


@pytest.mark.parametrize("steps", [1, 2])
def test_weights_that_begin_as_0_hold_the_gradient_back_for_one_step_only(steps):
    """As those of LoRA and of residual branches do."""
    network = model()
    network.get_layer("last").kernel.assign(np.zeros((32, CLASSES), np.float32))
    network.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.SparseCategoricalCrossentropy(True))
    with nm.doctor(network) as seen:
        network.fit(X, Y, epochs=steps, batch_size=SAMPLES, verbose=0)
    assert "does-not-learn" not in traps(seen.findings())


def test_a_gradient_of_0_is_told_after_a_second_step():
    found = {one.trap: one.evidence for one in examined(model(lambda x: x * 0))}
    assert "no gradient reaches 3 of 4 parameters" in found["does-not-learn"]


def test_an_optimiser_that_changes_nothing_is_told():
    network = model()
    network.compile(optimizer=keras.optimizers.SGD(0.0), loss=keras.losses.SparseCategoricalCrossentropy(True))
    with nm.doctor(network) as seen:
        network.fit(X, Y, epochs=1, batch_size=32, verbose=0)
    (found,) = seen.findings()
    assert found.evidence == "no parameter changed in 2 steps of the optimiser"


def test_nothing_is_left_behind():
    before = (keras.optimizers.Optimizer.apply, keras.src.backend.numpy.round, keras.layers.Layer.__call__)
    with pytest.raises(KeyError), nm.doctor(model()):
        raise KeyError
    assert before == (keras.optimizers.Optimizer.apply, keras.src.backend.numpy.round, keras.layers.Layer.__call__)


@pytest.mark.parametrize("behind", [None, "softmax"])
def test_a_batch_is_learnt_from_on_a_copy(behind):
    """What `narrowmax doctor` does: with the loss that fits the output, or the model's own."""
    network = model(behind=layers.Softmax(name="behind") if behind else None)
    framework, before = framework_of(network), network.get_weights()
    copy = framework.copied(network)
    with nm.doctor(copy) as seen:
        output = framework.learn(copy, X, Y)
    assert output.shape == (SAMPLES, CLASSES) and seen.findings() == []
    assert all(map(np.array_equal, before, network.get_weights()))
    assert not all(map(np.array_equal, before, copy.get_weights()))
