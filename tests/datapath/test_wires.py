"""Wires: binary points, Python's traps, and messages to the letter."""

# ruff: noqa: E501  (cases stand one to a line)

import math
import operator
import re
from fractions import Fraction

import numpy as np
import pytest
from tests.datapath.drawings import free, values

from narrowmax.datapath import Drawing, Rate, Table, Wire, total
from narrowmax.datapath.operations import Constant, Maximum, Minimum
from narrowmax.datapath.traps import TRAPS
from narrowmax.errors import GraphError


def one(lo=-8, hi=7, point=0):
    return free(Drawing(), (lo, hi), point=point)[0]


def raises(message: str):
    return pytest.raises(GraphError, match=f"^{re.escape(message)}$")


class TestBinaryPoints:
    """Values are code * 2**-point; what the methods compute is right in values."""

    def test_sums_and_comparisons_align(self):
        a, b = free(Drawing(), (0, 3), (0, 3), point=0)
        b = b.at_point(2)
        for wire in (a + b, a - b, a.minimum(b), a.maximum(b), (a < b).select(a, b)):
            assert wire.point == 2
        assert (a + b).range == (0, 15)
        assert values(a < b) == {0, 1}
        assert (a < b).point == 0 and a.equals(b).point == 0

    def test_integers_are_codes_at_the_wires_point(self):
        x = one(point=3)
        assert ((x + 1).range, (x + 1).point) == ((-7, 8), 3)
        assert ((x.minimum(3)).range, x.minimum(3).point) == ((-8, 3), 3)
        assert (1 - x).range == (-6, 9)

    def test_products_add_points_and_integers_have_none(self):
        x = one(point=3)
        assert (x * x).point == 6
        assert ((x * 3).point, (x * 3).range) == (3, (-24, 21))
        assert (3 * x).point == 3

    def test_a_wire_that_became_a_constant_multiplies_like_a_wire(self):
        """What folding finds out may not change the binary point."""
        x = one(point=3)
        folded = (x * 0) + 2
        assert isinstance(folded.op, Constant)
        assert (x * folded).point == 6

    def test_quotients_subtract_points_and_integers_have_none(self):
        a, b = (w.at_point(5) for w in free(Drawing(), (0, 9), (1, 9)))
        assert a.divide(b.at_point(2), by_zero=0).point == 3
        assert (a.divide(3, by_zero=0).point, a.divide(3, by_zero=0).range) == (5, (0, 3))

    def test_shifts_keep_the_point_and_drop_and_extend_move_it(self):
        x = one(point=3)
        assert [(x << 1).point, (x >> 1).point, x.drop(1).point, x.extend(2).point, x.at_point(9).point] == [
            3,
            3,
            2,
            5,
            9,
        ]
        assert [(x << 1).range, (x >> 1).range, x.drop(1).range, x.extend(2).range] == [
            (-16, 14),
            (-4, 3),
            (-4, 3),
            (-32, 28),
        ]

    def test_moving_by_nothing_draws_nothing(self):
        x = one(point=3)
        assert all(w is x for w in (x << 0, x >> 0, x.drop(0), x.extend(0), x.at_point(3)))

    def test_counts_have_no_fraction(self):
        assert one(0, 7, point=3).leading_zeros(5).point == 0
        assert one(0, 7, point=3).normalise(5).point == 3


class TestFolding:
    def test_an_operation_is_drawn_once(self):
        x, y = free(Drawing(), (0, 7), (0, 7))
        assert x + y is x + y
        assert x + y is not y + x
        assert x + 1 is x + np.int64(1)

    def test_ranges_that_decide_need_no_comparator(self):
        x = one(0, 7)
        assert x.maximum(0) is x and x.minimum(7) is x
        assert isinstance(x.minimum(0).op, Constant)

    def test_a_slower_wire_that_decides_does_not_change_the_rate(self):
        drawing = Drawing(max_n=4)
        (x,) = free(drawing, (0, 7))
        high = total(x) + 7
        assert high.rate is Rate.ROW
        assert x.maximum(high).rate is Rate.ELEMENT and isinstance(x.maximum(high).op, Maximum)
        assert x.minimum(high) is x

    def test_a_constant_keeps_the_rate_it_was_found_at(self):
        drawing = Drawing(max_n=4)
        (x,) = free(drawing, (0, 7))
        ones = (x < 9) + 0
        assert isinstance(ones.op, Constant) and ones.rate is Rate.ELEMENT
        assert total(ones).range == (0, 4)

    def test_a_constant_zero_keeps_its_rate_at_another_point(self):
        drawing = Drawing(max_n=4)
        (x,) = free(drawing, (0, 7), point=2)
        zero = (x * 0).at_point(0)
        assert zero.extend(5).rate is Rate.ELEMENT
        assert (zero + x).rate is Rate.ELEMENT

    def test_select_of_a_decided_condition_still_selects(self):
        x = one(0, 7)
        assert (x < 8).select(x, 99).range == (0, 7)

    def test_minimum_of_equal_ends(self):
        a, b = free(Drawing(), (0, 3), (3, 9))
        assert a.minimum(b) is a and b.maximum(a) is b
        assert isinstance(b.minimum(a.maximum(2)).op, Minimum) or b.minimum(a.maximum(2)).range == (2, 3)


class TestPythonsTraps:
    def test_truth_value(self):
        message = (
            "a wire has no truth value while it is drawn; use .select(yes, no) instead of if, and write "
            "comparison chains such as a < b < c as two comparisons"
        )
        x = one()
        for trap in (
            lambda: bool(x),
            lambda: not x,
            lambda: x and 1,
            lambda: 0 < x < 3,
            lambda: min(x, x),
            lambda: 1 if x else 2,
        ):
            with raises(message):
                trap()

    @pytest.mark.parametrize("name", [n for names, *_ in TRAPS for n in names])
    def test_every_closed_method_says_what_to_use(self, name):
        symbol, remedy = next((s, r) for names, s, r in TRAPS if name in names)
        with raises(f"{symbol} has no meaning on a wire; {remedy}"):
            getattr(Wire, name)(one())

    @pytest.mark.parametrize("trap", [
        lambda x: x / 2, lambda x: 2 / x, lambda x: x // 2, lambda x: 7 // x, lambda x: x % 2, lambda x: 2 % x,
        lambda x: divmod(x, 2), lambda x: x**2, lambda x: 2**x, lambda x: x @ x, lambda x: x & 1, lambda x: 1 & x,
        lambda x: x | 1, lambda x: x ^ 1, lambda x: ~x, lambda x: +x, lambda x: 1 << x, lambda x: 256 >> x,
        float, int, complex, round, math.floor, math.ceil, math.trunc, math.sqrt, abs, len, list, range, operator.index,
        reversed, lambda x: [1, 2][x], lambda x: x[0], lambda x: 3 in x, lambda x: sum(x), lambda x: f"{x:d}" and int(x),
        lambda x: tuple(x), lambda x: (lambda a, b: a)(*x),
    ])  # fmt: skip
    def test_python_reaches_the_closed_methods(self, trap):
        with pytest.raises((GraphError, TypeError)) as caught:
            trap(one())
        assert isinstance(caught.value, GraphError) or "unsupported format string" in str(caught.value)

    @pytest.mark.parametrize("verb, do", [
        ("add", lambda x: x + 0.5), ("add", lambda x: 0.5 + x), ("subtract", lambda x: x - 0.5), ("subtract", lambda x: 0.5 - x),
        ("multiply", lambda x: x * 0.5), ("multiply", lambda x: 0.5 * x), ("compare", lambda x: x < 0.5),
        ("compare", lambda x: 0.5 <= x), ("compare", lambda x: x.maximum(0.5)), ("compare", lambda x: x.equals(0.5)),
        ("select", lambda x: (x < 1).select(0.5, x)), ("divide", lambda x: x.divide(0.5, 0)), ("add", lambda x: x + np.float64(0.5)),
    ])  # fmt: skip
    def test_floats(self, verb, do):
        with pytest.raises(GraphError) as caught:
            do(one(0, 7))
        value = "np.float64(0.5)" if "float64" in str(caught.value) else "0.5"
        assert str(caught.value) == (
            f"cannot {verb} a wire and the float {value}; wires are exact integers; "
            "write the constant as an integer code, or use a table"
        )

    @pytest.mark.parametrize("other", ["3", None, Fraction(1, 2), np.array([1, 2]), np.float32(1), [1]], ids=repr)
    @pytest.mark.parametrize("verb, do", [
        ("add", lambda x, o: x + o), ("subtract", lambda x, o: o - x), ("multiply", lambda x, o: x * o),
        ("compare", lambda x, o: o < x), ("divide", lambda x, o: x.divide(o, 0)),
    ])  # fmt: skip
    def test_other_things(self, other, verb, do):
        with raises(f"cannot {verb} a wire and {type(other).__name__}; a wire or an integer is allowed"):
            do(one(0, 7), other)

    def test_numpy_integers_and_scalars_are_integers(self):
        x = one()
        assert (np.int64(3) + x).range == (-5, 10)
        assert (np.int32(3) * x).range == (-24, 21)
        assert (x + True).range == (-7, 8)

    def test_equality(self):
        x, y = free(Drawing(), (0, 7), (0, 7))
        assert x == x and x != y and x in [y, x]
        with raises("a wire cannot be compared with 3 by ==; use .equals(3), which draws a wire"):
            x == 3  # noqa: B015
        with raises("a wire cannot be compared with None by ==; use .equals(None), which draws a wire"):
            x != None  # noqa: B015, E711

    def test_wires_of_two_drawings(self):
        with raises(
            "a wire of another drawing cannot be used here; inside a fold or scan use only its arguments "
            "and constants, and pass whatever else is needed as one more wire"
        ):
            one() + one()


SHORT = Table("short", (1, 2, 3), 0, "1 + i", "by hand")
MESSAGES = [
    (lambda x: x.lookup(SHORT),
     "the table short has 3 entries, its index ranges over -8..7; clamp the index first, with .minimum(2) or .maximum(0)"),
    (lambda x: x.maximum(0).lookup(SHORT),
     "the table short has 3 entries, its index ranges over 0..7; clamp the index first, with .minimum(2) or .maximum(0)"),
    (lambda x: x.divide(3, 0),
     "a division needs operands that are not negative; the wire ranges over -8..7, the divisor over 3..3; "
     "divide magnitudes, or use .known or .maximum(0)"),
    (lambda x: x.leading_zeros(8), "leading zeros need a wire that is not negative; this one ranges over -8..7"),
    (lambda x: x.maximum(0).normalise(2),
     "a word of 2 bits does not hold 0..7; state one of 3 bits or more, which may not depend on max_n"),
    (lambda x: x.maximum(0).normalise(None), "a word needs an integer number of bits >= 0, not None"),
    (lambda x: x.select(1, 2), "a condition is 0 or 1, this one ranges over -8..7; compare first"),
    (lambda x: x << x, "<< needs an amount >= 0; the wire ranges over -8..7; use .maximum(0)"),
    (lambda x: x >> x, ">> needs an amount >= 0; the wire ranges over -8..7; use .maximum(0)"),
    (lambda x: x << x.maximum(1) * 99999, "a shift left by more than 65,536 bits is possible here; bound it with .minimum"),
    (lambda x: x << -1, "<< needs an integer number of bits >= 0, not -1"),
    (lambda x: x >> 1.0, ">> needs an integer number of bits >= 0, not 1.0"),
    (lambda x: x >> "1", ">> needs an integer number of bits >= 0, not '1'"),
    (lambda x: x.low_bits(-2), "low_bits needs an integer number of bits >= 0, not -2"),
    (lambda x: x.drop(0.5), "drop needs an integer number of bits >= 0, not 0.5"),
    (lambda x: x.extend(-1), "extend needs an integer number of bits >= 0, not -1"),
    (lambda x: x.named("two words"), "a wire's name is 'two words'; ASCII letters, digits and _ are allowed; choose another"),
    (lambda x: x.named("größe"), "a wire's name is 'größe'; ASCII letters, digits and _ are allowed; choose another"),
    (lambda x: x.drawing.constant(0.5), "a constant is 0.5; an integer code is allowed; scale and round it first"),
    (lambda x: x.known(9, 12, "no"), "the wire ranges over -8..7, which excludes the known 9..12; correct the bounds"),
    (lambda x: x.known(5, 3, "no"), "the wire ranges over -8..7, which excludes the known 5..3; correct the bounds"),
]  # fmt: skip


@pytest.mark.parametrize("do, message", MESSAGES, ids=[m[:40] for _, m in MESSAGES])
def test_messages(do, message):
    with raises(message):
        do(one())


def test_counts_that_are_wires_are_refused_where_a_number_is_meant():
    x = one(0, 3)
    for do, name in ((x.low_bits, "low_bits"), (x.drop, "drop"), (x.extend, "extend"), (x.leading_zeros, "a word")):
        with raises(f"{name} needs an integer number of bits >= 0, not {x!r}"):
            do(x)


def test_the_first_name_stays_and_shows():
    x = one()
    assert x.named("logit").named("other").name == "logit"
    assert repr(x) == "<logit: element -8..7 point 0>"
    assert repr(x + 1) == "<w2: element -7..8 point 0>"


@pytest.mark.parametrize("lo, hi, bits, signed", [
    (0, 0, 1, False), (0, 1, 1, False), (0, 255, 8, False), (0, 256, 9, False), (-1, 0, 1, True), (-1, 1, 2, True),
    (-128, 127, 8, True), (-129, 0, 9, True), (-1, 128, 9, True), (5, 6, 3, False), (-2, -2, 2, True),
])  # fmt: skip
def test_widths(lo, hi, bits, signed):
    x = one(lo, hi)
    assert (x.bits, x.signed) == (bits, signed)
