"""The benchmark of ONNX files: it runs, and its rows are those of one network."""

import json

import pytest
import torch

from benchmarks import files, networks


@pytest.fixture
def small(monkeypatch):
    tiny = {"vit": (networks.written_out(networks.Transformer(8, 2, 1)), torch.randn(2, 5, 8))}
    monkeypatch.setattr(networks, "networks", lambda: tiny | {"vit, fused attention": tiny["vit"]})
    monkeypatch.setattr(files, "PASSES", 1)
    monkeypatch.setattr(files, "MILLION", 200)
    return tiny


def test_its_rows(small, tmp_path, capsys):
    files.main(["--rounds", "2", "--json", str(tmp_path / "n.json")])
    record = json.loads((tmp_path / "n.json").read_text())
    rows = record["rows"]
    assert [row["what"] for row in rows][:3] == ["run in parts", "measured, as it begins", "measured"]
    assert {row["network"] for row in rows} == {"vit"} and len(rows) == 5
    assert [row["goal"] and row["goal"]["at_most"] for row in rows] == [None, None, 1.3, None, None]
    assert all(0 < row["times plain"]["median"] for row in rows) and record["versions"]["onnxruntime"]
    assert "written into the file" in capsys.readouterr().out
