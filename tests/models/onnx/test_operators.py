"""Softmaxes that do not stand there as a plain node: inside other nodes and functions, quantised, hidden."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.models.onnx.graphs import constant, known, model, node, normal, opened, plain, value

import narrowmax as nm
from narrowmax import reference
from narrowmax.errors import DataError
from narrowmax.models import Site
from narrowmax.models.onnx.preparing import EXPANDED, PLAIN

EXACT = nm.design("ideal(input=fp32, output=fp32)")
COARSE = nm.design("ideal(input=Q5.1, output=UQ0.4)")
BOOL, INT64, INT8, UINT8 = TensorProto.BOOL, TensorProto.INT64, TensorProto.INT8, TensorProto.UINT8


def seen_and_unchanged(network, made, **inputs):
    """What is measured of each softmax; the outputs are those of onnxruntime alone, bit for bit."""
    with nm.measure(network) as seen:
        got = list(network.run(inputs).values())
    for one, other in zip(got, plain(made, **inputs), strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
    return seen.softmaxes()


def branches():
    then = helper.make_graph([node("Softmax", ["h"], ["t"], name="/then/Softmax")], "t", [], [value("t")])
    other = helper.make_graph(
        [node("Add", ["h", "one"], ["e"])], "e", [], [value("e")], [constant("one", np.ones(4, np.float32))]
    )
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("If", ["flag"], ["y"], then_branch=then, else_branch=other),
        node("Softmax", ["y"], ["z"], name="/last/Softmax"),
    ]
    return model(nodes, [value("x", ["n", 4]), value("flag", [], BOOL)], [value("z"), value("y")])


def test_a_branch(tmp_path):
    made, x = branches(), normal(3, 4)
    network = opened(tmp_path, made)
    taken = seen_and_unchanged(network, made, x=x, flag=np.array(True))
    assert [one["name"] for one in taken] == ["then", "last"]
    left = seen_and_unchanged(network, made, x=x, flag=np.array(False))
    assert [one["name"] for one in left] == ["last"]
    with nm.replace(network, COARSE, where="then"):
        y = network.run(x=x, flag=np.array(True))["y"]
    assert np.array_equal(y, COARSE(np.maximum(x, 0)).astype(np.float32))


def loop(scans: bool = True):
    body = [
        node("Mul", ["state", "two"], ["h"]),
        node("Softmax", ["h"], ["p"], name="/body/Softmax"),
        node("Add", ["p", "outer"], ["next"]),
        node("Less", ["i", "last"], ["go_on"]),
    ]
    inside = [value("i", [], INT64), value("going", [], BOOL), value("state")]
    outputs = [value("go_on", [], BOOL), value("next"), *([value("p")] if scans else [])]
    graph = helper.make_graph(
        body, "body", inside, outputs, [constant("two", np.float32(2)), constant("last", np.int64(2))]
    )
    nodes = [
        node("Relu", ["x"], ["outer"]),
        node("Loop", ["most", ""], ["end", *(["all"] if scans else [])], body=graph),
    ]
    nodes[1].input.append("x")
    outputs = [value("end"), *([value("all")] if scans else [])]
    return model(nodes, [value("x", [4]), value("most", [], INT64)], outputs)


def test_a_loop(tmp_path):
    made, x = loop(), normal(4)
    network = opened(tmp_path, made)
    for most, done in ((5, 3), (2, 2)):  # ends by its condition, and by the most
        (one,) = seen_and_unchanged(network, made, x=x, most=np.array(most))
        assert (one["name"], one["rows"]) == ("body", done)
    with nm.replace(network, COARSE) as replaced:
        found = network.run(x=x, most=np.array(3))
    assert replaced.sites == {Site("body", "classifier", "softmax"): 3}
    state, outer = x, np.maximum(x, 0)
    for _ in range(3):
        p = COARSE(state * 2).astype(np.float32)
        state = p + outer
    assert np.array_equal(found["end"], state) and np.array_equal(found["all"][-1], p)


def test_a_loop_that_never_runs(tmp_path):
    network, x = opened(tmp_path, loop()), normal(4)
    message = "^the loop that makes 'all' ran not once, so its output has no shape; look at its inputs$"
    with nm.measure(network), pytest.raises(DataError, match=message):
        network.run(x=x, most=np.array(0))
    network = opened(tmp_path, loop(scans=False))
    with nm.measure(network):
        assert np.array_equal(network(x=x, most=np.array(0)), x)


def test_a_scan_is_refused(tmp_path):
    body = helper.make_graph(
        [node("Softmax", ["e"], ["p"], name="/scan/Softmax"), node("Add", ["s", "p"], ["t"])],
        "b",
        [value("s", [4]), value("e", [4])],
        [value("t", [4]), value("p", [4])],
    )
    made = model(
        [node("Scan", ["x0", "x"], ["end", "all"], body=body, num_scan_inputs=1)],
        [value("x0", [4]), value("x", [3, 4])],
        [value("end"), value("all")],
    )
    network = opened(tmp_path, made)
    inputs = {"x0": normal(4), "x": normal(3, 4)}
    assert np.array_equal(network(inputs), plain(made, **inputs)[0])
    message = "^the softmax scan is inside of a Scan node, which cannot be cut; export the network with that loop"
    with pytest.raises(DataError, match=message), nm.measure(network):
        raise AssertionError("entered")


def test_a_function(tmp_path):
    inside = [node("Mul", ["a", "a"], ["b"]), node("Softmax", ["b"], ["c"], name="soft")]
    own = helper.make_function("mine", "Squared", ["a"], ["c"], inside, [helper.make_opsetid("", 18)])
    nodes = [node("Squared", ["x"], ["h"], domain="mine"), node("Squared", ["h"], ["y"], domain="mine")]
    made = model(nodes, [value("x", [None, 5])], [value("y")], domains=["mine"], functions=[own])
    network, x = opened(tmp_path, made), normal(3, 5)
    first, second = seen_and_unchanged(network, made, x=x)
    assert first["max"] == (x * x).max() and first["name"] != second["name"]


def fused(opset: int, **attributes):
    inputs = [value(one, ["b", 2, "n", 8]) for one in "qkv"] + [value("mask", ["n", "n"], BOOL)]
    made = node("Attention", ["q", "k", "v", "mask"], ["y"], name="/blk/attn/Attention", **attributes)
    last = node("Softmax", ["y"], ["z"], name="/last/Softmax")
    return model([made, last], inputs, [value("z"), value("y")], opset)


@pytest.mark.newer  # the operator is of opset 23
@pytest.mark.parametrize("opset", known(23, 24, 26))
def test_fused_attention(tmp_path, opset):
    made, q = fused(opset), normal(3, 2, 5, 8)
    network, mask = opened(tmp_path, made), np.tri(5, dtype=bool)
    inputs = {"q": q, "k": q, "v": q, "mask": mask}
    with nm.measure(network) as seen:
        measured = network.run(inputs)
    for one, alone, other in zip(measured.values(), network.run(inputs).values(), plain(made, **inputs), strict=True):
        assert np.array_equal(one, alone) and np.abs(one - other).max() <= 3e-6
    scores, last = seen.softmaxes()
    assert (scores["name"], scores["kind"], scores["function"]) == (
        "blk.attn",
        "attention",
        "scaled_dot_product_attention",
    )
    assert (scores["rows"], scores["masked"], last["name"]) == (30, 60, "last")
    with nm.replace(network, COARSE, where="attention"):
        got = network.run(inputs)["y"]
    x = q @ q.swapaxes(-1, -2) / np.sqrt(8)
    p = np.asarray(COARSE(x, mask=mask)).astype(np.float32)
    assert np.abs(got - p @ q).max() <= 1e-5


def test_fused_cross_entropy(tmp_path):
    made = model(
        [node("SoftmaxCrossEntropyLoss", ["x", "t"], ["loss", "log"], name="/head/Loss")],
        [value("x", ["n", 5]), value("t", ["n"], INT64)],
        [value("loss"), value("log")],
    )
    network, x, t = opened(tmp_path, made), normal(4, 5), np.arange(4)
    with nm.measure(network) as seen:
        got = network.run(x, t)
    (one,) = seen.softmaxes()
    assert (one["name"], one["function"], one["rows"]) == ("head", "cross_entropy", 4)
    wanted = torch_loss(x, t)
    assert abs(got["loss"] - wanted) <= 1e-5


def torch_loss(x, t) -> float:
    import torch

    return torch.nn.functional.cross_entropy(torch.tensor(x), torch.tensor(t)).item()


@pytest.mark.parametrize(("kind", "zero", "low", "high"), [(np.int8, -3, -128, 127), (np.uint8, 128, 0, 255)])
def test_quantised_softmax(tmp_path, kind, zero, low, high):
    constants = [
        constant("xs", np.float32(0.17)),
        constant("xz", kind(zero)),
        constant("ys", np.float32(1 / 256)),
        constant("yz", kind(low)),
    ]
    nodes = [
        node(
            "QLinearSoftmax", ["x", "xs", "xz", "ys", "yz"], ["y"], domain="com.microsoft", name="q", axis=-1, opset=13
        )
    ]
    element = {np.int8: INT8, np.uint8: UINT8}[kind]
    made = model(
        nodes,
        [value("x", [None, 10], element)],
        [value("y", None, element)],
        constants=constants,
        domains=["com.microsoft"],
    )
    network = opened(tmp_path, made)
    x = np.random.default_rng(0).integers(low, high + 1, (50, 10)).astype(kind)
    (one,) = seen_and_unchanged(network, made, x=x)
    scale = float(np.float32(0.17))
    assert (one["min"], one["max"]) == ((x.min() - float(zero)) * scale, (x.max() - float(zero)) * scale)
    with nm.replace(network, EXACT):
        got = network(x)
    exact = reference.softmax((x - float(zero)) * scale)
    # Not against onnxruntime, which before 1.31 wraps the int8 code of a probability near 1.
    assert got.dtype == kind and np.abs(got - np.clip(np.rint(exact * 256) + low, low, high)).max() <= 1


def test_a_quantised_network_keeps_its_bits(tmp_path):
    """Q and DQ around a softmax, which onnxruntime fuses where nobody listens: within one code of it."""
    constants = [
        constant("s", np.float32(0.1)),
        constant("z", np.int8(0)),
        constant("ps", np.float32(1 / 256)),
        constant("pz", np.int8(-128)),
    ]
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        node("Softmax", ["xd"], ["p"], name="/head/Softmax"),
        node("QuantizeLinear", ["p", "ps", "pz"], ["pq"]),
        node("DequantizeLinear", ["pq", "ps", "pz"], ["y"]),
    ]
    made = model(nodes, [value("x", [None, 10])], [value("y")], constants=constants)
    network, x = opened(tmp_path, made), normal(50, 10)
    with nm.measure(network) as seen:
        got = network(x)
    assert np.abs(got - plain(made, x=x)[0]).max() <= 1 / 256 and np.abs(got - network(x)).max() <= 1 / 256
    assert [one["rows"] for one in seen.softmaxes()] == [50]


def test_operators_that_hide_a_softmax_are_refused_where_it_matters(tmp_path):
    inputs = [value(one, [2, 5, 16]) for one in "qkv"]
    hidden = node(
        "MultiHeadAttention", ["q", "k", "v"], ["y"], domain="com.microsoft", name="/blk/attn/MHA", num_heads=2
    )
    made = model([hidden], inputs, [value("y")], domains=["com.microsoft"])
    network, q = opened(tmp_path, made), normal(2, 5, 16)
    assert np.array_equal(network(q, q, q), plain(made, q=q, k=q, v=q)[0])
    message = (
        r"^the operator com\.microsoft\.MultiHeadAttention of net\.onnx \(blk\.attn\) hides its softmax; "
        "export the network without fused attention, or without the optimiser that fused it$"
    )
    for context in (nm.measure(network), nm.replace(network, EXACT)):
        with pytest.raises(DataError, match=message), context:
            raise AssertionError("entered")
        assert not network.listened_to


def test_a_classifier_of_scikit_learn_is_refused(tmp_path):
    given = {
        "coefficients": [1.0] * 6,
        "intercepts": [0.0] * 3,
        "post_transform": "SOFTMAX",
        "classlabels_ints": [0, 1, 2],
    }
    made = model(
        [node("LinearClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", **given)],
        [value("x", [None, 2])],
        [value("label", None, INT64), value("y")],
        domains=["ai.onnx.ml"],
    )
    network = opened(tmp_path, made)
    with pytest.raises(DataError, match="hides its softmax in post_transform"), nm.measure(network):
        raise AssertionError("entered")


def test_every_standard_operator_that_speaks_of_softmax_is_known():
    """Each is seen, is written out, is refused, or only bears the name."""
    spoken = {
        (schema.domain, schema.name)
        for schema in onnx.defs.get_all_schemas_with_history()
        if "softmax" in (schema.doc or "").lower() and schema.domain in ("", "ai.onnx.preview")
    }
    known = {("", name) for name in (*PLAIN, *EXPANDED)} | {("ai.onnx.preview", "FlexAttention")}
    assert spoken <= known, "an operator is new: see whether it hides a softmax"
