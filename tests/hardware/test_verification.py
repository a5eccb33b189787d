"""The whole verification: what it counts, what it finds, how it says so."""

import json
from dataclasses import replace

import pytest
from tests.hardware.units import negate, negate_unit

from narrowmax import store
from narrowmax.errors import DesignError
from narrowmax.hardware import verification, verify

WRONG = ("8'd0 - {code[6], code}", "8'd0 - {code[6], code} + {7'd0, code == 7'd5}")


def sentences(record):
    return [found["sentence"] for found in record["findings"]]


def test_a_good_unit_has_nothing_to_report():
    lines = []
    record = verify(negate(), elements=20_000, seed=3, progress=lines.append)
    assert record["mismatches"] == 0 and record["findings"] == record["warnings"] == []
    assert record["exhaustive_units"] == ["negate_code"] and record["repeat"] is None
    assert record["rows"] > 2_000 and record["elements"] > 20_000 and record["netlist_elements"] > 4_000
    assert (record["latency_cycles"], record["initiation_interval"]) == (1, 5)
    assert record["schema"] == "narrowmax/verify/1" and (record["lanes"], record["max_n"], record["seed"]) == (2, 10, 3)
    assert lines[0] == "block negate_code: all 256 inputs" and "building the simulator" in lines
    assert json.loads(store.dumps(record)) == record


def test_inputs_of_blocks_are_no_elements_of_rows():
    made, bare = negate(), negate()
    bare.unit.modules = ()
    counted, without = (verify(m, elements=2_000, netlist=False) for m in (made, bare))
    assert (counted["block_inputs"], without["block_inputs"]) == (256, 0)
    assert (counted["rows"], counted["elements"]) == (without["rows"], without["elements"])


def test_a_wrong_result_is_reported_with_row_wire_and_command():
    record = verify(negate(replace=[WRONG]), elements=5_000, netlist=False)
    assert record["mismatches"] > 20
    block, first, *_ = sentences(record)
    assert block == "the block negate_code gives (-4,) for the inputs (1, 5), the simulation (-5,)"
    assert first == (
        "adversarial rows: row 51, element 0: the hardware gives -4, the simulation -5; "
        "the first wire that differs is negated in row 51, element 0: -4 instead of -5"
    )
    finding = record["findings"][1]
    assert finding["rows_before"] == 0 and finding["row"][0] == 5 and (finding["wanted"], finding["got"]) == (-5, -4)
    assert len(finding["row"]) == len(finding["present"]) and finding["manner"]["strict"] is True
    assert record["repeat"] == "narrowmax verify negate --lanes 2 --max-n 10 --period-ns 10 --elements 5000 --seed 0"


def test_a_fault_that_needs_earlier_rows_keeps_them():
    sticky = (
        "awake <= aresetn;",
        "awake <= aresetn;\n    spoilt <= aresetn & (spoilt | (accept & s_axis_tdata[6:0] == 7'd63));",
    )
    uses = ("{closing, s_axis_tkeep & held, negated}", "{closing, s_axis_tkeep & held, negated ^ {15'd0, spoilt}}")
    made = negate(replace=[sticky, uses, ("logic        awake;", "logic        spoilt;\n  logic        awake;")])
    record = verify(made, elements=5_000, netlist=False)
    assert any(found.get("rows_before", 0) > 0 for found in record["findings"])


def test_a_broken_rule_is_reported():
    record = verify(negate(replace=[("closing = s_axis_tlast |", "closing =")]), elements=5_000, netlist=False)
    assert sentences(record)[0].endswith("the hardware sent a wrong tlast")
    assert record["latency_cycles"] is None and record["latency_cycles_reason"] == "not measured, since rows were wrong"


def test_claims_of_timing_are_held_to_the_cycle():
    made = negate()
    made.unit.latency_cycles = 2
    made.unit.initiation_interval = 4
    record = verify(made, elements=1_000, netlist=False)
    assert record["mismatches"] == 2
    assert sentences(record) == [
        "latency cycles: 1 were measured, the unit claims 2",
        "initiation interval: 5 were measured, the unit claims 4",
    ]


def test_a_wire_that_no_result_shows_is_reported():
    unit = negate_unit(replace=[("  assign accept", "  logic [7:0] other;\n  assign other = 8'd7;\n  assign accept")])
    unit.probes[1].signal = "other"
    record = verify(replace(negate(), unit=unit), elements=1_000, netlist=False)
    assert sentences(record)[0].startswith("the first wire that differs is negated in row 1, element 1: 7 instead of ")


def test_warnings_count():
    record = verify(negate(replace=[("waiting < 3'd4", "waiting < 4'd4")]), elements=1_000, netlist=False)
    assert record["mismatches"] == len(record["warnings"]) == 1


def test_a_netlist_that_differs_is_reported(monkeypatch):
    wrong = "\n".join(negate(replace=[WRONG]).unit.files.values())
    monkeypatch.setattr(verification.synthesis, "gates", lambda *_: {"netlist": wrong})
    record = verify(negate(), elements=1_000)
    assert sentences(record)[0].startswith("after synthesis, adversarial rows: row 51, element ")


def test_faults_are_counted_where_they_are_asked_for():
    record = verify(negate(), elements=1_000, netlist=False, faults=10)
    assert record["faults_planted"] == 10
    assert record["faults_caught"] + record["faults_equivalent"] + record["faults_survived"] == 10


def test_a_unit_alone_says_nothing_of_what_is_right():
    message = (
        r"^the unit negate comes without a datapath, so nothing says what is right; "
        r"give a design, a folder, or Subject\(unit, datapath, period_ns\)$"
    )
    with pytest.raises(DesignError, match=message):
        verify(negate_unit())
