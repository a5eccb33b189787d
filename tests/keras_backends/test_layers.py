"""Layers to write down: a design's softmax, rounding to a format; and the callback."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from tests.keras_backends import cases

import narrowmax.keras
from narrowmax.designs import design
from narrowmax.errors import DataError, DesignError, FormatError
from narrowmax.keras import Quantize, Softmax, SoftmaxInputs
from narrowmax.models.keras import measure

LABELS = np.random.default_rng(12).integers(0, cases.CLASSES, cases.ROWS)


def network(*last):
    return keras.Sequential([layers.Input((cases.FEATURES,)), layers.Dense(cases.CLASSES, name="fc"), *last])


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def test_softmax_is_the_design_bit_for_bit():
    model, made = network(Softmax(cases.DESIGN)), design(cases.DESIGN)
    wanted = made(cases.logits(model)).astype(np.float32)
    assert np.array_equal(numpy(model(cases.X)), wanted)
    assert np.array_equal(model.predict(cases.X, verbose=0), wanted)
    assert model.output_shape == (None, cases.CLASSES)


def test_softmax_along_another_axis_and_masked():
    x = np.random.default_rng(0).normal(0, 2, (2, 3, 4)).astype(np.float32)
    mask = np.random.default_rng(1).random((2, 3, 4)) < 0.6
    made = design(cases.DESIGN)
    assert np.array_equal(numpy(Softmax(made, axis=1)(x)), made(x, axis=1).astype(np.float32))
    assert np.array_equal(numpy(Softmax(made)(x, mask=mask)), made(x, mask=mask).astype(np.float32))


@pytest.mark.parametrize("gradient", ["straight-through", "slope"])
def test_softmax_trains(gradient):
    model = network(Softmax(cases.DESIGN, gradient=gradient))
    x, made = cases.logits(model), design(cases.DESIGN)
    wanted = cases.X.T @ cases.through(x, cases.G)
    if gradient == "slope":
        y = made(x) / made(x).sum(-1, keepdims=True)
        wanted = cases.X.T @ (((x >= -8) & (x <= 7.75)) * y * (cases.G - (cases.G * y).sum(-1, keepdims=True)))
    assert np.allclose(cases.step(model, cases.X, cases.G), wanted, rtol=0.02, atol=2e-3)


@pytest.mark.parametrize("text", ["Q3.1", "fp16", "e4m3", "decimal(2)", "int8@0.1"])
def test_quantize_rounds(text):
    layer = Quantize(text)
    x = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
    assert np.array_equal(numpy(layer(x)), narrowmax.format(text).round(x).astype(np.float32))


@pytest.mark.parametrize("gradient", ["straight-through", "slope"])
def test_the_gradient_of_rounding(gradient):
    model = network(Quantize("Q2.1", gradient=gradient))
    x = cases.logits(model)
    inside = (x >= -2) & (x <= 1.5) if gradient == "slope" else np.ones_like(x)
    assert np.allclose(cases.step(model, cases.X, cases.G), cases.X.T @ (cases.G * inside), rtol=1e-4, atol=1e-4)


def test_layers_say_how_to_make_them_again():
    for layer in (Softmax(cases.DESIGN, axis=1, gradient="slope"), Quantize("Q3.1", gradient="slope")):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


def test_what_layers_refuse():
    with pytest.raises(DesignError):
        Softmax("nothing(input=Q3.1)")
    with pytest.raises(FormatError):
        Quantize("Q")
    for make in (lambda: Softmax(cases.DESIGN, gradient="none"), lambda: Quantize("Q3.1", gradient="none")):
        with pytest.raises(DataError, match="^gradient 'none' is not known; give one of straight-through, slope$"):
            make()


def test_a_layer_of_ours_is_no_softmax_of_keras():
    model = network(Softmax(cases.DESIGN))
    with measure(model) as seen:
        model(cases.X)
    assert seen.softmaxes() == []


def trained(callback, epochs=2, model=None, **more):
    model = model or network(layers.Softmax(name="out"))
    model.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    model.fit(cases.X, LABELS, epochs=epochs, batch_size=4, verbose=0, callbacks=[callback], **more)
    return model


def test_the_callback_keeps_epochs_apart():
    inputs = SoftmaxInputs(within=[3.0])
    model = trained(inputs, validation_data=(cases.X[:2], LABELS[:2]))
    first, second = inputs.seen.softmaxes()
    assert [(one["name"], one["epoch"], one["rows"]) for one in (first, second)] == [
        ("out", 0, cases.ROWS),
        ("out", 1, cases.ROWS),
    ]
    assert first["mean"] != second["mean"]
    assert "out" in inputs.table()
    model.fit(cases.X, LABELS, verbose=0, callbacks=[inputs])
    assert [one["epoch"] for one in inputs.seen.softmaxes()] == [0, 1, 2]
    model.fit(cases.X, LABELS, verbose=0)
    assert [one["rows"] for one in inputs.seen.softmaxes()] == [cases.ROWS] * 3


def test_the_callback_sees_what_the_first_epoch_starts_with():
    inputs, model = SoftmaxInputs(), network(layers.Softmax(name="out"))
    x = cases.logits(model)
    model.compile(keras.optimizers.SGD(0.0), loss="sparse_categorical_crossentropy")
    model.fit(cases.X, LABELS, verbose=0, callbacks=[inputs])
    (one,) = inputs.seen.softmaxes()
    assert (one["min"], one["max"]) == pytest.approx((x.min(), x.max()), rel=1e-5)


def test_the_callback_leaves_nothing_behind_where_training_fails():
    broken = []
    fails = cases.Calls(lambda x: 1 / 0 if broken else x, name="out")
    inputs, model = SoftmaxInputs(), network(fails)
    model.compile("sgd", loss="mse", run_eagerly=True)
    model.fit(cases.X, cases.G, verbose=0)
    broken.append(True)
    with pytest.raises(ZeroDivisionError):
        model.fit(cases.X, cases.G, verbose=0, callbacks=[inputs])
    assert inputs._step is None
    broken.clear()
    if cases.BACKEND != "jax":  # where Keras loses the variables of a model whose fit fails
        model.fit(cases.X, cases.G, verbose=0)
    assert inputs.seen.softmaxes() == []
    assert inputs.table() == "no softmax was seen"
