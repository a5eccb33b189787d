"""A design's error budget on the rows of a source."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.designs import design, error_budget
from narrowmax.models import Logits
from narrowmax.study import Source
from narrowmax.study.budgets import budget, largest_part
from narrowmax.study.simulating import simulate


def test_it_is_that_of_the_rows(source, logits):
    found = design("table_divide")
    assert budget(source, found) == {"design": found.text, **error_budget(found, logits.logits)}
    assert budget(source, found)["over"] == "1,500 rows"


def test_what_is_simulated_has_it(source, work):
    made = simulate(source, design("softermax"), work)
    assert made["error_budget"]["whole"]["mean"] == pytest.approx(made["mean_abs_error"], rel=1e-6)
    assert made["error_budget"]["whole"]["max"] == pytest.approx(made["max_abs_error"], rel=1e-6)


def test_masked_rows():
    random = np.random.default_rng(1)
    mask = random.random((50, 8)) < 0.5
    logits = Logits("masked", random.normal(size=(50, 8)), None, mask)
    found = budget(Source("masked.npz", logits), design("table_divide"))
    assert found["parts"]
    assert found == {"design": design("table_divide").text, **error_budget(design("table_divide"), logits.logits, mask)}


def test_the_largest_part_is_found_on_a_few_rows_evenly_spread(source, logits):
    found = design("table_divide(exp=UQ0.3, output=UQ0.12)")
    few = logits.logits[np.linspace(0, 1499, 2048 // 6).astype(int)]
    parts = error_budget(found, few)["parts"]
    largest = max(parts, key=lambda one: one["share"])
    assert largest_part(source, found) == {
        "most_error": {**{key: largest[key] for key in ("part", "kind", "share")}, "over": "341 rows"}
    }


def test_no_largest_part_has_a_reason():
    one = Source("one.npz", Logits("one", np.zeros((3, 1))))
    assert largest_part(one, design("ideal")) == {
        "most_error": None, "most_error_reason": "it has no error on these rows",
    }  # fmt: skip
    assert largest_part(one, design("argmax"))["most_error_reason"] == "it gives a position, not probabilities"


def test_rows_that_are_too_long_are_a_reason():
    long = Source("long.npz", Logits("long", np.zeros((1, 5000))))
    assert "takes rows of up to 4,095 elements" in budget(long, design("tflite_int8"))["reason"]
    assert budget(long, design("argmax"))["reason"] == "it gives a position, not probabilities"
