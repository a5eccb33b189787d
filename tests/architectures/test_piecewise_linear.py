"""The piecewise linear unit against its steps in plain integers; its lines against what they promise."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import (
    Steps,
    assert_engines_agree,
)
from tests.architectures.restated.piecewise_linear import PUBLIC_CUTS, PUBLIC_LAST
from tests.architectures.rows import VARIANTS

from narrowmax.architectures.parts.segments import Segments, fitted, public
from narrowmax.designs import design
from narrowmax.errors import DesignError

DESIGNS = [design(text) for text in ["piecewise_linear", *VARIANTS["piecewise_linear"]]]


def oracle_core(found):
    p = found.parameters
    names = ("segments", "fit", "coefficients", "exp")
    bits, fraction = p["coefficients"], p["exp"].fraction_bits
    lines = public(bits) if p["fit"] == "public" else fitted(p["segments"], p["fit"], bits, fraction)
    return assembling.core_of({name: p[name] for name in names}, "piecewise_linear", lines=lines)


def oracle(found):
    return assembling.softmax(found, oracle_core(found))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)


def test_engines_of_the_default():
    assert_engines_agree(DESIGNS[0])


def errors(lines, bits: int, point: int = 8) -> np.ndarray:
    """How far the lines are above exp(-d) at the distances up to 14."""
    d = np.arange(14 << point) / 2.0**point
    k = np.searchsorted([float(end) for end in lines.ends], d, side="right")
    return np.maximum(np.array([*lines.biases, 0])[k] - np.array([*lines.falls, 0])[k] * d, 0) / 2.0**bits - np.exp(-d)


@pytest.mark.parametrize("segments", [4, 8, 16, 32])
def test_minimax_lines_have_the_errors_that_are_possible(segments):
    """m lines and then 0 have 1/(2 m + 1)**2 by the curvature of exp(-d); the grid of cuts adds to that."""
    off = np.abs(errors(fitted(segments, "minimax", 20, 12), 20)).max()
    assert 1 / (2 * segments - 1) ** 2 <= off <= 1.5 / (2 * segments - 1) ** 2


def test_minimax_cuts_are_the_best_of_the_grid():
    """By trying all pairs of cuts, with the errors of every chord computed anew."""
    lines = fitted(3, "minimax", 24, 2)
    fine = 7  # 512 / 2.8
    y = np.exp(-np.arange(359) / 2.0**fine)

    def error(i, j):
        x = np.arange(i, j + 1)
        return (y[i] + (y[j] - y[i]) * (x - i) / (j - i) - y[i : j + 1]).max() / 2

    first, second = (int(end * 2**fine) for end in lines.ends)
    found = max(error(0, first), error(first, second), y[second])
    tried = (max(error(0, i), error(i, j), y[j]) for i, j in combinations(range(1, 359, 2), 2))
    assert found <= min(tried)
    assert found <= max(error(0, first + 1), error(first + 1, second), y[second])


def test_least_squares_have_the_smaller_mean_and_the_larger_peak():
    for segments in (6, 12, 24):
        minimax, squares = (errors(fitted(segments, fit, 20, 12), 20) for fit in ("minimax", "squares"))
        assert (squares**2).mean() < (minimax**2).mean()
        assert np.abs(squares).max() > np.abs(minimax).max()


@pytest.mark.parametrize("fit", ["minimax", "squares"])
@pytest.mark.parametrize(("segments", "bits", "fraction"), [(2, 4, 4), (5, 6, 8), (16, 8, 8), (64, 8, 6), (40, 14, 16)])
def test_lines_never_rise(fit, segments, bits, fraction):
    lines = fitted(segments, fit, bits, fraction)
    assert list(lines.ends) == sorted(set(lines.ends))
    assert len(lines.ends) == len(lines.falls) == len(lines.biases) == segments - 1
    assert min(lines.falls) >= 0
    assert lines.biases[0] <= 1 << bits
    for k, end in enumerate(lines.ends[:-1]):
        assert lines.biases[k] - lines.falls[k] * end >= lines.biases[k + 1] - lines.falls[k + 1] * end


def test_lines_are_pinned():
    """The same on every machine."""
    assert fitted(4, "minimax", 8, 8) == Segments(
        ends=(Fraction(43, 64), Fraction(109, 64), Fraction(31, 8)), falls=(187, 80, 19), biases=(251, 179, 74)
    )


def test_the_public_table():
    """Its first line, its last end, and short segments that make it rise with the distance."""
    lines = public(16)
    assert (lines.biases[0], lines.falls[0]) == (round(0.99466 * 2**16), round(0.88327 * 2**16))
    assert lines.starts(3)[-1] == 61  # 7.53748 * 8 = 60.3
    widths = np.diff([0, *map(float, lines.ends)])
    assert sorted(widths)[:4] == pytest.approx([0.00018, 0.00041, 0.00101, 0.00236], abs=1e-8)
    off = errors(lines, 16)
    assert np.abs(off).max() == pytest.approx(0.00534, abs=3e-5)
    assert design("piecewise_linear(fit=public, exp=UQ1.12)").entry.sections["Hazards"].count("0.9947") == 1


PUBLIC_LINES = (  # slope and bias from the first cut upwards, as the third party's file has them, to 7 decimals
    ("0.0016855", "0.0127041"), ("0.0140452", "0.0786466"), ("0.0091954", "0.0527833"), ("0.0331170", "0.1503564"),
    ("0.0264599", "0.1232058"), ("0.0574082", "0.2222812"), ("0.1053162", "0.3432941"), ("0.2289795", "0.5886222"),
    ("0.2023015", "0.5357244"), ("0.1725270", "0.4766918"), ("0.2605569", "0.6121637"), ("0.3722658", "0.7413999"),
    ("0.5113760", "0.8557713"), ("0.6807372", "0.9441149"), ("0.8832650", "0.9946594"),
)  # fmt: skip


def test_the_public_table_is_the_published_one():
    """Cuts to the four places that are quoted, slopes and biases of all segments to the five that are kept."""
    lines = public(24)
    cuts = [-float(end) for end in reversed(lines.ends)]
    assert cuts == pytest.approx([float(cut) for cut in PUBLIC_CUTS], abs=5.1e-5)
    found = [(fall / 2**24, bias / 2**24) for fall, bias in zip(lines.falls[::-1], lines.biases[::-1], strict=True)]
    assert np.abs(np.array(found) - np.array(PUBLIC_LINES, dtype=float)).max() <= 5.2e-6
    assert tuple(f"{v:.5f}" for v in found[-1]) == PUBLIC_LAST


def test_a_public_table_of_other_sizes_is_refused():
    with pytest.raises(DesignError, match="the public table has 16 segments, not 8; write segments=16"):
        design("piecewise_linear(fit=public, segments=8)")
