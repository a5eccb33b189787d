"""What the engine cannot hold is refused by name; what it is given wrongly, in the words of the array engine."""

# ruff: noqa: E501  (cases stand one to a line)

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.engines.compiled.comparing import check, drawn

from narrowmax.datapath import fold, largest, total
from narrowmax.engines import array, compiled
from narrowmax.errors import DataError, NarrowmaxError, RangeError

WIDE = 1 << 125


def seventeen(r):
    body = lambda *a: tuple(a[i].maximum(a[17 + i]) for i in range(17))  # noqa: E731
    return sum(fold(body, *[r.x + i for i in range(17)], order="serial"), r.x)


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        (lambda r: (r.x * WIDE).named("wide") >> 125, {}, f"the wire wide ranges over {-8 * WIDE}..{7 * WIDE}; the compiled engine holds 127 bits and a sign; use the interpreter"),
        (lambda r: total(r.x << 123).named("sum") >> 123, {"max_n": 9}, f"the wire sum ranges over {-72 << 123}..{63 << 123}; the compiled engine holds 127 bits and a sign; use the interpreter"),
        (lambda r: fold(lambda a, b: ((a << 130) + b) >> 130, r.x, order="serial").named("f"), {}, r"inside the fold or scan f ranges over"),
        (seventeen, {}, "carries 17 values from step to step; the compiled engine carries 16 at most; use the interpreter"),
        (lambda r: (r.x + 8).divide(total(r.x + 8), 2**63).named("q") >> 20, {}, f"the wire q is {2**63} where a divisor is 0; int64 is allowed; use the interpreter"),
        (lambda r: r.x + 8, {"output": "UQ64.0", "absent_code": 2**64 - 1}, f"codes of -8 and {2**64 - 1} are beyond int64; use the interpreter"),
        (lambda r: (r.x + 8) << 70, {"output": "UQ90.0"}, "are beyond int64; use the interpreter"),
        (lambda r: r.x >> 70, {"input": "Q90.0"}, "are beyond int64; use the interpreter"),
    ],
)  # fmt: skip
def test_by_name(function, given, message):
    datapath = drawn(function, **{"output": "Q60.0", **given})
    assert not compiled.holds(datapath)
    for present in (None, np.ones((1, 1), bool)):
        with pytest.raises(RangeError, match=re.escape(message)):
            compiled.run(datapath, np.array([[1]]), present)


def test_to_the_last_bit():
    check(lambda r: (r.x * ((1 << 124) - 1)) >> 120, max_n=2)
    check(lambda r: ((total(r.x + 8) << 121) + 1).normalise(127) >> 90, max_n=4)
    check(lambda r: ((r.x + 8) * 0x1234567 << 92).leading_zeros(127) - (r.x << 123 >> 122), max_n=2)


@pytest.mark.parametrize("codes, present", [
    (np.zeros((2, 5), int), None), (np.zeros(3, int), None), (np.zeros((2, 3)), None), (np.zeros((2, 3), bool), None),
    ([[1, 8]], None), (np.array([[2**63]], np.uint64), None), ([[1, 2]], [True, False]), ([[1, 2]], [[True]]),
])  # fmt: skip
def test_bad_rows(codes, present):
    datapath = drawn(lambda r: largest(r.x) - r.x, output="UQ5.0")
    with pytest.raises(DataError) as expected:
        array.run(datapath, codes, present)
    with pytest.raises(DataError, match=f"^{re.escape(str(expected.value))}$"):
        compiled.run(datapath, codes, present)


def test_loops_that_the_processor_lacks(monkeypatch):
    monkeypatch.setenv("NARROWMAX_ISA", "nonsense")
    compiled.available.cache_clear()
    try:
        with pytest.raises(
            NarrowmaxError, match="^NARROWMAX_ISA names 'nonsense', and the loops that run here are base"
        ):
            compiled.available()
    finally:
        monkeypatch.undo()
        compiled.available.cache_clear()
    assert compiled.available()


def test_arrays_that_do_not_hold_the_rows_asked_for():
    """The extension itself: nothing is read or written beside what it is given."""
    from narrowmax.engines.compiled import _native
    from narrowmax.engines.compiled.program import program_of

    native = program_of(drawn(lambda r: largest(r.x) - r.x, output="UQ5.0", max_n=8)).native
    codes, out = np.zeros((4, 8), np.int64), np.zeros((4, 8), np.int64)

    def run(n, first, last, codes=codes, present=None, kinds=(10, 10), out=out):
        return native.run(codes, kinds[0], None, present, out, kinds[1], 0, n, first, last)

    assert run(8, 0, 4) == (0, 0, 1) and run(8, 2, 2) == (0, 0, 1)
    for n, first, last in (
        (8, -1, 4),
        (8, 3, 2),
        (8, 0, 5),
        (0, 0, 4),
        (-1, 0, 4),
        (9, 0, 1),
        (8, 0, 2**62),
        (8, 0, -1),
    ):
        with pytest.raises(ValueError, match="the arrays do not hold the rows asked for"):
            run(n, first, last)
    short = np.zeros((3, 8), np.int64)
    for given in (
        {"codes": short},
        {"out": short},
        {"present": short.astype(bool)},
        {"kinds": (2, 10)},
        {"kinds": (10, 12)},
    ):
        with pytest.raises(ValueError, match="the arrays do not hold the rows asked for"):
            run(8, 0, 4, **given)
    unmade = _native.Program.__new__(_native.Program)
    with pytest.raises(ValueError, match="never made"):
        unmade.run(codes, 10, None, None, out, 10, 0, 8, 0, 4)
    with pytest.raises(ValueError, match="never made"):
        _ = unmade.types


def test_no_rows_and_no_elements():
    datapath = drawn(lambda r: largest(r.x), output="Q5.0", absent_code=-16)
    assert compiled.run(datapath, np.zeros((0, 3), int)).shape == (0, 1)
    assert compiled.run(datapath, np.zeros((2, 0), int)).tolist() == [[-16], [-16]]
    assert compiled.run(drawn(lambda r: r.x), np.zeros((5, 0), int)).shape == (5, 0)
