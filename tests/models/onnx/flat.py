"""Small TFLite files, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from narrowmax.models.onnx import TfliteNetwork
from narrowmax.models.onnx.tflite_file import packed, schema

INT8 = 9
_TYPES = {np.dtype(np.float32): 0, np.dtype(np.int8): INT8}
_VERSIONS = {"SOFTMAX": 2, "BATCH_MATMUL": 3}


def tensor(name: str, shape, dtype=np.float32, scale: float | None = None, zero: int = 0):
    """A tensor of a graph; with a scale, of quantised integers."""
    kinds = schema()
    made = kinds.TensorT()
    made.name, made.shape, made.type, made.buffer = name, list(shape), _TYPES[np.dtype(dtype)], 0
    if scale is not None:
        made.quantization = kinds.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [scale], [zero]
    return made


def opened(folder: Path, tensors: dict, operators: list[tuple], inputs: list[str], outputs: list[str]) -> TfliteNetwork:
    """The network of `operators`, `(code, inputs, outputs)` of names in `tensors`."""
    kinds = schema()
    places = {name: at for at, name in enumerate(tensors)}
    model, graph = kinds.ModelT(), kinds.SubGraphT()
    codes = sorted({code for code, _, _ in operators})
    model.version, model.buffers, model.subgraphs = 3, [kinds.BufferT()], [graph]
    model.operatorCodes = [_code(kinds, code) for code in codes]
    graph.tensors = list(tensors.values())
    graph.inputs, graph.outputs = [places[name] for name in inputs], [places[name] for name in outputs]
    graph.operators = [_operator(kinds, codes.index(code), code, [[places[n] for n in names] for names in ends])
                       for code, *ends in operators]  # fmt: skip
    (folder / "net.tflite").write_bytes(packed(model))
    return TfliteNetwork(folder / "net.tflite")


def _code(kinds, code: str):
    made = kinds.OperatorCodeT()
    made.builtinCode = getattr(kinds.BuiltinOperator, code)
    made.deprecatedBuiltinCode, made.version = min(made.builtinCode, 127), _VERSIONS.get(code, 1)
    return made


def _operator(kinds, at: int, code: str, ends: list[list[int]]):
    made = kinds.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = at, *ends
    options = {"SOFTMAX": "SoftmaxOptions", "BATCH_MATMUL": "BatchMatMulOptions", "LOG_SOFTMAX": "LogSoftmaxOptions"}[
        code
    ]
    made.builtinOptions = getattr(kinds, f"{options}T")()
    made.builtinOptionsType = getattr(kinds.BuiltinOptions, options)
    if code == "SOFTMAX":
        made.builtinOptions.beta = 1.0
    if code == "BATCH_MATMUL":
        made.builtinOptions.adjY = ends[1] == [3]
    return made


def softmax(folder: Path, code: str = "SOFTMAX", shape=(1, 5), scales=None) -> TfliteNetwork:
    """A softmax alone; scales: of its input and output, each `(scale, zero point)`, for integers."""
    dtype, given = (np.float32, [(None, 0)] * 2) if scales is None else (np.int8, scales)
    tensors = {"x": tensor("x", shape, dtype, *given[0]), "p": tensor("head/Softmax", shape, dtype, *given[1])}
    return opened(folder, tensors, [(code, ["x"], ["p"])], ["x"], ["p"])


def attention(folder: Path, tokens: int = 4) -> TfliteNetwork:
    """(1, 2, tokens, 8) queries, keys and values -> weighted values."""
    shape, square = (1, 2, tokens, 8), (1, 2, tokens, tokens)
    tensors = {name: tensor(name, shape) for name in "qkv"} | {"s": tensor("s", square)}
    tensors |= {"p": tensor("blk/attn/Softmax", square), "y": tensor("y", shape)}
    operators = [("BATCH_MATMUL", ["q", "k"], ["s"]), ("SOFTMAX", ["s"], ["p"]), ("BATCH_MATMUL", ["p", "v"], ["y"])]
    return opened(folder, tensors, operators, ["q", "k", "v"], ["y"])
