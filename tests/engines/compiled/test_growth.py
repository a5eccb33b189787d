"""Large drawings of any shape become programs that give the right codes, and Ctrl-C ends the making.

How long the making takes is measured by `benchmarks.growth`.
"""

from __future__ import annotations

import signal
import sys
import time

import numpy as np
import pytest
from benchmarks.growth import SHAPES, drawing, in_order
from tests.engines.compiled.comparing import _native, assert_equal, drawn

from narrowmax.datapath import largest


@pytest.mark.parametrize("shape", SHAPES)
def test_what_chains_share_is_right(shape):
    datapath = drawing(SHAPES[shape][0], 90)
    low, high = datapath.input_range
    codes = np.random.default_rng(3).integers(low, high, (12, 16), endpoint=True)
    codes[0], codes[1] = low, high
    assert_equal(datapath, codes, None, (1,))
    assert_equal(datapath, codes, codes % 3 > 0, (1,))


@pytest.mark.parametrize("nearest", [9, 40])
def test_of_what_is_known_again_the_last_holds(nearest):
    def graph(r):
        near = largest(r.x) - r.x
        return near.known(0, 300, "near").known(0, 200, "nearer").known(0, nearest, "side by side") * largest(r.x)

    codes = np.array([[1, 5, 9, 10], [-1024, -1024, -1020, -1015]])
    assert_equal(drawn(graph, "Q11.0", "Q60.0", 4), codes, None)


class Interruption(Exception):
    pass


def make_into(found: list, datapath) -> None:
    """Puts a program there, by a call within which nothing but the making of it looks for signals."""
    found.extend(map(_native.Program, [datapath], [0], *([code] for code in datapath.input_range)))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason=f"not on {sys.platform}")
def test_a_signal_ends_it():
    """A timer stands for whoever presses Ctrl-C, after the drawing was read; where it comes too late, once more."""

    def raising(number, frame):
        raise Interruption

    datapath = drawing(in_order, 600, "Q15.0")
    start = time.perf_counter()
    make_into([], datapath)
    whole, before = time.perf_counter() - start, signal.signal(signal.SIGALRM, raising)
    try:
        for _ in range(20):
            found: list = []
            with pytest.raises(Interruption):
                signal.setitimer(signal.ITIMER_REAL, whole / 3)
                make_into(found, datapath)
                signal.pause()
            if not found:
                return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    pytest.fail("each program was made to its end")
