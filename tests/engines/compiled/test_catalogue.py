"""Every architecture of the catalogue, at its defaults and beside them, on rows of any length."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest
from tests.engines.compiled.comparing import _native, assert_equal

from narrowmax.designs import catalogue, design
from narrowmax.engines import array, compiled
from narrowmax.errors import DesignError

HARDWARE = sorted(name for name, entry in catalogue().items() if entry.function is not None)


def rows(datapath, n: int, count: int, seed: int):
    """Codes near each other, as logits are, and some anywhere."""
    rng = np.random.default_rng(seed)
    low, high = datapath.input_range
    spread = max(1, (high - low) // rng.integers(1, 9))
    codes = np.clip(
        rng.integers(low, high, (count, 1), endpoint=True) + rng.integers(-spread, 1, (count, n)), low, high
    )
    codes[0], codes[-1] = high, rng.integers(low, high, n, endpoint=True)
    present = rng.random((count, n)) < rng.choice([0.1, 0.9], (count, 1))
    present[-1] = False
    return codes, present


def neighbours(name: str, seed: int, count: int) -> list:
    """The default design and some with a few knobs turned at random."""
    found, turn = [design(name)], random.Random(seed)
    for _ in range(8 * count):
        knobs = {k: turn.choice(v) for k, v in found[0].knobs.items() if len(v) and turn.random() < 0.5}
        with suppress(DesignError):  # not every setting is a design
            found.append(found[0].moved(knobs))
    return found[: count + 1]


@pytest.mark.parametrize("name", HARDWARE)
def test_as_the_interpreter(name):
    for found in neighbours(name, seed=1, count=3):
        for n in (1, 2, 19):
            if found.rows_up_to(n) < n or not compiled.holds(found.datapath(n)):
                continue
            codes, present = rows(found.datapath(n), n, 4, n)
            assert_equal(found.datapath(n), codes, None, (1, 17))
            assert_equal(found.datapath(n), codes, present, (1, 17))


def compare_long(found, n: int, count: int, seed: int) -> None:
    """With the array engine, which is quicker than the interpreter, where int64 holds every wire."""
    if found.rows_up_to(n) < n or not (compiled.holds(found.datapath(n)) and array.holds(found.datapath(n))):
        return
    codes, present = rows(found.datapath(n), n, count, seed)
    before = _native.isa()
    for flags in (None, present):
        expected = array.run(found.datapath(n), codes, flags)
        try:
            for isa in _native.isas():
                _native.use(isa)
                assert np.array_equal(compiled.run(found.datapath(n), codes, flags), expected), (found.text, n, isa)
        finally:
            _native.use(before)


@pytest.mark.parametrize("name", HARDWARE)
def test_long_rows(name):
    for n, count in ((300, 70), (1000, 3), (4096, 2)):
        compare_long(design(name), n, count, n)


@pytest.mark.long
@pytest.mark.parametrize("name", HARDWARE)
def test_many_neighbours_at_every_length(name):
    turn = random.Random(7)
    for found in neighbours(name, seed=2, count=40):
        for _ in range(4):
            n = turn.choice([turn.randrange(1, 130), turn.randrange(1, 4097)])
            compare_long(found, n, turn.randrange(1, 200) if n < 500 else 3, n)
