"""The unit of multiplied tables against its steps in integers, twice, and its published error."""

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
from tests.architectures.restated.basic_split import basic_split as restated
from tests.architectures.rows import VARIANTS

from narrowmax.architectures import parts
from narrowmax.datapath import draw
from narrowmax.designs import design
from narrowmax.engines import array, interpret
from narrowmax.formats import parse

DESIGNS = [design(text) for text in ["basic_split", *VARIANTS["basic_split"]]]
CORE = ("digit", "first", "factor", "product", "exp")


def oracle(found):
    p, largest = found.parameters, found.input.highest_code - found.input.lowest_code
    settings = {name: p[name] for name in CORE}

    def core(d, point):
        return assembling_more.basic_split(d, point, largest, **settings), p["exp"].fraction_bits

    return assembling.softmax(found, core)


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)
    elements = (200_000, 200_000)


RESTATED = {
    "basic_split(factor=UQ1.14:half_up, exp=UQ1.10:half_up)": {"groups": (4, 2)},
    "basic_split(digit=3, first=lowest, factor=UQ1.14:half_up, product=UQ1.12:floor, exp=UQ1.10:half_up)": {
        "groups": (3, 3), "product_fraction": 12, "lowest_first": True,
    },
    "basic_split(input=Q4.3, digit=2, factor=UQ1.14:half_up, product=UQ1.14:half_up, exp=UQ1.10:half_up)": {
        "groups": (2, 2, 2), "product_rounding": "half_up",
    },
}  # fmt: skip
COMMON = {
    "input_fraction": 3, "table_fraction": 14, "beyond": "hold", "exp_fraction": 10, "exp_rounding": "half_up",
    "output_rounding": "half_up", "output_most": 255,
}  # fmt: skip


@pytest.mark.parametrize("text", RESTATED)
class TestAnotherAuthor:
    def test_elements(self, text):
        """15,000 elements, and adversarial rows."""
        again = row_by_row(restated, **COMMON | RESTATED[text])
        assert assert_equal(design(text), again, in_number(design(text), 15_000, (1, 3, 17, 100))) >= 15_000

    @pytest.mark.long
    def test_a_million_elements(self, text):
        again = row_by_row(restated, **COMMON | RESTATED[text])
        assert assert_equal(design(text), again, in_number(design(text), 1_000_000, seed=4)) >= 1_000_000
        assert_equal(design(text), again, meant_to_break(design(text)))


def exponentials(found, point: int) -> tuple[np.ndarray, np.ndarray]:
    """The core's exponentials at all distances below 16 with so many fraction bits, and the true ones."""
    core = parts.basic_split.given({n: found.parameters[n] for n in CORE})
    codes = np.arange(16 << point)
    datapath = draw(lambda row: core(row.x), parse(f"UQ4.{point}"), found.parameters["exp"], 1)
    return array.run(datapath, codes[:, None])[:, 0] / 2.0 ** found.parameters["exp"].fraction_bits, np.exp(
        -codes / 2.0**point
    )


def test_the_published_error():
    """Of the order 1e-8, with widths that were not published."""
    got, true = exponentials(design("basic_split(factor=UQ1.30, product=UQ1.30:floor, exp=UQ1.28)"), 8)
    assert 1e-9 < np.abs(got - true).max() < 1e-8
    got, true = exponentials(design("basic_split(factor=UQ1.28, product=UQ1.28:floor, exp=UQ1.26)"), 8)
    assert 1e-8 < np.abs(got - true).max() < 2e-8


def test_exponentials_of_the_default_never_rise():
    """At its own input; with steps eight times finer they do, where a digit carries."""
    assert (np.diff(exponentials(DESIGNS[0], 3)[0]) <= 0).all()
    assert np.diff(exponentials(DESIGNS[0], 6)[0]).max() == 2**-10


def test_tables_are_as_long_as_their_digits():
    """Seven bits of distance are three and four; the highest table ends where its entries become 0."""
    tables = [w.op.table for w in design("basic_split(input=Q4.3)").datapath(1).wires if hasattr(w.op, "table")]
    assert sorted(len(t.entries) for t in tables) == [4, 16]
    tables = [
        w.op.table for w in design("basic_split(input=Q8.3, digit=3)").datapath(1).wires if hasattr(w.op, "table")
    ]
    assert [len(t.entries) for t in tables] == [8, 8]


@pytest.mark.parametrize("words", ["product=UQ0.6:floor", "factor=UQ0.4:floor, first=lowest", "product=UQ0.1"])
def test_every_product_counts_in_the_least_that_a_sum_can_be(words):
    """Where 1.0 has no code, each product takes something away from the largest element's own exponential."""
    found = design(f"basic_split({words})")
    for n in (1, 3):
        assert array.run(found.datapath(4), np.full((1, n), 5)).tolist() == [interpret.run(found.datapath(4), [5] * n)]
    named = {name: wire for wire, name in found.datapath(4).names.items()}
    assert named["sum"].lo == interpret.trace(found.datapath(4), [0])[named["e"]][0]
