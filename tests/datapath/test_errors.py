"""Error rules are sound: no combination of operands and upstream errors leaves the interval."""

# ruff: noqa: E501  (cases stand one to a line)

from fractions import Fraction
from itertools import product

import pytest

from narrowmax.datapath import INTEGERS, Lookup, Table
from narrowmax.datapath.operations import (
    Add,
    Constant,
    Divide,
    Equal,
    Known,
    LeadingZeros,
    Less,
    LowBits,
    Maximum,
    Minimum,
    Multiply,
    Normalise,
    Select,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip

EXACT = (Fraction(0), Fraction(0))
ERRORS = [EXACT, (Fraction(-1, 2), Fraction(1, 4)), (Fraction(0), Fraction(3, 4)), (Fraction(-2), Fraction(-1))]

# what each operation would hold without any rounding: a function of reals
REAL = {
    Add: lambda a, b: a + b,
    Subtract: lambda a, b: a - b,
    Multiply: lambda a, b: a * b,
    Minimum: min,
    Maximum: max,
    ShiftRightBy: lambda a, s: a / 2 ** int(s),
    ShiftLeftBy: lambda a, s: a * 2 ** int(s),
    Divide: lambda a, b: a / b,
    Select: lambda c, a, b: a if c else b,
}
TWO = [((-3, 4), (-2, 2)), ((0, 3), (1, 4)), ((-4, -2), (3, 5))]
CASES = [
    *((op(), r, e) for op in (Add, Subtract, Multiply, Minimum, Maximum) for r in TWO for e in product(ERRORS, repeat=2)),
    *((op(), r, (e, EXACT)) for op in (ShiftRightBy, ShiftLeftBy) for r in (((-9, 9), (0, 4)), ((3, 12), (1, 2))) for e in ERRORS),
    *((Divide(0), r, e) for r in (((0, 12), (4, 7)), ((5, 9), (3, 3))) for e in product(ERRORS, repeat=2)),
    *((Select(), (c, *TWO[0]), (EXACT, *e)) for c in ((0, 0), (0, 1), (1, 1)) for e in product(ERRORS, repeat=2)),
]  # fmt: skip


def steps(interval):
    lo, hi = interval
    return sorted({lo, hi, (lo + hi) / 2, lo + (hi - lo) / 3})


@pytest.mark.parametrize("op, ranges, errors", CASES)
def test_rules_are_sound(op, ranges, errors):
    lo, hi = op.error(list(ranges), list(errors))
    for operands in product(*(range(a, b + 1) for a, b in ranges)):
        held = op.evaluate(INTEGERS, *operands)
        for e in product(*map(steps, errors)):
            true = REAL[type(op)](*(Fraction(v) - d for v, d in zip(operands, e, strict=True)))
            assert lo <= held - true <= hi, (operands, e)


@pytest.mark.parametrize("op", [Add(), Subtract(), Multiply(), Minimum(), Maximum()], ids=repr)
def test_rules_of_exact_operands_say_exact(op):
    assert op.error([(-3, 4), (2, 5)], [EXACT, EXACT]) == EXACT


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("error", ERRORS)
def test_a_constant_shift_right_is_tight(count, error):
    lo, hi = ShiftRight(count).error([(-40, 40)], [error])
    found = [Fraction(a >> count) - (a - e) / 2**count for a in range(-40, 41) for e in error]
    assert (min(found), max(found)) == (lo, hi)


def test_a_constant_shift_left_scales():
    assert ShiftLeft(3).error([(0, 5)], [(Fraction(-1, 2), Fraction(1))]) == (-4, 8)


def test_constants_and_assertions_add_nothing():
    assert Constant(4).error([], []) == EXACT
    assert Known(0, 9, "why", "sampled").error([(0, 9)], [ERRORS[1]]) == ERRORS[1]


UPSET = [Less(), Equal(), LowBits(2), LeadingZeros(4), Normalise(4)]


@pytest.mark.parametrize("op", UPSET, ids=repr)
def test_what_any_error_may_upset_has_a_rule_for_exact_operands_only(op):
    ranges = [(0, 15)] * op.arity
    assert op.error(ranges, [EXACT] * op.arity) == EXACT
    assert op.error(ranges, [ERRORS[1]] * op.arity) is None


def test_an_uncertain_choice_shift_or_divisor_has_no_rule():
    assert Select().error([(0, 1), (0, 3), (0, 3)], [ERRORS[1], EXACT, EXACT]) is None
    assert ShiftRightBy().error([(0, 9), (0, 3)], [EXACT, ERRORS[1]]) is None
    assert ShiftLeftBy().error([(0, 9), (0, 3)], [EXACT, ERRORS[1]]) is None
    assert Divide(0).error([(0, 9), (0, 3)], [EXACT, EXACT]) is None
    assert Divide(0).error([(0, 9), (1, 3)], [EXACT, (Fraction(0), Fraction(1))]) is None


class TestTables:
    table = Table("thirds", (0, 1, 1, 3), 1, "i/3", "by hand", lambda i: Fraction(i, 3))

    def test_the_error_is_measured_over_the_indices_that_occur(self):
        assert Lookup(self.table).error([(0, 3)], [EXACT]) == (Fraction(-1, 3), Fraction(1))
        assert Lookup(self.table).error([(1, 2)], [EXACT]) == (Fraction(-1, 3), Fraction(1, 3))

    def test_an_uncertain_index_has_no_rule(self):
        assert Lookup(self.table).error([(0, 3)], [ERRORS[1]]) is None

    def test_without_a_function_or_at_its_pole_there_is_no_rule(self):
        bare = Table("bare", (1, 2), 0, "?", "by hand")
        pole = Table("reciprocal", (9, 8), 3, "1/i", "by hand", lambda i: Fraction(1, i))
        assert Lookup(bare).error([(0, 1)], [EXACT]) is None
        assert Lookup(pole).error([(0, 1)], [EXACT]) is None
        assert Lookup(pole).error([(1, 1)], [EXACT]) == EXACT
