"""Cards of errors, against the same errors found another way."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from tests.architectures.restated.softex_exponential import softex_exponential

from narrowmax.architectures.cores import exp_table
from narrowmax.designs import catalogue, design, error_card, probing
from narrowmax.designs.error_card import in_words
from narrowmax.reference import softmax


@pytest.mark.parametrize("name", catalogue())
def test_every_card_is_complete(name):
    """Numbers, and sentences of them; a reason where a part of a unit cannot be told."""
    found, card = design(name), error_card(design(name))
    assert list(card) == ["exp", "normaliser", "whole"]
    drawn = found.has_hardware and found.output_rate == "element"
    for part, measured in card.items():
        if "reason" in measured:
            assert not drawn, measured["reason"]
            assert measured["reason"] in in_words(part, measured)
        else:
            assert 0 <= measured["absolute"] < math.inf
            assert measured["over"] in in_words(part, measured)
            assert measured["points"] > 0


def test_exponentials_of_a_table():
    found = design("table_divide")
    card = error_card(found)["exp"]
    table = exp_table(found.input.step, 255, found.parameters["exp"])
    d = np.arange(256)
    held = np.array(table.entries)[np.minimum(d, len(table.entries) - 1)] / 256
    exact = np.exp(-d / 8)
    wrong = np.abs(held - exact)
    assert card["absolute"] == pytest.approx(wrong.max())
    assert card["at"] == wrong.argmax() / 8
    assert card["relative"] == pytest.approx((wrong / exact)[exact >= 1 / 16].max())
    assert card["relative_nonzero"] == pytest.approx((wrong / exact)[held > 0].max())
    assert card["zero_from"] == d[held == 0].min() / 8
    assert (card["points"], card["over"]) == (256, "all 256 distances of its input")


def test_exponentials_as_the_pages_give_them():
    """ITA: wrong by -29 % to +41 %; over distances from the largest code there are fewer, and 1/1.41 is 0.71."""
    assert 0.28 < error_card(design("ita"))["exp"]["relative_nonzero"] < 0.415
    assert error_card(design("ita(shift=0)"))["exp"]["absolute"] < 1 / 256
    assert error_card(design("softermax"))["exp"]["absolute"] < 1e-4  # of powers of 2, as drawn


def test_a_division_is_wrong_by_half_a_step():
    half = error_card(design("table_divide(output=UQ1.8:half_up)"))["normaliser"]
    assert 0.49 / 256 < half["absolute"] <= 0.5 / 256
    down = error_card(design("table_divide(output=UQ1.8:floor)"))["normaliser"]
    assert 0.98 / 256 < down["absolute"] < 1 / 256
    assert half["over"].endswith("sums of rows of up to 1,024 elements with 37 numerators")


def test_exponentials_and_quotients_of_bf16():
    """All of them as ml_dtypes rounds them: of every distance, and of every sum with some exponentials."""
    card = error_card(design("float_softmax"))
    d = -np.arange(0x8000, 0xFF80).astype(np.uint16).view(ml_dtypes.bfloat16).astype(np.float64)
    exact = np.exp(-d)
    got = exact.astype(ml_dtypes.bfloat16).astype(np.float64)
    assert (card["exp"]["points"], card["exp"]["over"]) == (32640, "all 32,640 distances below 0 of its input")
    assert card["exp"]["absolute"] == pytest.approx(np.abs(got - exact).max())
    large = exact >= 1 / 16
    assert card["exp"]["relative"] == pytest.approx((np.abs(got - exact)[large] / exact[large]).max())
    assert card["exp"]["zero_from"] == d[got == 0].min()

    sums = np.arange(0x3F80, 0x4500).astype(np.uint16).view(ml_dtypes.bfloat16)  # 1 to 2,048
    shown = np.unique(got)[np.linspace(0, len(np.unique(got)) - 1, 64).astype(int)]
    exact = shown / sums.astype(np.float64)[:, None]
    wrong = np.abs((shown.astype(ml_dtypes.bfloat16) / sums[:, None]).astype(np.float64) - exact)
    division = card["normaliser"]
    assert division["over"] == "all sums of rows of up to 1,024 elements with 64 numerators"
    assert division["absolute"] == pytest.approx(wrong[exact <= 1].max())
    assert division["relative"] == pytest.approx((wrong / np.maximum(exact, 1e-300))[exact >= 1 / 16].max())


def test_published_errors_of_float_units():
    """Softex: an exponential is 0.71 % off at most, by the steps restated; pseudo-softmax: its reciprocal 1/32."""
    found = error_card(design("softex"))["exp"]
    codes = [code for code in range(0x8000, 0xFF80) if math.exp(restated(code)) >= 1 / 16]
    wrong = [abs(restated(softex_exponential([code])[0]) / math.exp(restated(code)) - 1) for code in codes]
    assert found["relative"] == pytest.approx(max(wrong)) and 0.0070 < found["relative"] < 0.0072
    card = error_card(design("pseudo_softmax(order=tree)"))
    assert card["exp"]["absolute"] == 0 and card["normaliser"]["absolute"] == 1 / 32
    assert error_card(design("pseudo_softmax(shift=1)"))["exp"]["relative"] == pytest.approx(1 - 0.5**0.5)


def restated(code: int) -> float:
    return float(design("softex").input.decode(code))


def test_the_whole():
    found = design("table_divide(input=Q3.1, output=UQ0.6)")
    whole = error_card(found)["whole"]
    worst = max(np.abs(found(rows) - softmax(rows)).max() for rows, _ in probing.rows(found))
    assert whole["absolute"] == worst
    pairs = np.stack([np.full(16, 3.5), np.arange(-8, 8) / 2], axis=1)
    assert np.abs(found(pairs) - softmax(pairs)).max() <= worst
    assert whole["over"].startswith("all rows of the largest input and another; rows of equals, 1 to 1,000 long; ")


def test_the_whole_of_a_long_row():
    """99 others that round to 0 are missing from the sum: in integers, beside the rows that show it."""
    whole = error_card(design("table_divide"))["whole"]
    d = np.arange(129)
    e = np.minimum(np.rint(np.exp(-d / 8) * 256), 255).astype(int)
    sums = e[0] + 99 * e
    got = np.minimum((512 * e[0] + sums) // (2 * sums), 255) / 256
    worst = np.abs(got - 1 / (1 + 99 * np.exp(-d / 8))).max()
    assert whole["absolute"] == pytest.approx(worst, rel=1e-9) and worst > 0.15
    assert "rows of the largest and 99 equal others" in whole["over"]


def test_shares_in_words():
    part = {"absolute": 1.0, "over": "these rows"}
    for share, text in ((0.0312, "3.1 %"), (0.994, "99 %"), (0.996, "100 %"), (1.4234, "142 %"), (1e-7, "1e-05 %")):
        assert f"by {text} of itself" in in_words("whole", {**part, "relative": share})


def test_one_bit():
    """Exponentials that are all the same code: nothing is left to divide but the sum."""
    card = error_card(design("table_divide(input=Q1.0, exp=UQ0.1)"))
    assert card["exp"] == {"reason": "every exponential is the same code, which the drawing takes as a constant"}
    assert card["normaliser"]["reason"].startswith("nothing of an element enters it beside the sum")
    assert card["whole"]["absolute"] > 0.2


def test_the_worst_is_said_to_be_what_was_found():
    said = in_words("whole", error_card(design("table_divide"))["whole"])
    assert said.startswith("an output was found to be wrong by") and " at most, by " in said


def test_parts_that_cannot_be_told():
    assert error_card(design("ideal"))["exp"] == {"reason": "there is no drawing"}
    assert error_card(design("ideal"))["whole"]["absolute"] < 1e-6
    assert error_card(design("argmax"))["whole"] == {"reason": "it gives a position, not probabilities"}
    pairs = error_card(design("hls4ml(implementation=legacy)"))
    assert pairs["exp"] == pairs["normaliser"] == {"reason": "no sum of elements is in the drawing"}


@pytest.mark.parametrize(("low", "high", "most"), [(0, 9, 10), (-5, 5, 8), (3, 10**9, 512), (0, 10**12, 100)])
def test_spread(low, high, most):
    for even in (False, True):
        found = probing.spread(low, high, most, even)
        assert (found[0], found[-1]) == (low, high)
        assert (np.diff(found) > 0).all()
        assert len(found) <= most
