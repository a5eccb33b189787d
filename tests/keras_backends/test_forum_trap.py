"""The forum's trap: rounding beyond float32 is no rounding, and no gradient is no training; on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from docs import forum_trap, keras3

from narrowmax.store import load


def quickly(case: str) -> dict:
    return forum_trap.trained(case, epochs=3)


def test_the_decimal_makes_no_difference_and_nothing_trains():
    """Beyond the 24 bits of float32, ten decimals are thirty; what lies before the rounding stands still."""
    runs = [quickly(f"round at {decimals} decimals") for decimals in (10, 20, 30)]
    assert [one["moved"] for one in runs] == [False] * 3
    assert np.ptp([one["accuracy"] for one in runs]) <= 0.002
    assert all({"rounding-without-effect", "rounding-blocks-gradient"} <= set(one["traps"]) for one in runs)


def test_straight_through_trains_as_if_nothing_was_rounded_and_fp16_does_no_harm():
    nothing, cast, through = map(quickly, ("nothing", "a cast to FP16", "round at 10 decimals, straight through"))
    assert all(one["moved"] for one in (nothing, cast, through))
    assert through["accuracy"] == pytest.approx(nothing["accuracy"], abs=0.005)
    assert cast["accuracy"] == pytest.approx(nothing["accuracy"], abs=0.03)
    assert not {"rounding-without-effect", "rounding-blocks-gradient"} & {*nothing["traps"], *cast["traps"]}


def test_the_record_says_so_too():
    record = load(keras3.RECORD)["trap"]
    rows = {one["case"]: one for one in record["rows"]}
    assert list(rows) == list(forum_trap.CASES)
    decimals = [np.array(rows[f"round at {count} decimals"]["accuracies"]) for count in (10, 20, 30)]
    assert np.ptp(decimals, axis=0).max() <= 0.002
    assert rows["round at 10 decimals, straight through"]["accuracies"] == rows["nothing"]["accuracies"]
    still = [case for case, one in rows.items() if not one["moved"]]
    assert still == [f"round at {count} decimals" for count in (10, 20, 30)]


def test_the_page_is_current():
    page = keras3.PAGE.read_text(encoding="utf-8")
    assert page == keras3.drawn(page, load(keras3.RECORD))
