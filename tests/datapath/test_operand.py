"""Operands in Verilog text: every extension and slice is written out, and unread bits are known."""

# ruff: noqa: E501  (cases stand one to a line)

import pytest

from narrowmax.datapath import Operand, literal, width_of


@pytest.mark.parametrize(
    "value, width, text", [(5, 4, "4'd5"), (-1, 4, "4'd15"), (-8, 4, "4'd8"), (0, 1, "1'd0"), (300, 8, "8'd44")]
)
def test_literals(value, width, text):
    assert literal(value, width) == text


@pytest.mark.parametrize("signed, width, text", [
    (False, 8, "{4'd0, a}"), (True, 8, "{{4{a[3]}}, a}"), (False, 4, "a"), (True, 4, "a"), (False, 2, "a[1:0]"), (True, 1, "a[0]"),
])  # fmt: skip
def test_extension_and_cutting(signed, width, text):
    assert Operand("a", 4, signed).bits(width) == text


@pytest.mark.parametrize("signed, drop, width, text", [
    (False, 1, 4, "{1'd0, a[3:1]}"), (True, 1, 4, "{{1{a[3]}}, a[3:1]}"), (True, 2, 2, "a[3:2]"), (False, 9, 3, "3'd0"),
    (True, 9, 3, "{3{a[3]}}"), (False, 3, 1, "a[3]"),
])  # fmt: skip
def test_dropping_low_bits(signed, drop, width, text):
    assert Operand("a", 4, signed).bits(width, drop) == text


def test_shifting_left():
    assert Operand("a", 4, False).shifted(8, 2) == "{{2'd0, a}, 2'd0}"
    assert Operand("a", 4, True).shifted(3, 3) == "3'd0"
    assert Operand("a", 4, True).shifted(6, 0) == "{{2{a[3]}}, a}"


def test_constants_are_literals():
    constant = Operand("k", 4, True, value=-3)
    assert constant.bits(8) == "8'd253" and constant.shifted(8, 1) == "8'd250" and constant.slice(1, 0) == "2'd1"
    assert constant.bits(4, drop=1) == literal(-2, 4) and constant.unused() == []


def test_unread_bits():
    a = Operand("a", 8, False)
    a.slice(3, 2), a.slice(6, 6)
    assert a.unused() == [(1, 0), (5, 4), (7, 7)]


@pytest.mark.parametrize("lo, hi", [(lo, hi) for lo in range(-9, 10) for hi in range(lo, 10)])
def test_width_is_the_least_that_holds_the_range(lo, hi):
    def holds(bits):
        return -(2 ** (bits - 1)) <= lo and hi < 2 ** (bits - 1) if lo < 0 else hi < 2**bits

    assert holds(width_of(lo, hi)) and (width_of(lo, hi) == 1 or not holds(width_of(lo, hi) - 1))
