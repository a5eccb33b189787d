"""Assertions that rows refute: the same error as the other engines', and only where something is present."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.engines.compiled.comparing import drawn

from narrowmax.datapath import Rate, fold, largest, scan, total
from narrowmax.engines import array, compiled
from narrowmax.errors import RangeError
from narrowmax.formats import parse

NEAR = drawn(lambda r: (largest(r.x) - r.x).known(0, 9, "near each other").named("d"), output="UQ5.0", max_n=200)


def refused(datapath, codes, present=None) -> str:
    with pytest.raises(RangeError) as caught:
        compiled.run(datapath, codes, present)
    with pytest.raises(RangeError, match=f"^{re.escape(str(caught.value))}$"):
        array.run(datapath, codes, present)
    return str(caught.value)


@pytest.mark.parametrize("rows", [1, 64, 65, 513])
@pytest.mark.parametrize("n", [2, 9, 200])
def test_one_element_of_many(rows, n):
    codes = np.zeros((rows, n), int)
    codes[-1, 0], codes[-1, -1] = 7, -8
    assert refused(NEAR, codes) == "the wire d leaves its range 0..9, so what is known of it is false"
    present = np.ones(codes.shape, bool)
    refused(NEAR, codes, present)
    for place in (0, -1):
        present[-1] = True
        present[-1, place] = False
        assert np.array_equal(compiled.run(NEAR, codes, present), array.run(NEAR, codes, present))
    present[-1] = False
    assert not compiled.run(NEAR, codes, present).any()


def test_of_a_row_and_of_a_chunk():
    row = drawn(lambda r: total(r.x).known(-9, 9, "small").named("sum") + r.x, max_n=4)
    chunk = drawn(lambda r: total(r.x, to=Rate.CHUNK).known(-9, 9, "small").named("part") + r.x, max_n=4, chunk=2)
    codes = np.array([[7, 1, 1, 1], [7, 3, 0, 0]])
    assert "the wire sum leaves" in refused(row, codes) and "the wire part leaves" in refused(chunk, codes)
    present = np.array([[True, True, True, False], [False, False, True, True]])
    for datapath in (row, chunk):
        assert np.array_equal(compiled.run(datapath, codes, present), array.run(datapath, codes, present))


@pytest.mark.parametrize("order", ["serial", "tree", "interleaved(2)"])
def test_within_a_fold(order):
    datapath = drawn(lambda r: fold(lambda a, b: (a + b).known(-9, 9, "small rows"), r.x, order=order))
    codes = np.array([[7, 2, 7, 1]])
    assert compiled.run(datapath, codes, np.array([[True, True, False, False]])).tolist() == [[9]]
    assert "in a fold or scan leaves its range -9..9" in refused(datapath, codes)
    refused(datapath, codes, np.array([[True, True, True, False]]))


def test_within_a_scan():
    step = lambda s, c: (s + c).known(-9, 9, "small rows")  # noqa: E731
    datapath = drawn(lambda r: scan(step, largest(r.x, to=Rate.CHUNK), start=9)[2], chunk=1)
    assert compiled.run(datapath, np.array([[7, -3]]), np.array([[False, True]])).tolist() == [[6]]
    refused(datapath, np.array([[7, -3]]))
    refused(datapath, np.array([[7, -3]]), np.array([[True, False]]))


class TestOfValues:
    """What takes no part is quantised to something, and no assertion is about that."""

    FORM = parse("Q4.0")

    def simulated(self, values, present=None):
        values = np.array(values, np.float64)
        out = np.zeros(values.shape, np.int64)
        return out.tolist() if compiled.simulate(NEAR, values, self.FORM, present, out) else None

    def test_minus_infinity_refutes_nothing(self):
        assert self.simulated([[7, -np.inf, 1]]) == [[0, 0, 6]]
        assert self.simulated([[7, 7, 7]] * 600 + [[7, -np.inf, 1]])[-1] == [0, 0, 6]

    def test_what_is_refused_refutes_nothing(self):
        assert self.simulated([[7, np.nan, 1]]) is None
        assert self.simulated([[7, np.nan, 1]], np.array([[True, False, True]])) == [[0, 0, 6]]

    @pytest.mark.parametrize("strange", [np.nan, -np.inf])
    def test_an_element_that_does_is_found_beside_them(self, strange):
        values = [[7, 7, 7]] * 100 + [[7, -8, 7]] + [[7, 7, 7]] * 900 + [[7, strange, 7]]
        present = np.isfinite(np.array(values))
        with pytest.raises(RangeError, match="^the wire d leaves its range 0..9"):
            self.simulated(values, present)
        if strange == -np.inf:
            with pytest.raises(RangeError, match="^the wire d leaves its range 0..9"):
                self.simulated(values)
