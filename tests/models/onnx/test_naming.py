"""What softmaxes of a file are called, and which are an attention's."""

from __future__ import annotations

import pytest
from tests.models.onnx.graphs import constant, model, node, normal, value

from narrowmax.models.onnx import naming

SCOPES = "pkg.torch.onnx.name_scopes"


def softmax(name: str = "", scopes: str | None = None, output: str = "p"):
    made = node("Softmax", ["x"], [output], name=name)
    if scopes is not None:
        made.metadata_props.add(key=SCOPES, value=scopes)
    return made


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("/blocks/blocks.0/attn/Softmax", "blocks.0.attn"),
        ("/layer/layer.1/layer.1.2/inner/Softmax_3", "layer.1.2.inner"),
        ("StatefulPartitionedCall/model/dense/Softmax", "StatefulPartitionedCall.model.dense"),
        ("/Softmax", "<network>"),
        ("Softmax_12", "Softmax_12"),
        ("", ""),
    ],
)
def test_layers_from_names(name, layer):
    assert naming.layer(softmax(name)) == layer


@pytest.mark.parametrize(
    ("scopes", "layer"),
    [
        ("['', 'blocks', 'blocks.0', 'blocks.0.attn', 'softmax']", "blocks.0.attn"),
        ("['', 'softmax']", "<network>"),
        ("['softmax']", "a.b"),
        ("__import__('os').system('true')", "a.b"),
        ("[" * 500, "a.b"),
        ("[1, 2]", "a.b"),
        ("", "a.b"),
    ],
)
def test_layers_from_the_scopes_of_pytorch(scopes, layer):
    assert naming.layer(softmax("/a/b/Softmax", scopes)) == layer


def test_every_name_is_there_once():
    some = [
        softmax("/a/Softmax"),
        softmax("/a/Softmax_1"),
        softmax("/b/Softmax"),
        softmax(output="p"),
        softmax(output="p"),
    ]
    assert naming.distinct(some) == ["a.Softmax", "a.Softmax_1", "b", "p.p", "p.p.2"]


@pytest.mark.parametrize(
    ("after", "attends"),
    [
        ([("MatMul", ["p", "v"])], True),
        ([("Einsum", ["p", "v"])], True),
        ([("Dropout", ["p"]), ("MatMul", ["p1", "v"])], True),
        ([("MatMul", ["p", "w"])], False),
        ([("Transpose", ["w"]), ("MatMul", ["p", "p1"])], False),
        ([("TopK", ["p", "k"])], False),
        ([("Relu", ["p"]), ("MatMul", ["p1", "v"])], False),
        ([], False),
    ],
)
def test_weights_of_values(after, attends):
    nodes = [softmax()] + [node(op, inputs, [f"p{at}"]) for at, (op, inputs) in enumerate(after, 1)]
    made = model(nodes, [value("x"), value("v"), value("k")], [value("p")], constants=[constant("w", normal(3, 3))])
    assert ("p" in naming.attending(made.graph)) == attends
