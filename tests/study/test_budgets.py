"""A design's error budget on the rows of a source."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.designs import design, error_budget
from narrowmax.models import Logits
from narrowmax.study import Source
from narrowmax.study.budgets import budget
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


def test_rows_that_are_too_long_are_a_reason():
    long = Source("long.npz", Logits("long", np.zeros((1, 5000))))
    assert "takes rows of up to 4,095 elements" in budget(long, design("tflite_int8"))["reason"]
    assert budget(long, design("argmax"))["reason"] == "it gives a position, not probabilities"
