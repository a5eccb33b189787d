"""Policies of mixed precision, and computation in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from tests.keras_backends import cases

from narrowmax.designs import design
from narrowmax.models.keras import measure, replace

LABELS = np.random.default_rng(12).integers(0, cases.CLASSES, cases.ROWS)


def network(policy, head=None):
    return keras.Sequential(
        [
            layers.Input((cases.FEATURES,)),
            layers.Dense(8, name="fc", dtype=policy),
            layers.Dense(cases.CLASSES, activation="softmax", name="out", dtype=head or policy),
        ]
    )


def logits(model) -> np.ndarray:
    """What reaches the softmax, in the type in which it does, as float32."""
    last = keras.Model(model.inputs, model.layers[-1].input)(cases.X)
    out = model.layers[-1]
    x = keras.ops.cast(last, out.compute_dtype) @ keras.ops.cast(out.kernel, out.compute_dtype)
    return keras.ops.convert_to_numpy(keras.ops.cast(x + keras.ops.cast(out.bias, x.dtype), "float32"))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_a_softmax_in_narrow_floats_is_seen_and_replaced(policy):
    model, made = network(policy), design("ideal(input=Q4.2, output=UQ0.8)")
    before = model(cases.X)
    x = logits(model)
    with measure(model) as seen, replace(model, made):
        got = model(cases.X)
        inside = model.predict(cases.X, verbose=0)
    (one,) = seen.softmaxes()
    assert one["rows"] == 2 * cases.ROWS
    assert (one["min"], one["max"]) == pytest.approx((x.min(), x.max()), rel=1e-2)
    assert got.dtype == before.dtype
    got, inside = (keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in (got, inside))
    assert np.abs(got - made(x)).max() <= 0.25  # another rounding of the logits may be another quarter
    assert np.mean(np.abs(got - made(x)) < 0.01) > 0.8
    assert np.all(inside * 256 % 1 == 0)  # eight bits, which either narrow float holds
    if policy == "mixed_float16":
        assert one["formats"]["fp16"]["inexact"] == 0


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_the_advised_head_in_float32(policy):
    model, made = network(policy, "float32"), design(cases.DESIGN)
    x = logits(model)
    with replace(model, made):
        got = keras.ops.convert_to_numpy(model(cases.X))
    assert got.dtype == np.float32
    assert np.mean(got == made(x)) > 0.8


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_training_with_a_design_in_mixed_precision(policy):
    model = network(policy, "float32")
    model.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    before = [keras.ops.convert_to_numpy(one).copy() for one in model.trainable_weights]
    with measure(model) as seen, replace(model, design(cases.DESIGN)):
        model.fit(cases.X, LABELS, verbose=0)
    after = [keras.ops.convert_to_numpy(one) for one in model.trainable_weights]
    assert [one["name"] for one in seen.softmaxes()] == ["out"]
    assert all(np.isfinite(one).all() and not np.array_equal(one, other) for one, other in zip(after, before))


def test_attention_in_half_precision():
    given = keras.Input((5, 8))
    attended = layers.MultiHeadAttention(2, 4, name="attend", dtype="mixed_float16")(given, given, use_causal_mask=True)
    model = keras.Model(given, attended)
    x = np.random.default_rng(0).normal(0, 1, (2, 5, 8)).astype(np.float32)
    plain = model(x)
    with measure(model) as seen, replace(model, design("ideal(input=Q9.16, output=UQ1.23)")):
        got = model(x)
    assert seen.softmaxes()[0]["masked"] == 2 * 2 * 10
    assert got.dtype == plain.dtype
    plain, got = (keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in (plain, got))
    assert np.allclose(got, plain, atol=5e-3)
