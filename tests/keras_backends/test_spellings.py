"""Every way to a softmax in Keras: seen, named, replaced, with the right gradient, on the backend in use."""

from __future__ import annotations

from fnmatch import fnmatchcase

import keras
import numpy as np
import pytest
from tests.keras_backends import cases

from narrowmax.designs import design
from narrowmax.models.keras import measure, replace

WAYS = {
    "call": lambda model: model(cases.X),
    "predict": lambda model: model.predict(cases.X, verbose=0),
}


@pytest.mark.parametrize("case", cases.SPELLINGS)
@pytest.mark.parametrize("way", WAYS)
def test_a_softmax_is_seen(case, way):
    build, name, log = cases.SPELLINGS[case]
    model = build()
    before = keras.ops.convert_to_numpy(WAYS[way](model))
    with measure(model) as seen:
        inside = keras.ops.convert_to_numpy(WAYS[way](model))
    (one,) = seen.softmaxes()
    x = cases.logits(model)
    assert fnmatchcase(one["name"], name)
    assert (one["kind"], one["function"]) == ("classifier", "log_softmax" if log else "softmax")
    assert (one["rows"], one["n"]) == (cases.ROWS, cases.CLASSES)
    assert (one["min"], one["max"]) == pytest.approx((x.min(), x.max()), rel=1e-5)
    assert np.array_equal(before, inside)
    WAYS[way](model)
    assert seen.softmaxes()[0]["rows"] == cases.ROWS


@pytest.mark.parametrize("case", cases.SPELLINGS)
@pytest.mark.parametrize("way", WAYS)
def test_a_softmax_is_replaced(case, way):
    build, name, log = cases.SPELLINGS[case]
    model, made = build(), design(cases.DESIGN)
    before = keras.ops.convert_to_numpy(WAYS[way](model))
    with replace(model, made) as replacement:
        got = keras.ops.convert_to_numpy(WAYS[way](model))
    wanted = made(cases.logits(model))
    wanted = np.log(np.maximum(wanted, 2.0**-9)) if log else wanted
    assert np.array_equal(got, wanted.astype(np.float32))
    assert [count for site, count in replacement.sites.items() if fnmatchcase(site.name, name)] == [1]
    assert np.array_equal(keras.ops.convert_to_numpy(WAYS[way](model)), before)


@pytest.mark.parametrize("case", cases.SPELLINGS)
def test_the_gradient_is_straight_through(case):
    build, _, log = cases.SPELLINGS[case]
    model = build()
    wanted = cases.X.T @ cases.through(cases.logits(model), cases.G, log)
    with replace(model, design(cases.DESIGN)):
        got = cases.step(model, cases.X, cases.G)
    assert np.allclose(got, wanted, rtol=1e-4, atol=1e-4)


def test_the_gradient_by_slope():
    model = cases.SPELLINGS["layers.Softmax"][0]()
    made, x = design(cases.DESIGN), cases.logits(model)
    y = made(x)
    y = y / y.sum(-1, keepdims=True)
    inside = (x >= -8) & (x <= 7.75)
    wanted = cases.X.T @ (inside * y * (cases.G - (cases.G * y).sum(-1, keepdims=True)))
    with replace(model, made, gradient="slope"):
        got = cases.step(model, cases.X, cases.G)
    assert np.allclose(got, wanted, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("axis", [1, -2, (1, 2), (2, 1), [2]])
def test_a_softmax_along_other_axes(axis):
    layer = keras.layers.Softmax(axis)
    x = np.random.default_rng(2).normal(0, 3, (4, 3, 5)).astype(np.float32)
    made = design(cases.DESIGN)
    plain = keras.ops.convert_to_numpy(layer(x))
    with measure(layer) as seen, replace(layer, made):
        got = keras.ops.convert_to_numpy(layer(x))
    several = isinstance(axis, tuple)
    (one,) = seen.softmaxes()
    along = axis[0] if isinstance(axis, list) else axis
    assert one["name"] == "<network>"
    assert (one["rows"], one["n"]) == ((4, 15) if several else (x.size // x.shape[along], x.shape[along]))
    wanted = made(x.reshape(4, 15)).reshape(x.shape) if several else made(x, axis=along)
    assert np.array_equal(got, wanted.astype(np.float32))
    with measure(layer):
        assert np.array_equal(keras.ops.convert_to_numpy(layer(x)), plain)


def test_a_softmax_of_all_elements():
    x = np.random.default_rng(2).normal(0, 3, (3, 5)).astype(np.float32)
    layer = cases.Calls(lambda x: keras.ops.softmax(x, axis=None))
    with measure(layer) as seen, replace(layer, design(cases.DESIGN)):
        got = keras.ops.convert_to_numpy(layer(x))
    assert seen.softmaxes()[0]["n"] == 15
    assert np.array_equal(got, design(cases.DESIGN)(x.ravel()).reshape(3, 5).astype(np.float32))


def test_masked_elements_of_a_softmax_layer():
    layer = keras.layers.Softmax()
    x = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], np.float32)
    mask = np.array([[True, False, True], [False, False, False]])
    with measure(layer) as seen, replace(layer, design(cases.DESIGN)):
        got = keras.ops.convert_to_numpy(layer(x, mask=mask))
    (one,) = seen.softmaxes()
    assert (one["masked"], one["min"], one["max"]) == (4, 1.0, 3.0)
    assert np.array_equal(got[0], design(cases.DESIGN)(x, mask=mask).astype(np.float32)[0])
    assert got[1].tolist() == [0, 0, 0]
