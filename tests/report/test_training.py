"""The record of trainings as tables and as a page, and what is refused of it."""

from __future__ import annotations

import copy

import pytest

from narrowmax import report
from narrowmax.errors import DataError
from narrowmax.report import training

EPOCH = {
    "loss": 1.5, "gradient_norm": 0.5, "gradients": {"flushed": None}, "updates": {"small": 0.9, "lost": None},
    "places": [{"what": "weights", "place": "0.weight", "beyond": 0.125}], "push": {"still": 0.25},
    "train": {"top1": 0.5, "nll": 1.25}, "held_out": {"top1": 0.75, "nll": 1.0}, "logits": {"min": -3.0, "max": 4.0},
}  # fmt: skip
BREAKS = {
    "gradients_flushed": None, "updates_small": 0.9, "updates_lost": None, "beyond": 0.125, "rows_without_push": 0.25,
    "logits": {"min": -3.0, "max": 4.0},
}  # fmt: skip
LOSS = {
    "top1": {"difference": 0.0125, "low": -0.001, "high": 0.02},
    "nll": {"difference": 0.1, "low": 0.0, "high": 0.2},
}
REACHED = {"mean": 0.75, "least": 0.7, "most": 0.8, "seeds": 2}


def row(text: str, stalled: int = 0, **more) -> dict:
    metrics = {"top1": REACHED, "nll": {**REACHED, "mean": 1.0}}
    return {"precision": text, "stalled": stalled, "verdict": f"so it went with {text}", "metrics": metrics,
            "loss": LOSS, "breaks": dict(BREAKS), **more}  # fmt: skip


DIVERGED = {"metrics": {}, "loss": None, "loss_reason": "a training diverged", "breaks": {**BREAKS, "logits": None}}
EVIL = "<script>alert(1)</script>"
RECORD = {
    "schema": "narrowmax/train/1", "narrowmax": "0.1.0", "created": "2025-01-01T00:00:00Z", "source": "cloud",
    "task": {"name": "cloud", "title": "", "held_out": 1350}, "settings": {"epochs": 2, "seeds": 2, "confidence": 0.95},
    "rows": [row("float"), row("weights=Q2.6"), row(f"updates=Q2.6 {EVIL}", 2, **DIVERGED)],
    "epochs": [
        {"row": r, "precision": "float", "seed": seed, "epoch": e, **EPOCH, "loss": 1.5 * seed}
        for r in range(2) for seed in (1, 2) for e in (1, 2)
    ],
}  # fmt: skip


def test_a_line_for_each_row_with_bounds_no_tighter_than_they_are():
    lines = training.table(RECORD).text().splitlines()
    assert "weights=Q2.6" in lines[3] and "75.00 %".replace(" ", "\u202f") in lines[3]
    assert all(number in lines[3] for number in ("1.25", "−0.10", "2.00", "0.1000", "no"))
    assert lines[4].count("—") >= 9 and lines[4].endswith("2 of 2")
    assert "1,350 samples" in lines[5]


def test_what_broke_and_every_epoch():
    assert "12.5\u202f%" in training.breaks(RECORD).text() and "25.0\u202f%" in training.breaks(RECORD).text()
    lines = training.epochs(RECORD).text().splitlines()
    assert len(lines) == 2 + 4 and "1.5" in lines[2]  # of the first seed


def test_the_text_has_a_sentence_for_each_row():
    assert "weights=Q2.6\n    so it went with weights=Q2.6" in training.text(RECORD)


def test_the_page_draws_what_is_known_and_escapes_the_rest():
    text = report.html(RECORD)
    assert EVIL not in text and "so it went with weights=Q2.6" in text
    titles = ("Loss in training", "Top-1 of held-out samples", "Largest held-out logit", "Norm of the gradient")
    assert all(title in text for title in titles) and "Updates without effect" not in text
    assert "1 went as in float" in text


def test_curves_are_means_over_seeds():
    (plot,) = [plot for plot in training._plots(RECORD) if plot.title == "Top-1 of held-out samples"]
    assert [trace["y"] for trace in plot.figure.data] == [[0.75, 0.75]] * 2


@pytest.mark.parametrize("part", ["rows", "epochs", "settings", "task"])
def test_a_record_without_a_part_is_refused(part):
    with pytest.raises(DataError, match=f"^the record lacks {part}; it was cut short"):
        report.check({key: value for key, value in RECORD.items() if key != part})


def test_a_record_with_a_wrong_number_is_refused():
    wrong = copy.deepcopy(RECORD)
    wrong["rows"][1]["breaks"]["beyond"] = "much"
    with pytest.raises(DataError, match=r"^the record: rows\[1\].breaks.beyond is 'much' where a number should stand"):
        report.check(wrong)
