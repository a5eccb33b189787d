"""The tables of docs/benchmarks.md are what the code prints from docs/benchmarks.json."""

from __future__ import annotations

import re

from docs.measured import PAGE, RECORDS, placed, table

from narrowmax.store import load

TEXT = PAGE.read_text(encoding="utf-8")


def test_page_is_what_the_code_prints():
    assert placed(TEXT, load(RECORDS)) == TEXT


def test_a_number_changed_by_hand_is_seen():
    changed = re.sub(r"(\| [^|\n]*)[0-9]", r"\g<1>?", TEXT, count=1)
    assert changed != TEXT
    assert placed(changed, load(RECORDS)) == TEXT


def test_every_record_has_a_place():
    assert set(load(RECORDS)) <= set(re.findall(r"<!-- measured:(\w+) written", TEXT))


def test_a_place_without_a_record_says_so():
    page = "<!-- measured:x written by hand -->\n<!-- measured:end -->"
    assert placed(page, {}) == "<!-- measured:x written by hand -->\nNot measured yet.\n<!-- measured:end -->"


def test_table_in_markdown():
    record = {
        "title": "one call", "rounds": 7, "load": 0.25,
        "machine": {"processor": "A chip", "cores": 2, "system": "Linux x86_64"},
        "versions": {"python": "3.11", "numpy": "2.4", "torch": None, "verilator": "5"},
        "rows": [{"a|b": "x|y", "goal": {"at_most": 0.8, "met": False}, "time": {"median": 1, "low": 0.5, "high": 2}}],
    }  # fmt: skip
    assert table(record) == (
        "| a\\|b | goal | time |\n| --- | --- | --- |\n| x\\|y | ≤ 0.8: missed | 1.00 (0.500–2.00) |\n\n"
        "One call; 7 rounds, medians and quartiles.  A chip, 2 cores, Linux x86_64; python 3.11, numpy 2.4; "
        "load 0.2 when it began."
    )
