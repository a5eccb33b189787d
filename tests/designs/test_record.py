"""The record Design: frozen, hashable, its neighbours, its drawing, how it shows itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

import narrowmax
from narrowmax.architectures import Architecture
from narrowmax.designs import Design, catalogue, design
from narrowmax.errors import DesignError
from narrowmax.formats import parse

DIVIDE = "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)"


def test_public_names():
    assert narrowmax.design is design
    assert narrowmax.Design is Design


def test_what_it_holds():
    found = design(DIVIDE)
    assert (found.text, str(found), repr(found)) == (DIVIDE, DIVIDE, f"<design {DIVIDE}>")
    assert found.architecture == "table_divide"
    assert dict(found.parameters) == {"input": parse("Q5.3"), "exp": parse("UQ0.8"), "output": parse("UQ0.8")}
    assert (found.input, found.output) == (parse("Q5.3"), parse("UQ0.8"))
    assert found.has_hardware
    assert found.output_rate == "element"
    assert design("argmax").output_rate == "row"


def test_frozen():
    found = design(DIVIDE)
    with pytest.raises(FrozenInstanceError):
        found.architecture = "ideal"
    with pytest.raises(TypeError):
        found.parameters["exp"] = parse("UQ0.9")


def test_equal_by_text():
    assert len({design(DIVIDE), design(DIVIDE), design("argmax")}) == 2
    assert design(DIVIDE) != DIVIDE


def test_ideal_has_no_hardware():
    ideal = design("ideal(input=fp16)")
    assert not ideal.has_hardware
    assert (ideal.knobs, ideal.output_rate) == ({}, "element")
    message = r"^ideal\(input=fp16, output=fp32\) has no hardware: it is executed by the definition of softmax$"
    with pytest.raises(DesignError, match=message):
        ideal.datapath(8)


@pytest.mark.parametrize("max_n", [0, -1, 1.5, True, "8"])
def test_impossible_max_n(max_n):
    with pytest.raises(DesignError, match=rf"^max_n is {max_n!r}: rows of 1 element or more are allowed$"):
        design(DIVIDE).datapath(max_n)


def test_a_drawing_is_made_once():
    assert design(DIVIDE).datapath(10) is design(DIVIDE).datapath(10)
    assert design(DIVIDE).datapath(10).max_n == 10


def test_a_design_is_drawn_once_for_rows_of_the_usual_length(monkeypatch):
    lengths, drawn = [], Architecture.drawn
    monkeypatch.setattr(Architecture, "drawn", lambda *given: lengths.append(given[2]) or drawn(*given))
    design("table_divide(exp=UQ1.9)").datapath(48)
    found = design("table_divide(exp=UQ1.10)")
    assert found.datapath(48) is found.drawing and found.output_rate == "element"
    assert lengths[-2:] == [48, 48]


def test_what_takes_no_rows_of_the_usual_length_is_drawn_for_one():
    design(DIVIDE).datapath(4096)
    found = design("argmax(output=UQ4.0)")
    assert found.drawing.max_n == 1 and found.rows_up_to(4096) == 15
    assert design(DIVIDE).drawing.max_n == 4096  # what is asked of a drawing of one changes nothing


def test_rows_too_long_are_refused_with_the_limit():
    message = (
        r"^argmax\(input=Q5.3, output=UQ4.0\) takes rows of up to 15 elements, not 64: "
        r"overflow is forbidden, but the wire position ranges over 0..63 where 0..14 is allowed; give"
    )
    with pytest.raises(DesignError, match=message):
        design("argmax(output=UQ4.0)").datapath(64)


def test_knobs():
    found = design(DIVIDE)
    assert found.knobs == {
        "input.integer": range(1, 9),
        "input.fraction": range(9),
        "exp.fraction": range(2, 17),
        "output.fraction": range(1, 17),
    }
    assert found.knob_values == {"input.integer": 5, "input.fraction": 3, "exp.fraction": 8, "output.fraction": 8}


def test_a_setting_outside_the_usual_range_is_in_the_knobs_range():
    assert design("table_divide(input=Q12.3)").knobs["input.integer"] == range(1, 13)


def test_moved():
    found = design(DIVIDE)
    assert found.moved({"exp.fraction": 7, "input.integer": 4}).text == DIVIDE.replace("0.8", "0.7", 1).replace(
        "5", "4"
    )
    assert found.moved({}) == found
    assert found.moved(found.knob_values) == found
    assert design("table_reciprocal").moved({"address": 3}).parameters["address"] == 3
    assert design("softermax(sum=UQ10.6:floor)").moved({"sum.integer": 3}).parameters["sum"] == parse("UQ3.6:floor")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"exp.integer": 1},
            r"^the knob of table_divide 'exp.integer' is not known: use input.integer, input.fraction, exp.fraction, "
            r"output.fraction; did you mean ",
        ),
        (
            {"exp.fraction": 0},
            r"^exp=UQ0.0 is not possible|^exp.fraction=0 is not possible: UQ0.0 is not possible, with 0 bits",
        ),
        ({"exp.fraction": 30}, r"exp=UQ0.30 is not possible: exp is unsigned fixed point such as UQ0.8 with"),
        ({"input.fraction": 20}, r"is not possible: the table of exponentials would have up to"),
    ],
)
def test_impossible_moves(settings, message):
    with pytest.raises(DesignError, match=message):
        design(DIVIDE).moved(settings)


def test_notebooks_see_a_table():
    shown = design("softermax")._repr_html_()
    assert shown.startswith("<b>softermax</b>: Base 2, in chunks")
    assert shown.count("<tr>") == len(design("softermax").parameters)
    assert "<script" not in shown


def test_catalogue():
    assert set(catalogue()) >= {"argmax", "ideal", "softermax", "table_divide", "table_reciprocal"}
    assert catalogue()["softermax"].parameter("chunk").default == "16"
    assert "DAC 2021" in catalogue()["softermax"].sections["Source"]


@pytest.mark.parametrize("name", ["table_divide", "table_reciprocal", "softermax", "argmax"])
def test_an_architecture_is_short(name):
    """The drawing of an architecture is a page at most."""
    function = catalogue()[name].function
    lines = function.__code__.co_consts
    assert len({line for _, _, line in function.__code__.co_lines() if line}) <= 40, lines
