"""Types, widths and places: what comes out where, in words of any width."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.compiled.comparing import assert_equal, batches, check, drawn
from tests.engines.compiled.wide_graphs import wide_graph

from narrowmax.datapath import Rate, fit, fold, largest, scan, smallest, total
from narrowmax.engines import compiled

OUTPUTS = {
    "the input": lambda r: r.x,
    "the position": lambda r: r.position,
    "presence": lambda r: r.present,
    "the length": lambda r: r.n,
    "a constant": lambda r: r.drawing.constant(7) + r.n - r.n,
    "a constant of each element": lambda r: r.x - r.x + 7,
    "a row's maximum": lambda r: largest(r.x),
    "a sum of constants": lambda r: total(r.x - r.x + 7),
    "a known wire": lambda r: r.x.known(-8, 7, "its range"),
    "nothing of x": lambda r: r.position * 3 + r.n,
    "a row at each element": lambda r: largest(r.x) + (r.x - r.x),
    "a fold": lambda r: fold(lambda a, b: (a >> 1) + b, r.x, order="serial"),
    "a state": lambda r: scan(lambda s, c: (s >> 1) + c, largest(r.x, to=Rate.CHUNK), start=5)[2],
    "a state at each element": lambda r: scan(lambda s, c: (s >> 1) + c, largest(r.x, to=Rate.CHUNK), start=5)[0] + r.x,
    "a comparison": lambda r: r.x < largest(r.x) - 1,
    "a wide comparison": lambda r: (r.x * (1 << 80) + 5) < largest(r.x) * (1 << 79),
    "a row's wide comparison": lambda r: (total(r.x) * (1 << 80) + 5) < largest(r.x) * (1 << 79),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_any_wire_is_an_output(name, chunk):
    check(OUTPUTS[name], chunk=chunk, absent_code=-9, times=(1, 11, 60), lengths=(2, 4))


@pytest.mark.parametrize("name", ["nothing of x", "a constant"])
def test_wide_codes_that_nothing_looks_at(name):
    check(OUTPUTS[name], input="Q40.0")


@pytest.mark.parametrize("n", [1, 2, 33, 511, 512, 513, 2047, 2048, 2049, 4096])
def test_long_rows(n):
    """About the borders of strips: what is kept for the whole tile, reduced and spread."""

    def graph(r):
        before, _, after = scan(lambda s, c: s.maximum(c) - (s >> 2), largest(r.x, to=Rate.CHUNK), start=-3)
        ordered = fold(lambda a, b: fit(a - b, -90, 90, "saturate"), r.x, order="tree")
        return total(r.x * r.x) + before + after + ordered + r.position * r.x

    datapath = drawn(graph, output="Q60.0", max_n=4096, chunk=48)
    rng = np.random.default_rng(n)
    codes = rng.integers(-8, 8, (2, n))
    for present in (None, rng.random((2, n)) < 0.5):
        assert_equal(datapath, codes, present, (1, 33) if n < 600 else (1,))


@pytest.mark.parametrize("rows", [*range(1, 9), 63, 64, 65, 66, 127, 128, 129, 191, 200, 448, 511, 512, 513, 577, 1100])
def test_any_number_of_rows(rows):
    """Tiles of 64 to 512 rows, and what is left; positions once went wrong beyond the first strip."""
    rng = np.random.default_rng(rows)
    for n in (1, 5, 16, 40):
        codes = rng.integers(-8, 8, (rows, n))
        here = rng.random((rows, n)) < 0.5
        for flags in (None, here):
            seen = np.ones((rows, n), bool) if flags is None else flags
            expected = np.where(seen, np.arange(n) * 3 + np.where(seen, codes, 0).sum(1, keepdims=True), -1)
            assert np.array_equal(compiled.run(POSITIONS, codes, flags), expected)
            expected = np.where(seen, np.broadcast_to(np.arange(n), codes.shape), -1)
            assert np.array_equal(compiled.run(PLACES, codes, flags), expected)


POSITIONS = drawn(lambda r: r.position * 3 + total(r.x), output="Q40.0", max_n=64, absent_code=-1)
PLACES = drawn(lambda r: r.position, output="Q40.0", max_n=64, absent_code=-1)


@pytest.mark.parametrize("order", ["serial", "tree", "interleaved(2)", "interleaved(5)", "interleaved(40)"])
def test_orders_at_every_length(order):
    """Trees of no power of two, more ways than elements."""
    body = lambda a, b: fit(a + a - b, -64, 63, "wrap")  # noqa: E731
    check(lambda r: fold(body, r.x, order=order) + r.x, max_n=17, lengths=range(1, 18), times=(1,))
    check(
        lambda r: fold(body, r.x, order=order, to=Rate.CHUNK) + r.x,
        max_n=17,
        chunk=5,
        lengths=(4, 5, 6, 16),
        times=(1, 13),
    )


@pytest.mark.parametrize("values", [1, 2, 5, 16])
@pytest.mark.parametrize("order", ["serial", "tree", "interleaved(3)"])
def test_folds_of_many_values(values, order):
    def body(*args):
        a, b = args[:values], args[values:]
        return tuple(fit((a[i] < b[-1 - i]).select(b[i] + i, a[i] - 1), -70, 70, "saturate") for i in range(values))

    check(lambda r: sum(_tuple(fold(body, *[r.x + i for i in range(values)], order=order)), r.x), times=(1, 11))


def _tuple(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("used", range(6))
def test_scans_of_which_a_part_is_used(used):
    step = lambda s, t, c: (s.maximum(c), fit(t + c - s, -99, 99, "saturate"))  # noqa: E731

    def graph(r):
        state = scan(step, largest(r.x, to=Rate.CHUNK), start=((3, 0), (-4, 0)))
        return state[used // 2][used % 2] + r.x

    check(graph, max_n=11, chunk=3, lengths=(1, 3, 4, 9), times=(1, 13))


@pytest.mark.parametrize("left", [3, 8, 15, 16, 31, 40, 63, 64, 90, 121])
def test_shifts_beyond_the_width(left):
    """By wires up to 130 and beyond words of 16 bits; of what is negative, too."""

    def graph(r):
        wide, by = r.x << left, (largest(r.x) + 8) * (r.x + 8)
        far = (by << 20) + 7
        found = (wide >> by) + (wide >> far) + ((wide >> (r.x + 8)) >> 3)
        return fit(found, -(2**50), 2**50, "saturate") + (((r.x << (r.x + 8)) << 5) >> (by + 1))

    check(graph)


@pytest.mark.parametrize("by_zero", [0, 1, -1, -300, 2**40, -(2**62), 2**63 - 1])
@pytest.mark.parametrize("top", [2**8, 2**16, 2**21, 2**24, 2**25, 2**32, 2**53, 2**54, 2**63, 2**90])
def test_division_at_the_limits_of_floats(by_zero, top):
    def graph(r):
        high, low = (r.x + 8) * (top // 16) + top // 3, (largest(r.x) - r.x)
        sums = (
            high.divide(low, by_zero)
            + high.divide(low * (top // 64) + 1, by_zero)
            + (high - 1).divide(low + 1, by_zero)
        )
        return fit(sums, -(2**58), 2**58, "saturate")

    check(graph)


def test_small_division_is_exact_where_it_ends():
    """a + b < 2**24 in float32: every divisor with the multiples next below the limit, and their neighbours."""
    divisors = np.concatenate([np.arange(1, 5000), 2**24 - np.arange(2, 5000), np.arange(1, 2**12) * 4096 - 1])
    multiple = (2**24 - 1 - divisors) // divisors * divisors
    for near in (-2, -1, 0, 1):
        a = np.clip(multiple + near, 0, 2**24 - 1 - divisors)
        assert np.array_equal((a.astype(np.float32) / divisors.astype(np.float32)).astype(np.int64), a // divisors)


@pytest.mark.parametrize("first, second", [(3, 10), (10, 30), (7, 40), (31, 32), (62, 64), (64, 100)])
def test_comparisons_of_mixed_widths(first, second):
    def graph(r):
        a, b = (r.x << first) + 3, (largest(r.x) - 9 << second) + 5
        flag = a < b
        chosen = flag.select(r.x, largest(r.x) * 300) + a.equals(b) + (b < a).select(2, flag)
        return (
            chosen
            + total(flag)
            + largest(flag)
            + fold(lambda p, q: (p >> 1) + q, flag, order="serial")
            + (smallest(a) < b)
        )

    check(graph)


def test_low_bits_of_negative_words():
    for count in (1, 7, 8, 9, 16, 31, 33, 62):
        check(lambda r, c=count: (r.x * 12345).low_bits(c) - r.x, output="Q63.0")
    check(lambda r: ((r.x << 90).low_bits(100) >> 60) + (r.x.low_bits(126) >> 80))


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_wide_graphs(seed):
    datapath = wide_graph(random.Random(seed))
    if compiled.holds(datapath):
        for codes, present in batches(datapath, seed):
            assert_equal(datapath, codes, present)


@pytest.mark.long
@settings(max_examples=3000)
@given(st.integers(0, 2**62))
def test_many_wide_graphs(seed):
    datapath = wide_graph(random.Random(seed))
    if compiled.holds(datapath):
        for codes, present in batches(datapath, seed, lengths=[n for n in (2, 3, 5, 9) if n <= datapath.max_n]):
            assert_equal(datapath, codes, present, (1, 11, 70))


@pytest.mark.parametrize("chunk", [2**61, 2**62, 2**63 - 9, 2**63 - 1, 2**63, 2**100])
def test_a_chunk_longer_than_any_row(chunk):
    """Once, its length was added to a row's, and the sum wrapped around."""
    check(lambda r: fit(total(largest(r.x, to=Rate.CHUNK)) + r.x, 0, 255, "saturate"), chunk=chunk, output="UQ8.0")


def test_positions_of_more_bits_than_a_word():
    def graph(r):
        return fit(r.position.minimum(200) + r.x, 0, 255, "saturate")

    datapath = drawn(graph, output="UQ8.0", max_n=2**70)
    codes = np.arange(300).reshape(3, 100) % 15 - 7
    expected = np.clip(np.minimum(np.arange(100), 200) + codes, 0, 255)
    assert np.array_equal(compiled.run(datapath, codes), expected)


def test_widths_may_be_integers_of_numpy():
    check(
        lambda r: fit(
            (r.x + 8).leading_zeros(np.int64(9)) + (r.x + 8).normalise(np.int64(9)), np.int64(0), np.int64(3), "wrap"
        )
    )
