"""Blocks on every input."""

from tests.hardware.units import negate_unit

from narrowmax.hardware.sweeps import Sweep


def test_a_good_block_passes_on_every_input():
    (swept,) = Sweep(negate_unit()).run()
    assert (swept.name, swept.tried, swept.wrong, swept.first, swept.exhaustive) == ("negate_code", 256, 0, None, True)


def test_one_wrong_input_of_all_is_found():
    unit = negate_unit(replace=[("code[6], code}", "code[6], code} - {7'd0, code == 7'd77}")])
    (swept,) = Sweep(unit).run()
    assert (swept.wrong, swept.first) == (1, ((1, -51), (51,), (50,)))


def test_inputs_are_those_of_the_ranges():
    unit = negate_unit(replace=[("code[6], code}", "code[6], code} - {7'd0, code == 7'd77}")])
    unit.modules[0].inputs = (("present", 1, 0, 1), ("code", 7, -50, 63))  # -51 cannot occur
    (swept,) = Sweep(unit).run()
    assert (swept.tried, swept.wrong) == (228, 0)


def test_blocks_with_many_input_bits_are_sampled():
    wide = [("input  logic [6:0] code", "input  logic [99:0] code"), ("8'd0 - {code[6], code}", "8'd0 - code[99:92]"),
            (".code(s_axis_tdata[6:0])", ".code(100'd0)"), (".code(s_axis_tdata[14:8])", ".code(100'd0)")]  # fmt: skip
    unit = negate_unit(replace=wide)
    block = unit.modules[0]
    block.inputs = (("present", 1, 0, 1), ("code", 100, 0, (1 << 100) - 1))
    block.outputs = (("negated", 8, 0, 255),)
    block.evaluate = lambda present, code: (-(code >> 92) & 255 if present else 0,)
    (swept,) = Sweep(unit).run()
    assert (swept.tried, swept.wrong, swept.exhaustive) == (4096, 0, False)
    block.evaluate = lambda present, code: (-(code >> 92) & 255 if present or code == 1 << 99 else 0,)
    assert Sweep(unit).run()[0].wrong > 0  # an edge


def test_a_unit_without_blocks_has_nothing_to_sweep():
    unit = negate_unit()
    unit.modules = ()
    assert Sweep(unit).run() == []


def test_a_clocked_block_is_compared_after_its_latency():
    clocked = ("module negate_code (\n", "module negate_code (\n  input logic aclk,\n")
    delayed = ("  assign negated = present ? 8'd0 - {code[6], code} : 8'd0;",
               "  logic [7:0] first;\n  always_ff @(posedge aclk) begin\n"
               "    first <= present ? 8'd0 - {code[6], code} : 8'd0;\n    negated <= first;\n  end")  # fmt: skip
    unit = negate_unit(replace=[clocked, delayed, (".present(", ".aclk(aclk), .present(")])
    unit.modules[0].latency = 2
    (swept,) = Sweep(unit).run()
    assert (swept.tried, swept.wrong) == (256, 0)
    unit.modules[0].latency = 1
    assert Sweep(unit).run()[0].wrong > 0


def test_wide_outputs_take_several_words():
    joined = "  assign negated = {wide_1[7:0], wide_0[7:0]};\n  assign accept"
    wide = [("output logic [7:0] negated", "output logic [99:0] negated"),
            ("? 8'd0 - {code[6], code} : 8'd0", "? {code[0], 91'd0, 8'd0 - {code[6], code}} : 100'd0"),
            (".negated(negated[7:0])", ".negated(wide_0)"), (".negated(negated[15:8])", ".negated(wide_1)"),
            ("  assign accept", "  logic [99:0] wide_0;\n  logic [99:0] wide_1;\n" + joined)]  # fmt: skip
    unit = negate_unit(replace=wide)
    block = unit.modules[0]
    block.outputs = (("negated", 100, 0, (1 << 100) - 1),)
    block.evaluate = lambda present, code: ((code & 1) << 99 | (-code & 255) if present else 0,)
    assert Sweep(unit).run()[0].wrong == 0
    block.evaluate = lambda present, code: (-code & 255 if present else 0,)
    assert Sweep(unit).run()[0].wrong == 64
