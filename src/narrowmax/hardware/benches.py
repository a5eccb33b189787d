"""The test benches of a hardware folder: one in plain Verilog, one in cocotb."""

from __future__ import annotations

from narrowmax.hardware.vectors import Vectors

_VERILOG = """\
// Self-checking test bench of {top}: {rows} rows from stimulus.hex, compared with golden.hex, with
// random stalls on both sides.  Run it in this folder; it ends with PASS or with FAIL and status 1.
module {top}_tb;
  localparam integer BEATS_IN = {beats_in};
  localparam integer BEATS_OUT = {beats_out};
  localparam integer PATIENCE = {patience};  // cycles without a beat that mean a hang

  reg aclk = 1'b0;
  reg aresetn = 1'b0;
{signals}

  reg [{in_high}:0] stimulus [0:BEATS_IN-1];   // tlast, tuser, tkeep, tdata
  reg [{out_high}:0] golden [0:BEATS_OUT-1];   // tlast, tkeep, tdata
  reg [{data_high}:0] mask;
  reg took = 1'b0;
  reg held = 1'b0;
  reg [{out_high}:0] waiting_beat;
  integer sent = 0;
  integer got = 0;
  integer idle = 0;
  integer seed = {seed};
  integer i;

  {top} unit ({connections});

  always #5 aclk = ~aclk;  // steps of the simulator, whatever they are

  initial begin
    $readmemh("stimulus.hex", stimulus);
    $readmemh("golden.hex", golden);
    s_axis_tvalid = 1'b0;
    s_axis_tdata = 0;
    s_axis_tkeep = 0;
    s_axis_tuser = 0;
    s_axis_tlast = 1'b0;
    m_axis_tready = 1'b0;
    repeat (8) @(negedge aclk);
    aresetn = 1'b1;
  end

  task fail(input [8*40-1:0] what);
    begin
      $display("FAIL: %0s at output beat %0d, time %0t", what, got, $time);
      $fatal(1);
    end
  endtask

  // Inputs change at the falling edge; a beat stays until it was taken.
  always @(negedge aclk) if (aresetn) begin
    if (took) s_axis_tvalid = 1'b0;
    if (!s_axis_tvalid && sent < BEATS_IN && $random(seed) % 4 != 0) begin
      {{s_axis_tlast, s_axis_tuser, s_axis_tkeep, s_axis_tdata}} = stimulus[sent];
      s_axis_tvalid = 1'b1;
      sent = sent + 1;
    end
    m_axis_tready = $random(seed) % 4 != 0;
  end

  always @(posedge aclk) begin
    took <= s_axis_tvalid && s_axis_tready;
    if (aresetn) begin
      if (held && (!m_axis_tvalid || {{m_axis_tlast, m_axis_tkeep, m_axis_tdata}} !== waiting_beat))
        fail("a waiting beat changed");
      held <= m_axis_tvalid && !m_axis_tready;
      waiting_beat <= {{m_axis_tlast, m_axis_tkeep, m_axis_tdata}};
      if (m_axis_tvalid && m_axis_tready) begin
        if (got >= BEATS_OUT) fail("a beat too many");
        for (i = 0; i < {keep_bits}; i = i + 1) mask[8*i +: 8] = {{8{{golden[got][{data_bits} + i]}}}};
        if ({{m_axis_tlast, m_axis_tkeep, m_axis_tdata & mask}} !== golden[got]) fail("a wrong beat");
        got = got + 1;
      end
      if (row_too_long !== 1'b0) fail("row_too_long");
      idle = ((s_axis_tvalid && s_axis_tready) || (m_axis_tvalid && m_axis_tready)) ? 0 : idle + 1;
      if (got == BEATS_OUT && idle > 64) begin
        $display("PASS: {rows} rows, %0d beats in, %0d beats out", sent, got);
        $finish;
      end
      if (idle > PATIENCE) fail("nothing moves");
    end
  end
endmodule
"""

_COCOTB = '''\
"""cocotb bench of {top}: the rows of stimulus.hex against golden.hex, with random stalls on both sides."""

import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

HERE = Path(__file__).resolve().parent
DATA_IN, KEEP_IN, LANES = {data_in}, {keep_in}, {lanes}
DATA_OUT, KEEP_OUT = {data_out}, {keep_out}
PATIENCE = {patience}  # cycles without a beat that mean a hang


def words(name):
    return [int(line, 16) for line in (HERE / name).read_text().split()]


async def reset(dut):
    for name in ("s_axis_tvalid", "s_axis_tdata", "s_axis_tkeep", "s_axis_tuser", "s_axis_tlast", "m_axis_tready"):
        getattr(dut, name).value = 0
    dut.aresetn.value = 0
    for _ in range(8):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1


async def source(dut, beats, chance):
    for beat in beats:
        while chance.random() < 0.25:
            await FallingEdge(dut.aclk)
        dut.s_axis_tdata.value = beat & ((1 << DATA_IN) - 1)
        dut.s_axis_tkeep.value = beat >> DATA_IN & ((1 << KEEP_IN) - 1)
        dut.s_axis_tuser.value = beat >> (DATA_IN + KEEP_IN) & ((1 << LANES) - 1)
        dut.s_axis_tlast.value = beat >> (DATA_IN + KEEP_IN + LANES)
        dut.s_axis_tvalid.value = 1
        taken = False
        while not taken:
            await RisingEdge(dut.aclk)
            taken = int(dut.s_axis_tready.value) == 1
            await FallingEdge(dut.aclk)
        dut.s_axis_tvalid.value = 0


async def beat_out(dut, chance):
    """The next beat that comes out; tready is random."""
    for _ in range(PATIENCE):
        dut.m_axis_tready.value = chance.random() < 0.75
        await RisingEdge(dut.aclk)
        if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
            keep, data = int(dut.m_axis_tkeep.value), int(dut.m_axis_tdata.value)
            data &= sum(255 << 8 * i for i in range(KEEP_OUT) if keep >> i & 1)
            beat = int(dut.m_axis_tlast.value) << (DATA_OUT + KEEP_OUT) | keep << DATA_OUT | data
            await FallingEdge(dut.aclk)
            return beat
        await FallingEdge(dut.aclk)
    raise AssertionError("nothing came out")


@cocotb.test()
async def rows_are_right(dut):
    chance = random.Random({seed})
    cocotb.start_soon(Clock(dut.aclk, 10, unit="step").start())
    await reset(dut)
    cocotb.start_soon(source(dut, words("stimulus.hex"), chance))
    for index, wanted in enumerate(words("golden.hex")):
        got = await beat_out(dut, chance)
        assert got == wanted, f"beat {{index}}: {{got:x}} instead of {{wanted:x}}"
    assert int(dut.row_too_long.value) == 0
'''


def verilog(unit, vectors: Vectors, seed: int = 1) -> str:
    """The plain bench; Verilog with nothing that Icarus lacks, and no `timescale`, since the unit has none."""
    shape = _shape(unit)
    ports = [port for port in unit.ports.each() if port[0] not in ("aclk", "aresetn")]
    kinds = {"input": "reg ", "output": "wire"}
    return _VERILOG.format(
        top=unit.top, rows=vectors.rows, beats_in=len(vectors.stimulus), beats_out=len(vectors.golden),
        patience=_patience(unit), seed=seed,
        signals="\n".join(f"  {kinds[kind]} [{bits - 1}:0] {name};" for name, kind, bits in ports),
        in_high=vectors.in_bits - 1, out_high=vectors.out_bits - 1, data_high=shape["data_out"] - 1,
        data_bits=shape["data_out"], keep_bits=shape["keep_out"],
        connections=", ".join(f".{name}({name})" for name, *_ in unit.ports.each()),
    )  # fmt: skip


def cocotb(unit, seed: int = 1) -> str:
    """The cocotb bench, of the same vectors; its clock has ten of the simulator's steps, whatever they are."""
    return _COCOTB.format(top=unit.top, seed=seed, patience=_patience(unit), **_shape(unit))


def _shape(unit) -> dict[str, int]:
    keep_in, keep_out = unit.in_bytes * unit.lanes, unit.out_bytes * unit.lanes
    return {
        "data_in": 8 * keep_in, "keep_in": keep_in, "lanes": unit.lanes, "data_out": 8 * keep_out, "keep_out": keep_out,
    }  # fmt: skip


def _patience(unit) -> int:
    return 8 * (unit.latency_cycles + unit.initiation_interval + unit.max_n) + 1000
