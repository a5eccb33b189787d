"""Bins over the bit pattern of a float32, closed at the top."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.rows import bins

FINITE = st.floats(0, float(np.finfo(np.float32).max), width=64)


def test_edges_are_64_a_binade():
    assert bins.EDGES[0] == 0
    assert np.isinf(bins.EDGES[-1])
    between = bins.EDGES[(bins.EDGES >= 1) & (bins.EDGES <= 2)]
    assert np.array_equal(between, 1 + np.arange(65) / 64)
    assert (np.diff(bins.EDGES) > 0).all()


@given(st.lists(FINITE, min_size=1, max_size=40))
def test_each_value_lies_in_its_bin(values):
    values = np.array(values)
    number = bins.index(values)
    assert (values <= bins.EDGES[number]).all()
    assert (values > np.where(number > 0, bins.EDGES[number - 1], -1.0)).all()


def test_every_edge_and_its_neighbours_are_told_apart():
    edges = bins.EDGES[1:-1]
    assert np.array_equal(bins.index(edges), np.arange(1, bins.BINS - 1))
    assert np.array_equal(bins.index(np.nextafter(edges, np.inf)), np.arange(2, bins.BINS))
    assert np.array_equal(bins.index(np.nextafter(edges, 0)), np.arange(1, bins.BINS - 1))
    single = edges.astype(np.float32)
    assert np.array_equal(bins.index(np.nextafter(single, np.float32(np.inf))), np.arange(2, bins.BINS))


def test_what_is_an_edge():
    assert all(bins.is_edge(r) for r in (*range(129), 0.5, 12.5, 254, 1024))
    assert not any(bins.is_edge(r) for r in (0.1, 5.3, 129, 127.25, 255))


@given(st.lists(FINITE, min_size=1, max_size=40), st.sampled_from([0.0, 1.0, 5.0, 10.0, 100.0, 2.0**-20]))
def test_counts_up_to_an_edge_are_exact(values, edge):
    values = np.array(values)
    assert bins.at_most(bins.count(values), edge) == (values <= edge).sum()


@given(st.lists(FINITE, min_size=1, max_size=40), st.sampled_from([0.01, 0.5, 0.9, 0.99, 0.999, 1.0]))
def test_the_bracket_of_a_share_holds_the_order_statistic(values, share):
    low, high = bins.bracket(bins.count(np.array(values)), share)
    statistic = np.sort(values)[max(0, int(np.ceil(share * len(values) - 1e-9)) - 1)]
    assert low <= statistic <= high
    assert low < statistic or statistic == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_has_a_bin_of_its_own(dtype):
    tiny = np.finfo(np.float32).smallest_subnormal
    assert bins.index(np.array([0.0, -0.0, tiny], dtype)).tolist() == [0, 0, 1]


def test_bins_are_narrow_in_normal_numbers_alone():
    smallest, largest = bins.NORMAL
    low, high = bins.EDGES[1:-1], bins.EDGES[2:]
    narrow = high - low <= low / 64
    assert narrow[(low >= smallest) & (high <= largest)].all()
    assert not narrow[high < smallest / 64].any() and high[-1] == np.inf
