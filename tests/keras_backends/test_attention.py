"""The softmax inside Keras' attention layers, with and without dropout, causal, masked, in groups."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends import cases
from tests.keras_backends.attending import (
    DEPTH,
    GIVEN,
    HEADS,
    Attends,
    B,
    D,
    T,
    X,
    mask_of,
    multi_head,
    numpy,
    scores,
    step,
    through,
    weighted,
)

from narrowmax.designs import design
from narrowmax.models.keras import measure, replace


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_multi_head_attention(given, dropout):
    model, attention = multi_head(dropout, GIVEN[given])
    made = design(cases.DESIGN)
    before = numpy(model(X))
    with measure(model, heads=True) as seen:
        assert np.array_equal(numpy(model(X)), before)
    mask, x = mask_of(GIVEN[given]), scores(attention)
    assert [(one["name"], one["kind"], one["head"]) for one in seen.softmaxes()] == [
        ("block/attend", "attention", head) for head in range(HEADS)
    ]
    for head, one in enumerate(seen.softmaxes()):
        own = x[:, head][mask[:, head]]
        assert (one["rows"], one["masked"]) == (B * T, B * T * T - own.size)
        assert (one["min"], one["max"]) == pytest.approx((own.min(), own.max()), rel=1e-4)
    with replace(model, made, where="attention") as replacement:
        got = numpy(model.predict(X, verbose=0))
    assert list(replacement.sites.values()) == [1]
    assert np.allclose(got, weighted(attention, made(x, mask=mask)), atol=2e-5)
    assert np.array_equal(numpy(model(X)), before)


@pytest.mark.newer  # Keras 3.10 on TensorFlow 2.18 takes a wrong step through attention now and then, narrowmax or not
@pytest.mark.parametrize("dropout", [0.0, 1e-9])  # so little drops nothing, and goes the other way
def test_the_gradient_through_attention(dropout):
    """A step changes the query's kernel as the straight-through gradient says, which NumPy gives."""
    model, attention = multi_head(dropout, GIVEN["both"])
    wanted = through(attention, GIVEN["both"])
    with replace(model, design(cases.DESIGN)):
        got = step(model, attention)
    assert np.allclose(got, wanted, rtol=1e-3, atol=1e-3)


def test_rows_where_nothing_takes_part_are_zero():
    model, attention = multi_head(0.0, {"attention_mask": np.zeros((B, 1, T), bool)})
    with measure(model) as seen, replace(model, design(cases.DESIGN)):
        got = numpy(model(X))
    assert seen.softmaxes()[0]["masked"] == B * HEADS * T * T
    assert np.allclose(got, weighted(attention, np.zeros((B, HEADS, T, T))), atol=1e-5)


def test_padding_from_an_embedding_is_a_mask():
    words = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 0, 0]])
    given = keras.Input((T,))
    x = layers.Embedding(6, D, mask_zero=True)(given)
    attended = layers.MultiHeadAttention(HEADS, DEPTH, name="attend")(x, x)
    model = keras.Model(given, layers.Dense(3, activation="softmax", name="out")(attended))
    with measure(model) as seen:
        model.predict(words, verbose=0)
    attention, out = seen.softmaxes()
    assert (attention["name"], attention["kind"], out["name"], out["kind"]) == (
        "attend",
        "attention",
        "out",
        "classifier",
    )
    pairs = (words[:, :, None] != 0) & (words[:, None, :] != 0)
    assert attention["masked"] in (HEADS * (~pairs).sum(), HEADS * T * (words == 0).sum())


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_grouped_queries(dropout):
    attention = layers.GroupQueryAttention(DEPTH, 4, 2, dropout=dropout, name="attend")
    model = keras.Sequential([layers.Input(batch_shape=(B, T, D)), Attends(attention, {"use_causal_mask": True})])
    plain = numpy(model(X))
    fine = design("ideal(input=Q9.16, output=UQ1.23)")
    with measure(model, heads=True) as seen, replace(model, fine) as replacement:
        got = numpy(model(X))
    assert [(one["head"], one["rows"], one["masked"]) for one in seen.softmaxes()] == [
        (head, B * T, B * T * (T - 1) // 2) for head in range(4)
    ]
    assert list(replacement.sites.values()) == [1]
    assert np.allclose(got, plain, atol=1e-4)


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention"])
def test_simple_attention_layers(kind):
    given = keras.Input((T, D))
    model = keras.Model(given, getattr(layers, kind)(name="simple")([given, given]))
    with measure(model) as seen, replace(model, design(cases.DESIGN), where="attention") as replacement:
        model.predict(X, verbose=0)
    (one,) = seen.softmaxes()
    assert (one["name"], one["kind"], one["rows"], one["n"]) == ("simple", "attention", B * T, T)
    assert list(replacement.sites.values()) == [1]


def test_attention_over_two_axes_is_seen():
    x = np.random.default_rng(5).normal(0, 1, (B, 2, 3, D)).astype(np.float32)
    attention = layers.MultiHeadAttention(HEADS, DEPTH, attention_axes=(1, 2), name="attend")
    given = keras.Input((2, 3, D))
    model = keras.Model(given, attention(given, given))
    plain = numpy(model(x))
    with measure(model) as seen, replace(model, design("ideal(input=Q9.16, output=UQ1.23)")):
        got = numpy(model(x))
    (one,) = seen.softmaxes()
    assert (one["name"], one["kind"], one["rows"], one["n"]) == ("attend", "attention", B * HEADS * 6, 6)
    assert np.allclose(got, plain, atol=1e-4)


@pytest.mark.newer  # on torch Keras takes none before 3.14
def test_dot_product_attention_with_a_bias():
    if cases.BACKEND == "torch":
        bias = np.random.default_rng(6).normal(0, 1, (B, HEADS, T, T)).astype(np.float32)
    else:
        bias = np.random.default_rng(6).normal(0, 1, (1, HEADS, T, T)).astype(np.float32)
    x = np.random.default_rng(7).normal(0, 1, (B, T, HEADS, DEPTH)).astype(np.float32)
    layer = cases.Calls(lambda x: ops.dot_product_attention(x, x, x, bias=bias, scale=0.3), name="mine")
    plain = numpy(layer(x))
    made = design("ideal(input=Q9.16, output=UQ1.23)")
    with measure(layer) as seen, replace(layer, made):
        got = numpy(layer(x))
    rows = np.einsum("btnh,bsnh->bnts", x, x) * 0.3 + bias
    assert seen.softmaxes()[0]["function"] == "scaled_dot_product_attention"
    assert (seen.softmaxes()[0]["min"], seen.softmaxes()[0]["max"]) == pytest.approx((rows.min(), rows.max()), rel=1e-5)
    assert np.allclose(got, plain, atol=1e-5)


def test_a_convolution_over_classes_is_no_attention():
    model = keras.Sequential([layers.Input((4, 4, 3)), layers.Conv2D(5, 1, activation="softmax", name="pixels")])
    with measure(model) as seen:
        model(np.zeros((2, 4, 4, 3), np.float32))
    assert [(one["name"], one["kind"]) for one in seen.softmaxes()] == [("pixels", "classifier")]
