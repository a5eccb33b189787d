"""Losses: from logits they are a softmax of their own; from probabilities they are not, on any backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends import cases

from narrowmax.designs import design
from narrowmax.models.keras import measure, replace

LABELS = np.random.default_rng(8).integers(0, cases.CLASSES, cases.ROWS)
ONE_HOT = np.eye(cases.CLASSES, dtype=np.float32)[LABELS]
LOSSES = {
    "sparse": (keras.losses.SparseCategoricalCrossentropy, LABELS),
    "categorical": (keras.losses.CategoricalCrossentropy, ONE_HOT),
}


def network(activation=None):
    last = layers.Dense(cases.CLASSES, activation=activation, name="fc")
    return keras.Sequential([layers.Input((cases.FEATURES,)), last])


def compiled(kind, from_logits, **more):
    loss, labels = LOSSES[kind]
    model = network(None if from_logits else "softmax")
    model.compile(keras.optimizers.SGD(1.0), loss=loss(from_logits=from_logits, **more))
    return model, labels


def nll(p, labels=LABELS):
    return -np.log(p[np.arange(len(labels)), labels]).mean()


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_from_logits_is_a_softmax(kind):
    model, labels = compiled(kind, True)
    made, x = design(cases.DESIGN), cases.logits(model)
    before = model.evaluate(cases.X, labels, verbose=0)
    with measure(model) as seen, replace(model, made, where="classifier") as replacement:
        inside = model.evaluate(cases.X, labels, verbose=0)
    (one,) = seen.softmaxes()
    assert (one["name"], one["function"], one["rows"]) == ("fc", "cross_entropy", cases.ROWS)
    assert (one["min"], one["max"]) == pytest.approx((x.min(), x.max()), rel=1e-5)
    assert list(replacement.sites.values()) == [1]
    assert inside == pytest.approx(nll(np.maximum(made(x), 2.0**-9)), rel=1e-5)
    assert before == pytest.approx(nll(cases.softmax(x)), rel=1e-5) == model.evaluate(cases.X, labels, verbose=0)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_from_probabilities_takes_those_of_the_design(kind):
    """On TensorFlow Keras would go back behind the softmax, and miss what the design does."""
    model, labels = compiled(kind, False)
    made, x = design("table_divide(input=Q4.1, output=UQ0.6)"), cases.logits(model)
    with measure(model) as seen, replace(model, made) as replacement:
        inside = model.evaluate(cases.X, labels, verbose=0)
    (one,) = seen.softmaxes()
    assert (one["name"], one["function"], one["rows"]) == ("fc", "softmax", cases.ROWS)
    assert list(replacement.sites.values()) == [1]
    p = made(x)
    scaled = p if cases.BACKEND == "tensorflow" and kind == "sparse" else p / p.sum(-1, keepdims=True)
    picked = np.clip(scaled, 1e-7, 1 - 1e-7)
    if cases.BACKEND == "tensorflow" and kind == "sparse":  # which takes the softmax of the logs
        picked = picked / picked.sum(-1, keepdims=True)
    assert inside == pytest.approx(nll(picked), rel=1e-5)
    assert model.evaluate(cases.X, labels, verbose=0) == pytest.approx(nll(cases.softmax(x)), rel=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("from_logits", [True, False])
def test_a_step_follows_the_straight_through_gradient(kind, from_logits):
    model, labels = compiled(kind, from_logits)
    x = cases.logits(model)
    fine = design("ideal(input=Q4.2, output=UQ1.20)")  # so fine that the loss divides by what the softmax gives
    wanted = cases.X.T @ (cases.softmax(cases.quantised(x)) - ONE_HOT) / cases.ROWS
    before = keras.ops.convert_to_numpy(cases.dense(model).kernel).copy()
    with replace(model, fine):
        model.train_on_batch(cases.X, labels)
    assert np.allclose(before - keras.ops.convert_to_numpy(cases.dense(model).kernel), wanted, rtol=1e-3, atol=1e-4)


def test_label_smoothing_and_focal_loss_from_logits():
    for loss in (
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        keras.losses.CategoricalFocalCrossentropy(from_logits=True),
    ):
        x = np.random.default_rng(9).normal(0, 2, (4, cases.CLASSES)).astype(np.float32)
        model = network()
        plain = float(loss(ONE_HOT[:4], x))
        with measure(model) as seen, replace(model, design("ideal(input=Q9.14, output=UQ1.24)")):
            assert float(loss(ONE_HOT[:4], x)) == pytest.approx(plain, rel=1e-4)
        assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("<outside>", 4)]


def test_classes_along_another_axis_and_labels_with_one():
    x = np.random.default_rng(10).normal(0, 2, (4, 5, 3)).astype(np.float32)
    labels = np.random.default_rng(11).integers(0, 5, (4, 3))
    one_hot = np.moveaxis(np.eye(5, dtype=np.float32)[labels], -1, 1)
    fine = design("ideal(input=Q9.14, output=UQ1.24)")
    plain = keras.ops.convert_to_numpy(ops.categorical_crossentropy(one_hot, x, from_logits=True, axis=1))
    with replace(network(), fine):
        got = keras.ops.convert_to_numpy(ops.categorical_crossentropy(one_hot, x, from_logits=True, axis=1))
        column = ops.sparse_categorical_crossentropy(labels[..., None], np.moveaxis(x, 1, -1), from_logits=True)
    assert np.allclose(got, plain, rtol=1e-4)
    assert np.allclose(keras.ops.convert_to_numpy(column), plain, rtol=1e-4)


def test_masked_logits_have_no_probability_and_no_loss_of_their_own():
    x = np.array([[1.0, -1e9, 2.0]], np.float32)
    with replace(network(), design(cases.DESIGN)):
        loss = ops.categorical_crossentropy(np.array([[0.0, 0.0, 1.0]], np.float32), x, from_logits=True)
    assert np.isfinite(keras.ops.convert_to_numpy(loss)).all()


def test_metrics_from_logits_are_softmaxes_too_and_accuracy_is_none():
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    again = keras.metrics.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss=loss, metrics=["accuracy", again])
    with measure(model) as seen:
        model.evaluate(cases.X, LABELS, verbose=0)
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("fc", 2 * cases.ROWS)]


def test_a_softmax_applied_twice_is_seen_twice():
    """Probabilities given where logits are expected; TensorFlow notices, goes back, and warns."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = network("softmax")
    model.compile("sgd", loss=loss)
    with measure(model) as seen:
        model.evaluate(cases.X, LABELS, verbose=0)
    functions = [(one["name"], one["function"]) for one in seen.softmaxes()]
    twice = [("fc", "softmax"), ("fc", "cross_entropy")]
    assert functions == (twice[:1] if cases.BACKEND == "tensorflow" else twice)
