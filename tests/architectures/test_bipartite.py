"""The bipartite unit against its steps in integers, twice; its tables, its logarithm and its hazards."""

from __future__ import annotations

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
from tests.architectures.restated.bipartite import bipartite as restated
from tests.architectures.restated.bipartite import roms
from tests.architectures.rows import VARIANTS

from narrowmax.architectures import parts
from narrowmax.architectures.parts.bipartition import LOGARITHMS, tables
from narrowmax.datapath import draw
from narrowmax.designs import design
from narrowmax.engines import array
from narrowmax.errors import DesignError
from narrowmax.formats import parse

DESIGNS = [design(text) for text in ["bipartite", *VARIANTS["bipartite"]]]
CORE = ("high", "middle", "low", "argument", "at", "guard", "exp")


def oracle(found):
    p, output = found.parameters, found.output
    settings, f = {name: p[name] for name in CORE}, p["exp"].fraction_bits

    def run(codes, present):
        top = np.where(present, codes, found.input.lowest_code).max(axis=1, keepdims=True)
        d, point = np.where(present, top - codes, 0), found.input.fraction_bits
        e = assembling_more.bipartite(d, point, **settings)
        S, g = assembling.summed(np.where(present, e, 0), f, p["sum"])
        S = np.where(present.any(axis=1), S, 1)[:, None]
        log = (assembling.length(S) - 1 - g) * 89 + np.array(LOGARITHMS)[assembling.behind(S, 4)]
        fine = max(point, 7)
        again = (d << fine - point) + (np.clip(log, 0, 16 * 128 - 1) << fine - 7)
        return assembling.placed(assembling_more.bipartite(again, fine, **settings), 1 << f, output) * present

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)
    elements = (200_000, 200_000)


class TestAnotherAuthor:
    def test_elements(self):
        """30,000 elements, and adversarial rows."""
        found, again = DESIGNS[0], row_by_row(restated)
        assert assert_equal(found, again, in_number(found, 30_000, (1, 3, 17, 100, 500))) >= 30_000

    def test_a_sum_that_wraps(self):
        found = design("bipartite(sum=rounded(UQ9.15:floor:wrap))")
        rows = [(np.full((1, n), 100), np.ones((1, n), bool)) for n in (515, 600)]
        assert assert_equal(found, row_by_row(restated, wrap=True), rows) == 1115

    @pytest.mark.long
    def test_a_million_elements(self):
        found, again = DESIGNS[0], row_by_row(restated)
        rows = in_number(found, 1_000_000, (1, 2, 3, 10, 16, 64, 100, 197, 500), seed=4)
        assert assert_equal(found, again, rows) >= 1_000_000
        assert_equal(found, again, meant_to_break(found))

    def test_tables(self):
        p = DESIGNS[0].parameters
        assert tuple(t.entries for t in tables(5, 3, 3, 7, "points", 0, p["exp"])) == roms()


def exponentials(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The core's exponentials at all distances below 16, and the true ones."""
    p = design(text).parameters
    core = parts.bipartite.given({n: p[n] for n in CORE})
    codes = np.arange(2048)
    datapath = draw(lambda row: core(row.x), parse("UQ4.7"), p["exp"], 1)
    return array.run(datapath, codes[:, None])[:, 0] / 2.0 ** p["exp"].fraction_bits, np.exp(-codes / 128)


def test_errors_of_the_page():
    got, true = exponentials("bipartite")
    assert ((got - true).min(), (got - true).max()) == pytest.approx((-0.0056, 0.0048), abs=5e-5)
    assert np.diff(got).max() == pytest.approx(0.0023, abs=5e-5)
    assert got[0] == pytest.approx(0.9944, abs=5e-5)
    assert np.diff(exponentials("bipartite(high=7, middle=3, low=1)")[0]).max() <= 0


def test_the_published_tables():
    """Two of 256 entries of 16 bits, and 16 logarithms."""
    drawn = {w.op.table.name: w.op.table.entries for w in DESIGNS[0].datapath(2).wires if hasattr(w.op, "table")}
    assert [len(drawn[name]) for name in ("value", "correction", "logarithm")] == [256, 256, 16]
    assert 0 <= min(drawn["value"]) <= max(drawn["value"]) < 2**16
    assert -(2**15) <= min(drawn["correction"]) < 0 < max(drawn["correction"]) < 2**15
    off = np.array(LOGARITHMS) / 128 - np.log1p(np.arange(16) / 16)
    assert (off.min(), off.max()) == pytest.approx((-0.0006, 0.0183), abs=1e-4)


def test_sums_of_the_page():
    """Rows of random logits sum to 0.97 to 1.07; one element gets what exp(0) is."""
    random = np.random.default_rng(0)
    sums = [DESIGNS[0](random.normal(0, s, (300, n))).sum(axis=1) for n in (2, 10, 100, 400) for s in (0.5, 1, 3, 8)]
    assert 0.965 < np.min(sums) < 0.98
    assert 1.06 < np.max(sums) < 1.07
    assert DESIGNS[0](np.array([3.0])).tolist() == [32585 / 2**15]


def test_24_bits_hold_514_equal_maxima():
    rows = [np.full((1, n), 5.0) for n in (514, 515, 516)]
    held = [DESIGNS[0].simulate(row)[0, 0] for row in rows]
    exact = [design("bipartite(sum=exact)").simulate(row)[0, 0] for row in rows]
    wrapped = [design("bipartite(sum=rounded(UQ9.15:floor:wrap))").simulate(row)[0, 0] for row in rows]
    assert held[0] == exact[0] == wrapped[0]
    assert wrapped[1] > 100 * exact[1]
    assert held[1] == held[2] == held[0]


def test_elements_far_below_are_0():
    got = DESIGNS[0].simulate(np.array([0.0, -16.0, -17.0, -300.0, -15.5 + 16 - 16]))
    assert got[1:].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("word", ["floor", "half_up", "toward_zero", "half_even", "half_away"])
def test_corrections_of_either_sign_are_rounded_by_the_word(word):
    got = tables(3, 2, 3, 2, "cell", 1, parse(f"UQ1.6:{word}"))
    wanted = assembling_more.two_tables(3, 2, 3, 2, "cell", 7, word)
    assert [list(t.entries) for t in got] == [w.tolist() for w in wanted]


def test_corrections_far_below():
    """exp(-65,000) is beyond what is computed, and still above 0."""
    assert tables(10, 3, 3, 0, "points", 0, parse("UQ1.6:floor"))[1].entries[-1] == -1


def test_tables_too_large_are_refused():
    with pytest.raises(
        DesignError, match="a table would have 17 address bits, and 16 are allowed; lower high, middle or"
    ):
        design("bipartite(high=9, middle=8)")
