"""gemmlowp's steps against their definitions, written out here in Python's integers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from narrowmax.architectures.gemmlowp import (
    Scaling,
    exp_of_negative,
    high_multiply,
    raised,
    reciprocal_of_one_plus,
    scaled_down,
    times,
)
from narrowmax.datapath import draw
from narrowmax.engines import interpret
from narrowmax.formats import Fixed

WORD = Fixed.of(True, 32, 0)
ENDS = [-(2**31), -(2**31) + 1, -(2**30) - 1, -(2**30), -3, -2, -1, 0, 1, 2, 3, 2**30, 2**31 - 2, 2**31 - 1]
CODES = [*ENDS, *np.random.default_rng(0).integers(-(2**31), 2**31, 300).tolist()]


def outputs(function, codes, input=WORD, output=WORD) -> list[int]:
    """What a function of a wire gives for each code."""
    drawn = draw(lambda row: function(row.x).at_point(0), input, output, 1, absent_code=0)
    return [interpret.run(drawn, [code])[0] for code in codes]


def defined(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul: nudged away from zero, truncated towards it."""
    if a == b == -(2**31):
        return 2**31 - 1
    product = a * b
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    return abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)


class TestMultiply:
    @pytest.mark.parametrize("code", ENDS)
    def test_by_a_constant(self, code):
        """Halves too: odd multiples of 2**30."""
        codes = CODES + [2**k for k in range(31)] + [-(2**k) for k in range(32)]
        assert outputs(lambda x: times(x, code, 0), codes) == [defined(x, code) for x in codes]

    def test_squares_saturate_in_one_corner(self):
        assert outputs(lambda x: high_multiply(x, x), CODES) == [defined(x, x) for x in CODES]
        assert outputs(lambda x: high_multiply(x, x), [-(2**31)]) == [2**31 - 1]

    def test_raised(self):
        assert outputs(lambda x: raised(x, 3), CODES) == [min(max(8 * x, -(2**31)), 2**31 - 1) for x in CODES]


class TestScaling:
    @pytest.mark.parametrize("factor", [1e-3, 0.5, 1.0, 1.5, 1 - 2**-33, 0.1, 1e9])
    def test_nearest(self, factor):
        found = Scaling.of(factor)
        assert 2**30 <= found.multiplier < 2**31
        assert abs(found.multiplier * 2.0 ** (found.shift - 31) / factor - 1) <= 2**-31

    def test_differences(self):
        assert Scaling.to_scaled_differences(1.0) == Scaling(2**30, 27)
        assert Scaling.to_scaled_differences(1.0).least == -15
        assert Scaling.to_scaled_differences(1e6) == Scaling(2**31 - 1, 31)  # no more than a word
        assert Scaling.to_scaled_differences(1e6).least == 0


class TestExponential:
    def test_error(self):
        """All along Q5.26, and next to every quarter: within 4e-7 of the value and 4 last bits."""
        quarter = 2**24
        codes = [k * quarter + e for k in range(-127, 0) for e in (-2, -1, 0, 1, 2, 5_000_000)] + [-1, -2, 0]
        got = outputs(lambda x: exp_of_negative(x.at_point(26)), codes, Fixed.of(True, 32, 0))
        for code, e in zip(codes, got, strict=True):
            true = math.exp(code / 2**26)
            assert abs(e / 2**31 - true) <= 4e-7 * true + 4 / 2**31, code
        assert got[-1] == 2**31 - 1


class TestReciprocal:
    def test_error(self):
        """Within 10 last bits of Q0.31, of which the products in Q4.27 lose two places."""
        codes = [0, 1, 2, 3, 2**31 - 1, *np.random.default_rng(1).integers(0, 2**31, 500).tolist()]
        unsigned = Fixed.of(False, 31, 0)
        got = outputs(lambda x: reciprocal_of_one_plus(x.at_point(31)), codes, unsigned, unsigned)
        for t, r in zip(codes, got, strict=True):
            assert abs(r - min(2**62 / (2**31 + t), 2**31 - 1)) <= 10, t

    def test_what_is_known_of_newtons_steps(self):
        """Proven: intervals through every step, for 2**18 parts of all half denominators."""

        def times(a, b):
            return (a * b + 2**30) >> 31

        lo = 2**30 + (np.arange(2**18, dtype=np.int64) << 12)
        hi = lo + 4095
        least, most = 1515870810 + times(hi, -1010580540), 1515870810 + times(lo, -1010580540)
        for bits in (25, 21, 17):
            below, above = 2**29 - times(hi, most), 2**29 - times(lo, least)
            assert -(2**bits) <= below.min()
            assert above.max() <= 2**bits
            corners = [times(x, error) << 2 for x in (least, most) for error in (below, above)]
            least, most = least + np.minimum.reduce(corners), most + np.maximum.reduce(corners)
            assert 0 < least.min()
            assert most.max() < 2**31


@pytest.mark.parametrize("bits", [15, 23])
def test_scaled_down(bits):
    """An upper half of 31 bits, by 0 to 11 bits more."""
    codes = [0, 1, 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, 2**30, 2**31 - 1, 123456789, 3 << bits]
    for more in range(12):
        unsigned = Fixed.of(False, 31, 0)
        got = outputs(lambda x: scaled_down(x, bits, (x.at_point(0) >> 31) + more), codes, unsigned, unsigned)  # noqa: B023
        assert got == [(code + 2 ** (bits + more - 1)) >> (bits + more) for code in codes]
