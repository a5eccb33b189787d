"""The benchmark of measuring: it runs, and measures every softmax."""

import json

import torch
from torch import nn

from benchmarks import measuring


def test_its_rows(small, tmp_path, capsys):
    measuring.main(["--rounds", "2", "--json", str(tmp_path / "m.json")])
    rows = json.loads((tmp_path / "m.json").read_text())["rows"]
    assert [row["network"] for row in rows] == list(small)
    assert [row["goal"]["at_most"] for row in rows] == [1.3, 1.3]
    assert all(0 < row["times alone"]["median"] and row["rows counted whole"] == 1 for row in rows)
    assert "times alone" in capsys.readouterr().out


def test_a_long_measurement_is_what_is_timed(monkeypatch):
    monkeypatch.setattr(measuring, "FIRST", 1 << 8)
    seen = measuring.warmed(nn.Softmax(-1), torch.randn(8, 10), torch.zeros(8, dtype=torch.long))
    assert seen.softmaxes()[0]["elements"] > 1 << 8
