"""The examples of docs/onnx.md are run."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
from tests.models.onnx.graphs import attending_model, normal

PAGE = Path(__file__).resolve().parents[3] / "docs" / "onnx.md"


def test_its_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = attending_model()
    Path("model.onnx").write_bytes(made.SerializeToString())
    np.savez("test.npz", x=normal(40, 5, 4))
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert failed == 0 and tried >= 10
