"""IndexSoftmax against its published steps in plain integers, and against what its kernel computes in floats."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from tests.architectures.against import TRAINED, Steps, assert_equal

from narrowmax.designs import design
from narrowmax.errors import DesignError

DESIGNS = [
    design(text)
    for text in (
        "index_softmax",
        "index_softmax(bits=20, scale=0.00021, index=half_up, divide=factor)",
        "index_softmax(bits=6, scale=0.3, clip=9, index_bits=3, divide=floor)",
        "index_softmax(bits=9, scale=0.0217, clip=7.5, index_bits=8, index=half_up, divide=half_up)",
    )
]
BYTES = [255, 206, 167, 135, 109, 88, 71, 57, 46, 38, 30, 25, 20, 16, 13, 10]
BYTES += [8, 7, 6, 4, 4, 3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0]


def table(clip: float, steps: int) -> np.ndarray:
    inside = [int(mpmath.nint(255 * mpmath.exp(-mpmath.mpf(k) * clip / steps))) for k in range(1, steps)]
    return np.array([255, *inside, 0])


def oracle(found):
    p = found.parameters
    steps, ratio = (1 << p["index_bits"]) - 1, Fraction(str(p["clip"])) / Fraction(str(p["scale"]))
    last = int(ratio + (Fraction(1, 2) if p["index"] == "half_up" else 0))
    entries = table(p["clip"], steps)

    def run(codes, present):
        top = np.where(present, codes, codes.min()).max(axis=1, keepdims=True)
        d = np.clip(top - codes, 0, last)
        if p["index"] == "floor":
            k = d * steps // last
        else:
            k = (d * ((2 * steps * 2**26 + last) // (2 * last)) + 2**25) >> 26
        e = entries[k] * present
        total = np.maximum(e.sum(axis=1, keepdims=True), 1)
        if p["divide"] == "factor":
            return (e * ((2 * 255 * 256 + total) // (2 * total)) + 128) >> 8
        down, rest = 255 * e // total, 255 * e % total
        up = {"floor": 0, "half_up": 2 * rest >= total, "half_even": 2 * rest + down % 2 > total}[p["divide"]]
        return down + up

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle, trained = DESIGNS, staticmethod(oracle), TRAINED
    elements, defined = (1_000_000, 1_000_000), (10_000, 10_000)

    def test_every_difference(self, found):
        """Two elements: every difference up to beyond the clip."""
        low, high = found.datapath(1).input_range
        far = min(high - low, 40_000)
        codes = np.stack([np.full(far + 1, high), np.arange(high - far, high + 1)], axis=1)
        assert_equal(found, oracle(found), [(codes, np.ones(codes.shape, bool))])


def drawn_table(found) -> tuple[int, ...]:
    return next(w.op.table.entries for w in found.datapath(1).wires if w.name == "e")


def test_the_published_32_bytes():
    assert list(drawn_table(design("index_softmax"))) == BYTES
    assert table(6.6, 31).tolist() == BYTES


def test_vectors():
    """Worked out by hand with the scale 1/16: 105 steps to the clip, 16 steps are index 4, whose byte is 109."""
    found = design("index_softmax")
    assert found.simulate(np.array([0.0, -1.0])).tolist() == [round(255 * 255 / 364), round(255 * 109 / 364)]
    assert found.simulate(np.array([0.0, -6.5, -6.5625])).tolist() == [255, 0, 0]
    assert found.simulate(np.zeros(510)).tolist() == [0] * 510  # a tie, 0.5
    assert found.simulate(np.zeros(509)).tolist() == [1] * 509
    twentieths = design("index_softmax(scale=0.05)").simulate(np.array([0.0, -6.55, -6.6]))
    assert twentieths.tolist() == [255, 0, 0]  # 132 steps to the clip, though not in float64


def test_the_constants_of_the_kernel_in_float32():
    """What the Arm kernel computes in float32: clip and multiplier at many scales, the factor at all its sums."""
    one = np.float32
    for steps_to_one in np.geomspace(2, 1e4, 500).astype(np.float32):
        last = int(one(6.6) * steps_to_one + one(0.5))
        multiplier = int(one(31 * 2**26) / one(last) + one(0.5))
        exactly = (2 * 31 * 2**26 + last) // (2 * last)
        assert abs(multiplier - exactly) <= max(1, 2**-23 * exactly)
    sums = np.arange(256, 2**16)
    factors = (one(255 * 256) / sums.astype(np.float32) + one(0.5)).astype(np.int64)
    assert (factors == (2 * 255 * 256 + sums) // (2 * sums)).all()


def test_a_clip_below_a_step_is_refused():
    with pytest.raises(DesignError, match="the clip is less than a step of the input"):
        design("index_softmax(scale=4, clip=1)")
