"""Beats without elements: a source that learns too late that its row has ended closes it with tkeep all 0."""

import shutil
import subprocess

import pytest

from narrowmax.datapath import draw, total
from narrowmax.engines import verilog
from narrowmax.formats import parse

BENCH = """
module bench;
  logic aclk = 0, aresetn = 0, valid = 0, ready, last, out_valid, out_last, too_long;
  logic [15:0] data, out_data;
  logic [1:0] keep, out_keep;
  softmax unit (.aclk(aclk), .aresetn(aresetn), .s_axis_tvalid(valid), .s_axis_tready(ready), .s_axis_tdata(data),
                .s_axis_tkeep(keep), .s_axis_tlast(last), .s_axis_tuser(2'b11), .m_axis_tvalid(out_valid),
                .m_axis_tready(1'b1), .m_axis_tdata(out_data), .m_axis_tkeep(out_keep), .m_axis_tlast(out_last),
                .row_too_long(too_long));
  always #5 aclk = ~aclk;
  always @(posedge aclk) if (aresetn && out_valid)
    $display("%0d %0d %b %b", out_data[7:0], out_data[15:8], out_keep, out_last);
  task beat(input [7:0] a, input [7:0] b, input [1:0] kept, input ends);
    begin
      valid = 1; data = {b, a}; keep = kept; last = ends;
      @(posedge aclk); while (!ready) @(posedge aclk);
      #1 valid = 0;
    end
  endtask
  initial begin
    repeat (3) @(posedge aclk);
    #1 aresetn = 1;
BEATS
    repeat (60) @(posedge aclk);
    $display("too long %b", too_long);
    $finish;
  end
endmodule
"""


def ran(beats, tmp_path):
    """What the unit offers, a line a beat, for beats (first, second element, tkeep, tlast)."""
    datapath = draw(lambda row: total(row.x) + row.n * 16 + row.x, parse("UQ3.0"), parse("UQ7.0"), 4)
    calls = "\n".join(f"    beat({a}, {b}, 2'd{keep}, 1'b{last});" for a, b, keep, last in beats)
    sources = {**verilog.emit(datapath, 2).files, "bench.v": BENCH.replace("BEATS", calls)}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "sim", *sources], cwd=tmp_path, check=True)
    said = subprocess.run(["vvp", "-n", "sim"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    return [line for line in said.stdout.splitlines() if "finish" not in line]


@pytest.mark.skipif(not shutil.which("iverilog"), reason="iverilog is not installed")
def test_beats_without_elements(tmp_path):
    beats = [
        (1, 2, 3, 0), (7, 7, 0, 1),  # two elements, then nothing
        (7, 7, 0, 1),  # a row of nothing at all
        (1, 1, 3, 0), (1, 1, 3, 0), (7, 7, 0, 1),  # four elements are a whole row: the rest is swallowed
        (1, 2, 3, 1),
    ]  # fmt: skip
    offered = ["36 37 11 0", "0 0 00 1", "0 0 00 1", "69 69 11 0", "69 69 11 1", "36 37 11 1"]
    assert ran(beats, tmp_path) == [*offered, "too long 0"]
    assert ran([(1, 1, 3, 0), (1, 1, 3, 0), (7, 7, 1, 1)], tmp_path) == ["69 69 11 0", "69 69 11 1", "too long 1"]
