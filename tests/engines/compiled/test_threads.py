"""Threads: any number gives the same, many at once share a program, and a child process has its own."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.engines.compiled.comparing import drawn

from narrowmax.datapath import Rate, fit, fold, largest, scan, total
from narrowmax.engines import array, compiled
from narrowmax.engines.compiled import drive, threads
from narrowmax.errors import RangeError


def graph(r):
    ordered = fold(lambda a, b: fit(a + a - b, -64, 63, "wrap"), r.x, order="tree")
    before = scan(lambda s, c: s.maximum(c) - (s >> 2), largest(r.x, to=Rate.CHUNK), start=-3)[0]
    return (largest(r.x) - r.x).known(0, 14, "no row has both ends") * 3 + ordered + before + total(r.x * r.x)


DATAPATH = drawn(graph, output="Q40.0", max_n=256, chunk=16)


def rows(count: int, n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.integers(-7, 8, (count, n)), rng.random((count, n)) < 0.6


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 7, 64])
@pytest.mark.parametrize("count, n", [(4096, 64), (5001, 33), (1, 200), (70000, 1)])
def test_any_number_of_them(workers, count, n):
    codes, present = rows(count, n)
    for flags in (None, present):
        assert np.array_equal(compiled.run(DATAPATH, codes, flags, workers), array.run(DATAPATH, codes, flags))


def test_an_error_in_one_part_is_an_error():
    codes, _ = rows(5000, 64)
    codes[4700, 3], codes[4700, 9] = 7, -8
    for workers in (1, 2, 5):
        with pytest.raises(RangeError, match=r"leaves its range 0\.\.14, so what is known of it is false$"):
            compiled.run(DATAPATH, codes, None, workers)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_parts_are_all_there_and_in_order(workers):
    """However few threads come to help: each takes the next part when it is done with one."""
    found = drive.in_parts(1001, 1000, workers, lambda first, last: (first, last))
    assert [first for first, _ in found] == [0, *(last for _, last in found[:-1])]
    assert found[-1][1] == 1001
    assert len(found) == (1 if workers == 1 else 4 * workers)


@pytest.mark.parametrize("broken", [0, 500])
def test_what_a_part_raises_is_raised_once_nobody_works_any_more(broken):
    working = []

    def work(first, last):
        working.append(first)
        if first <= broken < last:
            raise ZeroDivisionError
        working.remove(first)

    with pytest.raises(ZeroDivisionError):
        drive.in_parts(1000, 1000, 3, work)
    assert len(working) == 1


def test_parts_are_given_in_order_as_soon_as_they_are_there():
    """The first waits for the third, which another thread does meanwhile; what is given is kept nowhere."""
    done, third = [], threading.Event()

    def work(part):
        if part == 0:
            assert third.wait(30)
        elif part == 2:
            third.set()
        done.append(part)
        return part

    assert list(threads.in_order(range(6), 2, work)) == [*range(6)]
    assert sorted(done) == [*range(6)] and done.index(2) < done.index(0)


@pytest.mark.parametrize("helpers", [0, 1, 2])
def test_an_end_in_the_middle_leaves_the_rest(helpers):
    done = []
    for part in threads.in_order(range(1000), 1 + helpers, lambda part: done.append(part) or time.sleep(1e-3) or part):
        if part == 3:
            break
    count = len(done)
    assert 4 <= count < 500
    time.sleep(0.02)
    assert len(done) == count


def test_a_helper_that_fails_stops_the_others():
    done, caller = [], threading.get_ident()

    def work(part):
        if threading.get_ident() != caller:
            raise ZeroDivisionError
        done.append(time.sleep(1e-3))

    with pytest.raises(ZeroDivisionError):
        list(threads.in_order(range(5000), 2, work))
    assert len(done) < 2500


def test_many_callers_share_a_program():
    """Also one that is made by all of them at once, and with other numbers of threads at a time."""
    given = [rows(300 + 700 * i, 64, seed=i) for i in range(8)]
    expected = [array.run(DATAPATH, codes, present) for codes, present in given]
    fresh, start = drawn(graph, output="Q40.0", max_n=256, chunk=16), threading.Barrier(8)

    def work(i):
        start.wait()
        return all(np.array_equal(compiled.run(fresh, *given[i], threads=1 + i % 3), expected[i]) for _ in range(6))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


@pytest.mark.skipif(sys.platform == "win32", reason="not on win32")
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_child_process_that_began_in_the_middle_has_no_helpers(goes_on):
    """It does itself what they would have done, and waits for nobody when it leaves."""
    begun = threads.in_order(range(8), 3, lambda part: time.sleep(0.01) or part)
    assert next(begun) == 0
    child = os.fork()
    if child == 0:
        fine = False
        try:
            import signal

            signal.alarm(30)
            fine = list(begun) == [*range(1, 8)] if goes_on else begun.close() is None
        finally:
            os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(begun) == [*range(1, 8)]


@pytest.mark.skipif(sys.platform == "win32", reason="not on win32")
def test_a_child_process_works_after_its_parent_used_threads():
    """A pool that a child inherits has no threads: work given to it would wait for ever."""
    codes, _ = rows(5000, 64)
    expected = compiled.run(DATAPATH, codes, None, 2)
    child = os.fork()
    if child == 0:
        fine = False
        try:
            import signal

            signal.alarm(30)
            fine = np.array_equal(compiled.run(DATAPATH, codes, None, 2), expected)
        finally:
            os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(compiled.run(DATAPATH, codes, None, 2), expected)
