"""Rows to drive hardware with."""

import numpy as np
import pytest

from narrowmax.errors import DataError
from narrowmax.hardware.battery import pairs
from narrowmax.hardware.stimulus import Rows, adversarial, edges, lengths, random_rows, spaced


def test_rows_know_their_parts():
    rows = Rows.of([[1, 2, 3], ([4, 5], [True, False]), [6]])
    assert len(rows) == 3 and rows.starts.tolist() == [0, 3, 5]
    codes, present = rows.row(1)
    assert codes.tolist() == [4, 5] and present.tolist() == [True, False]
    assert rows.first(2).codes.tolist() == [1, 2, 3, 4, 5]
    joined = Rows.join([rows, rows.first(1)])
    assert joined.lengths.tolist() == [3, 2, 1, 3] and joined.codes.tolist() == [1, 2, 3, 4, 5, 6, 1, 2, 3]


def test_a_row_without_elements_is_refused():
    with pytest.raises(
        DataError, match=r"^a row has no elements, which a stream cannot carry; give each row at least one$"
    ):
        Rows.of([[1], []])


def test_edges_hold_both_sides_of_every_width():
    assert edges(-4, 3) == [-4, -3, -2, -1, 0, 1, 2, 3]
    assert edges(0, 100) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 99, 100]


def test_spaced_codes_are_exact_at_any_width():
    assert spaced(-4, 3, 1) == [-4] and spaced(-4, 3, 8) == list(range(-4, 4))
    assert spaced(0, 2**63 - 1, 3) == [0, 2**62 - 1, 2**63 - 1]


@pytest.mark.parametrize(("low", "high"), [(-(2**62), 2**62 - 1), (0, 2**63 - 1), (-(2**53), 2**53 - 1)])
def test_rows_of_wide_codes_reach_both_ends_and_no_further(low, high):
    random = np.random.default_rng(0)
    hard, plain = adversarial(low, high, 9, 2, random), random_rows(5000, low, high, 9, 2, random)
    for rows in (hard, plain, pairs(low, high, 9, random)):
        assert low <= rows.codes.min() and rows.codes.max() <= high
    assert (hard.codes.min(), hard.codes.max()) == (low, high)
    assert len(np.unique(plain.codes & 1)) == 2  # a float would have lost the last bit


@pytest.mark.parametrize(("max_n", "lanes", "wanted"), [
    (1, 1, [1]), (10, 1, [1, 2, 5, 9, 10]), (10, 4, [1, 2, 3, 4, 5, 6, 8, 9, 10]), (64, 64, [1, 2, 32, 63, 64]),
])  # fmt: skip
def test_lengths_that_matter(max_n, lanes, wanted):
    assert lengths(max_n, lanes) == wanted


@pytest.mark.parametrize(("low", "high"), [(-64, 63), (0, 255), (-1, 0), (0, 0)])
def test_adversarial_rows_hold_each_kind(low, high):
    rows = adversarial(low, high, 9, 2, np.random.default_rng(0))
    every = [rows.row(index) for index in range(len(rows))]
    longest = [pair for pair in every if len(pair[0]) == 9]
    assert set(map(len, (codes for codes, _ in every))) == set(lengths(9, 2))
    assert rows.codes.min() >= low and rows.codes.max() <= high
    assert any(not present.any() for _, present in longest)  # wholly masked
    assert any(present.sum() == 1 for _, present in longest)
    for value in (low, high):
        assert any((codes == value).all() and present.all() for codes, present in longest)
    for place in (0, 8):  # the largest first and last
        assert any(codes[place] == high and (np.delete(codes, place) == low).all() for codes, _ in longest)
    assert any(
        codes[present].size and codes[~present].size and codes[~present].max() == high for codes, present in longest
    )


def test_random_rows_have_every_length_and_masks_and_stay_in_range():
    rows = random_rows(20_000, -100, 27, 40, 4, np.random.default_rng(0))
    assert abs(len(rows.codes) - 20_000) < 2_000
    assert set(np.unique(rows.lengths)) == set(lengths(40, 4))
    assert rows.codes.min() == -100 and rows.codes.max() == 27
    assert 0.02 < (~rows.present).mean() < 0.12
    assert {tuple(rows.row(i)[0]) for i in range(20)} != {tuple(rows.row(i)[0]) for i in range(1)}


def test_some_random_rows_lie_close_together():
    rows = random_rows(20_000, -512, 511, 64, 1, np.random.default_rng(0))
    spans = [np.ptp(rows.row(i)[0]) for i in range(len(rows)) if rows.lengths[i] == 64]
    assert min(spans) < 8 and max(spans) > 900
