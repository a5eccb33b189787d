"""A softmax in TFLite's kernels: a model of one operator, written and run with `ai-edge-litert`."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from narrowmax.architectures.tflite_int8 import step

KERNELS = {"int8": (np.int8, 1 / 256, -128), "int16": (np.int16, 1 / 65536, -32768), "uint8": (np.uint8, 1 / 256, 0)}
_TYPES = {np.dtype(name): getattr(schema.TensorType, name.upper()) for name in ("int8", "uint8", "int16")}


def softmax(
    codes: np.ndarray, scale: float, zero_point: int, beta: float, output: tuple, reference: bool = True
) -> np.ndarray:
    """Codes (rows, n) of int8, uint8 or int16 -> the kernel's output codes of `output`: (dtype, scale, zero point).

    reference: the reference kernel, or the optimised one
    """
    kinds = OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    made = Interpreter(
        model_content=_model(codes.shape, (codes.dtype, scale, zero_point), output, beta),
        experimental_op_resolver_type=kinds[not reference],
    )
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], codes)
    made.invoke()
    return made.get_tensor(made.get_output_details()[0]["index"])


def _model(shape: tuple[int, int], given: tuple, result: tuple, beta: float) -> bytes:
    options, operator, code = schema.SoftmaxOptionsT(), schema.OperatorT(), schema.OperatorCodeT()
    options.beta = beta
    operator.inputs, operator.outputs = [0], [1]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.SoftmaxOptions, options
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SOFTMAX
    graph, model = schema.SubGraphT(), schema.ModelT()
    graph.tensors, graph.operators = [_tensor(b"x", shape, *given), _tensor(b"y", shape, *result)], [operator]
    graph.inputs, graph.outputs = [0], [1]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: bytes, shape: tuple[int, int], dtype, scale: float, zero_point: int):
    made, quantised = schema.TensorT(), schema.QuantizationParametersT()
    quantised.scale, quantised.zeroPoint = [scale], [zero_point]
    made.name, made.shape, made.type, made.quantization = name, list(shape), _TYPES[np.dtype(dtype)], quantised
    return made


def on_present(function):
    """An oracle of codes and flags from a function of rows (rows, n) all of whose elements are present."""

    def run(codes, present):
        result = np.zeros(codes.shape, np.int64)
        counts = present.sum(axis=1)
        for count in set(counts.tolist()) - {0}:
            here = present & (counts == count)[:, None]
            result[here] = function(codes[here].reshape(-1, count)).ravel()
        return result

    return run


def kernel(found):
    """The oracle of an 8-bit design: TensorFlow Lite's reference kernel on the elements that are present."""
    kind, beta = found.parameters["kind"], found.parameters["beta"]
    dtype, scale, zero_point = np.uint8 if kind == "uint8" else np.int8, found.input.scale, found.input.zero_point
    return on_present(lambda rows: softmax(rows.astype(dtype), scale, zero_point, beta, KERNELS[kind]))


def taken(found, rows):
    """Without the rows at which the kernel ends the program: an 8-bit output, and a sum of 512 of its maxima."""
    for codes, present in rows:
        sound = sums(found, codes, present) < 511.9 if found.output.bits == 8 else np.ones(len(codes), bool)
        yield codes[sound], present[sound]


def sums(found, codes, present) -> np.ndarray:
    top = np.where(present, codes, -(2**20)).max(axis=1, keepdims=True)
    factor = step(found.parameters["scale"], found.parameters["beta"])
    return np.where(present, np.exp(np.minimum(codes - top, 0) * factor), 0).sum(axis=1)
