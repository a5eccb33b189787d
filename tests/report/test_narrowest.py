"""The section on the narrowest design: what is said and what is plotted are in one unit."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from narrowmax.report import narrowest
from narrowmax.report.blocks import Plot

RECORD = json.loads((Path(__file__).parent / "sample.json").read_text(encoding="utf-8"))


def in_top5(record: dict) -> dict:
    """The same record, with what was of top-1 being of top-5."""
    return json.loads(json.dumps(copy.deepcopy(record)).replace('"top1"', '"top5"'))


def test_losses_of_top5_are_plotted_in_points():
    section = narrowest.section(in_top5(RECORD))
    assert "top-5 falls by less than 0.50 points" in section.lead
    plots = [block for block in section.blocks if isinstance(block, Plot) and "top-5" in block.title]
    assert len(plots) == 3
    for plot in plots:
        axes = [plot.figure.layout[name]["title"]["text"] for name in ("xaxis", "yaxis")]
        notes = [note["text"] for note in plot.figure.layout["annotations"]]
        assert "loss, points of top-5" in axes and notes == ["tolerance 0.5"]
