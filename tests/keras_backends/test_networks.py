"""Keras models as the rest of narrowmax asks for them."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from tests.keras_backends import cases

import narrowmax as nm
from narrowmax.designs import design
from narrowmax.models import keras as framework
from narrowmax.models.frameworks import framework_of


def network(*last):
    return keras.Sequential([layers.Input((cases.FEATURES,)), layers.Dense(cases.CLASSES, name="fc"), *last])


def test_a_model_is_found_to_be_one_of_keras():
    assert framework_of(network()) is framework
    assert framework.is_network(layers.Dense(1))
    assert not framework.is_network(3)


@pytest.mark.parametrize("last", [[], [layers.Softmax], [lambda: layers.Activation("softmax")]])
def test_the_output_is_logits_whether_a_softmax_follows_or_not(last):
    model = network(*(make() for make in last))
    with framework.evaluating(model, 1):
        found = framework.forward(model, cases.X)
    assert np.allclose(found, cases.logits(model), rtol=1e-5, atol=1e-5)
    with nm.measure(model) as seen:
        framework.classify(framework.forward(model, cases.X))
    assert [one["rows"] for one in seen.softmaxes()] == [cases.ROWS]


def test_a_softmax_inside_is_not_that_of_the_output():
    model = network(layers.Softmax(), layers.Dense(2))
    assert np.allclose(framework.forward(model, cases.X), keras.ops.convert_to_numpy(model(cases.X)))
    same = network(layers.Softmax(), layers.Rescaling(2.0))
    assert np.allclose(framework.forward(same, cases.X).sum(-1), 2, atol=1e-5)


def test_logits_stay_under_a_replacement():
    model = network(layers.Softmax(name="out"))
    with nm.replace(model, design(cases.DESIGN)):
        assert np.allclose(framework.forward(model, cases.X), cases.logits(model), rtol=1e-5, atol=1e-5)


def test_inputs_by_name_and_by_place():
    one, other = keras.Input((3,), name="one"), keras.Input((3,), name="other")
    model = keras.Model({"one": one, "other": other}, layers.Subtract()([one, other]))
    x, y = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    assert framework.forward(model, {"one": x, "other": y}).tolist() == np.ones((2, 3)).tolist()
    pair = keras.Model([one, other], layers.Subtract()([one, other]))
    assert framework.forward(pair, (x, y)).tolist() == np.ones((2, 3)).tolist()


def test_weights_by_path():
    model = network()
    found = framework.weights(model)
    assert [(name.rsplit("/", 1)[-1], value.shape) for name, value in found.items()] == [
        ("kernel", (cases.FEATURES, cases.CLASSES)),
        ("bias", (cases.CLASSES,)),
    ]


def test_evaluation_is_not_training():
    model = keras.Sequential([layers.Input((4,)), layers.Dropout(0.9)])
    x = np.ones((3, 4), np.float32)
    assert np.array_equal(framework.forward(model, x), x)


def test_narrowmax_imports_no_keras():
    code = (
        "import sys, narrowmax.models, narrowmax.models.keras; sys.exit(bool({'keras', 'torch'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
