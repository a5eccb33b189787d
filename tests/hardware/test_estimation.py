"""Predicted costs against synthesised ones."""

import pytest
from tests.hardware.units import negate_unit

from narrowmax.designs import design
from narrowmax.errors import DesignError
from narrowmax.hardware import cost, estimate, estimated_logic
from narrowmax.hardware.estimation import buffers, predict
from narrowmax.hardware.subjects import subject

# none of them among those that the prices were fitted to
DESIGNS = [
    ("table_divide(input=Q5.2, exp=UQ0.7, output=UQ0.7)", 1, 20), ("table_reciprocal(input=Q5.1)", 2, 20),
    ("softermax(input=Q5.2)", 1, 20), ("argmax(input=Q5.5)", 1, 40), ("table_divide(input=Q4.3, exp=UQ0.9)", 4, 12),
]  # fmt: skip


@pytest.mark.parametrize(("text", "lanes", "max_n"), DESIGNS)
def test_an_estimate_is_near_the_cost(text, lanes, max_n):
    assert estimate(text, lanes, max_n) == pytest.approx(cost(text, lanes=lanes, max_n=max_n).objective, rel=0.2)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ethos_u", "softex", "tflite_int8"])
def test_an_estimate_of_a_very_large_unit_is_near_the_cost(name):
    """Large multiplications, many of them by constants: predictions were up to twice the cost."""
    assert estimate(name, 1, 16) == pytest.approx(cost(name, max_n=16).objective, rel=0.2)


@pytest.mark.parametrize(
    ("bits", "width", "constant"),
    [(12, 24, 0x777), (12, 20, 0xF0101), (16, 32, 0x5555), (8, 23, 23637), (16, 32, 1 << 9)],
)
def test_a_multiplication_by_a_constant_is_priced_by_its_ones(bits, width, constant):
    text = (
        f"module m (input logic aclk, input logic [{bits - 1}:0] x, output logic [{width - 1}:0] y);\n"
        f"  assign y = {{{width - bits}'d0, x}} * {width}'d{constant};\nendmodule\n"
    )
    unit = negate_unit()
    unit.files, unit.top = {"m.v": text}, "m"
    assert estimate(unit) == pytest.approx(cost(unit).objective, rel=0.45)


def test_logic_is_what_is_left_without_flip_flops_and_memories():
    made = cost("table_divide(input=Q5.2)", max_n=20)
    assert estimated_logic("table_divide(input=Q5.2)", max_n=20) == pytest.approx(made.area["nand2"], rel=0.25)


@pytest.mark.parametrize(("text", "lanes", "max_n"), DESIGNS)
def test_memory_bits_are_exact_and_flip_flops_but_for_those_that_synthesis_removes(text, lanes, max_n):
    """Those that are constant, or that nothing reads: many in a divider, whose quotient fits few bits."""
    area, predicted = cost(text, lanes=lanes, max_n=max_n).area, predict(subject(text, lanes=lanes, max_n=max_n).unit)
    assert predicted["ram_bits"] == area["ram_bits"]
    assert area["ff"] <= predicted["ff"] <= 1.3 * area["ff"]


def test_flip_flops_of_a_design_without_constant_ones_are_exact():
    text = "softermax(input=Q4.0, power=UQ1.2, sum=UQ2.0:floor, reciprocal=UQ1.2, output=UQ1.3)"
    assert predict(subject(text, max_n=16).unit)["ff"] == cost(text, max_n=16).area["ff"]


def test_every_bit_less_is_predicted_to_be_no_dearer():
    wide = design("table_divide(input=Q5.3, exp=UQ0.10, output=UQ0.8)")
    for knob, value in wide.knob_values.items():
        if value - 1 in wide.knobs[knob]:
            assert estimate(wide.moved({knob: value - 1}), 1, 50) <= estimate(wide, 1, 50), knob


def test_an_estimate_synthesises_nothing(monkeypatch):
    monkeypatch.setattr("narrowmax.tools.yosys", lambda: pytest.fail("Yosys was asked for"))
    assert estimate("table_divide(output=UQ0.11)", 1, 100) > estimate("table_divide(output=UQ0.4)", 1, 100)


def test_operators_are_priced_by_their_bits():
    text = (
        "module m (input logic aclk, input logic [7:0] a, input logic [3:0] b, output logic [11:0] y);\n"
        "  logic [11:0] p;\n  assign p = {4'd0, a} * {8'd0, b};\n"
        "  always_ff @(posedge aclk) if (a < b) y <= p + 12'd1;\nendmodule\n"
    )
    unit = negate_unit()
    unit.files, unit.top = {"m.v": text}, "m"
    found = predict(unit)
    assert (found["multiply"], found["add"], found["compare"], found["ff"], found["enable"]) == (32, 6, 8, 12, 12)


def test_buffers_are_read_from_their_parameters():
    text = "  narrowmax_fifo #(.WIDTH(11), .DEPTH(12)) b (.aclk(aclk));\n  other x (\n    .a(b)\n  );\n"
    assert buffers(text) == 132
    assert buffers(text.replace("(.aclk", "(\n    .aclk")) == 132


def test_what_has_no_hardware_is_refused():
    with pytest.raises(DesignError, match="has no hardware"):
        estimate("ideal()")
