"""The array engine: shapes, blocks of rows, what it refuses."""

# ruff: noqa: E501  (cases stand one to a line)

import re

import numpy as np
import pytest
from tests.datapath.drawings import drawn

from narrowmax.datapath import Rate, fit, fold, largest, scan, total
from narrowmax.engines import array, interpret
from narrowmax.errors import DataError, RangeError

DISTANCE = drawn(lambda r: (largest(r.x).named("top") - r.x).named("d"), output="UQ5.0", max_n=4)
HIGHEST = drawn(lambda r: largest(r.x), output="Q5.0", max_n=4, absent_code=-16)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_any_integers_are_taken_and_int64_given(dtype):
    found = array.run(DISTANCE, np.array([[1, -8, 7], [0, 0, 0]], dtype=dtype))
    assert found.dtype == np.int64 and found.tolist() == [[6, 15, 0], [0, 0, 0]]


def test_lists_and_unsigned_codes_are_taken():
    assert array.run(DISTANCE, [[1, 2]], [[True, False]]).tolist() == [[0, 0]]
    assert array.run(DISTANCE, np.array([[1, 2]], dtype=np.uint8)).tolist() == [[1, 0]]


def test_no_rows_and_no_elements():
    assert array.run(DISTANCE, np.zeros((0, 3), dtype=int)).shape == (0, 3)
    assert array.run(DISTANCE, np.zeros((5, 0), dtype=int)).shape == (5, 0)
    assert array.run(HIGHEST, np.zeros((2, 0), dtype=int)).tolist() == [[-16], [-16]]


def test_the_input_is_left_as_it_is():
    codes, present = np.array([[1, -8, 7]]), np.array([[True, False, True]])
    array.run(DISTANCE, codes, present)
    assert codes.tolist() == [[1, -8, 7]] and present.tolist() == [[True, False, True]]
    found = array.run(drawn(lambda r: r.x), codes)
    found[:] = 0
    assert codes.tolist() == [[1, -8, 7]]


def test_rows_beyond_a_block_are_worked_on_apart(monkeypatch):
    random = np.random.default_rng(0)
    codes, present = random.integers(-8, 8, (50, 4)), random.random((50, 4)) < 0.7
    whole = array.run(DISTANCE, codes, present)
    monkeypatch.setattr(array, "BLOCK", 12)
    assert np.array_equal(array.run(DISTANCE, codes, present), whole)
    monkeypatch.setattr(array, "BLOCK", 1)
    assert np.array_equal(array.run(DISTANCE, codes, present), whole)


@pytest.mark.parametrize("codes, present, message", [
    (np.zeros((2, 5), int), None, "codes are int64 of shape (2, 5); integers of shape (rows, n) with n up to 4 are allowed"),
    (np.zeros(3, int), None, "codes are int64 of shape (3,); integers of shape (rows, n) with n up to 4 are allowed"),
    (np.zeros((2, 3)), None, "codes are float64 of shape (2, 3); integers of shape (rows, n) with n up to 4 are allowed"),
    (np.zeros((2, 3), bool), None, "codes are bool of shape (2, 3); integers of shape (rows, n) with n up to 4 are allowed"),
    ([[1, 8]], None, "codes range over 1..8; the format Q4.0 holds -8..7"),
    (np.array([[2**63]], np.uint64), None, "codes range over 9223372036854775808..9223372036854775808; the format Q4.0 holds -8..7"),
    ([[1, 2]], [True, False], "present is of shape (2,); one flag for each of the (1, 2) codes is allowed"),
    ([[1, 2]], [[True]], "present is of shape (1, 1); one flag for each of the (1, 2) codes is allowed"),
])  # fmt: skip
def test_bad_rows(codes, present, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        array.run(DISTANCE, codes, present)


class TestWidth:
    def test_what_int64_holds_is_exact_to_the_last_bit(self):
        d = drawn(lambda r: ((r.x << 58) + r.x) >> 58, max_n=3)
        codes = [[-8, 7, -1]]
        assert array.run(d, codes).tolist() == [interpret.run(d, codes[0])]
        assert array.holds(d)

    @pytest.mark.parametrize("function, name, lo, hi", [
        (lambda r: (r.x << 60).named("wide") >> 60, "wide", -8 << 60, 7 << 60),
        (lambda r: total(r.x << 57).named("sum") >> 60, "sum", -40 << 57, 35 << 57),
    ])  # fmt: skip
    def test_what_it_cannot_hold_is_refused_by_name(self, function, name, lo, hi):
        d = drawn(function, max_n=5)
        message = (
            f"the wire {name} ranges over {lo}..{hi}; the array engine holds 62 bits and a sign; use the interpreter"
        )
        with pytest.raises(RangeError, match=f"^{re.escape(message)}$"):
            array.run(d, [[1]])
        assert not array.holds(d)

    def test_what_a_step_cannot_hold_is_refused(self):
        d = drawn(lambda r: fold(lambda a, b: fit((a << 60) + b, -9, 9, "saturate"), r.x, order="serial"))
        with pytest.raises(RangeError, match=r"^the wire inside a fold or scan ranges over .* use the interpreter$"):
            array.run(d, [[1]])


class TestBeliefs:
    def test_a_false_one_is_found_where_present_only(self):
        d = drawn(lambda r: (largest(r.x) - r.x).known(0, 9, "near each other").named("d"), output="UQ5.0")
        assert array.run(d, [[7, -8]], [[True, False]]).tolist() == [[0, 0]]
        with pytest.raises(RangeError, match=r"^the wire d leaves its range 0\.\.9, so what is known of it is false$"):
            array.run(d, [[7, -8]])

    def test_of_a_constant(self):
        d = drawn(lambda r: r.drawing.constant(3).known(0, 5, "it is 3") + r.x)
        assert array.run(d, [[1, 2]]).tolist() == [interpret.run(d, [1, 2])] == [[4, 5]]

    @pytest.mark.parametrize("order", ["serial", "tree", "interleaved(2)"])
    def test_within_a_fold(self, order):
        body = lambda a, b: (a + b).known(-9, 9, "small rows")  # noqa: E731
        d = drawn(lambda r: fold(body, r.x, order=order))
        assert array.run(d, [[7, 2, 7, 1]], [[True, True, False, False]]).tolist() == [[9]]
        with pytest.raises(
            RangeError, match=r"in a fold or scan leaves its range -9\.\.9, so what is known of it is false$"
        ):
            array.run(d, [[7, 2, 7, 1]])

    def test_within_a_scan_where_a_chunk_is_absent(self):
        step = lambda s, c: (s + c).known(-9, 9, "small rows")  # noqa: E731
        d = drawn(lambda r: scan(step, largest(r.x, to=Rate.CHUNK), start=9)[2], chunk=1)
        assert array.run(d, [[7, -3]], [[False, True]]).tolist() == [[6]]
        with pytest.raises(RangeError, match="so what is known of it is false$"):
            array.run(d, [[7, -3]])


def test_a_trace_has_the_shape_of_each_rate_and_masks_what_is_absent():
    d = drawn(lambda r: r.x + largest(r.x, to=Rate.CHUNK).named("c") + total(r.x).named("s"), chunk=2, max_n=5)
    seen = {
        w.name: v for w, v in array.trace(d, [[1, 2, 3], [4, 5, 6]], [[True, True, False], [False, True, True]]).items()
    }
    assert seen["x"].tolist() == [[1, 2, None], [None, 5, 6]]
    assert seen["c"].tolist() == [[2, None], [5, 6]]
    assert seen["s"].tolist() == [[3], [11]]
