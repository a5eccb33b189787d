"""The rows of ONNX files: `python -m tests.models.matrix.onnx` writes their record."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from tests.models.matrix import files, harness
from tests.models.matrix.files import Case
from tests.models.onnx import graphs
from tests.models.onnx.graphs import constant, model, node, normal, opened, plain, value

NAME = "onnx"
X, Q = normal(6, 5), normal(1, 2, 4, 8, seed=1) / 2
SCORES = Q @ Q.swapaxes(-1, -2)
CAUSAL = np.tri(4, dtype=bool)
HALF = TensorProto.FLOAT16


def case(made, scores, name, kind="classifier", **more) -> Case:
    """A case of one model on its inputs: X, or Q as queries, keys and values."""
    inputs = more.pop("inputs", None) or {"x": X}
    (untouched, *_) = plain(made, **inputs)
    return Case(partial(opened, made=made), inputs, name, kind, scores, untouched, **more)


def one(opset: int, op: str = "Softmax", axis: int = -1) -> Case:
    """A softmax on two axes."""
    made = graphs.one_softmax(X.shape, opset, op, axis=axis)
    return case(
        made, X if axis else X.T, "layer", log=op == "LogSoftmax", after=(lambda p: p) if axis else np.transpose
    )


def flattened() -> Case:
    x = normal(3, 2, 5)
    made = graphs.one_softmax(x.shape, 11, axis=1)
    return case(made, x.reshape(3, 10), "layer", inputs={"x": x}, after=lambda p: p.reshape(x.shape))


def attending(hidden=None) -> Case:
    """Attention written out; hidden: what an added mask holds where a key is hidden."""
    inputs = dict.fromkeys("qkv", Q)
    made = graphs.attention(18, masked=hidden is not None)
    if hidden is not None:
        inputs["mask"] = np.where(CAUSAL, 0, hidden).astype(np.float32)[None, None]
    mask = None if hidden is None else CAUSAL
    return case(made, SCORES, "blocks.0.attn", "attention", inputs=inputs, mask=mask, after=lambda p: p @ Q)


def chosen() -> Case:
    """A mask of booleans, with Where."""
    nodes = [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["s0"]),
        node("Where", ["mask", "s0", "low"], ["s"]),
        node("Softmax", ["s"], ["p"], name="/attn/Softmax"),
        node("MatMul", ["p", "v"], ["y"]),
    ]
    inputs = [value(name, [None, 2, None, 8]) for name in "qkv"] + [value("mask", [None, None], TensorProto.BOOL)]
    low = constant("low", np.finfo(np.float32).min)
    made = model(nodes, inputs, [value("y")], constants=[low])
    given = dict.fromkeys("qkv", Q) | {"mask": CAUSAL}
    return case(made, SCORES, "attn", "attention", inputs=given, mask=CAUSAL, after=lambda p: p @ Q)


def fused(opset: int, causal: bool) -> Case:
    """The operator Attention."""
    inputs = [value(name, ["b", 2, "n", 8]) for name in "qkv"]
    names, given = ["q", "k", "v"], dict.fromkeys("qkv", Q)
    if not causal:
        inputs.append(value("mask", ["n", "n"], TensorProto.BOOL))
        names, given["mask"] = [*names, "mask"], CAUSAL
    made = model(
        [node("Attention", names, ["y"], name="/blk/attn/Attention", is_causal=int(causal))],
        inputs,
        [value("y")],
        opset,
    )
    scores = SCORES / np.float32(np.sqrt(8))
    return case(
        made,
        scores,
        "blk.attn",
        "attention",
        inputs=given,
        mask=CAUSAL,
        after=lambda p: p @ Q,
        within=1e-6,
        note="written out; from onnxruntime's own kernel it differs by rounding",
    )


def inside(kind: str):
    """A softmax inside of If, Loop or Scan, or of a function of the file."""
    soft = node("Softmax", ["h"], ["t"], name="/inner/Softmax")
    x, domains, functions = value("x", ["n", 5]), [], []
    if kind == "If":
        other = helper.make_graph([node("Identity", ["h"], ["e"])], "e", [], [value("e")])
        then = helper.make_graph([soft], "t", [], [value("t")])
        nodes = [
            node("Constant", [], ["yes"], value=constant("", np.array(True))),
            node("Identity", ["x"], ["h"]),
            node("If", ["yes"], ["y"], then_branch=then, else_branch=other),
        ]
    elif kind == "Loop":
        ends = [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("h")]
        body = helper.make_graph(
            [soft, node("Identity", ["go"], ["on"])], "b", ends, [value("on", [], TensorProto.BOOL), value("t")]
        )
        nodes = [
            node("Constant", [], ["most"], value=constant("", np.array(1))),
            node("Loop", ["most", "", "x"], ["y"], body=body),
        ]
    elif kind == "Scan":
        body = helper.make_graph([soft], "b", [value("h", [5])], [value("t", [5])])
        nodes = [node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1)]
    else:
        functions = [helper.make_function("mine", "Own", ["h"], ["t"], [soft], [helper.make_opsetid("", 18)])]
        nodes, domains = [node("Own", ["x"], ["y"], domain="mine", name="/inner/Own")], ["mine"]
    return model(nodes, [x], [value("y")], domains=domains, functions=functions)


def half() -> Case:
    x = X.astype(np.float16)
    made = model(
        [node("Softmax", ["x"], ["y"], name="/layer/Softmax")], [value("x", [None, 5], HALF)], [value("y", None, HALF)]
    )
    return case(made, x.astype(np.float32), "layer", inputs={"x": x})


def quantised() -> Case:
    """com.microsoft.QLinearSoftmax, whose output has the codes of the design."""
    step = np.float32(0.25)
    numbers = {"xs": step, "xz": np.int8(0), "ys": np.float32(1 / 64), "yz": np.int8(0)}
    nodes = [
        node("QLinearSoftmax", ["x", *numbers], ["y"], domain="com.microsoft", name="/layer/Softmax", axis=-1, opset=13)
    ]
    made = model(
        nodes,
        [value("x", [None, 5], TensorProto.INT8)],
        [value("y", None, TensorProto.INT8)],
        constants=[constant(name, number) for name, number in numbers.items()],
        domains=["com.microsoft"],
    )
    x = np.clip(np.rint(X / step), -128, 127).astype(np.int8)
    return case(made, x * step, "layer", inputs={"x": x}, after=lambda p: np.rint(p * 64))


def loss() -> Case:
    """The logarithms that the operator of a loss gives besides."""
    nodes = [node("SoftmaxCrossEntropyLoss", ["x", "t"], ["loss", "y"], name="/head/Loss")]
    made = model(nodes, [value("x", ["n", 5]), value("t", ["n"], TensorProto.INT64)], [value("y"), value("loss")])
    given = {"x": X, "t": np.arange(6) % 5}
    return case(made, X, "head", inputs=given, log=True, within=1e-6)


def hidden():
    """com.microsoft.MultiHeadAttention."""
    inputs = [value(name, [2, 5, 16]) for name in "qkv"]
    own = node("MultiHeadAttention", list("qkv"), ["y"], domain="com.microsoft", name="/blk/attn/MHA", num_heads=2)
    return model([own], inputs, [value("y")], domains=["com.microsoft"])


def scored():
    """A classifier of scikit-learn."""
    given = {
        "coefficients": [1.0] * 6,
        "intercepts": [0.0] * 3,
        "post_transform": "SOFTMAX",
        "classlabels_ints": [0, 1, 2],
    }
    own = node("LinearClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", **given)
    outputs = [value("label", None, TensorProto.INT64), value("y")]
    return model([own], [value("x", [None, 2])], outputs, domains=["ai.onnx.ml"])


CASES = files.runs(
    {
        **{f"Softmax, opset {opset}": one(opset) for opset in graphs.known(7, 11, 13, 18, 21, 23, 26)},
        "Softmax, opset 11, several axes in one row": flattened(),
        "Softmax along another axis": one(18, axis=0),
        "LogSoftmax, opset 11": one(11, "LogSoftmax"),
        "LogSoftmax": one(18, "LogSoftmax"),
        "Softmax of float16": half(),
        "attention written out": attending(),
        "attention with a mask added, -inf": attending(-np.inf),
        "attention with a mask added, finfo.min": attending(np.finfo(np.float32).min),
        "attention with a mask added, -1e9": attending(-1e9),
        "attention with a mask chosen by Where": chosen(),
        **{f"Attention, opset {opset}, with a mask": fused(opset, False) for opset in graphs.known(23, 24, 26)},
        **{f"Attention, opset {opset}, causal": fused(opset, True) for opset in graphs.known(23)},
        "SoftmaxCrossEntropyLoss": loss(),
        "a branch of If": case(inside("If"), X, "inner"),
        "the body of Loop": case(inside("Loop"), X, "inner"),
        "a function of the file": case(inside("function"), X, "inner"),
        "QLinearSoftmax": quantised(),
    }
) | {
    label: partial(files.refused, partial(opened, made=made), label)
    for label, made in (
        ("the body of Scan", inside("Scan")),
        ("com.microsoft.MultiHeadAttention and its kin", hidden()),
        ("ai.onnx.ml.LinearClassifier with post_transform", scored()),
    )
}


if __name__ == "__main__":
    versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    harness.write(NAME, "ONNX", versions, harness.rows(CASES))
