"""The rules by which faults are planted."""

import pytest

from narrowmax.hardware.mutations import RULES, mutants
from narrowmax.hardware.statements import expressions


def planted(statement, width=None):
    (expression,) = expressions(statement)
    made = {}
    for rule, text in mutants(expression, statement, width):
        made.setdefault(rule, []).append(text)
    return made


@pytest.mark.parametrize(("statement", "rule", "texts"), [
    ("assign y = a + b;", "operator exchanged", ["a - b"]),
    ("assign y = a & b | ~c;", "operator exchanged", ["a | b | ~c", "a & b & ~c"]),
    ("assign y = &a ^ -b;", "operator exchanged", ["&a | -b"]),
    ("assign y = a <= b;", "operator exchanged", ["a < b"]),
    ("assign y = a >>> b;", "operator exchanged", ["a >> b"]),
    ("assign y = a < b;", "comparison flipped", ["a > b"]),
    ("assign y = a + 4'd15;", "constant one too high", ["a + 4'd0"]),
    ("assign y = a + 4'h0;", "constant one too low", ["a + 4'd15"]),
    ("assign y = 6'sb101;", "constant one too high", ["6'sd6"]),
    ("assign y = 4'd3;", "top bit of a constant", ["4'd11"]),
    ("assign y = c ? a : b;", "choice exchanged", ["!(c ) ? a : b"]),
    ("assign y = (c) ? a : (d ? b : e);", "choice exchanged", ["!((c) ) ? a : (d ? b : e)"]),
    ("assign y = a - b;", "operands exchanged", ["b - a"]),
    ("assign y = a[1] << (b - c);", "operands exchanged", ["(b - c) << a[1]"]),
    ("assign y = $signed(a) < $signed(b);", "sign forgotten",
     ["$unsigned(a) < $signed(b)", "$signed(a) < $unsigned(b)"]),
    ("assign y = a[7:4];", "slice one too low", ["a[6:3]"]),
    ("y <= a;", "register not written", ["y"]),
])  # fmt: skip
def test_a_rule_plants_what_it_says(statement, rule, texts):
    assert planted(statement)[rule] == texts


def test_a_condition_is_forced_and_negated():
    (expression,) = expressions("if (a == b) ;")
    made = dict(mutants(expression, "if (a == b) ;", None))
    assert (made["enable missing"], made["enable lost"], made["condition negated"]) == ("1'b1", "1'b0", "!(a == b)")


def test_stuck_bits_need_a_known_width():
    assert planted("assign y = a;", 8)["bit stuck at 1"] == ["(a) | 8'd1", "(a) | 8'd16", "(a) | 8'd128"]
    assert planted("assign y = a;", 8)["bit stuck at 0"] == ["(a) & 8'd254", "(a) & 8'd239", "(a) & 8'd127"]
    assert planted("assign y = a;", 1)["bit stuck at 0"] == ["(a) & 1'd0"]
    assert "bit stuck at 1" not in planted("assign y = a;")


def test_rules_leave_alone_what_they_do_not_mean():
    assert planted("assign y = a + b - c;").keys() == {"operator exchanged"}  # two operators: no exchange of operands
    assert "register not written" not in planted("assign y = a;") and "slice one too low" not in planted(
        "assign y = a[3:0];"
    )
    assert planted("memory[a] <= b;", 8).keys() == {"bit stuck at 0", "bit stuck at 1"}


def test_every_rule_is_known_by_its_name():
    assert len(RULES) == len(set(RULES)) == 15
