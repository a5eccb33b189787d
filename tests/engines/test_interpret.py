"""The interpreter: what it returns, what it refuses."""

import re

import pytest
from tests.datapath.drawings import drawn

from narrowmax.datapath import Rate, largest, scan, total
from narrowmax.engines import interpret
from narrowmax.errors import DataError, RangeError

DISTANCE = drawn(lambda r: (largest(r.x).named("top") - r.x).named("d"), output="UQ5.0", max_n=4)


def test_a_row():
    assert interpret.run(DISTANCE, [1, -8, 7]) == [6, 15, 0]
    assert interpret.run(DISTANCE, [1, -8, 7], [True, True, False]) == [0, 9, 0]


def test_a_row_with_nothing_present_or_nothing_at_all():
    absent = drawn(lambda r: largest(r.x) - r.x, output="UQ5.0", absent_code=31)
    assert interpret.run(absent, [1, 2], [False, False]) == [31, 31]
    assert interpret.run(absent, []) == []
    assert interpret.run(drawn(lambda r: largest(r.x), output="Q5.0", absent_code=-16), []) == [-16]


def test_words_of_any_width():
    wide = drawn(lambda r: ((r.x << 200) + total(r.x << 200)) >> 199, max_n=2)
    assert interpret.run(wide, [3, -8]) == [2 * (3 - 5), 2 * (-8 - 5)]


def test_a_trace_holds_every_wire_at_its_rate():
    def chunked(r):
        before, at, after = scan(lambda s, c: s + c, total(r.x, to=Rate.CHUNK).named("c"), start=1)
        return (at.named("at") + before.named("before") + after.named("after")) * 3 + r.x * 0

    d = drawn(chunked, chunk=2, max_n=5)
    seen = {
        w.name: v for w, v in interpret.trace(d, [1, 2, 3, 4, 5], [True, True, False, False, True]).items() if w.name
    }
    assert seen == {
        "x": [1, 2, None, None, 5],
        "c": [3, None, 5],
        "before": [1, None, 4],
        "at": [4, None, 9],
        "after": 9,
    }


@pytest.mark.parametrize(
    "codes, present, message",
    [
        ([1] * 5, None, "a row of 5 codes and 5 flags; up to 4 of each are allowed"),
        ([1, 2], [True], "a row of 2 codes and 1 flags; up to 4 of each are allowed"),
        ([1, 8], None, "the code 8 is none of Q4.0, which holds -8..7; quantise first"),
        ([-9, 8], [False, False], "the code -9 is none of Q4.0, which holds -8..7; quantise first"),
    ],
)
def test_bad_rows(codes, present, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        interpret.run(DISTANCE, codes, present)


def test_a_belief_that_is_false():
    d = drawn(lambda r: (largest(r.x) - r.x).known(0, 9, "near each other").named("d"), output="UQ5.0")
    assert interpret.run(d, [0, 9 - 8, -8]) == [1, 0, 9]
    assert interpret.run(d, [7, -8], [True, False]) == [0, 0]
    with pytest.raises(RangeError, match=r"^the wire d holds 15, outside its range 0\.\.9$"):
        interpret.run(d, [7, -8])


def test_a_belief_that_is_false_within_a_step():
    step = lambda s, c: (s + c).known(-9, 9, "small rows")  # noqa: E731
    d = drawn(lambda r: scan(step, total(r.x, to=Rate.CHUNK), start=0)[2], chunk=1)
    assert interpret.run(d, [7, 2]) == [9]
    message = r"^<w\d: element -9\.\.9 point 0> in a fold or scan holds 10, outside its range -9\.\.9$"
    with pytest.raises(RangeError, match=message):
        interpret.run(d, [7, 3])
