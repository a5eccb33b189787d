"""Tables, as text for a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from narrowmax import report
from narrowmax.report.tables import KINDS, Table
from narrowmax.report.text import lines_of

RECORD = json.loads((Path(__file__).parent / "sample.json").read_text(encoding="utf-8"))
DATA = {
    "measure": RECORD["measure"],
    "numeric_formats": RECORD["measure"]["softmaxes"][-1],
    "formats_sweep": RECORD,
    "narrow": RECORD["narrow"],
    "judged": RECORD["narrow"],
    "among": RECORD["narrow"],
    "compare": RECORD["compare"],
    "error_budget": RECORD["compare"]["error_budget"],
    "limits": RECORD["compare"],
    "cost": RECORD["hardware"]["cost"],
    "verify": RECORD["hardware"]["verify"],
}


def test_every_kind_is_tried():
    assert set(DATA) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_have_a_cell_for_each_column(kind):
    made = report.table(kind, DATA[kind])
    assert made.rows and len(made.kinds) == len(made.columns)
    assert {len(row) for row in made.rows} == {len(made.columns)}
    assert all(isinstance(cell, str) and cell for row in made.rows for cell in row)
    assert not any(line.endswith(" ") for line in made.text().splitlines())


def test_narrow_as_text():
    lines = report.table("narrow", {**RECORD["narrow"], "wires": RECORD["narrow"]["wires"][2:]}).text().splitlines()
    assert lines == [
        "wire             at the start  narrowest  one bit less  because",
        "───────────────  ────────────  ─────────  ────────────  ────────────────────────────────────────────────",
        "exp.fraction     UQ0.12        UQ0.6      not shown     nll may lose up to 0.0211, and 0.02 is tolerated",
        "output.fraction  UQ0.12        UQ0.7      loses         nll loses at least 0.0263, and 0.02 is tolerated",
    ]


def test_one_cost_and_many():
    one, many = (
        report.table("cost", RECORD["hardware"]["cost"]["gates"]),
        report.table("cost", RECORD["hardware"]["cost"]),
    )
    assert one.columns == ("", "gates") and many.columns == ("", "gates", "xc7")
    assert ("NAND2-equivalents", "861") in one.rows and ("LUTs", "—", "142") in many.rows
    assert many.notes == (
        "gates, no delay or fmax: gates without a library have no delay; depth counts the gates between registers",
        "xc7, no delay or fmax: no place and route of the 7 series can be had by a package, so no frequency is claimed",
    )


def test_a_cost_that_is_not_there_is_told_with_its_reason():
    made = report.table(
        "cost", {"gates": RECORD["hardware"]["cost"]["gates"], "xc7": None, "xc7_reason": "Yosys was not found"}
    )
    assert made.columns == ("", "gates") and made.notes[0] == "xc7: Yosys was not found"


def test_designs_without_cost_are_told_once():
    assert report.table("compare", RECORD["compare"]).notes == (
        "no cost for ideal: ideal has no hardware: it is softmax in full precision between two formats",
    )


def test_numbers_without_their_float_are_taken():
    row = {"design": "d", "nll": 0.3, "nll_float": 0.2, "cost": None, "cost_reason": "none"}
    made = report.table("compare", {"rows": [row]})
    assert dict(zip(made.columns, made.rows[0], strict=True))["NLL lost"] == "0.1000"


LONG = Table(
    ("name", "epoch", "what it is", "bits", "share"), "tntnn",
    (("first", "0", "words that are many enough to fold", "8", "99 %"), ("second", "1", "few", "16", "1 %")),
    ("a note of many words that folds as well",), named_by=2,
)  # fmt: skip


@pytest.mark.parametrize("width", [40, 45, 50, 60, 100])
def test_a_table_on_short_lines_loses_nothing(width):
    with lines_of(width):
        text = LONG.text()
    lines = text.splitlines()
    assert max(map(len, lines)) <= width and not any(line.endswith(" ") for line in lines)
    every = " ".join(" ".join(row) for row in (LONG.columns, *LONG.rows)).split() + LONG.notes[0].split()
    assert set(every) <= set(text.split())
    assert text.count("second") == (1 if width >= 50 else 2)


@pytest.mark.parametrize("tool", ["Yosys 0.70 (pyosys)", "Yosys 0.67 with abc, and nextpnr-generic of some day"])
def test_the_tool_of_a_cost_folds_though_its_column_is_of_numbers(tool):
    gates = {**RECORD["hardware"]["cost"]["gates"], "tool": tool}
    with lines_of(40):
        text = report.table("cost", gates).text()
    assert max(map(len, text.splitlines())) <= 40 and set(gates["tool"].split()) <= set(text.split())


def test_a_text_folds_to_what_the_names_beside_it_leave():
    table = Table(("task", "what it is"), "tt", (("cifar100-resnet20:DIR", "CIFAR-100, small vision transformer"),))
    with lines_of(40):
        assert max(map(len, table.text().splitlines())) <= 40


def test_a_table_for_no_terminal_has_a_line_for_each_row():
    assert len(LONG.text().splitlines()) == 2 + 2 + 1
    with lines_of(60), lines_of(None):
        assert len(LONG.text().splitlines()) == 5
