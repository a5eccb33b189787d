"""The catalogue's list: whole in any width, with years and relative errors."""

from __future__ import annotations

import pytest

from narrowmax.cli import listing

LIMITS = (("longest_row", None), ("widest_distance", 11.125), ("smallest_probability", 9.18e-41), ("masked_row", 0))
NO_CARD = {part: {"reason": "it gives a position"} for part in ("exp", "normaliser", "whole")}


def row(name: str, **changed) -> dict:
    """One architecture of a record, with the widest of everything."""
    holds = ({"name": name, "value": name != "monotone"} for name in ("zeros", "order_kept", "monotone"))
    errors = {"absolute": 0.000123456, "relative": 0.00706}
    return {
        "name": name, "year": 2024, "summary": "An idea that is told in so many words that no line of 80 holds it all.",
        "oracle": "the steps once more in integers, by another author.", "hardware": True,
        "guarantees": [{"name": "sums_to_one", "least": 0.88234, "greatest": 7.8123}, *holds],
        "limits": [{"name": key, "value": value} for key, value in LIMITS],
        "error_card": dict.fromkeys(("exp", "normaliser", "whole"), errors), **changed,
    }  # fmt: skip


RECORD = {
    "architectures": [
        row("piecewise_linear"),
        row("softex", error_card={part: {"absolute": 0.86, "relative": 1.367} for part in NO_CARD}),
        row(
            "argmax", year=None, guarantees=[], error_card=NO_CARD,
            limits=[{"name": "longest_row", "value": 65535}, {"name": "masked_row", "value": 65535}],
        ),
        row(
            "ideal", hardware=False, limits=[{"name": "longest_row", "value": None}],
            error_card={**NO_CARD, "whole": {"absolute": 3e-8, "relative": 5.8e-8}},
        ),
    ]
}  # fmt: skip


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("80", 80), ("90", 90), ("120", 100), ("300", 100)])
def test_nothing_is_cut_in_any_width(monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    text = listing.catalogue(RECORD)
    assert max(map(len, text.splitlines())) <= widest
    assert "…" not in text and text.count("piecewise_linear") == (5 if columns == "60" else 3)
    assert "0.882 to 7.81" in text and "9.2e−41" in text


def test_years_errors_and_dashes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    lines = [line.split() for line in listing.catalogue(RECORD).splitlines()]
    told = [line for line in lines if line[:1] == ["softex"]]
    assert told[0][1] == "2024" and told[1][1:4] == ["0.882", "to", "7.81"]
    assert told[2] == ["softex", *(["137", "%", "0.86"] * 3)]
    linear = [line for line in lines if line[:1] == ["piecewise_linear"]]
    assert linear[2] == ["piecewise_linear", *(["0.71", "%", "0.00012"] * 3)]
    position = [line for line in lines if line[:1] == ["argmax"]]
    assert position[0][1] == "—" and position[1][1:] == [*("—" * 4), "65,535", "—", "—", "65,535"]
    assert position[2][1:] == ["—"] * 6
    assert ["no", "hardware"] in lines
    ideal = [line for line in lines if line[:1] == ["ideal"]]
    assert ideal[1][5] == "yes" and ideal[2][-3:] == ["5.8e−06", "%", "3e−08"]


def test_a_long_last_column_folds(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = listing.folding(("wire", "what it is"), "ll", [("e", "a sentence " * 20), ("p", "short")])
    assert max(map(len, text.splitlines())) <= 80 and text.count("sentence") == 20
    assert text.splitlines()[-1].split() == ["p", "short"]
    monkeypatch.setenv("COLUMNS", "40")
    assert "…" not in (text := listing.folding(("a" * 12, "b" * 12, "text"), "lll", [("a", "b", "one word " * 9)]))
    assert max(map(len, text.splitlines())) <= 40 and text.count("word") == 9
