"""Formats in a Keras model and its training: where they act, that they act exactly, what is counted, what is left."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends.training_networks import X, Y, small, task, trained

import narrowmax as nm
from narrowmax.errors import DataError, NetworkError
from narrowmax.formats import parse


def arrays(model) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(one)) for one in model.trainable_variables]


def on_grid(form: str, x: np.ndarray) -> bool:
    return np.array_equal(parse(form).round(x).astype(np.float32), x)


def by_hand(x: np.ndarray, weights: list[np.ndarray], form: str | None = None) -> np.ndarray:
    """The scores of `small`, every layer's output in a format."""
    kept = (lambda x: parse(form).round(x).astype(np.float32)) if form else (lambda x: x)
    hidden = kept(np.maximum(x @ weights[0] + weights[1], 0))
    return kept(hidden @ weights[2] + weights[3])


def rounded(weights: list[np.ndarray], form: str) -> list[np.ndarray]:
    return [parse(form).round(one).astype(np.float32) for one in weights]


def test_without_formats_training_is_what_it_is_without_the_block():
    plain, watched = small(), small()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain.compile(keras.optimizers.SGD(0.3), loss=loss, run_eagerly=True)
    told = plain.fit(X[:192], Y[:192], batch_size=32, shuffle=False, verbose=0).history["loss"]
    found = trained(watched, epochs=1)
    assert all(map(np.array_equal, arrays(plain), arrays(watched)))
    assert found.epochs[0]["loss"] == pytest.approx(told[0], rel=1e-5) and found.epochs[0]["steps"] == 6


def test_forward_computes_with_rounded_weights_and_the_model_keeps_its_own():
    model = small()
    own = arrays(model)
    with nm.precision(model, keras.optimizers.SGD(0.1), weights="Q2.3"):
        inside = ops.convert_to_numpy(model(X))
    assert np.allclose(inside, by_hand(X, rounded(own, "Q2.3")), atol=1e-5)
    assert np.allclose(ops.convert_to_numpy(model(X)), by_hand(X, own), atol=1e-5)
    assert all(map(np.array_equal, arrays(model), own))


def test_gradients_of_rounded_weights_reach_the_master_weights():
    model, other = small(), small()
    masters = arrays(model)
    other.set_weights(start := rounded(masters, "Q2.3"))
    for one in (model, other):
        one.compile(keras.optimizers.SGD(0.3), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with nm.precision(model, weights="Q2.3"):
        model.train_on_batch(X[:32], Y[:32])
    other.train_on_batch(X[:32], Y[:32])
    moved, expected = (
        [a - b for a, b in zip(arrays(one), of, strict=True)] for one, of in ((model, masters), (other, start))
    )
    assert all(np.allclose(a, b, atol=1e-6) and np.abs(a).max() > 0 for a, b in zip(moved, expected, strict=True))


@pytest.mark.parametrize("updates", ["Q2.6", "Q2.6:stochastic", "e4m3:stochastic"])
def test_updates_are_rounded_to_what_is_stored(updates):
    model = small()
    before = arrays(model)
    found = trained(model, epochs=1, updates=updates)
    assert all(on_grid(updates.split(":")[0], one) for one in arrays(model))
    assert not np.array_equal(arrays(model)[0], before[0])
    one = found.epochs[0]["updates"]
    assert 0 < one["lost"] < 1 and one["values"] == 6 * sum(each.size for each in before)


@pytest.mark.parametrize("softmax", [False, True])
def test_outputs_of_layers_are_rounded_in_order_and_those_of_a_softmax_are_not(softmax):
    model = small(softmax=softmax)
    with nm.precision(model, activations="Q3.2"):
        out = ops.convert_to_numpy(model(X))
    scores = by_hand(X, arrays(model), "Q3.2")
    e = np.exp(scores - scores.max(1, keepdims=True))
    assert np.allclose(out, e / e.sum(1, keepdims=True) if softmax else scores, atol=1e-6)


def test_every_gradient_has_its_format_and_a_loss_scale_moves_it_there():
    exact, coarse, scaled = (small() for _ in range(3))
    before = arrays(exact)
    knobs = ({}, {"gradients": "Q8.5"}, {"gradients": "Q8.5", "loss_scale": 1024})
    found = [trained(one, epochs=1, **knob) for one, knob in zip((exact, coarse, scaled), knobs, strict=True)]
    moved = [[a - b for a, b in zip(arrays(one), before, strict=True)] for one in (exact, coarse, scaled)]
    far = lambda steps: sum(np.abs(a - b).sum() for a, b in zip(steps, moved[0], strict=True))  # noqa: E731
    assert far(moved[2]) < far(moved[1]) / 20
    assert [one.epochs[0]["loss_scale"] for one in found] == [1, 1, 1024]
    flushed = [one.epochs[0]["gradients"]["flushed"] for one in found]
    assert flushed[0] is None and flushed[1] > 0.1 > flushed[2]


def test_gradients_are_rounded_where_they_are_made():
    model = small()
    start = arrays(model)
    scores = by_hand(X[:32], start)
    e = np.exp(scores - scores.max(1, keepdims=True))
    g = parse("Q1.10").round((e / e.sum(1, keepdims=True) - np.eye(4)[Y[:32]]) / 32)
    model.compile(keras.optimizers.SGD(1.0), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with nm.precision(model, gradients="Q1.10"):
        model.train_on_batch(X[:32], Y[:32])
    assert np.allclose(start[-1] - arrays(model)[-1], parse("Q1.10").round(g.sum(0)), atol=1e-6)


@pytest.mark.parametrize("softmax", [False, True])
def test_what_is_counted_of_the_push_is_that_of_the_scores(softmax):
    model = small(softmax=softmax)
    model.compile(keras.optimizers.SGD(0.3), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax))
    plain = trained(model, epochs=1).epochs[0]
    assert (plain["push"]["rows"], plain["push"]["still"], plain["push"]["single"]) == (192, 0, 0)
    coarse = trained(model, epochs=1, softmax="ideal(input=Q2.0, output=UQ1.1)").epochs[0]
    assert coarse["push"]["rows"] == 192 and coarse["push"]["zero"] > 0.1
    assert coarse["softmax"]["beyond"] > 0 and coarse["places"][0]["what"] == "softmax"


def test_mixed_precision_computes_in_half_and_learns():
    for knobs, dtype in (
        ({"autocast": "fp16", "loss_scale": "dynamic"}, "float16"),
        ({"autocast": "bf16"}, "bfloat16"),
    ):
        model = small()
        with nm.precision(model, keras.optimizers.SGD(0.3), autocast=knobs["autocast"]):
            assert keras.backend.standardize_dtype(model(X).dtype) == dtype
        found = trained(model, **knobs)
        assert found.epochs[-1]["loss"] < found.epochs[0]["loss"] - 0.1
        assert found.epochs[-1]["loss_scale"] == (2.0**16 if dtype == "float16" else 1.0)
        assert keras.backend.standardize_dtype(model(X).dtype) == "float32"


def test_a_dynamic_scale_halves_and_skips_until_nothing_overflows():
    model = small()
    before = arrays(model)
    found = trained(model, epochs=1, gradients="Q1.6", loss_scale="dynamic")
    assert (found.epochs[0]["skipped"], found.epochs[0]["loss_scale"]) == (6, 2.0**10)
    assert all(map(np.array_equal, arrays(model), before)) and found.diagnosis().reason == "steps-skipped"
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


STALLS = {
    "updates-lost": {"weights": "Q2.3", "updates": "Q2.3"},
    "gradients-flushed": {"gradients": "Q1.3"},
    "no-gradient": {"activations": "decimal(10)", "gradient": "none", "layers": "first", "rate": 0.02},
    "weights-flushed": {"weights": "Q2.0"},
    "diverged": {"rate": 1e6, "epochs": 8},
}


@pytest.mark.parametrize("reason", STALLS)
def test_a_stall_says_why_in_the_words_of_pytorch(reason):
    found = trained(small(), **STALLS[reason])
    if reason == "diverged":
        found.epochs[-1]["diverged"] = True
    assert found.diagnosis(0.3).reason == reason
    if reason == "no-gradient":
        assert "no gradient at all reached first/bias, first/kernel: a rounding" in str(found.diagnosis(0.3))
    assert len(found.table().splitlines()) == 1 + len(found.epochs)


def test_nothing_is_left_behind_after_an_error_either():
    model = small()
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    own, optimiser = arrays(model), model.optimizer
    knobs = {"weights": "Q2.2", "activations": "Q3.2", "softmax": "Q3.2", "loss_scale": "dynamic", "autocast": "bf16"}
    with pytest.raises(ZeroDivisionError), nm.precision(model, **knobs):
        model(X)
        raise ZeroDivisionError
    assert all(map(np.array_equal, arrays(model), own)) and model.optimizer is optimiser
    assert not {"apply", "stateless_apply", "scale_loss"} & vars(optimiser).keys()
    assert not model.run_eagerly and model.dtype_policy.name == "float32"
    assert np.allclose(ops.convert_to_numpy(model(X)), by_hand(X, own), atol=1e-5)


def test_a_task_is_trained_repeated_by_its_seed_and_judged_by_epoch():
    given, state = task(), np.random.get_state()[1].copy()
    first, again = (nm.train(given, weights="Q2.4:stochastic", seed=3) for _ in range(2))
    assert np.array_equal(np.random.get_state()[1], state)
    assert first.epochs == again.epochs and len(first.epochs) == 2
    last = first.epochs[-1]
    assert last["steps"] == 6 and last["held_out"]["top1"] == first.outcomes["top1"].mean()
    assert last["train"]["nll"] == pytest.approx(last["loss"], rel=1e-5)
    other = nm.train(given, weights="Q2.4:stochastic", seed=4, epochs=1)
    assert other.epochs[0] != first.epochs[0]


def test_a_network_that_ends_in_a_softmax_is_the_same_task():
    logits, probabilities = (nm.train(task(lambda seed, s=s: small(seed, s)), seed=2) for s in (False, True))
    assert [one["loss"] for one in logits.epochs] == pytest.approx(
        [one["loss"] for one in probabilities.epochs], rel=1e-5
    )
    assert logits.outcomes["nll"] == pytest.approx(probabilities.outcomes["nll"], rel=1e-3, abs=1e-5)


def test_layers_of_a_real_network_train_with_formats():
    """A convolution, normalisation, dropout and attention, whose weights and outputs are found by their paths."""
    keras.utils.set_random_seed(0)
    given = keras.Input((4, 4, 1))
    x = layers.Conv2D(4, 2, padding="same", name="conv")(given)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Reshape((16, 4))(layers.Activation("relu")(x))
    x = layers.MultiHeadAttention(2, 2, name="attention")(x, x)
    model = keras.Model(given, layers.Dense(3, name="last")(layers.Dropout(0.1)(layers.Flatten()(x))))
    model.compile(keras.optimizers.Adam(1e-2), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, labels = np.random.default_rng(1).normal(size=(8, 4, 4, 1)).astype(np.float32), np.arange(8) % 3
    knobs = {"weights": "Q3.8", "activations": "Q4.8", "gradients": "fp16", "updates": "Q3.12", "softmax": "Q8.4"}
    with nm.precision(model, **knobs) as training:
        model.train_on_batch(images, labels)
    assert all(on_grid("Q3.12", one) for one in arrays(model))
    assert {"attention/query/kernel", "conv/kernel", "norm/gamma"} <= set(training.weights)
    assert training.epochs[0]["gradients"]["flushed"] is not None and training.epochs[0]["softmax"]["beyond"] == 0


def test_steps_that_were_traced_are_refused():
    """Before the block, on JAX and TensorFlow; PyTorch has no such step."""
    model, optimiser = small(), keras.optimizers.SGD(0.1)
    optimiser.build(model.trainable_variables)
    gradients = [ops.ones(one.shape) for one in model.trainable_variables]
    apply = type(optimiser).apply  # what traced code has in it
    with pytest.raises(DataError, match="^2 steps were taken by code that was traced before, where formats do not act"):
        with nm.precision(model, optimiser, weights="Q2.6"):
            for _ in range(2):
                apply(optimiser, gradients, model.trainable_variables)


def test_traced_steps_are_refused_where_epochs_are_closed_too():
    model, optimiser = small(), keras.optimizers.SGD(0.1)
    optimiser.build(model.trainable_variables)
    gradients = [ops.ones(one.shape) for one in model.trainable_variables]
    with pytest.raises(DataError, match="^1 steps were taken by code that was traced before"):
        with nm.precision(model, optimiser, weights="Q2.6") as training:
            type(optimiser).apply(optimiser, gradients, model.trainable_variables)
            training.end_epoch()


def test_a_block_within_a_block_and_a_model_compiled_within_are_refused():
    model = small()
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    with nm.precision(model, weights="Q2.6"):
        with pytest.raises(DataError, match="^the optimiser is in a block of nm.precision already"):
            nm.precision(model, gradients="Q1.6").__enter__()
    with pytest.raises(DataError, match="^the model was compiled within the block"):
        with nm.precision(model, weights="Q2.6"):
            model.compile(keras.optimizers.SGD(0.2), loss="mse")


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda m: nm.precision(m, 3, weights="Q2.6"), NetworkError, "a Keras optimiser is needed beside the model"),
        (lambda m: nm.precision(m, updates="Q2.6"), DataError, "updates need the optimiser; compile the model"),
        (lambda m: nm.precision(keras.Sequential([layers.Dense(3)])), NetworkError, "has no weights yet; call it once"),
        (
            lambda m: nm.precision(m, keras.optimizers.SGD(), loss_scale="dynamic"),
            DataError,
            "a dynamic loss scale is for the optimiser that a model is compiled with; wrap this one in",
        ),
        (
            lambda m: nm.precision(m, keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), loss_scale=8),
            DataError,
            "the optimiser scales the loss already, so loss_scale=8 cannot be; compile the model with auto_scale_loss",
        ),
    ],
)
def test_what_is_refused(call, error, sentence):
    with pytest.raises(error) as raised:
        call(small())
    assert sentence in str(raised.value)


def test_layers_that_nothing_is_called_are_refused():
    message = (
        r"^weights=Q2.2 would act nowhere: layers='nosuch' chooses none of first, last; give a pattern of these names$"
    )
    with pytest.raises(DataError, match=message):
        nm.precision(small(), keras.optimizers.SGD(0.1), weights="Q2.2", layers="nosuch")


@pytest.mark.parametrize("what", ["activations", "gradients", "weights"])
def test_a_layer_that_only_holds_others_is_refused(what):
    """An input has no output of its own either."""
    inner = keras.Sequential([layers.Dense(4, name="dense"), layers.ReLU(name="kept")], name="block")
    model = keras.Sequential([layers.Input((6,), name="given"), inner, layers.Dense(3, name="last")])
    some = "block/dense, last" if what == "weights" else "block/dense, block/kept, last"
    for wrong in ("block", "given"):
        message = (
            f"^{what}=Q2.2 would act nowhere: layers='{wrong}' chooses none of {some}; give a pattern of these names$"
        )
        with pytest.raises(DataError, match=message):
            nm.precision(model, keras.optimizers.SGD(0.1), layers=wrong, **{what: "Q2.2"})
    with nm.precision(model, keras.optimizers.SGD(0.1), layers="block*", activations="Q2.2"):
        got = ops.convert_to_numpy(model(X[:, :6]))
    weights = arrays(model)
    hidden = parse("Q2.2").round(np.maximum(X[:, :6] @ weights[0] + weights[1], 0))
    assert np.allclose(got, hidden @ weights[2] + weights[3], atol=1e-5)


class Twins(keras.Model):
    """Two layers of one name."""

    def __init__(self):
        super().__init__()
        self.one, self.other = (layers.Dense(width, name="twin") for width in (6, 4))

    def call(self, x):
        return self.other(self.one(x))


def test_layers_of_one_name_are_rounded_both():
    model = Twins()
    model(X)
    own = arrays(model)
    with nm.precision(model, keras.optimizers.SGD(0.1), weights="Q2.2"):
        inside = ops.convert_to_numpy(model(X))
    first, bias, second, other = rounded(own, "Q2.2")
    assert np.allclose(inside, (X @ first + bias) @ second + other, atol=1e-4)


def test_a_loop_that_hands_over_no_loss_is_told_of_it():
    def loop(**formats):
        model, optimiser = small(), keras.optimizers.SGD(0.1)
        optimiser.build(model.trainable_variables)
        with nm.precision(model, optimiser, **formats) as training:
            model(X, training=True)
            optimiser.apply([ops.ones(one.shape) for one in model.trainable_variables], model.trainable_variables)
        return training

    assert str(loop(weights="Q2.6").diagnosis()).startswith("no loss was seen: call optimiser.scale_loss on it")
    with pytest.raises(DataError, match="^the loss is to be scaled by 1024, and it was not; call optimiser.scale_loss"):
        loop(loss_scale=1024)


def test_two_blocks_do_not_share_weights():
    model, optimiser = small(), keras.optimizers.SGD(0.1)
    refused = nm.precision(model, optimiser, weights="Q2.6")
    with (
        nm.precision(model, optimiser, weights="Q2.2"),
        pytest.raises(DataError, match="^another block gives these weights a format already"),
    ):
        refused.__enter__()
    with refused:  # as nothing is left of the first
        pass
