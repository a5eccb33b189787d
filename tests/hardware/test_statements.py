"""Reading Verilog as far as planting faults needs it."""

import pytest
from tests.hardware.units import negate_unit

from narrowmax.hardware.statements import depths, expressions, tokens, widths

SOURCE = """\
module m #(parameter int W = 8) (input logic a, output logic [3:0] y);
  localparam logic [3:0] LAST = 4'd9;
  logic [3:0] memory [0:7];   // b <= c
  logic signed [11:0] s;
  assign y = a ? 4'd1 : {2'd0, s[1:0]};
  assign {p, q} = s + 12'd3;
  always_comb begin
    case (a)
      1'd0: value = 4'h7;
      default: value = 4'd0;
    endcase
  end
  always_ff @(posedge a) begin
    if (!a) s <= 12'd0; else if (s <= 12'd4) memory[s[2:0]] <= y;
  end
  narrowmax_fifo #(.WIDTH(8)) f (.a(a), .b(s));
endmodule
"""


def found():
    return [(e.text(SOURCE), e.target, e.clocked) for e in expressions(SOURCE)]


def test_expressions_are_right_sides_and_conditions():
    assert found() == [
        ("a ? 4'd1 : {2'd0, s[1:0]}", "y", False),
        ("s + 12'd3", "{}", False),
        ("4'h7", "value", False),
        ("4'd0", "value", False),
        ("!a", "", False),
        ("12'd0", "s", True),
        ("s <= 12'd4", "", False),
        ("y", "memory[]", True),
    ]


def test_widths_of_signals_and_of_the_words_of_memories():
    assert widths(SOURCE) == {"LAST": 4, "a": 1, "y": 4, "memory[]": 4, "s": 12}


def test_tokens_leave_out_spaces_and_comments():
    text = "a <= $signed(b) >>> 3'd2; // c\n/* d */ (* e *) x"
    assert [token.text for token in tokens(text)] == ["a", "<=", "$signed", "(", "b", ")", ">>>", "3'd2", ";", "x"]
    assert depths(tokens("a[b{c}]d")) == [0, 0, 1, 1, 2, 1, 0, 0]


@pytest.mark.parametrize("text, found", [
    ("a // b", ["a"]), ("// b", []), ("/* a */ b // c\n", ["b"]), ("(* keep *) a  \n", ["a"]), ("", []),
    ("a /* b", ["a", "/", "*", "b"]),
    ("a (* b", ["a", "(", "*", "b"]), ("a/b", ["a", "/", "b"]), ("/*a*//*b*/c", ["c"]), (" \n", []),
])  # fmt: skip
def test_comments_and_spaces_are_no_tokens(text, found):
    assert [token.text for token in tokens(text)] == found
    assert all(text[token.start : token.end] == token.text for token in tokens(text))


def test_every_assignment_of_a_unit_is_found():
    source = negate_unit().files["negate.v"]
    whole = [e.text(source) for e in expressions(source)]
    assert (
        len(whole) == source.count("assign ") + source.count(" <= ") + source.count("if (") - 1
    )  # but for the unused bits
