"""The restated rules of evaluation (polynomial, lines, tables, CORDIC) by hand and against quoted figures."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from tests.architectures.restated.basic_split import basic_split, tables
from tests.architectures.restated.bipartite import bipartite, roms
from tests.architectures.restated.cordic import constants, cordic, divide, indices, rotate
from tests.architectures.restated.piecewise_linear import PUBLIC_CUTS, PUBLIC_LAST, piecewise_linear
from tests.architectures.restated.polynomial import newton, poly2, polynomial

CODES = [(37 * i) % 91 - 45 for i in range(20)]
TOP = max(CODES)
EXACT = [math.exp((c - TOP) / 16) / sum(math.exp((d - TOP) / 16) for d in CODES) for c in CODES]


def close(out: list[int], fraction: int, tolerance: float) -> bool:
    return all(abs(y / 2**fraction - p) < tolerance for y, p in zip(out, EXACT))


def test_polynomial_by_hand():
    # base 2, 1 + v: codes 0, -8, -24 are 0, -0.5 = -1 + 0.5, -1.5 = -2 + 0.5: 1, 0.75, 0.375 of sum 2.125
    line = {"coefficients": [1024, 1024], "coefficient_fraction": 10, "exp_fraction": 8, "output_fraction": 8}
    assert polynomial([0, -8, -24], **line) == [256 * 256 // 544, 192 * 256 // 544, 96 * 256 // 544] == [120, 90, 45]
    # the other way, 1 + v/2 on (-1, 0]: 1, 0.75, 0.375 again; nearest, 1 + v: -0.5 = 0 - 0.5 and -1.5 = -1 - 0.5
    assert polynomial([0, -8, -24], **line | {"coefficients": [1024, 512], "split": "down"}) == [120, 90, 45]
    assert polynomial([0, -8, -24], **line | {"split": "near"}) == [256 * 256 // 448, 128 * 256 // 448, 64 * 256 // 448]
    assert polynomial([5, 0], [True, False], **line) == [256, 0] and polynomial([5], [False], **line) == [0]


def test_polynomial_follows_softmax():
    log2 = {"log2_code": round(2**16 / math.log(2)), "log2_fraction": 16}
    terms = [round(math.log(2) ** k / math.factorial(k) * 2**16) for k in range(7)]
    for steps in (None, 3):
        for split in ("up", "near"):
            out = polynomial(CODES, coefficients=terms, coefficient_fraction=16, split=split, steps=steps, **log2)
            assert close(out, 12, 6e-4)


def test_newton_by_hand():
    # total 3 = 0.75 * 4: 48/17 - 24/17 = 1.41176 = 361/256; 361 * 0.75 = 270.75; 361 * (512 - 270) / 256 = 341.26
    assert newton(3, 0, (Fraction(48, 17), Fraction(-32, 17)), 8) == (361, 2)
    assert newton(3, 1, (Fraction(48, 17), Fraction(-32, 17)), 8) == (341, 2)


def test_poly2_has_the_quoted_error():
    assert poly2(Fraction(0)) == (0, 2**14)
    # -1: k = -1, r = -0.30685 = -5027 codes; u = 16631 - 2513.5 = 14117.5, to even 14118; u * r = -4331.7
    assert poly2(Fraction(-1)) == (-1, 16384 - 4332)
    worst = 0.0
    for i in range(4000):
        x = Fraction(-i, 200)
        k, e = poly2(x)
        worst = max(worst, abs(e * 2.0 ** (k - 14) / math.exp(x) - 1))
    assert 0.0018 < worst < 0.0030  # 0.23 % in the text, for coefficients that are not rounded to 1.0151 and 1/2


def test_piecewise_linear_by_hand():
    # cuts at -2 and -1, lines 0, t/4 + 1/2, t/2 + 1: t = 0, -1, -1.5, -2.0625
    lines = {"cuts": [-32, -16], "slopes": [0, 1, 2], "intercepts": [0, 2, 4]}
    lines |= {"slope_fraction": 2, "intercept_fraction": 2}
    # 256, 128 (a cut belongs to the segment above it), 32, 0: sum 416
    assert piecewise_linear([0, -16, -24, -33], **lines) == [157, 78, 19, 0]
    assert piecewise_linear([0, 0], [True, False], **lines) == [256, 0]


def test_public_table_as_far_as_it_is_known():
    cuts = [Fraction(c) for c in PUBLIC_CUTS]
    assert len(cuts) == 15 and cuts == sorted(cuts)
    slope, intercept = map(float, PUBLIC_LAST)
    assert intercept == pytest.approx(0.9947, abs=1e-4)  # exp(0)
    assert slope * float(cuts[-1]) + intercept == pytest.approx(math.exp(cuts[-1]), abs=0.006)


def test_basic_split_by_hand():
    high, low = tables((1, 1), 0, 8)[::-1]
    assert low == (256, 94) and high == (256, 35)  # 256/e = 94.2, 256/e**2 = 34.6
    # 256, 94, 35, 94 * 35 >> 8 = 12: sum 397; and 4 is beyond
    options = {"groups": (1, 1), "input_fraction": 0, "table_fraction": 8}
    assert basic_split([0, -1, -2, -3, -4], **options) == [165, 60, 22, 7, 0]
    assert basic_split([0, -4], **options, beyond="hold") == [244, 11]


def test_basic_split_reaches_the_quoted_error():
    assert close(basic_split(CODES, groups=(4, 4), table_fraction=30, output_fraction=30), 30, 1e-8)
    assert basic_split([3, 9], [True, False]) == [256, 0]


def test_bipartite_by_hand():
    t0, t1 = roms()
    assert len(t0) == len(t1) == 256
    assert t0[0] == 31884 and t1[0] == 701 and t1[7] == -701  # exp(-3.5/128); exp(-31.5/128) * 3.5/128 = 0.021378
    # one element: 32585, leading bit 14: -89 + 87 is held at 0, so it is the same again
    assert bipartite([0]) == [32585]
    # two: 65170, leading bit 15, mantissa 1.98862, top bits 15: 87/128; d = 87: x0 1, x1 2, x2 7
    assert bipartite([7, 7]) == [t0[10] + t1[15]] * 2
    assert bipartite([0, -2048]) == [32585, 0] and bipartite([0, 0], [True, False]) == [32585, 0]
    assert abs(bipartite([7, 7])[0] / 2**15 - 0.5) < 0.01


def test_bipartite_sum_holds_511_full_scale_terms():
    full = [32768] * 256
    assert bipartite([0] * 511, t0=full, t1=[0] * 256) == [32768] * 511
    with pytest.raises(OverflowError):
        bipartite([0] * 512, t0=full, t1=[0] * 256)


def test_cordic_by_hand():
    assert indices(13) == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13]
    gain, ln2, log2, angles = constants(16, 13)
    assert abs(2**16 / gain - 0.82816) < 2e-5 and (ln2, log2) == (45426, 94548) and angles[1] == 35999
    for r in (-0.3466, -0.1, 0.0, 0.2, 0.3466):
        assert abs(rotate(round(r * 2**16), gain, 13, angles) / 2**16 - math.exp(r)) < 6e-4
    # 3 / 4 in 4 bits: 0.75 - 1 < 0, z 1; -4 + 8 >= 0, z 1/2; 4 - 4 = 0, z 3/4; then 1/8 up and 1/16 down
    assert divide(12, 16, 4, 0) == 16 - 8 + 4 + 2 - 1


def test_cordic_follows_softmax():
    out = cordic(CODES, exp_fraction=16, quotient=16, output_fraction=12)
    assert close(out, 12, 1e-3)
    assert cordic([4, 4, 4], [True, False, True]) in ([128, 0, 128], [127, 0, 127]) and cordic([1], [False]) == [0]
