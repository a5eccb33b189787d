"""`narrow` as a command's record: what was set for the source is in it, and is said."""

from __future__ import annotations

import pytest

from narrowmax.cli import printing
from narrowmax.errors import DesignError
from narrowmax.report.text import real
from narrowmax.study import Terms, asking, calibrating, narrowing

FOUND = {
    "design": "d",
    "start": "s",
    "cost": {"objective": 9},
    "samples": {"judged": 7},
    "wires": [],
    "order": [],
    "loss": {"nll": {"estimate": 0.01, "low": 0.0, "high": 0.03, "tolerance": 0.05}},
    "settings": {"confidence": 0.95},
}


@pytest.fixture
def narrowed(source, work, monkeypatch):
    """The record of what is named, with nothing searched; `starts` has the designs that the search would begin with."""
    starts = []
    monkeypatch.setattr(narrowing, "narrowed", lambda source, start, *_: starts.append(start) or {**FOUND, "notes": []})

    def narrow(text: str) -> dict:
        named = asking.architectures([text])
        record = narrowing.narrow(source, calibrating.calibrated(source, named, work, named), Terms(max_n=6), work)
        return {**record, "starts": starts}

    return narrow


def test_an_architecture_that_is_named_alone_has_the_scale_of_the_source(narrowed):
    record = narrowed("index_softmax")
    (start,) = record["starts"]
    assert record["calibrated"] == {"scale": start.parameters["scale"]} and start.parameters["scale"] != 0.0625
    low, high = record["calibration"]["low"], record["calibration"]["high"]
    assert low < 0 < high and max(-low, high) <= 127 * start.parameters["scale"] * 1.01
    said = (
        f"not given, and set for the source's values ({real(low)} to {real(high)}): scale={start.parameters['scale']}"
    )
    assert f"\n{said}\n" in printing.narrow(record)


def test_the_claim_is_printed_beside_the_bound_that_is_not_corrected(narrowed):
    assert (
        "\nNLL: loses less than 0.0500 at 95\u202f% confidence, on 7 judged samples\n"
        "    measured: 0.0100, at most 0.0300 (of this design by itself, not corrected for having been\n    chosen)\n"
    ) in printing.narrow(narrowed("index_softmax"))


def test_a_scale_that_was_given_stays_and_nothing_is_said(narrowed):
    record = narrowed("index_softmax(scale=0.5)")
    assert record["starts"][0].parameters["scale"] == 0.5 and record["calibrated"] is None
    assert "not given" not in printing.narrow(record)


def test_resources_of_xc7_are_no_one_number(source, work):
    with pytest.raises(DesignError, match="^target is 'xc7'; a search needs one number"):
        narrowing.narrow(source, calibrating.as_given([]), Terms(max_n=6, target="xc7"), work)
