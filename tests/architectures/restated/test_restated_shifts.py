"""The restated units of shifts and adds by hand and against the error figures that architectures.md quotes."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from tests.architectures.restated.log_domain import log_domain, power_by_shifts
from tests.architectures.restated.mitchell import mitchell, quotient
from tests.architectures.restated.power_of_two import power_of_two, power_of_two_division
from tests.architectures.restated.pseudo_softmax import added, pseudo_softmax, reciprocal
from tests.architectures.restated.sole import sole

CODES = [(37 * i) % 91 - 45 for i in range(20)]
EXACT = [math.exp(c / 16) / sum(math.exp(d / 16) for d in CODES) for c in CODES]


def packed(exponent: int, mantissa: int) -> int:
    return (exponent % 512) << 8 | mantissa


def test_pseudo_softmax_by_hand():
    assert pseudo_softmax([0]) == [packed(-1, 248)]  # 1.9375 / 2 = 0.96875
    assert pseudo_softmax([-128, -128]) == [packed(-2, 248)] * 2
    # 2 + 1 = 1.5 * 2: 1.125 - 0.46875 = 0.65625 = 168/256
    assert pseudo_softmax([1, 0]) == [packed(-1, 168), packed(-2, 168)]
    assert pseudo_softmax([0, 0, 0], output_fraction=8) == [84, 84, 84]
    assert pseudo_softmax([3, 99, 3, 3], [True, False, True, True], output_fraction=8) == [84, 0, 84, 84]
    assert pseudo_softmax([4, 0], threshold=-4) == [packed(-1, 238), 0]  # 272/256: 408 - 136 - 34 = 238
    assert pseudo_softmax([1], [False]) == [0]
    with pytest.raises(OverflowError):
        pseudo_softmax([127, 127, -128])


def test_pseudo_softmax_adder_cuts():
    assert added((257, 0), (256, -9), "floor") == (257, 0) and added((256, -9), (257, 0), "half_up") == (258, 0)
    assert added((257, 3), (256, 3), "floor") == (256, 4) and added((257, 3), (256, 3), "half_up") == (257, 4)


def test_pseudo_softmax_reciprocal_has_the_reported_maximum_error():
    for cut in ("terms", "product"):
        errors = [abs(Fraction(reciprocal(m, cut), 256) - Fraction(256, m)) for m in range(256, 512)]
        assert max(errors) == Fraction(1, 32)
    errors = [abs(Fraction(reciprocal(m, "result"), 256) - Fraction(256, m)) for m in range(256, 512)]
    assert Fraction(1, 32) < max(errors) < Fraction(315, 10000)


def test_log_domain_by_shifts_by_hand():
    assert log_domain([9]) == [256]
    # sum 2: 2048 + 512 + 256 = 2816; -2816 - 1408 + 176 = -4048 = -4096 + 48: (1 + 48/4096) / 2
    assert log_domain([0, 0]) == [129, 129]
    # -1: -23 = -32 + 9, 1.5625 / 4, 1600; sum 5696, y 1600: 800 + 200 + 100; -1100 - 550 + 69 = -4096 + 2515;
    # -5196 - 2598 + 325 = -8192 + 723
    assert log_domain([0, -16]) == [206, 75]
    assert log_domain([0, 50, -16], [True, False, True]) == [206, 0, 75]
    assert log_domain([0], [False]) == [0]


def test_log_domain_line_has_the_quoted_error():
    ratios = [float(power_by_shifts(-t, 10, 8, 0)) / 2 ** (-1.4375 * t / 1024) - 1 for t in range(4096)]
    assert min(ratios) > -1e-4 and 0.0612 < max(ratios) < 0.0616  # 0 .. +6.15 %


def test_log_domain_by_tables_by_hand():
    assert log_domain([9], variant="tables") == [256]
    # ln 2 = 2839; nodes 2192 and 1935, 0.545 of the way: 2051 >> 4
    assert log_domain([0, 0], variant="tables") == [128, 128]


@pytest.mark.parametrize("variant, tolerance", [("tables", 0.02), ("shifts", 0.04)])
def test_log_domain_follows_softmax(variant: str, tolerance: float):
    out = log_domain(CODES, variant=variant, output_fraction=12)
    assert all(abs(y / 4096 - p) < tolerance for y, p in zip(out, EXACT))


def test_sole_by_hand():
    assert sole([0]) == [209] and sole([0, 0]) == [104, 104]  # 0.818 of 256, and of 128
    # -1: -23/16, down to -2: 1.25, top fraction bit 0; up to -1: 1.5, 0.568
    assert sole([0, -16]) == [209, 52] and sole([0, -16], rounding="half_up") == [145, 72]
    # the other way round the first term is shifted by 2 when the maximum grows, and its code corrected
    assert sole([-16, 0]) == [52, 209]
    # two steps of 1/2 are -13/16 each, one place each if cut: 1/4 + 1/2 + 1; in one chunk -23/16 is two places
    assert sole([-16, -8, 0]) == [36, 72, 145] and sole([-16, -8, 0], chunk=3) == [36, 72, 145]
    assert sole([0, 7, 0], [True, False, True]) == [104, 0, 104] and sole([0], [False]) == [0]


def test_sole_constants_have_the_quoted_spread():
    products = [float((Fraction("0.818") if s < 500 else Fraction("0.568")) * (1000 + s)) / 1000 for s in range(1000)]
    assert min(products) == 0.818 and 1.226 < max(products) < 1.227
    assert sum(products) / 1000 == pytest.approx(1.008, abs=2e-3)


def test_mitchell_by_hand():
    assert mitchell([3, 1]) == [192, 64]
    assert mitchell([1, 1, 1]) == [96, 96, 96]  # (2 - 0.5) / 2 / 2 = 0.375, 12.5 % above a third
    assert mitchell([5, 3], mantissa=1) == [128, 96]  # 5 = 1.25 * 4 is cut to 4: 0.5; 3 over 8
    assert mitchell([0, 4, 9], [True, True, False]) == [0, 256, 0]


def test_mitchell_has_the_quoted_error():
    pairs = [(256 + 3 * i, 256 + 3 * j) for i in range(85) for j in range(85)]
    errors = [float(quotient(a, b) * b / a) - 1 for a, b in pairs]
    assert min(errors) == 0 and 0.12 < max(errors) <= 0.125
    assert sum(errors) / len(errors) == pytest.approx(0.041, abs=1e-3)


def test_power_of_two_by_hand():
    assert power_of_two([0, 0, 0]) == [128] * 3 and power_of_two([0, 0, 0], log2="nearest") == [64] * 3
    assert power_of_two([2, 1, 0]) == [256, 128, 64] and power_of_two([2, 1, 0], log2="half") == [128, 64, 32]
    assert power_of_two([2, 1, 0], output_fraction=None) == [0, 1, 2]
    assert power_of_two([5, 4, 3, 3]) == [128, 64, 32, 32]  # 1 + 1/2 + 1/4 + 1/4 = 2
    assert power_of_two([5, 4, 3, 3], sum_fraction=1) == [256, 128, 64, 64]
    assert power_of_two([5, 9, 3], [True, False, True]) == [256, 0, 64] and power_of_two([0], [False]) == [0]
    assert power_of_two_division([3, 1, 1]) == [192, 64, 64] and power_of_two_division([3], [False]) == [0]
