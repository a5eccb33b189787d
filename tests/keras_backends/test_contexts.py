"""The two contexts: nested, repeated, interrupted, around code that was traced before; nothing is left behind."""

from __future__ import annotations

import json
import pickle

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends import cases

import narrowmax as nm
from narrowmax.designs import design
from narrowmax.errors import DataError, NetworkError
from narrowmax.models.keras import backends, measure, replace

LABELS = np.random.default_rng(12).integers(0, cases.CLASSES, cases.ROWS)


def network(name="out"):
    last = layers.Dense(cases.CLASSES, activation="softmax", name=name)
    model = keras.Sequential([layers.Input((cases.FEATURES,)), last])
    model.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    return model


def places():
    """What stands now where a listener puts something of its own."""
    lower = backends.lower()
    names = ("softmax", "log_softmax", "categorical_crossentropy", "sparse_categorical_crossentropy", "_get_logits")
    found = [vars(lower).get(name) for name in (*names, "dot_product_attention")]
    found += [vars(owner)[name] for owner, name, _ in backends.bridge().spellings()]
    return found + [
        vars(keras.layers.Layer)["__call__"],
        vars(keras.losses.Loss)["__call__"],
        keras.layers.Softmax.call,
    ]


def compiled(function):
    """A function as a user would have it traced."""
    if cases.BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if cases.BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


def test_training_evaluation_and_prediction_are_seen():
    model = network()
    with nm.measure(model) as seen:
        model.fit(cases.X, LABELS, epochs=2, batch_size=4, verbose=0)
        model.train_on_batch(cases.X, LABELS)
        model.evaluate(cases.X, LABELS, verbose=0)
        model.test_on_batch(cases.X, LABELS)
        model.predict(cases.X, verbose=0)
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("out", 6 * cases.ROWS)]


def test_validation_within_fit_is_seen_and_epochs_are_kept_apart():
    model = network()
    with measure(model) as seen:
        for seen.epoch in range(2):
            model.fit(cases.X, LABELS, validation_data=(cases.X[:2], LABELS[:2]), verbose=0)
    assert [(one["epoch"], one["rows"]) for one in seen.softmaxes()] == [(epoch, cases.ROWS + 2) for epoch in (0, 1)]


def test_what_was_traced_before_is_traced_anew_and_back_again():
    model, made = network(), design(cases.DESIGN)
    run = compiled(lambda x: model(x))
    x = ops.convert_to_tensor(cases.X)
    plain, predicted = (keras.ops.convert_to_numpy(one) for one in (run(x), model.predict(cases.X, verbose=0)))
    for _ in range(2):
        with replace(model, made) as replacement, measure(model) as seen:
            got = keras.ops.convert_to_numpy(run(x)), model.predict(cases.X, verbose=0)
        assert all(np.array_equal(one, made(cases.logits(model)).astype(np.float32)) for one in got)
        assert list(replacement.sites.values()) == [2]
        assert [one["rows"] for one in seen.softmaxes()] == [2 * cases.ROWS]
        assert np.array_equal(keras.ops.convert_to_numpy(run(x)), plain)
        assert np.array_equal(model.predict(cases.X, verbose=0), predicted)


def test_the_innermost_replacement_serves_and_all_who_measure_see():
    model = network()
    coarse, fine = design("table_divide(input=Q3.0, output=UQ0.3)"), design(cases.DESIGN)
    with measure(model) as outer, replace(model, coarse) as unused, measure(model) as seen, replace(model, fine):
        got = model.predict(cases.X, verbose=0)
    assert np.array_equal(got, fine(cases.logits(model)).astype(np.float32))
    assert [one.softmaxes()[0]["rows"] for one in (outer, seen)] == [cases.ROWS] * 2
    assert unused.sites == {}


def test_where_chooses():
    given = keras.Input((3, 4))
    attended = layers.MultiHeadAttention(2, 2, name="attend")(given, given)
    outer = layers.Dense(3, activation="softmax", name="classes")(attended)
    model, x = keras.Model(given, outer), np.random.default_rng(1).normal(0, 1, (2, 3, 4)).astype(np.float32)
    for where, names in [
        ("attention", ["attend"]),
        ("classifier", ["classes"]),
        ("att*", ["attend"]),
        ("*", ["attend", "classes"]),
        (lambda site: site.function == "softmax", ["classes"]),
    ]:
        with replace(model, design(cases.DESIGN), where=where) as replacement:
            model(x)
        assert [site.name for site in replacement.sites] == names
    with pytest.raises(DataError, match="^no softmax was replaced: where='x' chooses none of attend, classes; give "):
        with replace(model, design(cases.DESIGN), where="x"):
            model(x)


def test_nothing_is_left_behind():
    model, before = network(), places()
    with measure(model), replace(model, design(cases.DESIGN)):
        model.fit(cases.X, LABELS, verbose=0)
        assert all(one is not other for one, other in zip(places(), before, strict=True) if other is not None)
    assert all(one is other for one, other in zip(places(), before, strict=True))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_behind_by_an_exception(error):
    model, before = network(), places()

    def fails(x):
        raise error("stop")

    layer = cases.Calls(fails, name="fails")
    with pytest.raises(error), measure(model) as seen:
        model(cases.X)
        layer(cases.X)
    assert all(one is other for one, other in zip(places(), before, strict=True))
    assert seen.softmaxes()[0]["rows"] == cases.ROWS
    with measure(model) as again:
        model(cases.X)
    assert [one["name"] for one in again.softmaxes()] == ["out"]


def test_what_a_design_refuses_is_said_in_its_own_words():
    before, x = places(), cases.X.copy()
    x[0, 0] = np.nan
    for run in (
        lambda model: model(x),
        lambda model: model.predict(x, verbose=0),
        lambda model: model.fit(x, LABELS, verbose=0),
    ):
        model = network()  # another each time: on JAX, Keras loses the variables of one whose fit fails
        with pytest.raises(DataError, match="^NaN or infinity reached a softmax that a design replaces; look for "):
            with replace(model, design(cases.DESIGN)):
                run(model)
    assert all(one is other for one, other in zip(places(), before, strict=True))


def test_shapes_that_keras_works_out_are_not_counted():
    model = keras.Sequential([layers.Dense(cases.CLASSES, activation="softmax", name="out")])
    model.compile("sgd", loss="sparse_categorical_crossentropy")
    with measure(model) as seen, replace(model, design(cases.DESIGN)) as replacement:
        model.fit(cases.X, LABELS, verbose=0)
    assert seen.softmaxes()[0]["rows"] == cases.ROWS
    assert list(replacement.sites.values()) == [1]


def test_another_model_is_outside():
    model, other = network(), network("other")
    with measure(model) as seen:
        other.predict(cases.X, verbose=0)
    assert [one["name"] for one in seen.softmaxes()] == ["<outside>"]


def test_a_part_of_a_model_may_be_watched():
    model = network()
    with measure(model.layers[-1]) as seen:
        model.predict(cases.X, verbose=0)
    assert [one["name"] for one in seen.softmaxes()] == ["<network>"]


def test_a_context_is_entered_once_at_a_time():
    context = measure(network())
    with context, pytest.raises(RuntimeError, match="^this context is active already; make a second one to nest them$"):
        context.__enter__()
    with context:
        context.network(cases.X)
    assert context.softmaxes()[0]["rows"] == cases.ROWS


def test_what_was_seen_travels_and_adds_up():
    model, seen = network(), []
    for part in (cases.X[:3], cases.X[3:], cases.X):
        with measure(model, within=[2.0]) as one:
            model(part)
        seen.append(pickle.loads(pickle.dumps(one)))
    merged = seen[0].merge(seen[1]).softmaxes()
    whole = seen[2].softmaxes()
    assert merged[0]["all_within"] == whole[0]["all_within"]
    assert (merged[0]["min"], merged[0]["max"], merged[0]["rows"]) == pytest.approx(
        (whole[0]["min"], whole[0]["max"], cases.ROWS)
    )
    assert json.loads(seen[2].to_json())["softmaxes"][0]["name"] == "out"
    assert "out" in seen[2].table()


def test_only_networks_are_watched():
    with pytest.raises(NetworkError, match="^a Keras layer is needed to see its softmaxes, not a str; give a keras.Mo"):
        measure("model")
    with pytest.raises(DataError, match="^gradient 'x' is not known; give one of straight-through, slope$"):
        replace(network(), design(cases.DESIGN), gradient="x")


def test_a_layer_that_is_computed_again_for_its_gradient():
    with keras.RematScope(mode="full"):
        inner = cases.Calls(ops.softmax, name="inner")
    fc = layers.Dense(cases.CLASSES, name="fc")
    model = keras.Sequential([layers.Input((cases.FEATURES,)), fc, inner])
    made, x = design("ideal(input=Q4.2, output=UQ0.8)"), cases.logits(model)
    with measure(model) as seen, replace(model, made, where="inner"):
        step = cases.step(model, cases.X, cases.G)
    assert np.allclose(step, cases.X.T @ cases.through(x, cases.G), rtol=1e-4, atol=1e-4)
    twice = 2 if cases.BACKEND == "jax" else 1
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("inner", twice * cases.ROWS)]


if cases.BACKEND == "jax":

    def test_a_jax_without_contexts_of_users_forgets_all_it_traced(monkeypatch):
        from narrowmax.models.keras import on_jax

        monkeypatch.setattr(on_jax, "_context", lambda: None)
        test_what_was_traced_before_is_traced_anew_and_back_again()
