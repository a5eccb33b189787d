"""A model in the form in which its softmaxes can be seen: functions and attention operators written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from narrowmax.errors import DataError
from narrowmax.models.onnx import naming
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.walking import attributes, graphs_in, nodes_of

PLAIN = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}
EXPANDED = {"Attention": "scaled_dot_product_attention", "SoftmaxCrossEntropyLoss": "cross_entropy"}
QUANTISED = "QLinearSoftmax"
HIDING = {
    "com.microsoft": (
        "Attention BeamSearch BiasSoftmax DecoderAttention DecoderMaskedMultiHeadAttention "
        "DecoderMaskedSelfAttention GreedySearch GroupQueryAttention LongformerAttention MoE MultiHeadAttention "
        "PackedAttention PackedMultiHeadAttention PagedAttention QAttention QMoE QOrderedAttention "
        "QOrderedLongformerAttention Sampling SoftmaxCrossEntropyLossInternal SparseAttention WhisperBeamSearch"
    ).split(),
    "ai.onnx.preview": ["FlexAttention"],
}
"""Operators of a domain that compute a softmax where nothing can be put in its place."""


@dataclass(frozen=True)
class Softmax:
    """A softmax of the graph.

    name: the layer that it belongs to; function: as `Site` has it; log: whether logarithms are given
    attends: whether its output weighs the values of an attention
    axis: as written; flattened: whether all axes from this one on are one row, as before opset 13
    """

    name: str
    function: str
    log: bool
    attends: bool
    axis: int
    flattened: bool


def prepared(model) -> tuple[object, list[Softmax]]:
    """The model with its functions and attention operators written out, and its softmaxes in the order of the nodes,
    those inside other nodes included."""
    inliner = needed("onnx.inliner")
    if model.functions:
        model = inliner.inline_local_functions(model)
    labels = _labels(model)
    if any(_is_standard(node) and node.op_type in EXPANDED for node in nodes_of(model.graph.node)):
        asked = [("", name) for name in EXPANDED]
        model = inliner.inline_selected_functions(model, asked, inline_schema_functions=True)
    return model, _described(model, labels)


def _is_standard(node) -> bool:
    return node.domain in ("", "ai.onnx")


def is_softmax(node) -> bool:
    """Whether a node is a softmax that can be seen and replaced."""
    return (_is_standard(node) and node.op_type in PLAIN) or (
        node.domain == "com.microsoft" and node.op_type == QUANTISED
    )


def _labels(model) -> list[tuple[str, str]]:
    """Name and function of each softmax, in order, before operators are written out."""
    found = [
        node
        for node in nodes_of(model.graph.node)
        if is_softmax(node) or (_is_standard(node) and node.op_type in EXPANDED)
    ]
    functions = [PLAIN.get(node.op_type) or EXPANDED.get(node.op_type) or "softmax" for node in found]
    return list(zip(naming.distinct(found), functions, strict=True))


def _described(model, labels: list[tuple[str, str]]) -> list[Softmax]:
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    attending = set().union(*(naming.attending(graph) for graph in _graphs(model.graph)))
    found = [node for node in nodes_of(model.graph.node) if is_softmax(node)]
    return [
        _softmax(node, name, function, opset, node.output[0] in attending)
        for node, (name, function) in zip(found, labels, strict=True)
    ]


def _graphs(graph) -> Iterator:
    yield graph
    for node in nodes_of(graph.node):
        yield from graphs_in(node)


def _softmax(node, name: str, function: str, opset: int, attends: bool) -> Softmax:
    given = attributes(node)
    version = given.get("opset", opset)  # QLinearSoftmax says whose meaning its axis has
    axis = given.get("axis", 1 if version < 13 else -1)
    attends = attends or function == EXPANDED["Attention"]
    return Softmax(name, function, node.op_type == "LogSoftmax", attends, axis, version < 13)


def refuse_hidden(name: str, model) -> None:
    """Raises DataError for operators whose softmax can be neither seen nor replaced."""
    for node in nodes_of(model.graph.node):
        if node.op_type in HIDING.get(node.domain, ()):
            where = naming.layer(node) or node.output[0]
            raise DataError(
                f"the operator {node.domain}.{node.op_type} of {name} ({where}) hides its softmax; export the network "
                "without fused attention, or without the optimiser that fused it"
            )
        if node.domain == "ai.onnx.ml" and _transformed(node):
            raise DataError(
                f"the operator ai.onnx.ml.{node.op_type} of {name} hides its softmax in post_transform; convert the "
                "classifier with raw scores as output"
            )


def _transformed(node) -> bool:
    return attributes(node).get("post_transform", b"").startswith(b"SOFTMAX")
