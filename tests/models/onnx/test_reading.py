"""ONNX files of others: what is damaged, hostile or unknown is refused in one sentence."""

from __future__ import annotations

import importlib
import os
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from tests.models.onnx.graphs import attention, constant, model, node, normal, one_softmax, opened, value

from narrowmax.errors import DataError, NarrowmaxError, ToolMissing
from narrowmax.models.onnx import OnnxNetwork, packages, reading


def refused(path, message):
    with pytest.raises(DataError, match=message) as caught:
        OnnxNetwork(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_onnx_file(tmp_path):
    refused(tmp_path / "none.onnx", r"^.*none\.onnx does not exist; give the path of an ONNX file$")
    (tmp_path / "a.onnx").write_bytes(b"")
    refused(tmp_path / "a.onnx", r"^a\.onnx is empty; give an ONNX file$")
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    refused(tmp_path / "a.onnx", r"^a\.onnx is damaged, cut short or no ONNX file; export it again$")
    refused(tmp_path, r"could not be read: Is a directory|is damaged")


def test_every_truncation_is_refused_or_is_no_longer_the_network(tmp_path):
    made = model(
        [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["y"])],
        [value("x", [None, 3])],
        [value("y")],
        constants=[constant("w", normal(3, 3))],
    )
    content = made.SerializeToString()
    for length in range(1, len(content)):
        (tmp_path / "cut.onnx").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"^cut\.onnx .*; export it again$"):
            OnnxNetwork(tmp_path / "cut.onnx")


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 10_000), st.integers(0, 255))
def test_bytes_changed_at_random_never_break_out(tmp_path_factory, at, new, other, newer):
    content = bytearray(attention(masked=True).SerializeToString())
    content[at % len(content)], content[other % len(content)] = new, newer
    path = tmp_path_factory.mktemp("hostile") / "changed.onnx"
    path.write_bytes(bytes(content))
    try:
        network = OnnxNetwork(path)
    except NarrowmaxError as error:
        assert "\n" not in str(error)
    else:
        assert network.outputs


def test_a_file_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_BYTES", 10)
    (tmp_path / "a.onnx").write_bytes(one_softmax((2, 3), 18).SerializeToString())
    refused(tmp_path / "a.onnx", r"^a\.onnx takes \d+ bytes with its data, more than the 10 that can be run$")


def test_operators_nobody_has(tmp_path):
    made = model([node("Sparsemax", ["x"], ["y"], domain="mine")], [value("x", [3])], [value("y")], domains=["mine"])
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    wanted = (
        "a.onnx needs the operator mine.Sparsemax, which onnxruntime does not have; export it with standard operators"
    )
    refused(tmp_path / "a.onnx", f"^{re.escape(wanted)}$")
    made = model([node("Sparsemax", ["x"], ["y"])], [value("x", [3])], [value("y")])
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    refused(tmp_path / "a.onnx", r"^a\.onnx is damaged, .*Sparsemax.*; export it again$")


@pytest.mark.parametrize("opset", [6, 99])
def test_an_opset_that_does_not_run(tmp_path, opset):
    (tmp_path / "a.onnx").write_bytes(one_softmax((2, 3), opset).SerializeToString())
    refused(tmp_path / "a.onnx", rf"^a\.onnx is of opset {opset}, and 7 to \d+ can be run; export it for one of these")


def test_an_input_that_is_no_tensor_of_numbers(tmp_path):
    made = model(
        [node("Identity", ["x"], ["y"])], [value("x", [2], TensorProto.STRING)], [value("y", None, TensorProto.STRING)]
    )
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    refused(tmp_path / "a.onnx", "^the input 'x' of a.onnx is no tensor of numbers; export the network with one$")


# Data outside of the file.


def external(folder, location: str, length=None, offset=0, dims=(3, 3), kind=TensorProto.FLOAT):
    weights = TensorProto(name="w", dims=dims, data_type=kind, data_location=TensorProto.EXTERNAL)
    for key, said in (("location", location), ("offset", offset), ("length", length)):
        if said is not None:
            weights.external_data.add(key=key, value=str(said))
    nodes = [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["y"])]
    made = model(nodes, [value("x", [None, 3])], [value("y")], constants=[weights])
    folder.mkdir(exist_ok=True)
    (folder / "net.onnx").write_bytes(made.SerializeToString())
    return folder / "net.onnx"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_bytes(normal(3, 3).tobytes())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "w.bin").write_bytes(bytes(8) + normal(3, 3).tobytes())
    return tmp_path / "in"


def test_data_beside_the_file(folder):
    for length in (36, None):
        network = OnnxNetwork(external(folder, "w.bin", length, offset=8))
        x = normal(2, 3, seed=1)
        h = x @ normal(3, 3)
        p = np.exp(h - h.max(-1, keepdims=True))
        assert np.allclose(network(x), p / p.sum(-1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "", ".", "none.bin", "link", "w.bin\0", "x/../../secret"]
)
def test_data_elsewhere(folder, location):
    os.symlink("../secret", folder / "link")
    refused(
        external(folder, location),
        r"^the data of 'w' of net\.onnx is said to be in .*, which is no file in the same folder; put it there",
    )


@pytest.mark.parametrize(("length", "offset"), [(36, 12), (40, 0), (35, 0), (36, 10**9)])
def test_data_that_is_not_there(folder, length, offset):
    path = external(folder, "w.bin", length, offset)
    refused(path, r"^the data of 'w' of net\.onnx does not lie in w\.bin, which is cut short or another file; export")


@pytest.mark.parametrize(
    "how",
    [
        {"offset": -1},
        {"length": "x"},
        {"length": 10**20},
        {"kind": 99},
        {"kind": TensorProto.STRING},
        {"dims": (-3, -3)},
    ],
)
def test_data_that_cannot_be(folder, how):
    refused(
        external(folder, "w.bin", **how),
        r"^net\.onnx is damaged, cut short or no ONNX file \(.*'w'.*\); export it again$",
    )


def test_data_inside_of_a_node_is_read_with_the_same_care(folder):
    weights = TensorProto(name="w", dims=(3,), data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="../secret")
    made = model(
        [node("Constant", [], ["w"], value=weights), node("Add", ["x", "w"], ["y"])], [value("x", [3])], [value("y")]
    )
    (folder / "net.onnx").write_bytes(made.SerializeToString())
    refused(folder / "net.onnx", "no file in the same folder")


# What a network is called with.


@pytest.fixture
def two(tmp_path):
    kinds = [value("x", ["n", 3]), value("k", ["n"], TensorProto.INT64)]
    nodes = [
        node("Softmax", ["x"], ["p"]),
        node("Cast", ["k"], ["f"], to=1),
        node("Unsqueeze", ["f", "one"], ["u"]),
        node("Add", ["p", "u"], ["y"]),
    ]
    return opened(tmp_path, model(nodes, kinds, [value("y"), value("p")], constants=[constant("one", np.array([1]))]))


def test_inputs_by_place_by_name_and_in_a_dict(two):
    import torch

    x, k = normal(2, 3), np.arange(2)
    wanted = two(x, k)
    for got in (
        two({"x": x, "k": k}),
        two(x=x, k=k),
        two({"x": x}, k=k),
        two(x.tolist(), [0, 1]),
        two(torch.tensor(x), torch.arange(2)),
        two(x.astype(float), k.astype(np.uint8)),
    ):
        assert np.array_equal(got, wanted)
    assert list(two.run(x, k)) == two.outputs == ["y", "p"] and [one.name for one in two.inputs] == ["x", "k"]


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((normal(2, 3),), {}, "'k' is missing; net.onnx takes x float32 (any, 3), k int64 (any)"),
        (
            (normal(2, 3), [0, 1], 3),
            {},
            "net.onnx takes 2 inputs and was given 3; give x float32 (any, 3), k int64 (any)",
        ),
        (
            (normal(2, 3), [0, 1]),
            {"z": 1},
            "'z' is none of its inputs; net.onnx takes x float32 (any, 3), k int64 (any)",
        ),
        ((normal(2, 4), [0, 1]), {}, "'x' was given as float32 (2, 4); net.onnx takes x float32 (any, 3)"),
        ((normal(2, 3), [0.5, 1.0]), {}, "'k' was given as float64 (2,); net.onnx takes k int64 (any)"),
        (
            (normal(2, 3), np.array([0, 2**63], np.uint64)),
            {},
            "'k' was given as uint64 (2,); net.onnx takes k int64 (any)",
        ),
    ],
)
def test_inputs_that_do_not_fit(two, args, named, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        two(*args, **named)


def test_shapes_that_only_the_run_finds_wrong(two):
    with pytest.raises(DataError, match=r"^onnxruntime could not run the network: .*; look at its inputs$"):
        two(normal(2, 3), np.arange(5))


def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(packages, "import_module", missing)
    (tmp_path / "a.onnx").write_bytes(b"x")
    message = "^the package onnx was not found, and networks in such files need it; run pip install onnx$"
    with pytest.raises(ToolMissing, match=message):
        OnnxNetwork(tmp_path / "a.onnx")


def test_names_of_the_room():
    room = importlib.import_module("narrowmax.models.onnx")
    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="has no 'nothing'; it has OnnxNetwork"):
        room.__getattr__("nothing")
