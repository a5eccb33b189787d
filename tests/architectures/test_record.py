"""Architectures are found, described and drawn."""

from __future__ import annotations

import re

import pytest

from narrowmax.architectures import Architecture, architecture, found
from narrowmax.architectures.parameters import FixedFormat, FloatFormat, Number, Real, Word
from narrowmax.errors import DesignError
from narrowmax.formats import Affine, parse


def test_what_is_found():
    assert list(found()) == sorted(found())
    assert {"argmax", "ideal", "softermax", "table_divide", "table_reciprocal"} <= set(found())
    assert all(isinstance(entry, Architecture) and entry.name == name for name, entry in found().items())
    with pytest.raises(TypeError):
        found()["other"] = found()["ideal"]


def test_a_page_has_headings():
    entry = found()["table_divide"]
    assert entry.summary == "Exponentials from a table, one integer division for each element."
    assert entry.sections["Oracle"] == "integer arithmetic on correctly rounded exponentials."
    assert entry.sections["Published"].startswith("the structure (maximum, ")


def test_formats_can_follow_from_other_parameters():
    """Affine integers in and out, where what is written is a scale alone."""

    def formats(parameters):
        return Affine(8, parameters["scale"]), Affine(8, 1 / 256, -128)

    scale = Real(name="scale", default="0.0625", source="knob", doc="the input's", least=1e-6, most=1)

    @architecture(scale, absent=lambda parameters: -128, formats=formats)
    def shifted(row, scale):
        return row.x.maximum(0) - 128

    drawn = shifted.drawn({"scale": 0.25}, 4)
    assert (str(drawn.input_format), str(drawn.output_format)) == ("int8@0.25", "int8@0.00390625:-128")
    assert (drawn.absent_code, drawn.output.range) == (-128, (-128, -1))


def test_what_has_no_drawing_says_so():
    message = "ideal has no hardware; choose an architecture that has one, such as table_divide"
    with pytest.raises(DesignError, match=f"^{re.escape(message)}$"):
        found()["ideal"].drawn({}, 1)


def test_every_wire_that_matters_is_named_and_blocks_are_kept():
    drawn = {
        name: e.drawn({p.name: p.read(p.default) for p in e.parameters}, 20)
        for name, e in found().items()
        if e.function
    }
    names = {name: {w.name for w in d.wires if w.name} for name, d in drawn.items()}
    assert names["table_divide"] == {"x", "top", "d", "e", "sum", "p"}
    assert names["table_reciprocal"] == {"x", "top", "d", "e", "sum", "r", "amount", "p"}
    assert {"whole", "slice_max", "running_max", "row_max", "growth", "u", "s", "sum", "v", "r"} <= names["softermax"]
    assert names["argmax"] == {"x", "position", "word", "index"}
    blocks = {name: {b.name for b in d.blocks if b.parent is None} for name, d in drawn.items()}
    assert blocks["table_divide"] == {"exp", "divide"}
    assert blocks["table_reciprocal"] == {"exp", "normalise", "reciprocal", "scale"}
    assert {"power", "normalise", "reciprocal", "scale"} <= blocks["softermax"]


class TestParameters:
    wire = FixedFormat(
        name="w", default="UQ0.8", source="knob", doc="a wire", integer=range(2), fraction=range(1, 10),
        signs=(False,), roundings=("floor", "half_up", "half_even"),
        turns={"integer": range(2), "fraction": range(2, 6)},
    )  # fmt: skip

    def test_allowed(self):
        assert self.wire.allowed == (
            "unsigned fixed point such as UQ0.8 with 0 to 1 integer and 1 to 9 fraction bits, rounded floor or half_up "
            "or half_even"
        )

    def test_a_value_is_handed_back(self):
        assert self.wire.read(parse("UQ1.8:floor")) == parse("UQ1.8:floor")

    @pytest.mark.parametrize(
        "text", ["Q0.8", "UQ2.8", "UQ0.10", "UQ0.8:half_away", "UQ0.8:stochastic", "fp16", "UQ0.0"]
    )
    def test_refused(self, text):
        with pytest.raises(DesignError, match="^w"):
            self.wire.read(text)

    def test_knobs_and_turns(self):
        value = parse("UQ1.8:floor")
        assert self.wire.knobs(value) == {"w.integer": (1, range(2)), "w.fraction": (8, range(2, 9))}
        assert self.wire.turned(value, "w.fraction", 3) == parse("UQ1.3:floor")
        with pytest.raises(DesignError, match="^w=UQ1.10:floor is not possible: w is unsigned"):
            self.wire.turned(value, "w.fraction", 10)
        with pytest.raises(DesignError, match="^w.fraction=-1 is not possible: UQ1.-1 is not possible, with 0 bits"):
            self.wire.turned(value, "w.fraction", -1)

    def test_floats(self):
        wire = FloatFormat(
            name="w", default="bf16", source="knob", doc="a wire", fractions=range(1, 11),
            turns={"exponent": range(3, 9), "fraction": range(2, 8)},
        )  # fmt: skip
        assert wire.read("fp16:infinity") == parse("fp16:infinity")
        assert wire.knobs(parse("e4m3")) == {"w.exponent": (4, range(3, 9)), "w.fraction": (3, range(2, 8))}
        assert wire.turned(parse("e4m3:infinity"), "w.fraction", 5) == parse("float(4,5,finite):infinity")
        for text in ("UQ0.8", "fp32", "fp16:stochastic", "fp16:forbid"):
            with pytest.raises(DesignError, match="^w=.* is not possible: w is a"):
                wire.read(text)
        with pytest.raises(DesignError, match="^w.exponent=9 is not possible: float.9,7. is not possible"):
            wire.turned(parse("bf16"), "w.exponent", 9)

    def test_numbers(self):
        fixed = Number(name="k", default="2", source="knob", doc="a number", choices=(1, 2, 4))
        turning = Number(name="k", default="2", source="knob", doc="a number", choices=range(9), turns=range(1, 4))
        assert (fixed.read("4"), fixed.read(4), fixed.knobs(4)) == (4, 4, {})
        assert turning.knobs(5) == {"k": (5, range(1, 6))}
        assert turning.turned(5, "k", 3) == 3
        with pytest.raises(DesignError, match="^k=3 is not possible: k is one of 1, 2, 4$"):
            fixed.read("3")
        with pytest.raises(DesignError, match="^k=9 is not possible: k is 0 to 8$"):
            turning.turned(5, "k", 9)

    def test_reals(self):
        real = Real(name="beta", default="1.0", source="knob", doc="a factor", least=1e-3, most=1e3)
        assert (real.read("0.1"), real.read(2), real.knobs(2.0)) == (0.1, 2.0, {})
        for text in ("0", "2000", "nan", "inf", "1/2", ""):
            with pytest.raises(DesignError, match=f"^beta={text} is not possible: beta is a number from 0.001 to 1000"):
                real.read(text)

    def test_words(self):
        word = Word(name="at", default="edge", source="knob", doc="where", choices=("edge", "centre"))
        assert (word.read("centre"), word.knobs("centre")) == ("centre", {})
        with pytest.raises(DesignError, match="^at=middle is not possible: at is edge or centre$"):
            word.read("middle")
