"""The measuring that benchmarks share."""

import argparse
import json

from benchmarks.common import interleaved, report, spread


def test_jobs_are_interleaved_after_a_first_call_that_is_not_timed():
    calls = []
    seconds = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] + ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_spread_is_median_and_quartiles():
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}


def test_a_report_is_a_table_and_a_file(tmp_path, capsys):
    given = argparse.Namespace(rounds=2, json=tmp_path / "b.json")
    report("title", [{"design": "x", "ratio": 1.23456}], given)
    assert capsys.readouterr().out == "title\ndesign  ratio\n------  -----\nx       1.23\n"
    written = json.loads(given.json.read_text())
    assert written["rows"] == [{"design": "x", "ratio": 1.23456}]
    assert {"machine", "versions"} <= written.keys()
