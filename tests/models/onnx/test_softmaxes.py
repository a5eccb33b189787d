"""Every Softmax and LogSoftmax of a file: rows, names, kinds, masks, and designs in their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.onnx.graphs import attention, constant, known, model, node, normal, one_softmax, opened, plain, value

import narrowmax as nm
from narrowmax.models import Site
from narrowmax.models.onnx import OnnxNetwork

OPSETS = known(7, 11, 12, 13, 18, 21, 23, 26)
EXACT = nm.design("ideal(input=fp32, output=fp32)")
COARSE = nm.design("ideal(input=Q5.1, output=UQ0.4)")


def by_definition(x: np.ndarray, axis: int, flattened: bool) -> np.ndarray:
    """Softmax of float64, along an axis, or of all axes from `axis` on together."""
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1) if flattened else np.moveaxis(x, axis, -1)
    weights = np.exp(rows.astype(np.float64) - rows.max(-1, keepdims=True))
    got = weights / weights.sum(-1, keepdims=True)
    return got.reshape(x.shape) if flattened else np.moveaxis(got, -1, axis)


def rows_of(x: np.ndarray, axis: int, flattened: bool) -> tuple[int, int]:
    n = int(np.prod(x.shape[axis:])) if flattened else x.shape[axis]
    return x.size // n, n


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("shape", "axis"), [((3, 5), None), ((2, 3, 4), 1), ((2, 3, 4), 2), ((2, 3, 4), 0)])
def test_each_opset_has_its_meaning_of_an_axis(tmp_path, op, opset, shape, axis):
    made = one_softmax(shape, opset, op, **({} if axis is None else {"axis": axis}))
    network, x = opened(tmp_path, made), normal(*shape)
    axis, flattened = (1 if opset < 13 else -1) if axis is None else axis, opset < 13
    (untouched,) = plain(made, x=x)
    with nm.measure(network) as seen:
        measured = network(x)
    assert np.array_equal(network(x), untouched) and np.array_equal(measured, untouched)
    (one,) = seen.softmaxes()
    assert (one["rows"], one["n"]) == rows_of(x, axis, flattened)
    assert (one["name"], one["function"]) == ("layer", {"Softmax": "softmax", "LogSoftmax": "log_softmax"}[op])
    assert (one["min"], one["max"]) == (x.min(), x.max())
    with nm.replace(network, EXACT):
        exact = network(x)
    assert np.abs(exact - untouched).max() <= (2e-7 if op == "Softmax" else 3e-6)
    with nm.replace(network, COARSE) as replaced:
        got = network(x)
    rounded = np.clip(np.rint(x * 2) / 2, -16, 15.5)
    wanted = np.minimum(np.rint(by_definition(rounded, axis, flattened) * 16), 15) / 16
    wanted = np.log(np.maximum(wanted, 1 / 32)) if op == "LogSoftmax" else wanted
    assert np.allclose(got, wanted, rtol=0, atol=3e-7) and got.dtype == np.float32
    assert list(replaced.sites.values()) == [1]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data(), st.sampled_from([11, 13]))
def test_any_shape_and_axis(tmp_path_factory, shape, data, opset):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    made, x = one_softmax(shape, opset, axis=axis), normal(*shape)
    network = opened(tmp_path_factory.mktemp("any"), made)
    (untouched,) = plain(made, x=x)
    with nm.measure(network) as seen, nm.replace(network, EXACT):
        got = network(x)
    assert np.abs(got - untouched).max() <= 2e-7
    axis = axis % len(shape)
    assert [(one["rows"], one["n"]) for one in seen.softmaxes()] == [rows_of(x, axis, opset < 13)]


def test_several_softmaxes_one_after_the_other_and_side_by_side(tmp_path):
    nodes = [
        node("Softmax", ["x"], ["a"], name="/first/Softmax"),
        node("Relu", ["x"], ["r"]),
        node("Softmax", ["r"], ["b"], name="/second/Softmax"),
        node("Add", ["a", "b"], ["c"]),
        node("LogSoftmax", ["c"], ["y"], name="/third/LogSoftmax"),
    ]
    made = model(nodes, [value("x", [None, 6])], [value("y"), value("b"), value("x")])
    network, x = opened(tmp_path, made), normal(4, 6)
    with nm.measure(network) as seen:
        got = network.run(x)
    for one, other in zip(got.values(), plain(made, x=x), strict=True):
        assert np.array_equal(one, other)
    assert [one["name"] for one in seen.softmaxes()] == ["first", "second", "third"]
    with nm.replace(network, COARSE, where="second") as replaced:
        got = network.run(x)
    assert replaced.sites == {Site("second", "classifier", "softmax"): 1}
    assert np.array_equal(np.unique(got["b"] * 16 % 1), [0])


def test_softmax_in_parts_runs_the_same_bits(tmp_path):
    """Parts of a network between softmaxes give what the whole gives, where each softmax is left alone."""
    rng, nodes, last = np.random.default_rng(1), [], "x"
    constants = [constant(f"w{k}", rng.normal(0, 1, (16, 16)).astype(np.float32)) for k in range(6)]
    for k in range(6):
        nodes += [node("MatMul", [last, f"w{k}"], [f"h{k}"]), node("Softmax", [f"h{k}"], [f"p{k}"], name=f"s{k}")]
        nodes += [node("Mul", [f"p{k}", "scale"], [f"m{k}"]), node("Add", [f"m{k}", last], [f"o{k}"])]
        last = f"o{k}"
    constants.append(constant("scale", np.float32(16)))
    made = model(nodes, [value("x", ["n", 16])], [value(last)], constants=constants)
    network, x = opened(tmp_path, made), normal(33, 16)
    with nm.measure(network):
        assert np.array_equal(network(x), plain(made, x=x)[0])
    with nm.measure(network), nm.replace(network, EXACT, where=lambda site: False, gradient="slope") as none:
        none._passed.clear()  # nothing is to be replaced here, which else is an error
        assert np.array_equal(network(x), plain(made, x=x)[0])
        none._passed.clear()


def test_attention_is_known_by_what_reads_it(tmp_path):
    network, q = opened(tmp_path, attention()), normal(2, 2, 5, 8)
    with nm.measure(network, heads=True) as seen, nm.measure(network) as together:
        network(q, q, q)
    assert [(one["name"], one["kind"], one["head"]) for one in seen.softmaxes()] == [
        ("blocks.0.attn", "attention", 0),
        ("blocks.0.attn", "attention", 1),
    ]
    (one,) = together.softmaxes()
    assert (one["rows"], one["n"]) == (20, 5)
    with nm.replace(network, COARSE, where="attention") as replaced:
        got = network(q, q, q)
    x = q @ q.swapaxes(-1, -2)
    p = np.asarray(COARSE(x)).astype(np.float32)
    assert np.abs(got - p @ q).max() <= 1e-5 and list(replaced.sites.values()) == [1]


@pytest.mark.parametrize("hidden", [-np.inf, np.finfo(np.float32).min, -1e9, -1e4])
def test_masks_are_kept_apart(tmp_path, hidden):
    network, q = opened(tmp_path, attention(masked=True)), normal(1, 2, 4, 8)
    causal = np.where(np.tri(4, dtype=bool), 0, hidden).astype(np.float32)[None, None]
    with nm.measure(network) as seen:
        network(q, q, q, causal)
    (one,) = seen.softmaxes()
    assert (one["masked"], one["elements"]) == (2 * 6, 2 * 10) and one["min"] > -9000
    with nm.replace(network, nm.design("ideal(input=Q3.1, output=UQ0.4)")):
        got = network(q, q, q, causal)
    assert np.allclose(got[..., 0, :], q[..., 0, :] * 15 / 16, atol=1e-6)  # the first query sees itself alone


def test_a_softmax_of_a_constant_is_seen(tmp_path):
    made = model([node("Softmax", ["c"], ["p"]), node("Add", ["x", "p"], ["y"])], [value("x", [3])], [value("y")],
                 constants=[constant("c", normal(3))])  # fmt: skip
    network = opened(tmp_path, made)
    with nm.measure(network) as seen:
        assert np.array_equal(network(np.zeros(3)), plain(made, x=np.zeros(3, np.float32))[0])
    assert seen.softmaxes()[0]["rows"] == 1


def test_half_precision(tmp_path):
    kind = 10
    made = model([node("Softmax", ["x"], ["y"])], [value("x", [None, 5], kind)], [value("y", None, kind)])
    network, x = opened(tmp_path, made), normal(4, 5).astype(np.float16)
    with nm.measure(network) as seen:
        assert np.array_equal(network(x), plain(made, x=x)[0])
    assert seen.softmaxes()[0]["max"] == x.max()
    with nm.replace(network, EXACT):
        assert network(x).dtype == np.float16 and np.allclose(network(x), plain(made, x=x)[0], atol=1e-3)


def test_an_empty_batch_is_let_through(tmp_path):
    network = opened(tmp_path, one_softmax((3, 5), 18))
    with nm.measure(network) as seen:
        assert network(np.zeros((0, 5), np.float32)).shape == (0, 5)
    assert seen.softmaxes() == []


def test_a_network_is_told_by_its_file(tmp_path):
    assert repr(opened(tmp_path, attention())) == "OnnxNetwork('net.onnx': opset 18, 1 softmaxes)"
    assert isinstance(OnnxNetwork(tmp_path / "net.onnx"), OnnxNetwork)
