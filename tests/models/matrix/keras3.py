"""The rows of the matrix for Keras 3 on the backend in use; `keras_tensorflow` and its kin choose one."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial

import keras
import numpy as np
from keras import layers, ops
from tests.keras_backends import attending, cases
from tests.models.matrix import harness

import narrowmax as nm

FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
NAME = f"keras-{cases.BACKEND}"
DESIGN = nm.design(cases.DESIGN)
LABELS = np.random.default_rng(8).integers(0, cases.CLASSES, cases.ROWS)
ONE_HOT = np.eye(cases.CLASSES, dtype=np.float32)[LABELS]


def close(one, other, rtol: float = 1e-4) -> bool:
    return bool(np.allclose(one, other, rtol=rtol, atol=rtol))


def spelling(case: str, run: Callable = lambda model: model(cases.X), label: str = "") -> dict:
    """A way to call a softmax: seen and replaced in `run`, with the gradient of a training step."""
    build, name, log = cases.SPELLINGS[case]
    model = build()
    x, plain = cases.logits(model), attending.numpy(run(model))
    with nm.measure(model) as seen:
        same = np.array_equal(attending.numpy(run(model)), plain)
    (one,) = seen.softmaxes()
    with nm.replace(model, DESIGN):
        got = attending.numpy(run(model))
    wanted = np.log(np.maximum(DESIGN(x), 2.0**-9)) if log else DESIGN(x)
    slope = cases.X.T @ cases.through(x, cases.G, log)
    with nm.replace(model, DESIGN):
        step = cases.step(model, cases.X, cases.G)
    return harness.row(
        label or case,
        seen=same and one["rows"] == cases.ROWS and close((one["min"], one["max"]), (x.min(), x.max())),
        name=fnmatchcase(one["name"], name),
        gradient=close(step, slope),
        replaced=np.array_equal(got, wanted.astype(np.float32)),
    )


def compiled(model):
    """The output by a function that was traced before the block, as a user would have it."""
    run = model.__dict__.setdefault("_traced_by_a_user", _traced(model))
    return run(ops.convert_to_tensor(cases.X))


def _traced(model):
    if cases.BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda x: model(x))
    if cases.BACKEND == "jax":
        import jax

        return jax.jit(lambda x: model(x))
    import torch

    return torch.compile(lambda x: model(x), backend="eager")


def attention(dropout: float, given: str, label: str) -> dict:
    """Multi-head attention with its mask."""
    model, layer = attending.multi_head(dropout, attending.GIVEN[given])
    x, mask = attending.scores(layer), attending.mask_of(attending.GIVEN[given])
    plain = attending.numpy(model(attending.X))
    with nm.measure(model) as seen:
        same = np.array_equal(attending.numpy(model(attending.X)), plain)
    (one,) = seen.softmaxes()
    with nm.replace(model, DESIGN, where="attention"):
        got = attending.numpy(model.predict(attending.X, verbose=0))
    wanted, gradient = attending.weighted(layer, DESIGN(x, mask=mask)), None
    if dropout < 0.1:  # what is dropped in training is not known here
        slope = attending.through(layer, attending.GIVEN[given])
        with nm.replace(model, DESIGN):
            gradient = close(attending.step(model, layer), slope, 1e-3)
    return harness.row(
        label,
        seen=same and close((one["min"], one["max"]), (x[mask].min(), x[mask].max()), 1e-3),
        name=one["name"] == "block/attend" and one["kind"] == "attention",
        mask=one["masked"] == int((~mask).sum()) if given != "plain" else None,
        gradient=gradient,
        replaced=close(got, wanted),
        note="" if gradient is not None else "gradient: dropout is random",
    )


def masked_layer() -> dict:
    """`layers.Softmax` with a mask."""
    layer = layers.Softmax(name="out")
    x = np.random.default_rng(0).normal(0, 2, (3, 5)).astype(np.float32)
    mask = np.random.default_rng(1).random((3, 5)) < 0.6
    with nm.measure(layer) as seen, nm.replace(layer, DESIGN):
        got = attending.numpy(layer(x, mask=mask))
    (one,) = seen.softmaxes()
    return harness.row(
        "layers.Softmax with a mask",
        seen=close((one["min"], one["max"]), (x[mask].min(), x[mask].max())),
        mask=one["masked"] == int((~mask).sum()),
        replaced=np.array_equal(got, DESIGN(x, mask=mask).astype(np.float32)),
    )


def several_axes() -> dict:
    """`layers.Softmax` over two axes."""
    layer = layers.Softmax((1, 2))
    x = np.random.default_rng(0).normal(0, 2, (3, 2, 4)).astype(np.float32)
    with nm.measure(layer) as seen, nm.replace(layer, DESIGN):
        got = attending.numpy(layer(x))
    (one,) = seen.softmaxes()
    wanted = DESIGN(x.reshape(3, 8)).reshape(x.shape).astype(np.float32)
    return harness.row(
        "layers.Softmax over several axes",
        seen=(one["rows"], one["n"]) == (3, 8),
        name=one["name"] == "<network>",
        replaced=np.array_equal(got, wanted),
    )


def loss(kind: str, from_logits: bool, label: str, note: str = "") -> dict:
    """A loss in `evaluate` and in a training step."""
    made = {"sparse": keras.losses.SparseCategoricalCrossentropy, "plain": keras.losses.CategoricalCrossentropy}[kind]
    labels = LABELS if kind == "sparse" else ONE_HOT
    last = layers.Dense(cases.CLASSES, activation=None if from_logits else "softmax", name="fc")
    model = keras.Sequential([layers.Input((cases.FEATURES,)), last])
    model.compile(keras.optimizers.SGD(1.0), loss=made(from_logits=from_logits))
    x, plain = cases.logits(model), model.evaluate(cases.X, labels, verbose=0)
    fine = nm.design("ideal(input=Q4.2, output=UQ1.20)")  # rows sum to 1 so nearly that every backend's loss is the NLL
    with nm.measure(model) as seen:
        same = model.evaluate(cases.X, labels, verbose=0) == plain
    (one,) = seen.softmaxes()
    p = cases.softmax(cases.quantised(x))
    kernel = attending.numpy(cases.dense(model).kernel).copy()
    with nm.replace(model, fine):
        got = model.evaluate(cases.X, labels, verbose=0)
        model.train_on_batch(cases.X, labels)
    step = kernel - attending.numpy(cases.dense(model).kernel)
    return harness.row(
        label,
        seen=same and one["rows"] == cases.ROWS and close((one["min"], one["max"]), (x.min(), x.max())),
        name=one["name"] == "fc" and one["function"] == ("cross_entropy" if from_logits else "softmax"),
        gradient=close(step, cases.X.T @ (p - ONE_HOT) / cases.ROWS, 1e-3),
        replaced=close(got, -np.log(p[np.arange(cases.ROWS), LABELS]).mean(), 1e-3),
        note=note,
    )


def precision(policy: str) -> dict:
    """A softmax in a layer of narrow floats."""
    layer = layers.Softmax(dtype=policy, name="out")
    x = (np.random.default_rng(0).normal(0, 2, (6, 5)) * 16).round().astype(np.float32) / 16  # which both hold
    plain = layer(x)
    with nm.measure(layer) as seen, nm.replace(layer, DESIGN):
        got = layer(x)
    (one,) = seen.softmaxes()
    return harness.row(
        f"layers.Softmax under {policy}",
        seen=one["rows"] == 6 and (one["min"], one["max"]) == (x.min(), x.max()),
        replaced=got.dtype == plain.dtype and np.array_equal(attending.numpy(ops.cast(got, "float32")), DESIGN(x)),
    )


DENSE = "Dense(activation='softmax')"
TRAP = "TensorFlow's loss goes back behind a softmax, but not behind a design" if cases.BACKEND == "tensorflow" else ""
MADE = [
    *(partial(spelling, case) for case in cases.SPELLINGS),
    partial(spelling, DENSE, lambda model: model.predict(cases.X, verbose=0), "predict, traced before"),
    partial(spelling, DENSE, compiled, "a function of the user's, traced before"),
    masked_layer,
    several_axes,
    partial(attention, 0.0, "plain", "MultiHeadAttention"),
    partial(attention, 0.0, "causal", "MultiHeadAttention, causal"),
    partial(attention, 0.0, "padding", "MultiHeadAttention with a mask"),
    partial(attention, 0.0, "both", "MultiHeadAttention, causal with a mask"),
    partial(attention, 0.5, "both", "MultiHeadAttention with dropout, causal with a mask"),
    partial(loss, "sparse", True, "SparseCategoricalCrossentropy(from_logits=True)"),
    partial(loss, "plain", True, "CategoricalCrossentropy(from_logits=True)"),
    partial(loss, "sparse", False, "SparseCategoricalCrossentropy of probabilities", TRAP),
    partial(loss, "plain", False, "CategoricalCrossentropy of probabilities", TRAP),
    partial(precision, "mixed_float16"),
    partial(precision, "mixed_bfloat16"),
]
NAMES = [
    *cases.SPELLINGS,
    "predict, traced before",
    "a function of the user's, traced before",
    "layers.Softmax with a mask",
    "layers.Softmax over several axes",
    *(one.args[2] for one in MADE if isinstance(one, partial) and one.func in (attention, loss)),
    "layers.Softmax under mixed_float16",
    "layers.Softmax under mixed_bfloat16",
]
CASES: dict[str, Callable[[], dict]] = dict(zip(NAMES, MADE, strict=True))


def write() -> None:
    """Run every case and write the record of the backend in use."""
    versions = {"keras": keras.__version__}
    if cases.BACKEND == "torch":
        import torch

        versions["torch"] = torch.__version__.partition("+")[0]
    else:
        versions[cases.BACKEND] = __import__(cases.BACKEND).__version__
    harness.write(NAME, f"Keras 3 on {FRAMEWORKS[cases.BACKEND]}", versions, harness.rows(CASES))
