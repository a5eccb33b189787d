"""What the page claims of the narrowest design is what has the stated confidence."""

from __future__ import annotations

import copy

from tests.report.test_page import RECORD, Seen

from narrowmax import report


def test_the_tile_tells_the_claim_and_the_section_whose_the_bound_is():
    seen = Seen(report.html(RECORD))
    assert "< 0.50" in seen.text and "points of top-1 lost" in seen.text and "of top-1 lost at most" not in seen.text
    assert "top-1 falls by less than 0.50 points and NLL rises by less than 0.0200" in seen.text
    assert "not corrected for having been chosen" in seen.text


def test_a_loss_that_is_not_shown_to_be_tolerated_is_not_claimed():
    record = copy.deepcopy(RECORD)
    record["narrow"]["loss"]["top1"]["high"] = 0.006
    seen = Seen(report.html(record))
    assert "an amount not shown to be tolerated of top-1" in seen.text
    assert "points of top-1 lost" not in seen.text and seen.with_class("bad")


def test_a_softmax_whose_rows_are_all_masked_has_no_ends():
    record = copy.deepcopy(RECORD)
    for one in record["measure"]["softmaxes"]:
        one["min"] = one["max"] = None
    text = Seen(report.html(record)).text
    assert "no input takes part, all are masked" in text and "lie between —" not in text
