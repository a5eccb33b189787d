"""Accuracy against the format at the input."""

from __future__ import annotations

import numpy as np

from narrowmax.formats import Fixed, parse
from narrowmax.study.sweeping import sweep


def test_every_family_is_tried(source, work):
    rows = sweep(source, 12.0, 0.95, work)
    assert {row["family"] for row in rows} == {"fixed", "float", "decimal"}
    assert len({row["format"] for row in rows}) == len(rows)
    fixed = [parse(row["format"]) for row in rows if row["family"] == "fixed"]
    assert max(one.integer_bits for one in fixed) == 5 and all(isinstance(one, Fixed) for one in fixed)
    assert {row["format"] for row in rows if row["family"] == "float"} >= {"fp16", "bf16", "e4m3", "e5m2"}
    assert {row["digits"] for row in rows if row["family"] == "decimal"} >= {0, 10, 20, 30}
    assert all((row["bits"] is None) == (row["family"] == "decimal") for row in rows)


def test_a_sweep_is_what_rounding_the_logits_gives(source, work):
    rows = {row["format"]: row for row in sweep(source, 12.0, 0.95, work)}
    logits, labels = source.logits.logits, source.logits.labels
    rounded = np.clip(np.round(logits * 2), -16, 15) / 2
    best = rounded.max(axis=1)
    right = (rounded[np.arange(1500), labels] == best) & ((rounded == best[:, None]).sum(axis=1) == 1)
    assert rows["Q4.1"]["top1"]["design"] == right.mean()
    assert rows["fp32"]["top1"]["difference"] == rows["decimal(30)"]["top1"]["difference"] == 0
    assert rows["Q2.0"]["top1"]["low"] > 0


def test_a_second_sweep_is_remembered(source, work):
    first = sweep(source, 12.0, 0.95, work)
    misses = dict(work.store.misses)
    assert sweep(source, 12.0, 0.95, work) == first
    assert work.store.misses == misses


def test_the_grid_reaches_as_far_as_the_values(source, work):
    widest = [
        max(parse(row["format"]).integer_bits for row in sweep(source, reach, 0.95, work) if row["family"] == "fixed")
        for reach in (0.0, 3.9, 16.0, 16.1, 1e9)
    ]
    assert widest == [3, 3, 5, 6, 9]
