"""Costs: what is counted, at which price, and that a failing tool is one sentence."""

import pytest
from tests.hardware.units import negate, negate_unit

from narrowmax import tools
from narrowmax.engines.verilog.library import fifo
from narrowmax.errors import DesignError, ToolFailed, ToolMissing
from narrowmax.hardware import FLIP_FLOP, RAM_BIT, Cost, cost, costing, is_kept, synthesis
from narrowmax.hardware.estimation import predict
from narrowmax.store import Store

ADDER = """\
module adder (input logic aclk, input logic [3:0] a, input logic [3:0] b, output logic [4:0] y);
  always_ff @(posedge aclk) y <= {1'd0, a} + {1'd0, b};
endmodule
"""
TABLE = """\
module table_of (
  input logic aclk, input logic [3:0] a, output logic [7:0] y, input logic [7:0] d, output logic [7:0] q
);
  logic [7:0] m [0:15];
  always_ff @(posedge aclk) begin
    m[a] <= d;
    q <= m[a ^ 4'd5];
  end
  always_comb case (a)
    4'd0: y = 8'd255; 4'd1: y = 8'd99; 4'd2: y = 8'd38; 4'd3: y = 8'd14;
    4'd4: y = 8'd5; 4'd5: y = 8'd2; 4'd6: y = 8'd77; 4'd7: y = 8'd1;
    4'd8: y = 8'd201; 4'd9: y = 8'd8; 4'd10: y = 8'd9; 4'd11: y = 8'd130;
    4'd12: y = 8'd31; 4'd13: y = 8'd32; 4'd14: y = 8'd33; default: y = 8'd0;
  endcase
endmodule
"""


def of(text, top, target="gates"):
    unit = negate_unit()
    unit.files, unit.top = {f"{top}.v": text}, top
    return cost(unit, target)


def buffer_unit(width, depth):
    """A unit that is a buffer and nothing else."""
    ports = {"reserve": "input", "ready": "output", "push": "input", "valid": "output", "pop": "input"}
    sides = {"push_data": "input", "data": "output"}
    heads = ["input logic aclk", "input logic aresetn", *(f"{way} logic {name}" for name, way in ports.items())]
    heads += [f"{way} logic [{width - 1}:0] {name}" for name, way in sides.items()]
    wires = ", ".join(f".{head.split()[-1]}({head.split()[-1]})" for head in heads)
    body = f"  narrowmax_fifo #(.WIDTH({width}), .DEPTH({depth})) b ({wires});\n"
    unit = negate_unit()
    unit.files = {
        "only.v": f"module only ({', '.join(heads)});\n{body}endmodule\n",
        "narrowmax_fifo.v": fifo("narrowmax_fifo"),
    }
    unit.top = "only"
    return unit


def test_flip_flops_are_counted_apart_from_gates():
    area = of(ADDER, "adder").area
    assert area["ff"] == 5 and area["ram_bits"] == area["rom_bits"] == 0
    assert 15 < area["nand2"] < 50 and 3 <= area["depth"] <= 10


def test_memories_stay_bits_and_tables_become_gates():
    area = of(TABLE, "table_of").area
    assert (area["ram_bits"], area["rom_bits"]) == (16 * 8, 16 * 8)
    assert area["ff"] == 8 and 30 < area["nand2"] < 128  # the register of q is no part of the memory


def test_a_register_of_a_table_stays_where_it_is_written():
    """Synthesis could move it through the table, between 4 bits of address and 8 of data."""
    table = "always_comb case (a)"
    at_address = TABLE.replace(table, f"logic [3:0] b;\n  always_ff @(posedge aclk) b <= a;\n  {table}")
    at_address = at_address.replace("case (a)", "case (b)")
    at_data = TABLE.replace("y = ", "t = ")
    at_data = at_data.replace(table, f"logic [7:0] t;\n  always_ff @(posedge aclk) y <= t;\n  {table}")
    for text, bits in ((at_address, 4), (at_data, 8)):
        area = of(text, "table_of").area
        assert (area["ff"], area["rom_bits"], area["ram_bits"]) == (8 + bits, 128, 128)


@pytest.mark.parametrize(
    ("width", "depth", "flip_flops"), [(7, 12, 7 + 4 * 4 + 2), (5, 2, 5 + 1 + 1 + 2 + 2 + 2), (9, 1, 9 + 1 + 1 + 2)]
)
def test_a_buffer_is_its_memory_and_its_registers(width, depth, flip_flops):
    """Those of its output, of where it writes and reads, of what it holds and has left, of ready and valid."""
    unit = buffer_unit(width, depth)
    area, predicted = cost(unit).area, predict(unit)
    assert area["ff"] == predicted["ff"] == flip_flops
    assert area["ram_bits"] == predicted["ram_bits"] == width * depth


def test_what_was_synthesised_is_known_to_be_kept(tmp_path):
    store = Store(tmp_path)
    assert not is_kept(negate_unit(), cache=store)
    cost(negate_unit(), cache=store)
    assert is_kept(negate_unit(), cache=store) and not is_kept(negate_unit(), "xc7", cache=store)
    assert store.hits == {}  # to ask is not to reuse
    with pytest.raises(DesignError, match="target is 'asic'"):
        is_kept(negate_unit(), "asic", cache=store)


def test_very_large_logic_is_mapped_lightly_and_says_so(monkeypatch, tmp_path):
    assert of(ADDER, "adder").effort == "full"
    monkeypatch.setattr(synthesis, "MOST_OPTIMISED", 20)  # of its 27 cells
    lightly = of(ADDER, "adder")
    assert lightly.effort == "light" and lightly.record()["effort"] == "light"
    assert lightly.area["ff"] == 5 and 15 < lightly.area["nand2"] < 60


def test_the_transistors_are_those_that_yosys_counts(tmp_path):
    script = synthesis._GATES.format(top="adder", most=100) + synthesis._MAP.format(effort="")
    script = f"read_verilog -sv adder.v\n{script}tee -q -o cmos.txt stat -tech cmos\n"
    synthesis.run_script(script, {"adder.v": ADDER}, tmp_path)
    total = (tmp_path / "cmos.txt").read_text().split("Estimated number of transistors:")[1].split()[0]
    area = of(ADDER, "adder").area
    assert int(total) == 4 * area["nand2"] + 16 * area["ff"]


def test_the_objective_prices_everything():
    made = Cost(
        "gates", "Yosys", "1", {"nand2": 100.0, "ff": 10, "ram_bits": 1000, "rom_bits": 512, "depth": 9}, 1, 10, 10.0
    )
    assert made.objective == 100 + 10 * FLIP_FLOP + 1000 * RAM_BIT
    assert made.record()["objective"] == made.objective


def test_the_price_of_a_flip_flop_is_that_of_open_libraries(shared_data):
    import gzip
    import re

    def area(file, cell):
        text = gzip.open(shared_data / "liberty" / file, "rt").read()
        return float(re.search(rf'cell \(?"?{cell}"?\).*?area : ([\d.]+)', text, re.DOTALL)[1])

    sky = "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    assert area(sky, "sky130_fd_sc_hd__dfxtp_1") / area(sky, "sky130_fd_sc_hd__nand2_1") == pytest.approx(
        FLIP_FLOP, abs=0.01
    )


def test_a_cost_is_a_record():
    record = cost(negate()).record()
    assert record["target"] == "gates" and record["tool"] == "Yosys" and record["version"].startswith("0.")
    assert record["delay_ns"] is None and record["delay_ns_reason"].startswith("gates without a library have no delay")
    assert (record["lanes"], record["max_n"], record["period_ns"], record["seeds"], record["spread"]) == (
        2,
        10,
        10.0,
        [0],
        0.0,
    )


def test_resources_of_xc7_have_no_price_and_no_frequency():
    made = of(ADDER, "adder", "xc7")
    assert made.area["ff"] == 5 and 4 <= made.area["luts"] <= 10
    assert made.fmax_mhz is None and made.fmax_mhz_reason.startswith("no place and route of the 7 series")
    assert "objective" not in made.record()
    with pytest.raises(
        DesignError, match=r"^the resources of xc7 have no common price; ask for the cost with target gates$"
    ):
        _ = made.objective


def test_a_cost_is_kept_by_content(tmp_path, monkeypatch):
    first = cost(negate(), cache=Store(tmp_path))
    monkeypatch.setattr(synthesis, "run_script", lambda *_, **__: pytest.fail("synthesised again"))
    assert cost(negate(), cache=Store(tmp_path)) == first


def test_an_unknown_target_is_refused():
    with pytest.raises(DesignError, match=r"^target is 'ice9'; it is one of gates, xc7$"):
        cost(negate(), "ice9")


def test_an_error_of_yosys_is_one_sentence(tmp_path):
    unit = negate_unit(replace=[("negate_code lane_0", "no_such_module lane_0")])
    with pytest.raises(ToolFailed, match=r"^Yosys failed with exit status 1, saying: ERROR: Module `\\no_such_module'"):
        cost(unit, cache=Store(tmp_path))


def test_a_missing_yosys_is_said_so(monkeypatch):
    def missing():
        raise ToolMissing("Yosys was not found; `pip install pyosys`")

    monkeypatch.setattr(tools, "yosys", missing)
    with pytest.raises(ToolMissing, match=r"^Yosys was not found; `pip install pyosys`$"):
        cost(negate())


def test_every_gate_that_the_script_asks_for_has_a_price():
    asked = {f"$_{name}_" for name in synthesis._MAP.format(effort="").split("abc -g ")[1].split(";")[0].split(",")}
    assert asked | {"$_NOT_"} <= set(costing.TRANSISTORS)
