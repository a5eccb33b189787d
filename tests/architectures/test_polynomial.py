"""The polynomial unit against its steps in plain integers; its coefficients against what they promise."""

from __future__ import annotations

from itertools import product

import mpmath
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

DESIGNS = [design(text) for text in ["polynomial", *VARIANTS["polynomial"]]]


def oracle_core(found):
    p = found.parameters
    names = ("degree", "coefficients", "base", "argument", "exp")
    values = coefficients_of(p["degree"], p["coefficients"])
    return assembling.core_of({name: p[name] for name in names}, "polynomial", values=values)


def oracle(found):
    return assembling.softmax(found, oracle_core(found))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)


def test_engines_of_the_default():
    assert_engines_agree(DESIGNS[0])


ERRORS = {1: 0.0298212, 2: 0.0017247, 3: 7.483e-5, 4: 2.59e-6}  # the minimax polynomials' largest relative errors


def horner(values, bits: int, f: np.ndarray, point: int) -> np.ndarray:
    found = np.full(f.shape, values[-1])
    for c in values[-2::-1]:
        found = (found * f >> point) + c
    return np.clip(found, 1 << bits >> 1, 1 << bits)


def exact_powers(point: int) -> np.ndarray:
    with mpmath.workdps(40):
        return np.array([float(2 ** -(mpmath.mpf(k) / 2**point)) for k in range(2**point)])


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [4, 8, 12, 16, 20])
def test_coefficients_are_near_the_minimax_polynomial(degree, bits):
    """Within the minimax error and, between the points of the search too, as many units as there are roundings."""
    got = horner(coefficients_of(degree, bits), bits, np.arange(2**12), 12) / 2**bits
    relative = np.abs(got / exact_powers(12) - 1).max()
    assert relative <= ERRORS[degree] + (degree + 1) * 2.0 ** (1 - bits)  # the least value is 1/2
    if bits == 20:
        assert relative >= ERRORS[degree] * 0.99


@pytest.mark.parametrize(("degree", "bits"), [(1, 6), (2, 5), (2, 7)])
def test_no_coefficients_nearby_are_better(degree, bits):
    """By trying all within four units of those found."""
    found, f = coefficients_of(degree, bits), np.arange(257)
    wanted = np.append(exact_powers(8), 0.5)

    def error(values):
        return np.abs(horner(values, bits, f, 8) / 2.0**bits / wanted - 1).max()

    near = product(*(range(c - 4, c + 5) for c in found))
    assert min(map(error, near)) >= error(found) * (1 - 1e-12)


def test_coefficients_are_pinned():
    """The same on every machine."""
    assert coefficients_of(2, 12) == (4090, -2728, 690)
    assert coefficients_of(4, 20) == (1048574, -726686, 250915, -55559, 7046)


def test_coefficients_by_a_public_unit():
    """1 + 1.0151 r + 0.5038 r**2 around an octave's middle is off by 0.23 %, 1.3 times what is possible."""
    r = np.linspace(-0.34657, 0.34657, 2001)
    theirs = np.abs((1 + 1.015082 * r + 0.503765 * r * r) / np.exp(r) - 1).max()
    ours = np.abs(horner(coefficients_of(2, 16), 16, np.arange(4096), 12) / 2**16 / exact_powers(12) - 1).max()
    assert theirs == pytest.approx(0.0023, abs=5e-5)
    assert ours < theirs


@pytest.mark.parametrize("found", DESIGNS, ids=str)
def test_exponentials_never_rise_with_the_distance(found):
    """Over all distances that the input has."""
    low, high = found.input.lowest_code, found.input.highest_code
    core = oracle_core(found)
    assert (np.diff(core(np.arange(high - low + 1), found.input.fraction_bits)[0]) <= 0).all()
