"""The ends of units as one instruction: equal to what is drawn, for every width, rounding and limit."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.compiled.comparing import assert_equal, batches, check, drawn, operations
from tests.engines.compiled.tails import ROUNDINGS, tail

from narrowmax.datapath import Table, largest, round_off, total
from narrowmax.engines import compiled

INSTRUCTIONS = {"SCALE", "SCALE_EVEN", "SCALE_HIGH", "SCALE_HIGH_EVEN", "QUOTIENT"}


def compare(seed: int, times=(1, 11)) -> None:
    datapath = tail(random.Random(seed))
    if compiled.holds(datapath):
        for codes, present in batches(datapath, seed):
            assert_equal(datapath, codes, present, times)


def test_the_generator_reaches_every_instruction():
    found: Counter = Counter()
    for seed in range(400):
        datapath = tail(random.Random(seed))
        if compiled.holds(datapath):
            found.update(INSTRUCTIONS.intersection(operations(datapath)))
    assert set(found) == INSTRUCTIONS, found


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_random_ends(seed):
    compare(seed)


@pytest.mark.long
@settings(max_examples=5000)
@given(st.integers(0, 2**62))
def test_many_random_ends(seed):
    compare(seed, (1, 11, 70))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("count", [1, 2, 7, 8, 15, 16, 17, 23])
@pytest.mark.parametrize("factor", [255, 256, 257, 4369, 65535])
def test_products_at_the_ends_of_words(rounding, count, factor):
    """Elements of 8 bits and of 16: their products end where words of 16 and 32 bits do."""

    def graph(r):
        by = (largest(r.x) * factor).maximum(1)
        narrow = round_off((r.x * by).at_point(40), count, rounding).at_point(0)
        wide = round_off((((r.x << 8) + r.x) * by >> (largest(r.x) >> 4)).at_point(40), count, rounding).at_point(0)
        return narrow.minimum(65535) + (wide.minimum(255) << 20)

    datapath = drawn(graph, "UQ8.0", "UQ40.0", 2)
    codes = np.array([[a, b] for a in (0, 1, 2, 127, 128, 254, 255) for b in (1, 16, 255)])
    assert_equal(datapath, codes, None, (1, 7))
    assert_equal(datapath, codes, np.arange(42).reshape(21, 2) % 5 > 0, (1,))


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "floor"])
@pytest.mark.parametrize("down", [17, 18, 20, 29, 31])
def test_shifts_beyond_a_product(down, rounding):
    """A row's shift and a constant one take products of 16-bit words down by 16 to 46 places together."""

    def graph(r):
        top = largest(r.x)
        product = ((r.x << 8) + r.x) * ((top << 8) + top)
        shifted = product if rounding == "half_even" else product >> (15 - (top >> 4))
        return round_off(shifted.at_point(40), down, rounding).at_point(0)

    datapath = drawn(graph, "UQ8.0", "UQ40.0", 2)
    assert ("SCALE_HIGH_EVEN" if rounding == "half_even" else "SCALE_HIGH") in operations(datapath)
    codes = np.array([[a, b] for a in (0, 1, 127, 128, 254, 255) for b in (*range(0, 256, 16), 15, 239, 254, 255)])
    assert_equal(datapath, codes, None, (1, 7))
    assert_equal(datapath, codes, np.arange(2 * len(codes)).reshape(-1, 2) % 5 > 0, (1,))


@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
@pytest.mark.parametrize("down", [10, 11, 13, 15])
def test_every_product_of_bytes_rounded_by_its_high_half(down, rounding):
    """A short shift down, made longer by a shift up of the row's factor; ties and their neighbours are all there."""

    def graph(r):
        return round_off((r.x * (largest(r.x) + 1)).at_point(40), down, rounding).at_point(0)

    datapath = drawn(graph, "UQ8.0", "UQ40.0", 256)
    assert ("SCALE_HIGH_EVEN" if rounding == "half_even" else "SCALE_HIGH") in operations(datapath)
    codes = np.minimum(np.arange(256)[None, :], np.arange(256)[:, None])
    assert_equal(datapath, codes, None, (1,))


ENTRIES = Table("spread", tuple(i * i * 32 + i for i in range(256)), 0, "32 i**2 + i", "exactly")


@pytest.mark.parametrize("above", [2**21 - 1, 2**21, 2**21 + 1])
@pytest.mark.parametrize("below", [2**24 - 1, 2**24])
def test_quotients_at_their_limits(above, below):
    """Numerators about 2**21, divisors about 2**24: one product of floats on one side, a division on the other."""

    def graph(r):
        top = largest(r.x)
        divisor = (top.lookup(ENTRIES) * 9 + 1).minimum(below)
        return (r.x.lookup(ENTRIES).minimum(above - 255) + top).divide(divisor, 0).minimum(70000)

    datapath = drawn(graph, "UQ8.0", "UQ40.0", 2)
    codes = np.array([[a, b] for a in range(0, 256, 5) for b in (0, 1, 2, 3, 50, 200, 254, 255)])
    assert_equal(datapath, codes, None, (1,))


def quotients(x: np.ndarray, shift: int, divisors) -> list[np.ndarray]:
    """a * 2**shift / c + (b + 1/2) / c, as native/finish_loops.h has it: each step rounded, and the last two fused."""
    share = np.float32(1) / np.asarray(divisors).astype(np.float32)
    times, more = share * np.float32(1 << shift), ((x & (1 << shift) - 1).astype(np.float32) + np.float32(0.5)) * share
    a = (x >> shift).astype(np.float32)
    fused = (a.astype(np.float64) * times + more).astype(np.float32)
    return [(a * times + more).astype(np.int64), fused.astype(np.int64)]


@pytest.mark.parametrize("shift", [0, 1, 9, 16, 21])
def test_floats_decide_every_quotient_below_its_limit(shift):
    """The multiples of c next below 2**21, and their neighbours."""
    divisors = np.concatenate([np.arange(1, 2**16), np.arange(2**16, 2**24, 97), [2**24 - 1]])
    for start in (2**21 - 1, 2**20, 2**18 + 3, 1000):
        for near in (-1, 0, 1):
            x = np.clip(start // divisors * divisors + near, 0, 2**21 - 1)
            for found in quotients(x, shift, divisors):
                assert np.array_equal(found, x // divisors)


@pytest.mark.long
@pytest.mark.parametrize("shift", [0, 1, 9, 16, 21])
def test_every_numerator_below_the_limit(shift):
    x = np.arange(2**21)
    for divisor in [*range(1, 600, 9), *range(601, 2**24, 500021)]:
        for found in quotients(x, shift, divisor):
            assert np.array_equal(found, x // divisor), divisor


@pytest.mark.parametrize("left", [6, 20, 39, 40])
def test_flags_as_factors(left):
    """A comparison lies in words as wide as what it compared; a product once took them for bytes."""

    def flag(r):
        return ((r.x << left) + 5) < (largest(r.x) << left - 1)

    check(lambda r: (flag(r) * (largest(r.x) + 9) >> 1).minimum(3) + total(flag(r)))
    check(lambda r: (flag(r) << 4).divide(total(r.x + 8) + 1, 0))
    check(lambda r: round_off((flag(r) * total(r.x + 8)).at_point(9), 2, "half_even").at_point(0))


MOST = (1 << 127) - 1


@pytest.mark.parametrize("limit", [255, 2**40])
@pytest.mark.parametrize("graph", [
    lambda x, top: (x * (top << 118) + (MOST - (225 << 118))) >> 90,
    lambda x, top: ((x * (top << 118) >> top.minimum(1)) + (MOST - (225 << 118))) >> 64,
    lambda x, top: (x * top) >> (top + (MOST - 15)) >> 1,
    lambda x, top: ((x * top) << 118 >> (top + 100)) + 1 >> 20,
    lambda x, top: round_off((((x * top) << 118) >> (top + 50)).at_point(300), 190, "half_up").at_point(0),
    lambda x, top: round_off((((x * top) << 118) >> top).at_point(300), 240, "half_even").at_point(0),
])  # fmt: skip
def test_near_the_longest_words_an_end_is_left_as_it_is_drawn(graph, limit):
    """Once, what an instruction would have needed was beyond 127 bits, and with it the drawing was refused."""
    check(lambda r: graph(r.x, largest(r.x)).minimum(limit) + total(r.x), input="UQ4.0")
