"""The page of a hardware folder, in Markdown: ports, timing, wires, how to run what is in it."""

from __future__ import annotations

from narrowmax.hardware.subjects import Subject

_PAGE = """\
# {top}

`{design}`, for rows of up to {max_n} elements, {lanes} {lane_word}, pipelined for a clock of {period:g} ns.

| | |
|---|---|
| first beat of a row of {max_n} in, first beat out | {latency} cycles |
| between rows of {max_n} | {interval} cycles |
| input element | {in_bits} bits in {in_bytes}, {in_sign}: `{input}` |
| output {result} | {out_bits} bits in {out_bytes}, {out_sign}: `{output}` |

The buffers between passes are as deep as rows of {max_n} need to follow one another at that pace. Rows much shorter
follow one another more slowly than a beat a cycle; nothing is lost, `s_axis_tready` waits.

## Ports

One clock, `aclk`; `aresetn` is synchronous and active low. Rows come and go as AXI4-Stream packets, `tlast` on
the last beat. Lane 0 is the lowest bytes; `tkeep` is partial on the last beat only. A beat with `tkeep` all 0 is
accepted: it may close a row, or be a row of nothing; {null}. `s_axis_tuser` has a bit for
each lane: 1, the element takes part; 0, it is masked, and its result is {absent}. A row of more than {max_n} elements
is cut there, and `row_too_long` stays high until reset.

| port | direction | bits |
|---|---|---|
{ports}

## Wires

The integers that the Verilog names; the value is the integer times 2 to the power of minus the fraction bits.

| wire | per | range | bits | fraction bits |
|---|---|---|---|---|
{wires}

## Running what is here

The files are SystemVerilog (IEEE 1800-2012), whatever their names end in; most tools must be told so: Icarus
`iverilog -g2012`, Yosys and Vivado `read_verilog -sv`, Quartus `SYSTEMVERILOG_FILE`, Genus `read_hdl -sv`,
Design Compiler `analyze -format sverilog`. Verilator needs no word.

    cd bench && iverilog -g2012 -o sim ../rtl/*.v {top}_tb.v && vvp sim     # prints PASS
    cd bench && verilator --binary -CFLAGS -std=c++20 --top-module {top}_tb ../rtl/*.v {top}_tb.v && obj_dir/V{top}_tb
    narrowmax verify .                                                     # against the simulation, all of it
    narrowmax cost .

All modules have names that begin with `{top}`; `narrowmax build --name` gives another, so that several designs go
into one project: there no name may be the beginning of another, as `att` of `att_exp`.

`bench/test_{top}.py` is the same bench for cocotb, `constraints/` has the clock for ASIC (`.sdc`) and Xilinx
(`.xdc`) tools, `{top}.core` is for FuseSoC, `manifest.json` says what all this was made from.
"""


_NULL = {
    "element": "it comes out as a beat with `tkeep` all 0",
    "row": "the result of a row of nothing is {absent}",
}


def page(made: Subject) -> str:
    """The page of a unit, as Markdown."""
    unit, datapath = made.unit, made.datapath
    return _PAGE.format(
        top=unit.top, design=made.name, max_n=unit.max_n, lanes=unit.lanes, period=made.period_ns,
        lane_word="lane" if unit.lanes == 1 else "lanes", latency=unit.latency_cycles,
        interval=unit.initiation_interval, in_bits=unit.in_bits, in_bytes=_bytes(unit.in_bytes),
        in_sign=_sign(unit.in_signed), input=datapath.input_format, out_bits=unit.out_bits,
        out_bytes=_bytes(unit.out_bytes), out_sign=_sign(unit.out_signed), output=datapath.output_format,
        result="of a row" if unit.output_rate == "row" else "element", absent=datapath.absent_code,
        ports="\n".join(f"| `{name}` | {kind} | {bits} |" for name, kind, bits in unit.ports.each()),
        null=_NULL[unit.output_rate].format(absent=datapath.absent_code),
        wires="\n".join(_wire(name, wire) for wire, name in datapath.names.items()),
    )  # fmt: skip


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _sign(signed: bool) -> str:
    return "two's complement" if signed else "unsigned"


def _wire(name: str, wire) -> str:
    return f"| `{name}` | {wire.rate.name.lower()} | {wire.lo}..{wire.hi} | {wire.bits} | {wire.point} |"
