"""Parts are read, printed, refused and turned; cores and normalisers are what they are said to be."""

from __future__ import annotations

import re

import numpy as np
import pytest

from narrowmax.architectures.parts import EXPONENTIALS, NORMALISERS, choice, exponential, normaliser, sum_of
from narrowmax.datapath import draw
from narrowmax.designs import design
from narrowmax.engines import array
from narrowmax.errors import DesignError
from narrowmax.formats import parse

EXP = exponential("polynomial(2)")
DIVIDE = normaliser("newton(1)")


class TestReading:
    def test_in_order_or_by_name(self):
        wanted = "newton(steps=2, seed=line, address=4, guard=2, reciprocal=UQ1.14)"
        for text in (
            wanted, "newton(2, line, reciprocal=UQ1.14)", " newton ( steps = 2 , seed=line,reciprocal=UQ1.14, ) ",
        ):  # fmt: skip
            assert str(DIVIDE.read(text)) == wanted

    def test_without_brackets(self):
        assert str(DIVIDE.read("divide")) == str(DIVIDE.read("divide()")) == "divide"
        assert DIVIDE.read("table") == DIVIDE.read("table()")

    def test_a_value_is_read_again(self):
        assert EXP.read(EXP.read("table(UQ1.8)")) == EXP.read("table(exp=UQ1.8)")
        with pytest.raises(DesignError):
            DIVIDE.read(EXP.read("polynomial"))

    def test_brackets_within(self):
        assert str(sum_of().read("rounded(ap_ufixed<8,4,AP_TRN,AP_SAT>)")) == "rounded(sum=UQ4.4:floor)"

    @pytest.mark.parametrize("part", [*EXPONENTIALS, *NORMALISERS], ids=lambda p: p.name)
    def test_every_part_is_described_and_has_a_text(self, part):
        made = choice("a", part.name, "knob", "a part", part)
        assert str(made.read(made.default)) == made.default
        assert part.doc.endswith(".")
        assert all(
            p.doc and p.source in ("knob", "published") and str(p.read(p.default)) == p.default for p in part.parameters
        )

    def test_a_default_is_written_in_full(self):
        assert EXP.default == "polynomial(degree=2, coefficients=12, base=e, argument=10, exp=UQ1.10)"


REFUSALS = {
    "polynomal(2)": "exp=polynomal(2) is not possible: exp is table(exp) or polynomial(degree, coefficients, base, "
    "argument, exp) or",
    "": "exp= is not possible: exp is",
    "polynomial(7)": "exp=polynomial: degree=7 is not possible: degree is 1 to 4",
    "polynomial(2": "exp=polynomial(2 is not possible",
    "polynomial((2)": "exp=polynomial: polynomial((2) misses a ')': check its brackets",
    "polynomial(steps=1)": "exp=polynomial: polynomial has no steps: it takes degree, coefficients, base,",
    "polynomial(2, degree=3)": "exp=polynomial: polynomial takes degree once, as degree=value",
    "polynomial(base=2, 3)": "exp=polynomial: polynomial does not take '3': it takes degree, coefficients",
    "table(UQ0.8, 3)": "exp=table: table does not take '3': it takes exp",
    "table(exp=)": "exp=table: table takes exp once, as exp=value",
    "table(UQ9.8)": "exp=table: exp=UQ9.8 is not possible: exp is unsigned fixed point such as UQ0.8",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text):
    with pytest.raises(DesignError, match=f"^{re.escape(REFUSALS[text])}"):
        EXP.read(text)


def test_the_nearest_name_is_offered():
    with pytest.raises(DesignError, match=r"; did you mean polynomial\?$"):
        EXP.read("polynomal(2)")


class TestKnobs:
    def test_those_of_the_chosen_part(self):
        value = EXP.read("polynomial(2)")
        assert EXP.knobs(value) == {
            "exp.degree": (2, range(1, 5)),
            "exp.coefficients": (12, range(4, 21)),
            "exp.argument": (10, range(2, 17)),
            "exp.exp.fraction": (10, range(2, 17)),
        }
        assert EXP.knobs(EXP.read("table")) == {"exp.exp.fraction": (8, range(2, 17))}
        assert DIVIDE.knobs(DIVIDE.read("divide")) == {}

    def test_turning(self):
        value = EXP.read("polynomial(2)")
        assert EXP.turned(value, "exp.degree", 3) == EXP.read("polynomial(3)")
        assert EXP.turned(value, "exp.exp.fraction", 7) == EXP.read("polynomial(2, exp=UQ1.7)")
        with pytest.raises(DesignError, match="^degree=9 is not possible: degree is 1 to 4"):
            EXP.turned(value, "exp.degree", 9)

    def test_of_a_design(self):
        found = design("composed(exp=polynomial(2), normalise=newton(1))")
        moved = found.moved({"exp.degree": 3, "normalise.reciprocal.fraction": 9, "output.fraction": 7})
        wanted = "composed(exp=polynomial(3), normalise=newton(1, reciprocal=UQ1.9), output=UQ1.7:half_up)"
        assert moved == design(wanted)
        assert moved.knob_values["exp.degree"] == 3
        assert hash(moved) == hash(design(moved.text))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("table(UQ1.16)", -1e-3, 1e-3),
        ("polynomial(4, 20, exp=UQ1.16, argument=16)", -1e-3, 1e-3),
        ("polynomial(1, 12, exp=UQ1.16)", -0.032, 0.032),
        ("chords(1, exp=UQ1.16)", -3e-3, 0.0625),
        ("chords(4, exp=UQ1.16)", -3e-3, 0.0045),
        ("interpolated(3, UQ1.16)", -1e-3, 0.002),
        ("line(base=e, exp=UQ1.16)", -3e-3, 0.0625),
        ("line(base=23/16, exp=UQ1.16)", 0, 0.0765),
        ("line(exp=UQ1.16)", -0.003, 0.079),
        ("power_of_two(nearest, exp=UQ1.16)", -0.293, 0.4143),
        ("power_of_two(down, exp=UQ1.16)", 0, 1),
        ("power_of_two(up, exp=UQ1.16)", -0.5, 0),
    ],
)
def test_how_far_a_core_is_from_the_exponential(text, low, high):
    """Over the distances from 0 to 4 at steps of 1/256: beyond, the format's own steps are seen."""
    core, form = EXP.read(text), parse("UQ1.16")
    codes = np.arange(1024)
    e = array.run(draw(lambda row: core(row.x), parse("UQ4.8"), form, 1), codes[:, None])[:, 0]
    assert (np.diff(e) <= 0).all()
    assert e[0] == 2**16 or text.startswith("polynomial")
    relative = e / 2.0**16 / np.exp(-codes / 256) - 1
    assert low - 1e-3 <= relative.min()
    assert relative.max() <= high + 1e-3


@pytest.mark.parametrize("core", EXPONENTIALS, ids=lambda p: p.name)
@pytest.mark.parametrize("form", ["UQ0.4", "UQ1.1", "UQ0.8:floor", "UQ1.6:half_up:forbid", "UQ0.12:half_away"])
def test_exponentials_stay_within_one_and_their_format(core, form):
    """All distances of 12 bits, with every core at its defaults."""
    form = parse(form)
    e = array.run(draw(lambda row: core.given({"exp": form})(row.x), parse("UQ8.4"), form, 1), np.arange(4096)[:, None])
    one = min(1 << form.fraction_bits, form.highest_code)
    assert one * 0.96 - 1 <= e[0, 0] <= one
    assert (e <= one).all()
    assert e[-1, 0] == 0


def test_an_exponential_of_one_that_is_forbidden_is_refused():
    for core in ("table", "polynomial(2, 18)", "chords", "power_of_two", "interpolated", "line"):
        text = f"{core[:-1]}, exp=UQ0.8:forbid)" if "(" in core else f"{core}(exp=UQ0.8:forbid)"
        with pytest.raises(DesignError, match="forbid"):
            design(f"composed(exp={text})")


@pytest.mark.parametrize("text", [
    "polynomial(output=UQ0.2, sum=rounded(), normalise=divide)", "basic_split(output=UQ0.1, sum=rounded())",
    "basic_split(output=UQ0.4, sum=rounded(sum=UQ10.2:floor))",
])  # fmt: skip
def test_an_output_with_fewer_bits_than_the_exponentials_divides(text):
    row = np.array([1.0, 2.0, 3.0])
    assert abs(design(text)(row) - np.exp(row) / np.exp(row).sum()).max() <= 0.26  # half a bit of the coarsest
