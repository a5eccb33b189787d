"""Every benchmark runs, on shapes too small to say anything of speed: its columns, its file, its equal codes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from benchmarks.designs import codes_for, named, one_call_goal, sweep_goal
from benchmarks.peer import apy_types, pipeline
from benchmarks.peer.terms import DESIGN, terms

import narrowmax as nm
from benchmarks import growth, one_call, peers, scaling, setup, sweeps
from narrowmax.engines import compiled


def written(main, tmp_path, *words: str) -> dict:
    """What a benchmark writes; nothing of the table is lost in the file."""
    file = tmp_path / "measured.json"
    main(["--rounds", "2", "--json", str(file), *words])
    return json.loads(file.read_text())


def is_spread(cell: object) -> bool:
    return isinstance(cell, dict) and 0 < cell["low"] <= cell["median"] <= cell["high"]


def test_one_call(tmp_path, capsys):
    record = written(one_call.main, tmp_path, "--shapes", "3x10", "2x100", "--isa", "avx512")
    assert [(row["rows x n"], row["design"]) for row in record["rows"]] == [
        (shape, name) for shape in ("3 x 10", "2 x 100") for name in [*named(), one_call.PROBABILITIES]
    ]
    assert all(is_spread(row["times torch.softmax"]) for row in record["rows"])
    goals = [row["goal"] and row["goal"]["at_most"] for row in record["rows"]]
    assert goals == [0.2, 0.2, 0.2, 2.0, None, 0.8, 1.4, 0.8, 2.0, None]
    assert "times torch.softmax" in capsys.readouterr().out


def test_sweeps(tmp_path, monkeypatch):
    few = {name: (designs, 2, 4) for name, (designs, _, _) in sweeps.FAMILIES.items()}
    monkeypatch.setattr(sweeps, "FAMILIES", few)
    record = written(sweeps.main, tmp_path, "--shapes", "70x10", "--isa", "avx512")
    assert [row["designs"] for row in record["rows"]] == list(few)
    for row in record["rows"]:
        assert row["goal"] is None
        assert all(row[key].keys() == {"median", "low", "high"} for key in ("all metrics", "top-1 alone"))
        assert is_spread(row["of 4 designs"])


def test_designs_of_sweeps_are_all_different():
    for designs, some, more in sweeps.FAMILIES.values():
        assert len({nm.design(text).text for text in designs}) == len(designs) >= more > some >= sweeps.FEW


def test_scaling(tmp_path, monkeypatch):
    for name, value in {"WORTH_THREADS": 200, "SWEPT": (70, 10), "COUNTS": (1, 2)}.items():
        monkeypatch.setattr(scaling, name, value)
    monkeypatch.setitem(sweeps.FAMILIES, "8-bit table", (sweeps.FAMILIES["8-bit table"][0][:2], 1, 2))
    record = written(scaling.main, tmp_path, "--shapes", "3x10", "2x100")
    threaded = [("call", "2 x 100", 1, 2), ("sweep", "70 x 10", 2, 2)] if compiled.available() else []
    assert [(row["what"], row["rows x n"], row["designs"], row["threads"]) for row in record["rows"]] == [
        *(("call", "3 x 10", 1, 1), ("call", "2 x 100", 1, 1), ("sweep", "70 x 10", 1, 1), ("sweep", "70 x 10", 2, 1)),
        *threaded,
    ]
    for row in record["rows"]:
        alone = row["threads"] == 1
        assert is_spread(row["times torch.softmax"]) is alone
        assert is_spread(row["gain of threads"]) is is_spread(row["of two processes"]) is not alone
        assert row["goal"] is None if alone else row["goal"]["at_least"] == 1.7


def test_setup(tmp_path):
    if not compiled.available():
        with pytest.raises(SystemExit, match="was not built"):
            setup.main([])
        return
    record = written(setup.main, tmp_path)
    assert [row["design"] for row in record["rows"]] == list(setup.FAMILIES)
    for row in record["rows"]:
        assert all(is_spread(row[stage]) for stage in ("text, drawing and tables", "program", "first call"))
    assert [row["goal"] and row["goal"]["at_most"] for row in record["rows"]] == [0.2, 0.2, None, 0.2, 0.2]


def test_setup_never_meets_a_design_again(tmp_path):
    with pytest.raises(SystemExit, match="^--rounds is 16, and 2 to 15 are allowed: each takes another design$"):
        setup.main(["--rounds", "16"])


def test_growth(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "SHAPES", {"a stem": (growth.stem, 3)})
    if not compiled.available():
        with pytest.raises(SystemExit, match="was not built"):
            growth.main([])
        return
    (row,) = written(growth.main, tmp_path)["rows"]
    assert (row["drawing"], row["steps"]) == ("a stem", 3)
    assert all(is_spread(row[cell]) for cell in ("program", "of 4 times the steps", "times as long"))
    assert row["goal"]["at_most"] == 8


def test_codes_are_kept_in_the_smallest_integers():
    assert {name: codes_for(design, (1,)).dtype for name, design in named().items()} == dict.fromkeys(named(), np.uint8)


def test_goals():
    assert one_call_goal("8-bit table", 100, "avx2") == one_call_goal("12-bit table", 2048, "avx2") == 1.7
    assert one_call_goal("scan", 100, "avx2") is one_call_goal("8-bit table", 100, "base") is None
    assert one_call_goal("8-bit table", 10, "avx2") is None
    assert sweep_goal("8-bit table", 10_000, 100, "avx512") == 0.4
    assert sweep_goal("12-bit table", 10_000, 100, "avx512") == 1.0
    assert sweep_goal("8-bit table", 12_500, 1000, "avx512") == 0.15
    assert sweep_goal("12-bit table", 12_500, 1000, "avx512") is None
    assert sweep_goal("8-bit table", 10_000, 100, "avx2") == 1.3
    assert sweep_goal("8-bit table", 10_000, 100, "base") is sweep_goal("scan", 10_000, 100, "avx512") is None


def test_peers(tmp_path, capsys):
    record = written(peers.main, tmp_path, "--shapes", "20x100")
    rows = {row["peer"].split()[0]: row for row in record["rows"]}
    assert list(rows) == ["NumPy", "Brevitas", "APyTypes", "QPyTorch", "hls4ml,", "fxpmath"]
    for row in rows.values():
        measured = row["equal codes"] is not None
        assert (
            is_spread(row["times narrowmax"]) if measured else row["what it leaves out"].startswith("not installed: ")
        )
    assert rows["NumPy"]["equal codes"] == rows["APyTypes"]["equal codes"] == "100.00%"


@pytest.mark.parametrize("peer", [pipeline, apy_types])
@pytest.mark.parametrize("n", [1, 2, 7, 100, 1000])
def test_what_a_peer_computes_is_the_design(peer, n):
    x = np.random.default_rng(n).normal(0, 6, (40, n)).astype(np.float32)
    x[0], x[1], x[2, 0] = 3.0, np.arange(n), 100.0
    assert np.array_equal(peer.prepare(terms(), x)(), DESIGN.simulate(x))


def test_a_peer_that_fails_is_said_to(monkeypatch):
    def fails(terms, x):
        raise RuntimeError("no compiler\nand a long trace")

    monkeypatch.setattr(pipeline, "prepare", fails)
    row = peers.beside("pipeline", (1, 2), np.zeros((1, 2), np.float32), 2)
    assert row["what it leaves out"] == "does not run here: no compiler"
    assert row["times narrowmax"] is None
