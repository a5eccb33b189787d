"""Keras networks that give no scores of classes, and labels that are no classes, are trained by their loss."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends.training_networks import X, Y, sgd, small

import narrowmax as nm
from narrowmax.errors import DataError, NetworkError
from narrowmax.models.keras import copied


def plain(x) -> np.ndarray:
    return np.array(ops.convert_to_numpy(x))


def cross_entropy(kind: str = "Sparse"):
    return getattr(keras.losses, f"{kind}CategoricalCrossentropy")(from_logits=True)


def headed(*heads: layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(1)
    given = keras.Input((8,))
    return keras.Model(given, {head.name: head(given) for head in heads})


def given(network, labels, /, metric="classification", held_out=Y[192:], **more) -> nm.Task:
    loop = nm.TrainingLoop([(X[:96], labels)], sgd, epochs=1, **more)
    return nm.Task(network, [(X[192:], held_out)], metric, name="cloud", training=loop)


def pictures() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([layers.Input((8,)), layers.Dense(16), layers.Reshape((2, 2, 4))])


def number(activation: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([layers.Input((8,)), layers.Dense(1, activation=activation)])


NETWORKS = {
    "one number": (number, {"loss": "mse"}, Y[:96]),
    "a sigmoid": (lambda: number("sigmoid"), {"loss": "binary_crossentropy"}, (Y[:96] > 1) * 1.0),
    "several outputs": (
        lambda: headed(layers.Dense(4, name="a"), layers.Dense(3, name="b")),
        {"loss": {"a": cross_entropy(), "b": cross_entropy()}},
        {"a": Y[:96], "b": Y[:96] % 3},
    ),
    "pictures": (pictures, {"loss": cross_entropy()}, np.repeat(Y[:96], 4).reshape(-1, 2, 2)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_without_rows_of_scores_is_judged_by_its_loss_alone(name):
    made, more, labels = NETWORKS[name]
    metric = lambda output, own: {"size": np.abs(plain(keras.tree.flatten(output)[0])).reshape(64, -1).mean(1)}  # noqa: E731
    found = nm.train(given(made(), labels, metric, **more), weights="Q2.4")
    (epoch,) = found.epochs
    assert "train" not in epoch and not epoch["diverged"] and np.isfinite(epoch["loss"])
    assert epoch["held_out"] == {"size": found.outcomes["size"].mean()}


LABELS = {"of one column": (Y[:96, None], "Sparse"), "soft": (np.eye(4)[Y[:96]], "")}


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_are_no_classes_are_for_the_loss_alone(name):
    labels, kind = LABELS[name]
    found = nm.train(given(small(), labels, loss=cross_entropy(kind)))
    classes = nm.train(given(small(), Y[:96]))
    assert "train" not in found.epochs[0] and "train" in classes.epochs[0]
    assert found.epochs[0]["loss"] == pytest.approx(classes.epochs[0]["loss"], rel=1e-5)
    assert found.outcomes["top1"].mean() == classes.outcomes["top1"].mean()


@pytest.mark.parametrize(
    ("labels", "held_out", "sentence"),
    [
        (np.where(Y[:96] == 0, 9, Y[:96]), Y[192:], "a label to train on is 9; labels of rows of 4 are 0 to 3"),
        (Y[:96] - 1, Y[192:], "a label to train on is -1; labels of rows of 4 are 0 to 3"),
        (Y[:96], Y[192:] + 1, "a label of task cloud is 4; labels of rows of 4 are 0 to 3"),
        (Y[:96], Y[192:, None], r"task cloud has labels of shape \(64, 1\) for logits of \(64, 4\); give one label"),
        (
            Y[:96],
            Y[192:] * 1.0,
            "task cloud has labels of type float64; give integers, or the task a metric of its own",
        ),
    ],
)
def test_what_is_no_class_of_the_network_is_refused(labels, held_out, sentence):
    with pytest.raises(DataError, match=f"^{sentence}"):
        nm.train(given(small(), labels, held_out=held_out))


class Own(keras.Model):
    """Of a class that does not say how it is made."""

    def __init__(self):
        super().__init__(name="own")
        self.last = layers.Dense(4)

    def call(self, x):
        return self.last(x)


def test_a_model_that_cannot_be_copied_is_refused_unless_the_loop_makes_it():
    network = Own()
    network(X)
    with pytest.raises(
        NetworkError, match="^the Keras model own cannot be copied, for Own does not say how it is made; "
    ):
        nm.train(given(network, Y[:96]))
    assert nm.train(given(network, Y[:96], network=lambda seed: Own())).epochs[0]["steps"] == 1


def test_a_copy_computes_what_its_model_does_an_adapted_normalization_too():
    norm = layers.Normalization()
    norm.adapt(X * 50 + 100)
    network = keras.Sequential([layers.Input((8,)), norm, layers.Dense(4)])
    assert np.allclose(plain(network(X)), plain(copied(network)(X)))


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("knobs", [{"weights": "Q2.4"}, {"softmax": "ideal(input=Q4.4, output=UQ1.8)"}])
@pytest.mark.parametrize("softmax", [None, "softmax"])
def test_several_outputs_are_counted_each_by_its_name(n, knobs, softmax):
    never = keras.initializers.Constant([0, 0, 0, -8])  # is the last class of one of them: its p is 0
    network = headed(layers.Dense(4, softmax, name="a", bias_initializer=never), layers.Dense(n, softmax, name="b"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=softmax is None)
    network.compile(sgd(network), loss={"a": loss, "b": loss})
    given, labels = np.zeros((64, 8), np.float32), {"a": Y[:64] % 2, "b": Y[:64] % 2}
    with nm.precision(network, **knobs) as training:
        network.train_on_batch(given, labels)
    push = training.epochs[0]["push"]
    if "softmax" in knobs:
        assert push["rows"] == 128 and push["classes"] == ["a 3 of 4"]
        assert push["zero"] == pytest.approx(1 / (4 + n)) and push["still"] == 0
    elif softmax:
        assert push["rows"] == 64 and push["classes"] == []


def test_gradients_of_the_widest_formats_are_counted_without_a_warning():
    network = small()
    network.compile(sgd(network), loss=cross_entropy())
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with nm.precision(network, gradients="fp32", updates="fp32") as training:
            network.train_on_batch(X[:32] * 1e4, Y[:32])
    assert training.epochs[0]["gradients"]["more_bits"] == training.epochs[0]["updates"]["more_bits"] == 0
