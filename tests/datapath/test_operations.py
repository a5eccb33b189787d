"""Every operation means what the plain table says, on both kits, within its tight bounds."""

import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datapath.meanings import MEANINGS, SQUARES

from narrowmax.datapath import ARRAYS, INTEGERS, Lookup
from narrowmax.datapath.operations import (
    ALL,
    Add,
    Divide,
    Known,
    LeadingZeros,
    LowBits,
    Multiply,
    Normalise,
    Select,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip


def test_every_operation_stands_in_the_table():
    assert {type(m.op) for m in MEANINGS} == {*ALL, Lookup}


@pytest.mark.parametrize("meaning", MEANINGS, ids=str)
class TestMeaning:
    def test_integers(self, meaning):
        for operands in meaning.operands():
            assert meaning.op.evaluate(INTEGERS, *operands) == meaning.plain(*operands), operands

    def test_arrays(self, meaning):
        rows = list(meaning.operands())
        columns = [np.array(c, dtype=np.int64) for c in zip(*rows, strict=True)]
        found = np.asarray(meaning.op.evaluate(ARRAYS, *columns))
        assert np.array_equal(np.broadcast_to(found, len(rows)), [meaning.plain(*r) for r in rows])

    def test_the_bound_of_the_whole_range_is_tight(self, meaning):
        results = [meaning.plain(*r) for r in meaning.operands()]
        assert meaning.op.bound(*meaning.ranges) == (min(results), max(results))

    def test_the_sentence_names_the_operands(self, meaning):
        names = [f"operand{i}" for i in range(len(meaning.ranges))]
        sentence = meaning.op.sentence(*names)
        assert all(n in sentence for n in names)
        assert not sentence.endswith(".")

    def test_the_arity_is_the_number_of_operands(self, meaning):
        assert meaning.op.arity == len(meaning.ranges)


def intervals(lo, hi):
    return [(a, b) for a in range(lo, hi + 1) for b in range(a, hi + 1)]


SMALL, POSITIVE = intervals(-4, 4), intervals(0, 9)


def tight(op, *ranges):
    """The bound found by trying every combination."""
    grids = np.meshgrid(*(np.arange(lo, hi + 1) for lo, hi in ranges), indexing="ij")
    found = np.broadcast_to(op.evaluate(ARRAYS, *grids), grids[0].shape)
    return int(found.min()), int(found.max())


class TestBounds:
    """The bound equals brute force on every pair of small intervals: sound and tight at once."""

    @pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Minimum", "Maximum", "Less", "Equal"])
    def test_two_operands(self, name):
        op = next(c for c in ALL if c.__name__ == name)()
        for a in SMALL:
            for b in SMALL:
                assert op.bound(a, b) == tight(op, a, b), (a, b)

    @pytest.mark.parametrize("op", [ShiftRightBy(), ShiftLeftBy()], ids=repr)
    def test_shifts_by_a_wire(self, op):
        for a in intervals(-9, 9):
            for s in intervals(0, 5):
                assert op.bound(a, s) == tight(op, a, s), (a, s)

    @pytest.mark.parametrize("by_zero", [0, 3, 99, -7])
    def test_divide(self, by_zero):
        for a in POSITIVE:
            for b in POSITIVE:
                assert Divide(by_zero).bound(a, b) == tight(Divide(by_zero), a, b), (a, b)

    def test_select(self):
        for c in ((0, 0), (0, 1), (1, 1)):
            for a in intervals(-2, 3):
                for b in intervals(-2, 3):
                    assert Select().bound(c, a, b) == tight(Select(), c, a, b), (c, a, b)

    @pytest.mark.parametrize(
        "op", [ShiftLeft(3), ShiftRight(2), ShiftRight(9), LowBits(0), LowBits(2), LowBits(5)], ids=repr
    )
    def test_one_operand(self, op):
        for a in intervals(-12, 12):
            assert op.bound(a) == tight(op, a), a

    @pytest.mark.parametrize(
        "op", [LeadingZeros(5), LeadingZeros(9), Normalise(5), Normalise(9), Lookup(SQUARES)], ids=repr
    )
    def test_one_operand_that_is_not_negative(self, op):
        top = 15 if isinstance(op, Lookup) else 31
        for a in intervals(0, top):
            assert op.bound(a) == tight(op, a), a

    def test_known(self):
        assert Known(-1, 5, "why", "sampled").bound((-9, 3)) == (-1, 3)


class TestEnds:
    """`monotone` and `gapless` hold of the plain meaning, whatever values lie between the ends of the operands."""

    @pytest.mark.parametrize("meaning", [m for m in MEANINGS if m.op.monotone], ids=str)
    def test_the_ends_decide_where_values_are_missing(self, meaning):
        rng = random.Random(str(meaning))
        for _ in range(60):
            sets = [rng.sample(range(lo, hi + 1), rng.randint(1, hi - lo + 1)) for lo, hi in meaning.ranges]
            found = [meaning.plain(*values) for values in product(*sets)]
            assert meaning.op.bound(*[(min(s), max(s)) for s in sets]) == (min(found), max(found)), sets

    @pytest.mark.parametrize("meaning", [m for m in MEANINGS if m.op.gapless], ids=str)
    def test_every_integer_between_the_ends_occurs(self, meaning):
        rng = random.Random(str(meaning))
        for _ in range(60):
            spans = [sorted(rng.choices(range(lo, hi + 1), k=2)) for lo, hi in meaning.ranges]
            found = {meaning.plain(*values) for values in product(*(range(lo, hi + 1) for lo, hi in spans))}
            assert found == set(range(min(found), max(found) + 1)), spans


WIDE = st.integers(-(2**61), 2**61 - 1)
EDGES = [s + d for s in (2**53, 2**62 - 1, 2**31, 2**32, 2**61, 0) for d in (-2, -1, 0) if 0 <= s + d < 2**62]


def agree(op, *operands):
    """Both kits give the same; arrays are tried as arrays, and broadcast."""
    expected = op.evaluate(INTEGERS, *operands)
    found = op.evaluate(ARRAYS, *(np.array([[v]], dtype=np.int64) for v in operands))
    assert int(np.asarray(found).item()) == expected, (op, operands)
    assert np.asarray(found).dtype == np.int64


class TestKitsAgreeOnWideWords:
    """Every operand and result that int64 may hold: 62 bits and a sign."""

    @given(WIDE, WIDE)
    def test_add_and_subtract(self, a, b):
        agree(Add(), a // 2, b // 2)
        agree(Subtract(), a // 2, b // 2)

    @given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**30), 2**30))
    def test_multiply(self, a, b):
        agree(Multiply(), a, b)

    @given(WIDE, st.integers(0, 200))
    def test_shift_right_beyond_the_width(self, a, s):
        agree(ShiftRightBy(), a, s)
        agree(ShiftRight(s), a)

    @pytest.mark.parametrize("a", [0, 1, -1, 2**62 - 1, -(2**62)])
    @pytest.mark.parametrize("s", [61, 62, 63, 64, 65, 127, 128, 1 << 40])
    def test_shift_right_at_the_edges(self, a, s):
        agree(ShiftRightBy(), a, s)
        assert ShiftRightBy().evaluate(INTEGERS, a, s) == (0 if a >> 61 == 0 else a >> s)

    @given(st.integers(-(2**20), 2**20), st.integers(0, 41))
    def test_shift_left(self, a, s):
        agree(ShiftLeftBy(), a, s)
        agree(ShiftLeft(s), a)

    @given(WIDE | st.sampled_from(EDGES), st.integers(0, 61))
    def test_low_bits(self, a, count):
        agree(LowBits(count), a)

    @pytest.mark.parametrize("count", [62, 63, 64, 200])
    @pytest.mark.parametrize("a", [0, 5, 2**62 - 1])
    def test_low_bits_beyond_the_width(self, a, count):
        agree(LowBits(count), a)

    @given(st.integers(0, 2**62 - 1) | st.sampled_from(EDGES))
    def test_leading_zeros_and_normalise(self, a):
        agree(LeadingZeros(62), a)
        agree(Normalise(62), a)

    @pytest.mark.parametrize("bits", range(63))
    def test_bit_length_at_every_power_of_two(self, bits):
        for a in {max(0, 2**bits - 1), 2**bits if bits < 62 else 0, 2**bits + 1 if bits < 62 else 0}:
            agree(LeadingZeros(62), a)

    @given(
        st.integers(0, 2**62 - 1) | st.sampled_from(EDGES),
        st.integers(0, 2**62 - 1) | st.sampled_from(EDGES) | st.integers(0, 9),
    )
    def test_divide(self, a, b):
        agree(Divide(0), a, b)
        agree(Divide(-3), a, b)

    @given(st.integers(1, 2**26), st.integers(1, 2**27), st.integers(-1, 1))
    def test_divide_where_float64_almost_reaches_the_next_quotient(self, q, b, d):
        agree(Divide(0), max(0, q * b + d), b)

    def test_divide_mixes_zero_and_other_divisors(self):
        found = Divide(7).evaluate(ARRAYS, np.array([5, 5, 0]), np.array([0, 2, 0]))
        assert found.tolist() == [7, 2, 7]


@pytest.mark.parametrize("op", [Add(), Select(), ShiftRight(1)], ids=repr)
def test_operations_are_values(op):
    """Equal operations are one node of a drawing."""
    assert op == type(op)(*vars(op).values())
    assert hash(op) == hash(type(op)(*vars(op).values()))
