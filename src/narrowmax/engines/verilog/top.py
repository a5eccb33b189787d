"""The top module: AXI4-Stream in, passes between buffers, AXI4-Stream out."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath import width_of
from narrowmax.engines.schedule import Plan, Timeline, Timing
from narrowmax.engines.verilog.buffered import size
from narrowmax.engines.verilog.passes import PassWriter
from narrowmax.engines.verilog.ports import Ports
from narrowmax.engines.verilog.text import concatenate, declare, instance, module


@dataclass(frozen=True)
class Built:
    """A pass as written: its module's name, its timing, the widths of the words it hands on."""

    name: str
    writer: PassWriter
    timing: Timing
    sizes: dict[str, int]


def write_top(name: str, plan: Plan, built: list[Built], times: Timeline, ports: Ports, purpose: str) -> str:
    """The text of the top module."""
    fifo = buffer_name(name)
    lines = [*_accept(plan, built[0], ports), *_buffer(fifo, "in", "beat", size(built[0].writer.words.beat), 2)]
    for k, b in enumerate(built):
        lines += ["", f"// pass {k}", *_pass(k, b, built, times, fifo)]
    lines += ["", "// results", *_offer(plan, built[-1], len(built) - 1, ports)]
    return module(name, purpose, ports.listing(), lines)


def buffer_name(name: str) -> str:
    """The module of the buffers: each unit has one of its own, so that several go into one project."""
    return f"{name}_fifo"


# -- accepting beats --------------------------------------------------------------------------
def _accept(plan: Plan, first: Built, ports: Ports) -> list[str]:
    """Beats from outside: counted, cut at max_n, unpacked into a word for the first buffer."""
    lanes, beats, full = plan.lanes, plan.beats, plan.datapath.max_n
    width = width_of(0, beats)
    spare = full - (beats - 1) * lanes  # lanes that the last beat of the longest row may fill
    lines = [
        "// accepting: a row that goes on beyond max_n is cut there, and the rest swallowed",
        f"{declare('logic', 'beat_at', width)};",
        "logic swallow;",
        "logic accept;",
        "logic at_end;",
        "logic over;",
        "logic in_last;",
        "assign accept = s_axis_tvalid & s_axis_tready;",
        f"assign at_end = beat_at == {width}'d{beats - 1};",
    ]
    for lane in range(lanes):
        kept = f"s_axis_tkeep[{lane * ports.in_bytes}]" if lanes * ports.in_bytes > 1 else "s_axis_tkeep"
        beyond = lane >= spare
        lines += [f"logic keep_{lane};", f"assign keep_{lane} = {kept}{' & ~at_end' if beyond else ''};"]
    beyond = " | ".join(f"s_axis_tkeep[{lane * ports.in_bytes}]" for lane in range(spare, lanes))
    late = "swallow & (|s_axis_tkeep)"
    over = f"(({late}) | (~swallow & at_end & ({beyond})))" if beyond else late
    lines += [
        f"assign over = accept & {over};",
        "assign in_last = s_axis_tlast | at_end;",
        *_chunk_last(plan),
        "always_ff @(posedge aclk) begin",
        "  if (!aresetn) begin",
        f"    beat_at <= {width}'d0;",
        "    swallow <= 1'b0;",
        "    row_too_long <= 1'b0;",
        "  end else begin",
        "    if (over) row_too_long <= 1'b1;",
        "    if (accept) begin",
        "      swallow <= ~s_axis_tlast & (swallow | at_end);",
        f"      beat_at <= (s_axis_tlast | swallow | at_end) ? {width}'d0 : beat_at + {width}'d1;",
        "    end",
        "  end",
        "end",
        "assign in_beat_reserve = accept & ~swallow;",
        "assign in_beat_push = accept & ~swallow;",
        "assign s_axis_tready = in_beat_ready | swallow;",
        f"assign in_beat_out = {_word(plan, first, ports)};",
        *_ignored(plan, ports),
    ]
    return [*_declare_buffer("in", "beat", size(first.writer.words.beat)), *lines]


def _chunk_last(plan: Plan) -> list[str]:
    if plan.chunk_beats == 1:
        return []
    width = width_of(0, plan.chunk_beats - 1)
    return [
        f"{declare('logic', 'chunk_at', width)};",
        "logic in_chunk_last;",
        "logic chunk_full;",
        f"assign chunk_full = chunk_at == {width}'d{plan.chunk_beats - 1};",
        "assign in_chunk_last = chunk_full | in_last;",
        "always_ff @(posedge aclk) begin",
        f"  if (!aresetn) chunk_at <= {width}'d0;",
        f"  else if (accept & ~swallow) chunk_at <= in_chunk_last ? {width}'d0 : chunk_at + {width}'d1;",
        "end",
    ]


def _word(plan: Plan, first: Built, ports: Ports) -> str:
    """The first buffer's word: elements, then present, keep and the ends, from bit 0 upwards."""
    parts = []
    for name in first.writer.words.beat:
        kind, _, lane = name.rpartition("_")
        if name in ("last", "chunk_last"):
            parts.append(f"in_{name}")
        elif kind == "present":
            user = f"s_axis_tuser[{lane}]" if plan.lanes > 1 else "s_axis_tuser"
            parts.append(f"keep_{lane} & {user}")
        elif kind == "keep":
            parts.append(name)
        else:
            low = int(lane) * ports.in_bytes * 8
            high = low + ports.in_bits - 1
            parts.append(f"s_axis_tdata[{high}:{low}]" if ports.in_bits > 1 else f"s_axis_tdata[{low}]")
    return "{" + ", ".join(f"({p})" if "&" in p else p for p in parts[::-1]) + "}"


def _ignored(plan: Plan, ports: Ports) -> list[str]:
    """Port bits with no meaning: padding of the bytes, and tkeep beyond the first byte of a lane."""
    parts = []
    reads_x = any(w.rate.name == "ELEMENT" for w in plan.datapath.sources.values() if w.op.kind == "x")
    for lane in range(plan.lanes):
        low, top = lane * ports.in_bytes * 8, (lane + 1) * ports.in_bytes * 8 - 1
        begin = low + ports.in_bits if reads_x else low
        if begin <= top:
            parts.append(f"s_axis_tdata[{top}:{begin}]" if top > begin else f"s_axis_tdata[{top}]")
        if ports.in_bytes > 1:
            a, b = (lane + 1) * ports.in_bytes - 1, lane * ports.in_bytes + 1
            parts.append(f"s_axis_tkeep[{a}:{b}]" if a > b else f"s_axis_tkeep[{a}]")
    return ["logic unused_ports;", f"assign unused_ports = &{{1'b0, {', '.join(parts)}}};"] if parts else []


# -- buffers ----------------------------------------------------------------------------------
def _declare_buffer(stem: str, kind: str, width: int) -> list[str]:
    name = f"{stem}_{kind}"
    flags = [f"logic {name}_{f};" for f in ("reserve", "ready", "push", "valid", "pop")]
    return [*flags, f"{declare('logic', f'{name}_out', width)};", f"{declare('logic', f'{name}_word', width)};"]


def _buffer(fifo: str, stem: str, kind: str, width: int, depth: int) -> list[str]:
    name = f"{stem}_{kind}"
    ports = {
        "aclk": "aclk",
        "aresetn": "aresetn",
        "reserve": f"{name}_reserve",
        "ready": f"{name}_ready",
        "push": f"{name}_push",
        "push_data": f"{name}_out",
        "valid": f"{name}_valid",
        "data": f"{name}_word",
        "pop": f"{name}_pop",
    }
    return [instance(fifo, f"{name}_buffer", ports, {"WIDTH": width, "DEPTH": depth})]


# -- passes -----------------------------------------------------------------------------------
def _pass(k: int, b: Built, built: list[Built], times: Timeline, fifo: str) -> list[str]:
    """The pass's gate, its module, and the buffers after it."""
    source = "in" if k == 0 else f"p{k - 1}"
    before = {"beat": 0} if k == 0 else built[k - 1].sizes
    word = f"{source}_beat_word"
    fields, whole = b.writer.words.beat, size(b.writer.words.beat)
    last = fields["last"].of(word, whole)
    end = fields["chunk_last"].of(word, whole) if "chunk_last" in fields else "1'b1"
    gates = [f"{source}_{kind}_valid" for kind in before]
    lines, waits = [], []
    for kind, width in b.sizes.items():
        lines += _declare_buffer(f"p{k}", kind, width)
        condition = {"beat": "", "chunk": f" | ~{end}", "row": f" | ~{last}"}[kind]
        gates.append(f"(p{k}_{kind}_ready{condition})" if condition else f"p{k}_{kind}_ready")
    for kind, cycles, when in (("beat", b.timing.interval, ""), ("row", b.timing.row_interval, last)):
        if cycles > 1:
            waits += _wait(f"p{k}_{kind}_wait", cycles, f"p{k}_go{f' & {when}' if when else ''}")
            gates.append(f"(p{k}_{kind}_wait_done{f' | ~{when}' if when else ''})")
    lines += [f"logic p{k}_go;", *waits, f"assign p{k}_go = {' & '.join(gates)};"]
    for kind in before:
        ends = {"beat": "", "chunk": f" & {end}", "row": f" & {last}"}[kind]
        lines.append(f"assign {source}_{kind}_pop = p{k}_go{ends};")
    ports = {clock: clock for clock in b.writer.clocks} | {"go": f"p{k}_go"}
    ports |= {f"{kind}_in": f"{source}_{kind}_word" for kind in before if size(getattr(b.writer.words, kind))}
    for kind, width in b.sizes.items():
        ends = {"beat": "", "chunk": f" & {end}", "row": f" & {last}"}[kind]
        lines.append(f"assign p{k}_{kind}_reserve = p{k}_go{ends};")
        ports |= {f"{kind}_push": f"p{k}_{kind}_push", f"{kind}_out": f"p{k}_{kind}_out"}
        lines += _buffer(fifo, f"p{k}", kind, width, times.depths[k][kind])
    return [*lines, instance(b.name, f"pass{k}", ports)]


def _wait(name: str, cycles: int, begin: str) -> list[str]:
    """A count of the cycles until the next may enter."""
    width = width_of(0, cycles)
    return [
        f"{declare('logic', name, width)};",
        f"logic {name}_done;",
        f"assign {name}_done = {name} == {width}'d0;",
        "always_ff @(posedge aclk) begin",
        f"  if (!aresetn) {name} <= {width}'d0;",
        f"  else if ({begin}) {name} <= {width}'d{cycles - 1};",
        f"  else if (!{name}_done) {name} <= {name} - {width}'d1;",
        "end",
    ]


# -- offering results -------------------------------------------------------------------------
def _offer(plan: Plan, b: Built, k: int, ports: Ports) -> list[str]:
    """Results from the last buffer to the output stream."""
    kind = "row" if plan.datapath.output_rate == "row" else "beat"
    word, lanes, width = f"p{k}_{kind}_word", plan.lanes, 8 * ports.out_bytes
    lines = [
        f"assign m_axis_tvalid = p{k}_{kind}_valid;",
        f"assign p{k}_{kind}_pop = p{k}_{kind}_valid & m_axis_tready;",
    ]
    if kind == "row":
        rest = (lanes - 1) * width
        data = concatenate([*([f"{rest}'d0"] if rest else []), word])
        keep = [*([f"{(lanes - 1) * ports.out_bytes}'d0"] if lanes > 1 else []), f"{{{ports.out_bytes}{{1'b1}}}}"]
        return [
            *lines,
            f"assign m_axis_tdata = {data};",
            f"assign m_axis_tkeep = {concatenate(keep)};",
            "assign m_axis_tlast = 1'b1;",
        ]
    keep = [f"{{{ports.out_bytes}{{{word}[{lanes * width + lane}]}}}}" for lane in range(lanes)][::-1]
    return [
        *lines,
        f"assign m_axis_tdata = {word}[{lanes * width - 1}:0];",
        f"assign m_axis_tkeep = {concatenate(keep)};",
        f"assign m_axis_tlast = {word}[{lanes * width + lanes}];",
    ]
