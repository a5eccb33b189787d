"""I-ViT's Shiftmax against its published steps in plain integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.architectures.against import TRAINED, Steps, assert_equal

from narrowmax.designs import design

DESIGNS = [
    design(text)
    for text in (
        "ivit_shiftmax",
        "ivit_shiftmax(bits=16, scale=0.0009765625, output_bits=12)",
        "ivit_shiftmax(bits=5, scale=1.7, output_bits=5)",
    )
]


def exponentials(q, scale: float):
    """Steps 1 to 3, in the signs of the publication: q and q0 are not above 0."""
    q = q + q // 2 - q // 16
    q0 = int(Fraction(-1) / Fraction(str(scale)) // 1)
    q = np.maximum(q, 15 * q0)
    z = q // q0
    r = q - q0 * z
    return np.maximum(0, (r - 2 * q0) * 2 ** (15 - z) // 2)


def oracle(found):
    p = found.parameters

    def run(codes, present):
        top = np.where(present, codes, codes.min()).max(axis=1, keepdims=True)
        e = np.where(present, exponentials(np.minimum(codes - top, 0), p["scale"]), 0)
        total = np.clip(e.sum(axis=1, keepdims=True), 1, 2**31 - 1)  # 1 where nothing is present
        return e * ((2**31 - 1) // total) // 2 ** (31 - p["output_bits"] + 1)

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle, trained = DESIGNS, staticmethod(oracle), TRAINED
    elements, defined = (1_000_000, 1_000_000), (10_000, 10_000)

    def test_every_difference(self, found):
        """Two elements: every difference of the input."""
        low, high = found.datapath(1).input_range
        codes = np.stack([np.full(high - low + 1, high), np.arange(low, high + 1)], axis=1)
        assert_equal(found, oracle(found), [(codes, np.ones(codes.shape, bool))])


def run(row: list[float], text: str = "ivit_shiftmax") -> list[float]:
    return design(text)(np.array(row)).tolist()


def test_vectors():
    """Worked out by hand with the scale 1/16: unit 16, e(0) = 16 * 2**15, e(1 step) = 15.5 * 2**15."""
    assert run([3.0]) == [127 / 128]
    assert run([3.0, 3.0]) == [63 / 128, 63 / 128]  # the factor 2,047 is odd
    factor = (2**31 - 1) // (2**19 + 31 * 2**14)
    assert run([3.0, 2.9375]) == [(2**19 * factor >> 24) / 128, (31 * 2**14 * factor >> 24) / 128]


def test_the_chord_is_never_below():
    """Errors of 1 - f/2 for 2**-f are 0 to 6.15 %; 1.4375 for log2(e) adds up to 3.7 % at ten e-folds."""
    d = np.arange(10_400)
    e = exponentials(-d, 1 / 1024) / exponentials(np.array([0]), 1 / 1024)
    relative = e / np.exp(-d / 1024) - 1
    assert relative.min() > -0.002
    assert 0.0615 < relative.max() < 1.0615 * 1.0385 - 1


def test_limits_of_the_page():
    assert (design("ivit_shiftmax").output.bits, str(design("ivit_shiftmax").output)) == (8, "Q1.7")
    assert exponentials(np.array([-167, -255]), 1 / 16).tolist() == [16, 16]
    assert 166 / 16 < 10.4 < 167 / 16
    long = run([0.0] * 1500, "ivit_shiftmax(output_bits=16)")
    assert set(long) == {2**19 * 2 / 2**31}
    assert long[0] * 1500 == pytest.approx(1 - 0.27, abs=0.005)


def test_a_sum_stays_at_its_end():
    """4,096 equal maxima with scale 1/16 would sum to 2**31; more change nothing, since the factor stays 1."""
    assert len({tuple(set(run([0.0] * n, "ivit_shiftmax(output_bits=16)"))) for n in (4096, 5000, 20_000)}) == 1
