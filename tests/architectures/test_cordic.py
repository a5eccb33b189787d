"""The CORDIC unit against its steps in integers, twice; what so many rotations and steps are worth."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from tests.architectures import assembling, assembling_more
from tests.architectures.against import (
    Steps,
    assert_equal,
    in_number,
    meant_to_break,
    row_by_row,
)
from tests.architectures.restated.cordic import cordic as restated
from tests.architectures.rows import VARIANTS

from narrowmax.architectures import parts
from narrowmax.architectures.parts.rotation import angle, first, octave, order
from narrowmax.datapath import draw
from narrowmax.designs import design
from narrowmax.engines import array
from narrowmax.formats import parse

DESIGNS = [design(text) for text in ["cordic", *VARIANTS["cordic"]]]
CORE = ("iterations", "guard", "shifts", "base", "exp")


def oracle(found):
    p = found.parameters
    settings = {name: p[name] for name in CORE}
    return assembling.softmax(found, lambda d, q: (assembling_more.cordic(d, q, **settings), p["exp"].fraction_bits))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)
    elements = (200_000, 200_000)
    defined = (3_000, 500)

    @pytest.mark.long
    def test_more_of_the_definition(self, found):
        rows = in_number(found, 10_000, (3, 40, 200), seed=5)
        assert assert_equal(found, oracle(found), rows, by="the definition") >= 10_000


RESTATED = {
    "cordic(input=Q4.4, iterations=15, guard=4, exp=UQ1.12:floor, normalise=cordic(13, guard=0), "
    "output=UQ1.8:floor)": {},
    "cordic(iterations=7, guard=4, exp=UQ1.8:floor, normalise=cordic(8, guard=0), output=UQ0.6:floor)": {
        "input_fraction": 3, "iterations": 6, "fraction": 12, "exp_fraction": 8, "quotient": 7, "output_fraction": 6,
        "output_most": 63,
    },
}  # fmt: skip


@pytest.mark.parametrize("text", RESTATED)
class TestAnotherAuthor:
    def test_elements(self, text):
        """8,000 elements."""
        again = row_by_row(restated, **RESTATED[text])
        assert assert_equal(design(text), again, in_number(design(text), 8_000, (1, 3, 17, 100))) >= 8_000

    @pytest.mark.long
    def test_a_million_elements(self, text):
        again = row_by_row(restated, **RESTATED[text])
        assert assert_equal(design(text), again, in_number(design(text), 1_000_000, seed=4)) >= 1_000_000
        assert_equal(design(text), again, meant_to_break(design(text)))


def exponentials(text: str, point: int) -> tuple[np.ndarray, np.ndarray]:
    """The core's exponentials at all distances below 4, and the true ones."""
    p = design(text).parameters
    core = parts.cordic.given({n: p[n] for n in CORE})
    codes = np.arange(4 << point)
    datapath = draw(lambda row: core(row.x), parse(f"UQ2.{point}"), p["exp"], 1)
    true = (2.0 if p["base"] == "2" else np.e) ** (-codes / 2.0**point)
    return array.run(datapath, codes[:, None])[:, 0] / 2.0 ** p["exp"].fraction_bits, true


@pytest.mark.parametrize("base", ["e", "2"])
@pytest.mark.parametrize("iterations", [4, 6, 8, 10, 12, 14])
def test_so_many_rotations_give_about_as_many_bits(iterations, base):
    """One of them less, and after the fourth, which is repeated, two."""
    got, true = exponentials(f"cordic(iterations={iterations}, base={base}, exp=UQ1.20, guard=6)", 9)
    bits = -np.log2(np.abs(got / true - 1).max())
    assert iterations - 1.6 < bits < iterations


def test_the_constants():
    """1/K near 1/0.82816, and the first angles; the sum of all is 1.118."""
    assert order(16) == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13, 14]
    assert 2**30 / first(30, 30) == pytest.approx(0.82816, abs=5e-6)
    assert [angle(k, "e", 20) / 2**20 for k in (1, 2, 3)] == pytest.approx(np.arctanh([0.5, 0.25, 0.125]), abs=1e-6)
    assert sum(angle(k, "e", 30) for k in order(30)) / 2**30 == pytest.approx(1.118, abs=5e-4)
    assert angle(3, "2", 40) == int(mpmath.nint(mpmath.atanh(0.125) / mpmath.log(2) * 2**40))
    assert (octave("e", 20), octave("2", 20)) == (726817, 1 << 20)


def test_exponentials_of_the_default_never_rise():
    for point in (3, 7):
        assert (np.diff(exponentials("cordic", point)[0]) <= 0).all()


def test_few_rotations_rise_with_the_distance():
    assert np.diff(exponentials("cordic(iterations=7, exp=UQ1.20, guard=6)", 9)[0]).max() > 0.003


@pytest.mark.parametrize("align", ["leading", "none"])
@pytest.mark.parametrize("iterations", [4, 9, 14])
def test_a_quotient_is_within_its_last_bit(align, iterations):
    """And grows with what is divided."""
    text = f"composed(input=Q4.6, exp=table(UQ1.12), normalise=cordic({iterations}, {align}, 8), output=UQ1.20:half_up)"
    row = np.concatenate([np.arange(0, 8, 1 / 64), np.zeros(9)])
    got = design(text)(-row)
    e = np.round(np.exp(-row) * 2**12)
    assert np.abs(got - e / e.sum()).max() <= 2.0 ** (1 - iterations) * 1.1
    assert (np.diff(got[:512]) <= 0).all()
    assert (got * 2 ** (iterations - 1) % 2 == 1).all()


def test_hazard_a_quotient_is_never_0():
    got = design("cordic(normalise=cordic(9))").simulate(np.array([0.0, -15.0]))
    assert got.tolist() == [255, 1]
    assert design("cordic").simulate(np.array([0.0, -15.0])).tolist() == [255, 0]
