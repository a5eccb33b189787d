"""Small ONNX files, made by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from narrowmax.models.onnx import OnnxNetwork

FLOAT = TensorProto.FLOAT
node = helper.make_node


def value(name: str, shape=None, kind: int = FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, array) -> TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, opset: int = 18, constants=(), domains=(), functions=()):
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(constants))
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    made = helper.make_model(graph, opset_imports=opsets, functions=list(functions))
    made.ir_version = min(made.ir_version, 10 if opset < 23 else 13)
    return made


@cache
def _runs(opset: int) -> bool:
    if opset > onnx.defs.onnx_opset_version():
        return False
    try:
        onnxruntime.InferenceSession(one_softmax((1, 2), opset).SerializeToString())
    except Exception:  # which one it raises differs by version
        return False
    return True


def known(*opsets: int) -> tuple[int, ...]:
    """Those of `opsets` that onnx and onnxruntime know, as they are installed: the lowest versions know fewer."""
    return tuple(filter(_runs, opsets))


def opened(folder: Path, made, name: str = "net.onnx") -> OnnxNetwork:
    """The network of a model, by way of a file."""
    (folder / name).write_bytes(made.SerializeToString())
    return OnnxNetwork(folder / name)


def one_softmax(shape, opset: int, op: str = "Softmax", **attributes):
    """x -> a softmax that is all of the network."""
    shape = [None] * len(shape)
    return model([node(op, ["x"], ["y"], name="layer/soft", **attributes)], [value("x", shape)], [value("y")], opset)


def attention(opset: int = 18, name: str = "/blocks/blocks.0/attn/Softmax", masked: bool = False):
    """(batch, heads, n, 8) queries, keys and values -> weighted values, with scores written out."""
    scores = [node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "kt"], ["s0"])]
    scores += [node("Add", ["s0", "mask"], ["s"])] if masked else [node("Identity", ["s0"], ["s"])]
    rest = [node("Softmax", ["s"], ["p"], axis=3, name=name), node("MatMul", ["p", "v"], ["y"])]
    inputs = [value(one, [None, 2, None, 8]) for one in "qkv"]
    inputs += [value("mask", [None, None, None, None])] if masked else []
    return model([*scores, *rest], inputs, [value("y")], opset)


def attending_model():
    """(n, 5, 4) sequences -> probabilities of 4 classes: a softmax in attention, one at the end."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["x", "t"], ["s"]),
        node("Softmax", ["s"], ["a"], name="/attn/Softmax"),
        node("MatMul", ["a", "x"], ["y"]),
        node("ReduceMean", ["y", "one"], ["h"], keepdims=0),
        node("Softmax", ["h"], ["p"], name="/head/Softmax"),
    ]
    return model(nodes, [value("x", ["n", 5, 4])], [value("p")], constants=[constant("one", np.array([1]))])


def plain(made, **inputs) -> list[np.ndarray]:
    """What onnxruntime makes of a model, untouched by anybody."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(made.SerializeToString(), options).run(None, inputs)


def normal(*shape, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, shape).astype(np.float32)
