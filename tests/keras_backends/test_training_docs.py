"""What docs/training.md says of Keras: its rows are those that were measured; its network trains on every backend."""

from __future__ import annotations

from docs import keras_digits, keras_training

import narrowmax as nm
from narrowmax.models.training import read
from narrowmax.store import load


def test_the_rows_are_those_that_are_measured_and_what_the_page_says_of_them_is_so():
    record = load(keras_training.RECORD)
    rows = {row["precision"]: row for row in record["rows"]}
    assert list(rows) == ["float", *(read(text).text for text in keras_training.ROWS)]
    assert record["settings"]["seeds"] == keras_training.SEEDS and record["settings"]["epochs"] == keras_digits.EPOCHS
    stalled = {text: row["reason"] for text, row in rows.items() if row["stalled"]}
    assert stalled == {
        read("softmax=ideal(output=UQ1.2)").text: "no-push",
        "weights=Q2.4, updates=Q2.4": "updates-lost",
    }
    nearest, stochastic = (rows[f"weights=Q2.6, updates=Q2.6{end}"]["loss"]["top1"] for end in ("", ":stochastic"))
    assert nearest["low"] > stochastic["high"]


def test_its_network_trains_and_without_master_weights_loses_its_updates():
    found = nm.train(keras_digits.task(), read("weights=Q2.4, updates=Q2.4"), seed=1, epochs=1)
    assert found.epochs[0]["steps"] == 14 and len(found.outcomes["top1"]) == 1350
    assert found.diagnosis(1.0).reason == "updates-lost"
