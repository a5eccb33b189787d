"""What docs/training.md says is so: its tables and numbers are what the code prints; the forum's trap can be run."""

from __future__ import annotations

import pytest
from docs import training_results as results

from narrowmax.models import catalogue
from narrowmax.models.training import read, train
from narrowmax.store import load

TRAP = "activations=decimal({}), gradient={}, layers=classifier.3"


@pytest.fixture(scope="module")
def records() -> dict:
    return load(results.RECORDS)


def row(records: dict, study: str, text: str) -> dict:
    (found,) = [row for row in records[study]["rows"] if row["precision"] == read(text).text]
    return found


def test_the_page_is_what_the_code_prints(records):
    page = results.PAGE.read_text(encoding="utf-8")
    assert results.placed(page, records) == page, "run `python -m docs.training_results`"
    assert "`?`" not in page


def test_a_number_that_was_changed_by_hand_is_seen(records):
    page = results.PAGE.read_text(encoding="utf-8")
    shown = results.value(records["updates"], "weights=Q2.6, updates=Q2.6", "lost")
    changed = page.replace(f"`{shown}`<!--", "`0.00 points`<!--")
    assert changed != page == results.placed(changed, records)


def test_the_rows_are_those_of_the_studies(records):
    for study, texts in results.STUDIES.items():
        assert [row["precision"] for row in records[study]["rows"]] == ["float", *(read(text).text for text in texts)]


def test_what_the_page_says_of_the_trap_is_what_was_measured(records):
    ten, twenty, thirty = (row(records, "trap", TRAP.format(digits, "none")) for digits in (10, 20, 30))
    assert ten["metrics"] == twenty["metrics"] == thirty["metrics"] and ten["reason"] == "no-gradient"
    assert ten["loss"]["top1"]["low"] > 0.1
    assert row(records, "trap", "softmax=decimal(10), gradient=none")["metrics"]["top1"]["most"] < 0.2
    for harmless in (TRAP.format(10, "straight-through"), "activations=fp16, layers=classifier.3"):
        found = row(records, "trap", harmless)
        assert not found["stalled"] and found["loss"]["top1"]["high"] < 0.01


def test_what_the_page_says_of_updates_is_what_was_measured(records):
    for width in ("Q2.6", "Q2.4"):
        nearest = row(records, "updates", f"weights={width}, updates={width}")
        stochastic = row(records, "updates", f"weights={width}, updates={width}:stochastic")
        assert nearest["loss"]["top1"]["low"] > stochastic["loss"]["top1"]["high"]
        assert nearest["breaks"]["updates_lost"] > 0.9
    assert row(records, "updates", "weights=Q2.4, updates=Q2.4")["reason"] == "updates-lost"
    assert row(records, "forward", "weights=Q2.6")["loss"]["top1"]["high"] < 0.02


def test_the_forums_trap():
    """Rounding at 10, 20 and 30 decimals gives one and the same result; straight through, that of float."""
    task = catalogue.untrained("digits-cnn")
    blocked = [train(task, read(TRAP.format(digits, "none")), seed=1, epochs=3) for digits in (10, 20, 30)]
    first = blocked[0]
    assert all((one.outcomes["top1"] == first.outcomes["top1"]).all() for one in blocked)
    assert first.diagnosis().reason == "no-gradient" and "features.0.weight" in first.epochs[0]["without_gradient"]
    plain, through, cast = (
        train(task, read(text), seed=1, epochs=3)
        for text in ("float", TRAP.format(10, "straight-through"), "activations=fp16, layers=classifier.3")
    )
    reached = [one.outcomes["top1"].mean() for one in (first, plain, through, cast)]
    assert reached[0] < min(reached[1:]) - 0.1
    assert abs(reached[2] - reached[1]) < 0.01 and abs(reached[3] - reached[1]) < 0.05
    assert not through.diagnosis(plain.epochs[-1]["train"]["nll"]).stalled


@pytest.mark.long
@pytest.mark.parametrize("study", results.STUDIES)
def test_what_was_measured_can_be_measured_again(records, study):
    """To a few points, for processors do not add in one order; and what stalled stalls again."""
    again = results.trained((study,))[study]["rows"]
    for before, after in zip(records[study]["rows"], again, strict=True):
        if before["stalled"] in (0, results.SEEDS):
            assert (after["stalled"] > 0) == (before["stalled"] > 0), after["verdict"]
            assert abs(after["metrics"]["top1"]["mean"] - before["metrics"]["top1"]["mean"]) < 0.08, after["precision"]
