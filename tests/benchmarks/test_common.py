"""The measuring that benchmarks share."""

import argparse
import json

import pytest
from benchmarks.common import (
    arguments,
    at_least,
    at_most,
    by_instructions,
    in_processes,
    interleaved,
    lines,
    number,
    ratio,
    report,
    shown,
    spread,
)

from benchmarks import common


def test_jobs_are_interleaved_after_a_first_call_that_is_not_timed():
    calls = []
    seconds = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] + ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_a_quick_job_is_called_until_a_measurement_has_lasted():
    time, calls = [0.0], []

    def job():
        calls.append(1)
        time[0] += 0.25

    assert interleaved({"a": job}, rounds=2, least=1.0, clock=lambda: time[0]) == {"a": [0.25, 0.25]}
    assert len(calls) == 1 + 1 + 2 * 4  # not timed, to see how quick, two measurements of four


def test_spread_is_median_and_quartiles():
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert spread([1.0, 2.0, 3.0], 10) == {"median": 20.0, "low": 15.0, "high": 25.0}


def test_ratio_is_of_pairs():
    assert ratio([1.0, 4.0, 9.0], [1.0, 2.0, 3.0])["median"] == 2.0


def test_goals_are_judged_by_the_median():
    measured = {"median": 1.0, "low": 0.5, "high": 2.0}
    assert at_most(measured, 1.0) == {"at_most": 1.0, "met": True}
    assert at_most(measured, 0.9) == {"at_most": 0.9, "met": False}
    assert at_least(measured, 1.0) == {"at_least": 1.0, "met": True}
    assert at_least(measured, 1.1) == {"at_least": 1.1, "met": False}
    assert at_least(measured, 1.1, {"median": 1.05}) == {"at_least": 1.1, "met": False, "machine": 1.05}
    assert at_least(measured, 1.1, {"median": 1.1}) == {"at_least": 1.1, "met": False}
    assert at_most(measured, None) is at_least(measured, None) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("8-bit table", "8-bit table"),
        (7, "7"),
        (None, "-"),
        (1234.5, "1,230"),
        (0.0456789, "0.0457"),
        (0.0, "0.0"),
        ({"median": 1.0, "low": 0.996, "high": 12.34}, "1.00 (0.996..12.3)"),
        ({"at_most": 0.8, "met": True}, "<= 0.8: met"),
        ({"at_least": 3000, "met": False}, ">= 3,000: missed"),
        ({"at_least": 1.7, "met": False, "machine": 1.234}, ">= 1.7: missed; the machine gives 1.23"),
        ({"at_least": 1.7, "met": True, "machine": 1.234}, ">= 1.7: met"),
    ],
)
def test_cells_in_words(cell, text):
    assert shown(cell) == text


def test_numbers_have_three_digits_also_where_rounding_carries():
    assert [number(v) for v in (0.9996, 99.96, 999.6, -0.1236)] == ["1.00", "100", "1,000", "-0.124"]


def test_shapes_are_read_from_the_command():
    given = arguments("about", ["--shapes", "3x4", "5x60"], shapes="1x1")
    assert given.shapes == [(3, 4), (5, 60)]
    assert arguments("about", [], shapes="1x1 2x2").shapes == [(1, 1), (2, 2)]


def test_a_report_is_a_table_and_a_file(tmp_path, capsys):
    given = argparse.Namespace(rounds=2, json=tmp_path / "b.json", load=0.5)
    report("title", [{"design": "x", "ratio": 1.23456}], given, ["numpy", "no-such-package"])
    assert capsys.readouterr().out == "title\ndesign  ratio\n------  -----\nx       1.23\n"
    written = json.loads(given.json.read_text())
    assert written["rows"] == [{"design": "x", "ratio": 1.23456}]
    assert {"machine", "versions"} <= written.keys()
    assert written["versions"]["no-such-package"] is None


def test_columns_are_as_wide_as_their_widest_cell():
    assert lines([{"a": "long cell", "b": 1}, {"a": "x", "b": 22}])[3] == ["x        ", "22"]


def test_rows_of_instruction_sets_become_columns():
    rows = [
        {"design": "x", "instructions": isa, "times torch.softmax": value, "goal": goal, "other": 1.0}
        for isa, value, goal in (("base", 3.0, None), ("avx512", 1.0, {"at_most": 2.0, "met": True}))
    ]
    merged = {"design": "x", "base": 3.0, "avx512": 1.0, "avx512 goal": {"at_most": 2.0, "met": True}}
    assert by_instructions(rows) == [merged]


FAKE = """
import json, os, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
row = {"set": os.environ["NARROWMAX_ISA"], "isa": given["--isa"], "words": sys.argv[1:]}
json.dump({"rows": [row]}, open(given["--json"], "w"))
"""


def test_every_instruction_set_has_a_process(tmp_path, monkeypatch):
    (tmp_path / "fake_benchmark.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(common, "instruction_sets", lambda: ["base", "avx2"])
    given = argparse.Namespace(rounds=2, shapes=[(3, 4), (5, 6)])
    rows = in_processes("fake_benchmark", given)
    assert [(row["set"], row["isa"]) for row in rows] == [("base", "base"), ("avx2", "avx2")]
    assert rows[0]["words"][:2] == ["--rounds", "2"]
    assert rows[0]["words"][-3:] == ["--shapes", "3x4", "5x6"]
