"""The examples of docs/onnx.md are run."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
from tests.models.onnx.graphs import constant, model, node, normal, value

PAGE = Path(__file__).resolve().parents[3] / "docs" / "onnx.md"


def test_its_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["x", "t"], ["s"]),
        node("Softmax", ["s"], ["a"], name="/attn/Softmax"),
        node("MatMul", ["a", "x"], ["y"]),
        node("ReduceMean", ["y", "one"], ["h"], keepdims=0),
        node("Softmax", ["h"], ["p"], name="/head/Softmax"),
    ]
    made = model(nodes, [value("x", ["n", 5, 4])], [value("p")], constants=[constant("one", np.array([1]))])
    Path("model.onnx").write_bytes(made.SerializeToString())
    np.savez("test.npz", x=normal(40, 5, 4))
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert failed == 0 and tried >= 10
