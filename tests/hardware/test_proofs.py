"""Proving that a change of the Verilog changes nothing."""

import pytest
from tests.hardware.units import negate_unit

from narrowmax.hardware.proofs import equivalent
from narrowmax.hardware.subjects import subject
from narrowmax.store import Store


def proof(old, new, module="negate", unit=None, cache=None):
    unit = unit or negate_unit()
    before = unit.files
    text = before[f"{module}.v"]
    assert old in text
    return equivalent(unit, before, {**before, f"{module}.v": text.replace(old, new)}, module, cache)


@pytest.mark.parametrize(("old", "new", "module"), [
    ("accept & kept", "kept & accept", "negate"),
    ("waiting != 3'd0", "~(waiting == 3'd0)", "negate"),
    ("position + 16'd2 >= 16'd10", "position >= 16'd8 && position < 16'd65534", "negate"),
    ("8'd0 - {code[6], code}", "~{code[6], code} + 8'd1", "negate_code"),
])  # fmt: skip
def test_the_same_function_is_proven(old, new, module):
    assert proof(old, new, module) == "the module is the same function"


@pytest.mark.parametrize(("old", "new"), [
    ("waiting < 3'd4", "waiting < 3'd3"),
    ("head <= head + 2'd1", "head <= head + 2'd2"),
    ("row_too_long | over", "over"),
    ("queue[tail] <=", "queue[head] <="),
])  # fmt: skip
def test_another_function_is_not(old, new):
    assert proof(old, new) is None


def test_a_change_that_the_rest_of_the_unit_hides_is_proven():
    spare = [("output logic [7:0] negated ", "output logic       odd,\n  output logic [7:0] negated "),
             ("  assign negated", "  assign odd = code[0];\n  assign negated"),
             (".code(s", ".odd(), .code(s")]  # fmt: skip
    unit = negate_unit(replace=spare)
    unit.modules = ()  # else the block alone, whose output this is not, would do
    assert proof("odd = code[0]", "odd = code[1]", "negate_code", unit) == "the unit is the same function"


def test_a_block_may_differ_beyond_the_range_of_its_inputs():
    made = subject("table_divide(input=Q4.1, exp=UQ0.5, output=UQ0.4)", max_n=5)
    block = next(block for block in made.unit.modules if block.latency)
    old = next(line for line in made.unit.files[f"{block.name}.v"].splitlines() if "assign zero_in" in line)
    low = next(low for name, _, low, _ in block.inputs if name == "divisor")
    assert low > 1
    beyond, within = (old.replace("'d0", f"'d{value}") for value in (low - 1, low))
    assert proof(old, beyond, block.name, made.unit) == "the block is the same for inputs in range"
    assert proof(old, within, block.name, made.unit) is None


def test_a_proof_is_kept(tmp_path, monkeypatch):
    from narrowmax.hardware import proofs

    proof("accept & kept", "kept & accept", cache=Store(tmp_path))
    monkeypatch.setattr(proofs, "_proof", lambda *_: pytest.fail("proven again"))
    assert proof("accept & kept", "kept & accept", cache=Store(tmp_path)) == "the module is the same function"
