"""Tables in place of chains: every size and kind of anchor, and what must not become one."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.compiled.comparing import assert_equal, batches, check, drawn, operations, program_of

from narrowmax.datapath import Rate, Table, fit, fold, largest, scan, total
from narrowmax.engines import compiled

CUBES = Table("cubes", tuple(i * i * i % 251 for i in range(16)), 0, "i**3", "modulo 251")
SQUARES = Table("squares", tuple(37 * i * i for i in range(8)), 0, "37 i**2", "exactly")
FAR = Table("far", tuple(range(20)) + (1 << 70,), 0, "i", "with one entry that nothing reaches")


def chain(wire):
    """Dear enough to be tabulated."""
    return ((wire * 3 + 1) * wire).low_bits(13).minimum(4000) * 5 + wire


@pytest.mark.parametrize("bits", range(1, 15))
@pytest.mark.parametrize("signed", [False, True])
def test_every_code_of_every_width(bits, signed):
    form = f"{'' if signed else 'U'}Q{bits}.0"
    datapath = drawn(lambda r: chain(r.x) + largest(r.x), form, "Q50.0", 1)
    low, high = datapath.input_range
    expected = [5 * min((3 * x + 1) * x & 8191, 4000) + 2 * x for x in range(low, high + 1)]
    codes = np.arange(low, high + 1)[:, None]
    if bits < 8:
        assert_equal(datapath, codes, None)
    assert compiled.run(datapath, codes)[:, 0].tolist() == expected
    assert bits < 2 or any(name.startswith("LOOKUP") for name in operations(datapath))


@pytest.mark.parametrize("entries", [2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025])
@pytest.mark.parametrize("scale", [1, 200])
def test_tables_about_the_sizes_of_registers(entries, scale):
    """The table ends where its values stop changing: after `entries` of them."""
    table = Table("t", tuple(scale * (i * 7 % 199) + i % 3 for i in range(entries)), 0, "7 i", "modulo 199")
    datapath = drawn(
        lambda r: ((r.x + 5).maximum(0).minimum(entries - 1)).lookup(table) + total(r.x), "Q12.0", "Q40.0", 3
    )
    codes = np.arange(-6, 2046)[:, None].repeat(3, 1)
    codes[:, 1] = np.clip(entries - 3 + np.arange(len(codes)) % 7 - 3, -2048, 2047)
    places = np.clip(codes + 5, 0, entries - 1)
    expected = np.array(table.entries)[places] + codes.sum(1, keepdims=True)
    for present in (None, np.ones(codes.shape, bool)):
        assert np.array_equal(compiled.run(datapath, codes, present), expected)
    assert_equal(datapath, codes[:: max(1, len(codes) // 40)], None, (1, 3))


@pytest.mark.parametrize("offset", [-(1 << 40), -70000, -200, 200, 65530, 1 << 20, 1 << 40])
@pytest.mark.parametrize("span", [1, 16, 40])
def test_anchors_far_from_zero(offset, span):
    def graph(r):
        far = (r.x + 8) + ((largest(r.x) + 8) * span + offset)  # a wire of its own, which nothing else determines
        near = far - offset
        return chain(near) * largest(r.x) + near.minimum(9) * total(r.x) + near * near

    check(graph)


def test_what_addresses_a_table_does_not_become_one():
    """Once, `far - 2**20` became a table addressed by itself, and lowering never ended."""

    def graph(r):
        far = (r.x + 8) + ((largest(r.x) + 8) * 16 + (1 << 20))
        return (far - (1 << 20)) * largest(r.x) + (far - (1 << 20)).minimum(9) * total(r.x)

    check(graph)


@pytest.mark.parametrize("cut", [lambda a: a.low_bits(6), lambda a: a >> 60, lambda a: (a >> 3).low_bits(5)])
def test_anchors_beyond_int64(cut):
    check(lambda r: ((cut(r.x + ((largest(r.x) + 8) + (1 << 70))) * 5 + 3) * 7).minimum(99) * largest(r.x))


def test_values_that_an_assertion_excludes_are_not_looked_up():
    def graph(r):
        near = (largest(r.x) - r.x).known(0, 7, "all near each other")
        return (near.lookup(SQUARES) * 3).minimum(99) * largest(r.x)

    datapath = drawn(graph, output="Q40.0")
    assert_equal(datapath, np.array([[1, -3, 4, 4], [0, 0, 0, -7]]), None)
    assert_equal(datapath, np.array([[7, -8, 0, 4]]), np.array([[True, False, True, True]]))


def test_arguments_of_bodies_that_are_wider_together_than_alone():
    """The second operand is an element and indexes a table; the first, with which it shares a type, is a sum."""
    body = lambda a, b: fit(a + b.lookup(CUBES), 0, 999, "saturate")  # noqa: E731
    check(lambda r: fold(body, r.x + 8, order="serial") + r.x)
    step = lambda s, b: fit(s + b.lookup(CUBES) * (1 + s.minimum(15).lookup(CUBES)), 0, 99, "saturate")  # noqa: E731
    check(lambda r: scan(step, largest(r.x + 8, to=Rate.CHUNK), start=0)[2] + r.x, chunk=2)


def test_entries_that_nothing_reaches_may_be_of_any_size():
    check(lambda r: (r.x + 8).lookup(FAR) + total(r.x))
    check(lambda r: (largest(r.x) + 8).lookup(FAR) + r.x)
    wide = Table("wide", tuple(range(400)) + (-(1 << 90),), 0, "i", "exactly")
    check(lambda r: (largest(r.x) + 8).lookup(wide) + (r.x + 8).lookup(wide))


def test_tables_of_wide_words():
    table = Table("wide", tuple((-1) ** i * ((1 << 8 * i) + i) for i in range(15)), 0, "256**i", "exactly")
    for shift in (0, 7, 50):
        check(lambda r, s=shift: fit((r.x + 8).minimum(14).lookup(table) >> s, -(2**50), 2**50, "saturate"))
        check(
            lambda r, s=shift: fit(largest(r.x + 8).minimum(14).lookup(table) >> s, -(2**50), 2**50, "saturate") + r.x
        )


def test_the_same_sum_at_two_rates():
    """A constant of an element's rate added to a row's value is not the row's value with that constant added."""

    def graph(r):
        zero, top = r.x - r.x, largest(r.x)
        row, element = top + r.drawing.constant(5), top + (zero + 5)
        return total(element) + row + r.x

    check(graph)
    check(
        lambda r: (lambda top, zero: total(top + (zero + 5)) + (top + r.drawing.constant(5)))(largest(r.x), r.x - r.x)
    )


@pytest.mark.parametrize("form", ["Q8.0", "Q11.0"])
def test_a_scaled_value_within_a_chain_does_not_cut_it(form):
    """What is left of a multiple of ln 2 has many more values than the code that it comes from."""

    def graph(r):
        near = largest(r.x) - r.x
        whole = (near * 94548 + (1 << 18)) >> 19
        left = near * (1 << 13) - whole * 45426
        return chain(left >> 9) * (largest(r.x) + 4096)

    datapath = drawn(graph, form, "Q60.0", 16)
    assert not any(name.startswith("SCALE") for name in operations(datapath))
    slots, _, _ = program_of(datapath).native.listing
    assert sum(place == 5 for place, *_ in slots) == 1
    for codes, present in batches(datapath):
        assert_equal(datapath, codes, present)
