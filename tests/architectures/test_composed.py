"""Parts put together against the same steps in plain integers, and what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import (
    Steps,
    assert_engines_agree,
)
from tests.architectures.rows import VARIANTS

from narrowmax.architectures.parts.minimax import coefficients_of
from narrowmax.designs import design

DESIGNS = [design(text) for text in ["composed", *VARIANTS["composed"]]]


def oracle(found):
    exp = found.parameters["exp"]
    more = {}
    if exp.part.name == "polynomial":
        more["values"] = coefficients_of(exp.settings["degree"], exp.settings["coefficients"])
    return assembling.softmax(found, assembling.core_of(exp.settings, exp.part.name, **more))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)


def test_engines_of_the_default():
    assert_engines_agree(DESIGNS[0])


@pytest.mark.parametrize("normalise", ["divide", "table", "chords", "newton"])
def test_whatever_divides_is_near_the_division(normalise):
    """Within the error of a reciprocal: 1/128 for 6 address bits, chords 1/500, a Newton step of 1/32 1/1000."""
    row = np.random.default_rng(0).normal(0, 2, (200, 30))
    exact = design("composed(exp=table(UQ1.12), normalise=divide, output=UQ1.12:half_up)")(row)
    close = design(f"composed(exp=table(UQ1.12), normalise={normalise}, output=UQ1.12:half_up)")(row)
    assert np.abs(close - exact).max() <= 0.0085


def test_mitchell_is_up_to_an_eighth_above():
    """0 to +12.5 % of each quotient, the roundings apart."""
    row = np.random.default_rng(1).normal(0, 2, (500, 12))
    exact = design("composed(exp=table(UQ1.16), normalise=divide, output=UQ1.16:half_up)")(row)
    got = design("composed(exp=table(UQ1.16), normalise=mitchell(16), output=UQ1.16:half_up)")(row)
    relative = got[exact > 0.01] / exact[exact > 0.01] - 1
    assert -0.003 < relative.min() < 0.005
    assert 0.12 < relative.max() < 0.1255


def test_one_chord_is_one_plus_the_fraction():
    """0 to +6.15 % of 2**-t."""
    distances = np.arange(0, 8, 1 / 64)
    found = design("composed(input=Q6.6, exp=chords(segments=1, base=2, exp=UQ1.16), normalise=divide, "
                   "output=UQ1.20:half_up)")  # fmt: skip
    rows = np.stack([np.zeros_like(distances), -distances], axis=1)
    ratio = found(rows)[:, 1] / found(rows)[:, 0]
    relative = ratio / 2.0**-distances - 1
    assert -1e-3 < relative.min()
    assert 0.061 < relative.max() < 0.0625
