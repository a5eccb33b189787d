"""Making a program takes as long as its drawing is large, whatever its shape, and Ctrl-C ends it."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest
from tests.engines.compiled.comparing import _native, assert_equal, drawn

from narrowmax.datapath import fit, largest

HALF = 1 << 40


def summed(wires):
    """Their sum, cut as it grows."""
    found = wires[0]
    for wire in wires[1:]:
        found = fit(found + wire, -HALF, HALF - 1, "wrap")
    return found


def stepped(wire, i):
    return (wire * 3 + i).low_bits(20)


def chain(r, size, turned=True):
    """Each step is used elsewhere; the last one first, or in order."""
    wire, found = r.x, []
    for i in range(size):
        wire = stepped(wire, i)
        found.append(wire + largest(r.x))
    return summed(found[::-1] if turned else found)


def stem(r, size):
    """A long chain on which as many others stand."""
    wire = r.x
    for i in range(size):
        wire = stepped(wire, i)
    return summed([(wire * (2 * i + 3)).low_bits(20) + largest(r.x) for i in range(size)])


def stems(r, size):
    """Chains on chains: four stems, each on the one before."""
    wire, found = r.x, []
    for _ in range(4):
        for i in range(size // 4):
            wire = stepped(wire, i)
        found += [(wire * (2 * i + 3)).low_bits(20) + largest(r.x) for i in range(size // 4)]
    return summed(found)


def far_apart(r, size):
    """Each step needs the last one and one from anywhere before."""
    wires = [r.x]
    for i in range(size):
        wires.append((wires[i * 7919 % len(wires)] * 3 + wires[-1]).low_bits(18))
    return summed([(wires[i * 104729 % size] + wires[i] * 5).low_bits(19) + largest(r.x) for i in range(size)])


def known(r, size):
    """What costs nothing, again and again."""
    wire, found = largest(r.x) - r.x, []
    for i in range(size):
        wire = wire.known(0, 4095 - i, "an order")
        found.append(wire + largest(r.x))
    return summed(found[::-1])


SHAPES = {
    "stem": (stem, 80),
    "stems": (stems, 160),
    "far apart": (far_apart, 80),
    "turned": (chain, 250),
    "known": (known, 400),
}


def of(shape, size: int, form: str = "Q11.0"):
    return drawn(lambda r: shape(r, size), form, "Q60.0", 16)


def seconds(datapath) -> float:
    """Of the processor, for one program."""
    found = []
    for _ in range(5):
        start = time.process_time()
        _native.Program(datapath, 0, *datapath.input_range)
        found.append(time.process_time() - start)
    return min(found)


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_drawing_takes_little_more_than_four_times_as_long(shape):
    function, size = SHAPES[shape]
    small, large = (of(function, k * size) for k in (1, 4))
    assert seconds(large) < 8 * seconds(small)


@pytest.mark.parametrize("shape", [chain, stem, stems, far_apart, known])
def test_what_chains_share_is_right(shape):
    datapath = of(shape, 90)
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


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that send signals")
def test_a_signal_ends_it():
    """A timer of the processor's time stands for whoever presses Ctrl-C."""

    def raising(number, frame):
        raise Interruption

    datapath = of(lambda r, size: chain(r, size, turned=False), 600, "Q15.0")
    whole, before = seconds(datapath), signal.signal(signal.SIGPROF, raising)
    start = time.process_time()
    try:
        with pytest.raises(Interruption):
            signal.setitimer(signal.ITIMER_PROF, whole / 8)
            for _ in range(20):
                _native.Program(datapath, 0, *datapath.input_range)
                start = time.process_time()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert time.process_time() - start < 3 * whole / 4
