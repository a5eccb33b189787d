"""ITA against its published steps in plain integers, chunk by chunk, and its hazards."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from tests.architectures.against import TRAINED, Steps

from narrowmax.designs import design, limits

DESIGNS = [design(text) for text in ("ita", "ita(shift=0)", "ita(bits=6, shift=3, chunk=4, sum=UQ4.6:floor)")]


def octaves(difference, shift: int):
    """Shifted right; 1 more where the last bit shifted out was set."""
    return (difference >> shift) + (difference >> (shift - 1) & 1 if shift else 0)


def oracle(found):
    """The published steps, a chunk of all rows at a time."""
    p = found.parameters
    one, last = 1 << p["sum"].fraction_bits, p["sum"].highest_code
    lowest = -(1 << (p["bits"] - 1))

    def run(codes, present):
        top, acc = np.full(len(codes), lowest), np.zeros(len(codes), np.int64)
        for at in range(0, codes.shape[1], p["chunk"]):
            x, here = codes[:, at : at + p["chunk"]], present[:, at : at + p["chunk"]]
            new = np.maximum(top, np.where(here, x, lowest).max(axis=1))
            terms = np.where(here, one >> np.minimum(octaves(new[:, None] - x, p["shift"]), 60), 0)
            acc = (acc >> np.minimum(octaves(new - top, p["shift"]), 60)) + terms.sum(axis=1)
            acc = acc & last if p["sum"].overflow == "wrap" else np.minimum(acc, last)
            top = new
        inverse = np.where(acc == 0, last, 255 * one // np.maximum(acc, 1))
        return inverse[:, None] >> np.minimum(octaves(top[:, None] - codes, p["shift"]) * present, 60) & 255

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle, trained = DESIGNS, staticmethod(oracle), TRAINED
    elements, defined = (1_000_000, 1_000_000), (10_000, 10_000)


def run(text: str, row: list[int]) -> list[int]:
    found = design(text)
    return found.simulate(np.array(row) * float(found.input.step)).tolist()


def test_vectors():
    """Worked out by hand: 65,280 / 256 = 255, / 384 = 170, / 512 = 127; two octaves below, a quarter."""
    assert run("ita", [100]) == [255]
    assert run("ita", [100, 100 - 32]) == [170, 85]
    assert run("ita", [100, 100 - 15]) == [127, 127]
    assert run("ita", [100, 100 - 16]) == [170, 85]
    assert run("ita(shift=0)", [3, 2, 1]) == [65280 // 448, 65280 // 448 >> 1, 65280 // 448 >> 2]
    assert run("ita(shift=0)", [7, -1]) == [65280 // 257, 0]


def test_the_scale_makes_a_code_a_fraction_of_an_octave():
    """B / (2**B log2(e)) for B = 8, as the paper has it."""
    assert float(design("ita").input.step) == pytest.approx(8 / 256 * log(2), rel=1e-15)
    assert float(design("ita(shift=0)").input.step) == pytest.approx(log(2), rel=1e-15)


def test_rounded_shifts_do_not_compose():
    """Three rising chunks: the sum is not shifted where the maximum rises by 15 codes, and then by 15 again."""
    rising = [0] * 16 + [15] * 16 + [30] * 16
    assert run("ita", rising)[-1] == 65280 // (48 * 256)
    assert run("ita", rising[::-1])[0] == 65280 // (16 * 256 + 16 * 256 + 16 * 128)
    assert run("ita(chunk=64)", rising)[-1] == 65280 // (32 * 256 + 16 * 128)


@pytest.mark.parametrize("shift", [0, 5])
def test_2048_equal_maxima_overflow(shift):
    """Each would be 0 of 255; 2,047 are, and at 2,048 the sum is 0 and the inverse all ones."""
    assert set(run(f"ita(shift={shift})", [5] * 2047)) == {0}
    assert set(run(f"ita(shift={shift})", [5] * 2048)) == {255}
    assert set(run(f"ita(shift={shift}, sum=UQ12.8:floor)", [5] * 2048)) == {0}
    assert limits(design(f"ita(shift={shift})"))["exact_row"]["value"] == 2032  # in whole chunks of 16


def test_limits_of_the_page():
    assert run("ita", [120, 120 - 239]) == [65280 // 258, 1]
    assert run("ita", [120, 120 - 240])[1] == 0
    assert run("ita(shift=0)", [120, 113])[1] == 1
    assert run("ita(shift=0)", [120, 112])[1] == 0


def test_errors_of_an_exponential():
    """-29 % to +41 % with shift 5, by all differences of 8 bits."""
    d = np.arange(256)
    relative = 2.0 ** -octaves(d, 5) / 2.0 ** (-d / 32) - 1
    assert relative.min() == pytest.approx(-0.293, abs=1e-3)
    assert 0.38 < relative.max() < 0.4143
