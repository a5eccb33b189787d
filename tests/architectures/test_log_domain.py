"""The division-free unit against its steps in plain integers, a restatement of both published variants, and figures."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import (
    TRAINED,
    Restated,
    Steps,
    assert_engines_agree,
    restated,
    row_by_row,
)
from tests.architectures.models import real
from tests.architectures.rows import VARIANTS

from narrowmax.architectures.parts.minimax import coefficients_of
from narrowmax.datapath import draw
from narrowmax.designs import design, limits
from narrowmax.engines import array
from narrowmax.formats import parse

DESIGNS = [design(text) for text in ["log_domain", *VARIANTS["log_domain"]]]
PUBLISHED = DESIGNS[:4]  # those whose parts the publications name


def ln_of(argument: Fraction | int, bits: int) -> int:
    value = real(mpmath.log(mpmath.mpf(argument.numerator) / argument.denominator)) * 2**bits
    return int((value + Fraction(1, 2)) // 1)


def by_table(S, point, address, at, fraction):
    half = Fraction(at == "centre", 2)
    cells = np.array([ln_of(1 + (k + half) / Fraction(2**address), fraction) for k in range(2**address)])
    return (assembling.length(S) - 1 - point) * ln_of(2, fraction) + cells[assembling.behind(S, address)]


def by_mitchell(S, point, ln2, fraction):
    y = (assembling.length(S) - 1 - point << fraction) + assembling.behind(S, fraction)
    if ln2 == "shifts":
        return (y >> 1) + (y >> 3) + (y >> 4)
    return y * 11 >> 4 if ln2 == "11/16" else y * ln_of(2, fraction) >> fraction


def core(chosen, d, p):
    name, settings = chosen.part.name, chosen.settings
    more = {}
    if name == "polynomial":
        more["values"] = coefficients_of(settings["degree"], settings["coefficients"])
    return assembling.CORES[name](d, p, **settings, **more)


def oracle(found):
    p = found.parameters
    f, g = found.input.fraction_bits, p["log"].settings["fraction"]
    log = {"table": by_table, "mitchell": by_mitchell}[p["log"].part.name]

    def run(codes, present):
        top = np.where(present, codes, found.input.lowest_code).max(axis=1, keepdims=True)
        d = np.where(present, top - codes, 0)
        e = np.where(present, core(p["exp"], d, f), 0)
        S, point = assembling.summed(e, p["exp"].settings["exp"].fraction_bits, p["sum"])
        L = log(np.where(present.any(axis=1), S, 1), point, **p["log"].settings)[:, None]
        fine = max(f, g)
        l = np.maximum((d << fine - f) + (L << fine - g), 0)
        share = core(p["back"], l, fine)
        return assembling.placed(share, 1 << p["back"].settings["exp"].fraction_bits, found.output)

    return run


def settings_of(found) -> dict:
    """The parameters of the restatement; there a logarithm below 0 is kept only where it is asked to be."""
    p = found.parameters
    exp, log, back = p["exp"].settings, p["log"].settings, p["back"].settings
    settings = {
        "input_fraction": p["input"].fraction_bits, "exp_fraction": exp["exp"].fraction_bits, "negative": True,
        "log_fraction": log["fraction"], "output_fraction": p["output"].fraction_bits,
        "output_most": p["output"].highest_code,
    }  # fmt: skip
    if p["log"].part.name == "table":
        return settings | {"variant": "tables", "node_fraction": exp["address"], "address": log["address"]}
    guard = {"shifts": 0, "23/16": 4}[exp["base"]]  # with four more bits no shift drops any
    places = (p["input"].fraction_bits + guard, log["fraction"] + guard)
    offsets = tuple(round((one["offset"] - 1) * 2**q) for one, q in zip((exp, back), places, strict=True))
    return settings | {"variant": "shifts", "guard": guard, "offsets": offsets}


def retold(found):
    return row_by_row(restated("log_domain"), **settings_of(found))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)
    trained = TRAINED


@pytest.mark.parametrize("found", PUBLISHED, ids=str)
class TestRestated(Restated):
    retold = staticmethod(retold)


def test_engines_of_the_default():
    assert_engines_agree(DESIGNS[0])


def run(text: str, row: list[float]) -> list[int]:
    return design(text).simulate(np.array(row)).tolist()


def test_vectors_of_tables():
    """Worked out by hand: ln(2) = 2839/4096; the entries at 5/8 and 6/8 are 2192 and 1935, and 279/512 lies between."""
    assert run("log_domain", [3.0]) == [256]
    assert run("log_domain", [3.0, 3.0]) == [(2192 * 512 - 257 * 279) // 512 >> 4] * 2 == [128, 128]


def test_vectors_of_shifts():
    """Worked out by hand with 4 fraction bits: 2 is 4096 * 0.6875 = 2816, -4048 is one octave and 48/4096 less."""
    wang = "log_domain(input=Q4.4, exp=line, log=mitchell, back=line)"
    assert run(wang, [3.0]) == [256]
    assert run(wang, [3.0, 3.0]) == [(4096 + 48) // 2 >> 4] * 2 == [129, 129]
    # -1 is -23/16: 1.5625/4 = 1600; the sum 5696, whose logarithm is 1100; then -4048 + 2467, and -5196 likewise
    y = -1100 - 550 + 69
    assert run(wang, [3.0, 2.0]) == [(4096 + y % 4096) // 2 >> 4, (4096 + 723) // 4 >> 4] == [206, 75]


def errors_of(log: str) -> np.ndarray:
    """What a logarithm is above ln, at all sums of 12 bits from 1 to 16."""
    codes = np.arange(256, 4096)
    part = design(f"log_domain(log={log})").parameters["log"]
    found = draw(lambda row: part(row.x.maximum(256), 12), parse("UQ4.8"), parse("UQ4.16"), 1)
    return array.run(found, codes[:, None])[:, 0] / 2**16 - np.log(codes / 256)


def test_how_far_a_logarithm_is_from_ln():
    """ln(2) as 0.6875 is 0.81 % low, k - 1 up to 0.0861 below log2(k); an edge of 64 cells is up to 1/64 below."""
    assert 0.6875 / np.log(2) - 1 == pytest.approx(-0.0081, abs=5e-5)
    below = 0.0081 * np.log(16) + 0.6875 * 0.0861
    for ln2 in ("shifts", "11/16"):
        errors = errors_of(f"mitchell({ln2}, 16)")
        assert -below < errors.min() < -0.9 * below
        assert errors.max() == 0
    edge, centre = errors_of("table(6, edge, 16)"), errors_of("table(6, centre, 16)")
    assert -1 / 64 < edge.min() < edge.max() < 3e-5
    assert -1 / 128 - 3e-5 < centre.min() < 0 < centre.max() < 1 / 128 + 3e-5


def test_a_flat_row_of_shifts():
    """n equal elements sum to n**0.0117, and to what 1 + v adds to it, up to 6.15 %."""
    for n in (2, 16, 256, 1000):
        text = "log_domain(exp=line, log=mitchell(fraction=16), back=line(exp=UQ1.20:floor), output=UQ1.20:floor)"
        row = design(text)(np.zeros(n)).sum()
        assert n**0.0117 * 0.999 <= row <= n**0.0117 * 1.0615 * 1.0615


def test_a_coarse_logarithm_moves_the_whole_row():
    """Of 4 fraction bits: rows are off by up to 1/16, and its elements by the same factor."""
    rows = np.random.default_rng(0).normal(0, 1, (300, 30))
    exact = "exp=interpolated(5, UQ1.16), back=interpolated(5, UQ1.16), output=UQ1.16"
    sums = design(f"log_domain({exact}, log=table(10, fraction=4))")(rows).sum(axis=1)
    assert 0.02 < np.abs(sums - 1).max() < 1 / 16
    close = design(f"log_domain({exact}, log=table(10, fraction=16))")(rows).sum(axis=1)
    assert np.abs(close - 1).max() < 0.002


def test_limits_of_the_page():
    found = limits(design("log_domain"))
    assert found["largest_probability"]["value"] == 1
    assert found["widest_distance"]["value"] == 5.5
    exact = "exp=interpolated(5, UQ1.16), log=table(fraction=16), back=interpolated(5, UQ1.16), output=UQ1.16"
    sums = design(f"log_domain({exact})")(np.random.default_rng(1).normal(0, 1, (500, 30))).sum(axis=1)
    assert 0.999 < sums.min()
    assert 1.01 < sums.max() < 1.016


def test_a_line_from_below_1_is_not_in_order():
    """Where an octave ends it goes from 0.9375 to nearly (1 + 0.9375)/2."""
    text = "log_domain(input=Q4.7, exp=line, back=line({}, exp=UQ1.20:floor), output=UQ1.20)"
    rows = np.arange(0, -2, -1 / 128)
    assert (np.diff(design(text.format(0.9375))(rows)) > 0).any()
    assert (np.diff(design(text.format(1))(rows)) <= 0).all()
