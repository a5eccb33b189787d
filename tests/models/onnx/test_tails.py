"""What stands behind a last softmax, its axis, batches of one size, and files that grow without end."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from tests.models.onnx.graphs import constant, model, node, normal, one_softmax, opened, value

from narrowmax.designs import design
from narrowmax.errors import DataError
from narrowmax.models.networks import NetworkEvaluator, logits_of
from narrowmax.models.onnx.framework import forward
from narrowmax.models.task import Task

SCALE, ZERO = constant("scale", np.float32(1 / 256)), constant("zero", np.int8(-128))
QUANTISED = [
    node("QuantizeLinear", ["p", "scale", "zero"], ["q"]),
    node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
]
TAILS = {
    "quantised": QUANTISED,
    "dropout": [node("Dropout", ["p"], ["y"])],
    "identity": [node("Identity", ["p"], ["y"])],
}


@pytest.mark.parametrize("tail", TAILS)
def test_logits_stand_before_the_softmax_whatever_stands_behind(tmp_path, tail):
    nodes = [node("Softmax", ["x"], ["p"], axis=-1), *TAILS[tail]]
    network = opened(tmp_path, model(nodes, [value("x", [None, 10])], [value("y")], 17, [SCALE, ZERO]))
    x = normal(20, 10)
    assert np.array_equal(logits_of(Task(network.of_logits(), [(x, np.zeros(20, int))])).logits, x)


@pytest.mark.parametrize("opset, shape, wanted", [(12, (8, 10, 1, 1), (8, 10)), (17, (8, 5, 4, 3), (8, 4, 3, 5))])
def test_rows_are_judged_along_the_axis_of_the_softmax(tmp_path, opset, shape, wanted):
    made = one_softmax(shape, opset, axis=1)
    del made.graph.input[:]
    made.graph.input.append(value("x", [None, *shape[1:]]))
    got = np.asarray(forward(opened(tmp_path, made).of_logits(), normal(*shape)))
    assert np.array_equal(got, np.moveaxis(normal(*shape), 1, -1).reshape(wanted))


def judged_inside(folder, batch: int | None) -> np.ndarray:
    """NLL with a design in the attention of a small network that takes so many samples at once."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["x", "t"], ["s"]),
        node("Softmax", ["s"], ["p"], axis=-1, name="/attn/Softmax"),
        node("MatMul", ["p", "x"], ["o"]),
        node("ReduceMean", ["o"], ["y"], axes=[1], keepdims=0),
    ]
    made = model(nodes, [value("x", [batch, 4, 6])], [value("y")], 17)
    x, labels, step = normal(40, 4, 6), np.arange(40) % 6, batch or 40
    parts = [(x[at : at + step], labels[at : at + step]) for at in range(0, 40, step)]
    judge = NetworkEvaluator(Task(opened(folder, made), parts, where="*"))
    return judge.outcomes(design("softermax"), judge.judgement)["nll"]


@pytest.mark.parametrize("batch", [1, 4])
def test_networks_of_one_size_of_batch_are_judged_inside_as_others(tmp_path, batch):
    assert np.allclose(judged_inside(tmp_path, batch), judged_inside(tmp_path, None), rtol=1e-6)


def test_functions_that_grow_as_powers_are_refused(tmp_path):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("loc", 1)]

    def calling(at: int, last: int):
        name, domain = ("Identity", "") if at == last else (f"f{at + 1}", "loc")
        inside = [node(name, ["a"], ["t"], domain=domain), node(name, ["t"], ["b"], domain=domain)]
        return helper.make_function("loc", f"f{at}", ["a"], ["b"], inside, opsets)

    nodes = [node("f0", ["x"], ["z"], domain="loc"), node("Softmax", ["z"], ["y"])]
    made = model(nodes, [value("x", [None, 4])], [value("y")], 17, (), ["loc"], [calling(at, 39) for at in range(40)])
    with pytest.raises(DataError, match="has more than 1,048,576 nodes once its functions are written out"):
        opened(tmp_path, made)
