"""One pass of a unit as a module: a pipeline without stalls.

A beat enters when `go` is high and moves on every cycle; what the pass hands on is pushed into
buffers whose places were reserved when the beat entered.
"""

from __future__ import annotations

import re
from functools import cached_property

from narrowmax.datapath import Block, FoldOutput, Lookup, Operand, Rate, ScanOutput, Source, Wire, literal, width_of
from narrowmax.datapath.operation import comparison
from narrowmax.datapath.operations import Constant, Divide, Known
from narrowmax.engines.schedule import Pass, Plan, Timing
from narrowmax.engines.verilog.buffered import Words, size
from narrowmax.engines.verilog.carry import Carrier
from narrowmax.engines.verilog.library import divider, divider_cycles
from narrowmax.engines.verilog.modules import UNNAMED, Modules, depth, divider_info, has_division
from narrowmax.engines.verilog.naming import distinct
from narrowmax.engines.verilog.pipeline import NS_PER_LEVEL, Pipeline, Signal
from narrowmax.engines.verilog.text import concatenate, declare, instance, module, q_format

# The names that a pass has of its own, lanes and cycles left out.
RESERVED = (
    "aclk aresetn go first last chunk_first chunk_last chunk_here row_chunk row_here base present keep "
    "beat chunk row offered unused_bits"
).split()


class PassWriter:
    """Writes the module of one pass."""

    def __init__(self, plan: Plan, index: int, modules: Modules, period_ns: float, divider: str):
        self.plan, self.passed, self.modules = plan, plan.passes[index], modules
        self.datapath, self.labels = plan.datapath, distinct(plan.datapath.names, RESERVED)
        self.sequential = divider == "sequential"
        self.pipe = Pipeline(period_ns)
        self.signals: dict[tuple[Wire, int], Signal] = {}
        self.flags: dict[str, Signal] = {}
        self.blocks: dict[Block, object] = {}
        self.carrier = Carrier(self)
        self.interval = self.row_interval = 1
        x = [w for w in self.passed.wires if isinstance(w.op, Source) and w.op.kind == "x"]
        self.entering = self.passed.imports if index else x
        self.words = Words(plan, self.entering, self.labels)

    # -- reading what enters --------------------------------------------------------------
    def lanes_of(self, wire: Wire) -> range:
        return range(self.plan.lanes if wire.rate is Rate.ELEMENT else 1)

    def label(self, wire: Wire, lane: int) -> str:
        """The name of a wire's signal in a lane."""
        return f"{self.labels[wire]}_{lane}" if wire.rate is Rate.ELEMENT else self.labels[wire]

    def enter(self) -> None:
        """Flags and wires that come from the buffers, valid in cycle 0."""
        self.flags["go"] = Signal("go", 1, cleared=True)
        self.flags["chunk_last"] = Signal("", 1, value=1)  # a beat that is a whole chunk ends it
        for name in self.words.flags:
            self.flags[name] = self._field(name, "beat_in", self.words.beat[name], self.words.beat)
        for wire in self.entering:
            word = {Rate.ELEMENT: "beat", Rate.CHUNK: "chunk", Rate.ROW: "row"}[wire.rate]
            fields = getattr(self.words, word)
            for lane in self.lanes_of(wire):
                label = self.label(wire, lane)
                self.signals[wire, lane] = self._field(label, f"{word}_in", fields[label], fields, wire)

    def _field(self, name, word, field, fields, wire=None) -> Signal:
        signed, note = (wire.signed, q_format(wire)) if wire is not None else (False, "")
        return self.pipe.assign(name, field.width, field.of(word, size(fields)), 0, NS_PER_LEVEL, signed, note)

    def flag(self, name: str) -> Signal:
        """first, chunk_first, row_chunk (first chunk of the row), chunk_here: derived when asked for."""
        if name not in self.flags:
            self.flags[name] = getattr(self, f"_{name}")()
        return self.flags[name]

    def _began(self, name: str, ended_by: str) -> Signal:
        """High with the first beat after `ended_by` was high."""
        self.pipe.lines.append(f"logic {name};")
        end = self.pipe.at(self.flags[ended_by], 0).bits(1)
        self.pipe.registers.append(f"if (!aresetn) {name} <= 1'b1; else if (go) {name} <= {end};")
        return Signal(name, 1)

    def _first(self) -> Signal:
        return self._began("first", "last")

    def _chunk_first(self) -> Signal:
        return self._began("chunk_first", "chunk_last")

    def _row_chunk(self) -> Signal:
        """High in the beats of a row's first chunk."""
        if self.plan.chunk_beats == 1:
            return self.flag("first")
        first, end = (self.pipe.at(self.flag(f), 0).bits(1) for f in ("first", "chunk_last"))
        self.pipe.lines.append("logic row_chunk_q;")
        signal = self.pipe.assign("row_chunk", 1, f"{first} | row_chunk_q", 0, NS_PER_LEVEL)
        self.pipe.registers.append(f"if (go) row_chunk_q <= row_chunk & ~{end};")
        return signal

    def _chunk_here(self) -> Signal:
        """High with a chunk's last beat if anything in the chunk is present."""
        return self._any("chunk_here", None if self.plan.chunk_beats == 1 else "chunk_first")

    def _row_here(self) -> Signal:
        return self._any("row_here", "first")

    def _any(self, name: str, begin: str | None) -> Signal:
        now = " | ".join(self.pipe.at(self.flags[f"present_{lane}"], 0).bits(1) for lane in range(self.plan.lanes))
        if begin is None:
            return self.pipe.assign(name, 1, now, 0, NS_PER_LEVEL)
        first = self.pipe.at(self.flag(begin), 0).bits(1)
        self.pipe.lines.append(f"logic {name}_q;")
        signal = self.pipe.assign(name, 1, f"{now} | (~{first} & {name}_q)", 0, 2 * NS_PER_LEVEL)
        self.pipe.registers.append(f"if (go) {name}_q <= {name};")
        return signal

    # -- computing ------------------------------------------------------------------------
    def signal(self, wire: Wire, lane: int) -> Signal:
        """The signal of a wire in a lane (lane 0 for slower wires)."""
        lane = lane if wire.rate is Rate.ELEMENT else 0
        if isinstance(wire.op, Constant):
            return Signal("", wire.bits, wire.signed, value=wire.op.value)
        if (wire, lane) not in self.signals:
            self.signals[wire, lane] = self._source(wire, lane)
        return self.signals[wire, lane]

    def _source(self, wire: Wire, lane: int) -> Signal:
        kind = wire.op.kind
        if kind == "present":
            return self.flags[f"present_{lane}"]
        base = self._position()
        width = wire.bits
        if kind == "position":
            at = self.pipe.at(base, 0).bits(width)
            text, label = f"{at} + {width}'d{lane}", self.label(wire, lane)
            return self.pipe.assign(label, width, text, 0, 4 * NS_PER_LEVEL, comment=q_format(wire))
        kept = [self.pipe.at(self.flags[f"keep_{k}"], 0).bits(width) for k in range(self.plan.lanes)]
        text = " + ".join([self.pipe.at(base, 0).bits(width), *kept])
        return self.pipe.assign(self.label(wire, 0), width, text, 0, 8 * NS_PER_LEVEL, comment=q_format(wire))

    def _position(self) -> Signal:
        """The position of the beat's lane 0."""
        if "base" not in self.flags:
            width = width_of(0, self.plan.beats * self.plan.lanes)
            first = self.pipe.at(self.flag("first"), 0).bits(1)
            self.pipe.lines.append(declare("logic", "base_q", width) + ";")
            self.flags["base"] = self.pipe.assign("base", width, f"{first} ? {width}'d0 : base_q", 0, NS_PER_LEVEL)
            self.pipe.registers.append(f"if (go) base_q <= base + {width}'d{self.plan.lanes};")
        return self.flags["base"]

    def compute(self) -> None:
        """Every wire of the pass, in the order drawn."""
        for wire in self.passed.wires:
            if (wire, 0) in self.signals or isinstance(wire.op, Source):
                continue
            block = self._whole_block(wire)
            for lane in self.lanes_of(wire):
                if isinstance(wire.op, FoldOutput):
                    self.carrier.fold(wire)
                elif isinstance(wire.op, ScanOutput):
                    self.carrier.scan(wire)
                elif block is not None:
                    self._block(block, lane)
                else:
                    self._operation(wire, lane)

    def _whole_block(self, wire: Wire):
        """The module of the wire's outermost block, if all of it fits one cycle of this pass."""
        block = wire.block.outermost if wire.block else None
        if block is not None and block not in self.blocks:
            self.blocks[block] = self._module(block)
        return self.blocks.get(block)

    def _module(self, block: Block):
        inside = [w for w in self.datapath.wires if w.block and w.block.within(block)]
        plain = not any(isinstance(w.op, (FoldOutput, ScanOutput, Source)) for w in inside) and not has_division(inside)
        here = set(self.passed.wires)
        live = [w for w in inside if not isinstance(w.op, Constant)]
        one_rate = len({w.rate for w in live}) == 1 and all(w in here for w in live)
        if not plain or not one_rate or depth(inside) * NS_PER_LEVEL > self.pipe.budget:
            return None
        made = self.modules.block(block, self.datapath)
        hidden = set(inside) - set(made.outputs)
        return None if hidden.intersection(self.passed.exports) else made

    def _block(self, made, lane: int) -> None:
        sources = [self.signal(w, lane) for w in made.inputs]
        cycle, ns = self.pipe.place(sources, made.levels)
        ports = {}
        for w, s in zip(made.inputs, sources, strict=True):
            operand = self.pipe.at(s, cycle)
            ports[made.ports[w]] = operand.bits(w.bits)
        for i, w in enumerate(made.outputs):
            label = self.label(w, lane)
            self.pipe.lines.append(f"{declare('logic', label, w.bits, w.signed)};  // {q_format(w)}")
            self.signals[w, lane] = self.pipe.own(Signal(label, w.bits, w.signed, cycle, ns))
            ports[f"y{i}"] = label
        self.pipe.lines.append(instance(made.name, f"{self.label(made.outputs[0], lane)}_block", ports))
        inside = made.outputs[0].block.outermost
        for w in self.passed.wires:  # wires that stay inside have no signal here
            if w.block and w.block.within(inside) and (w, lane) not in self.signals:
                self.signals[w, lane] = None

    def _operation(self, wire: Wire, lane: int) -> None:
        sources = [self.signal(a, lane) for a in wire.args]
        label = self.label(wire, lane)
        if isinstance(wire.op, Divide):
            self.signals[wire, lane] = self._divide(wire, label, sources)
            return
        levels = wire.op.levels(wire.bits, *(a.bits for a in wire.args))
        cycle, ns = self.pipe.place(sources, levels)
        operands = [self.pipe.at(s, cycle) for s in sources]
        if isinstance(wire.op, Lookup):
            self.signals[wire, lane] = self._lookup(wire, label, operands[0], cycle, ns)
            return
        text = wire.op.verilog(wire.bits, *operands)
        self.signals[wire, lane] = self.pipe.assign(label, wire.bits, text, cycle, ns, wire.signed, q_format(wire))
        if isinstance(wire.op, Known):
            self._assert(wire, lane, self.signals[wire, lane])

    def _assert(self, wire: Wire, lane: int, signal: Signal) -> None:
        """What is known of a wire beyond its operand's range, checked in simulation wherever something is present."""
        source = wire.args[0]
        # the operand before it was cut to the known range: the assertion must see what was dropped
        before = self.pipe.at(self.signal(source, lane), signal.cycle)
        low, high = (Operand("", 0, v < 0, v) for v in wire.range)
        claims = [comparison(">=", before, low)] if source.lo < wire.lo else []
        claims += [comparison("<=", before, high)] if source.hi > wire.hi else []
        if not claims:
            return
        here = {
            Rate.ELEMENT: [f"present_{lane}"],
            Rate.CHUNK: ["chunk_here", "chunk_last"],
            Rate.ROW: ["row_here", "last"],
        }[wire.rate]
        guards = " && ".join(self.pipe.at(self.flag(f), signal.cycle).bits(1) for f in ("go", *here))
        self.pipe.assertions += [
            f"// {signal.name}: {' '.join(wire.op.why.split())} ({wire.op.proof})",
            f"if (aresetn && {guards}) assert ({' && '.join(claims)});",
        ]

    def _lookup(self, wire, label, index, cycle, ns) -> Signal:
        self.pipe.lines.append(f"{declare('logic', label, wire.bits, wire.signed)};  // {q_format(wire)}")
        rom = self.modules.table(wire)
        self.pipe.lines.append(instance(rom, f"{label}_table", {"index": index.bits(index.width), "value": label}))
        return self.pipe.own(Signal(label, wire.bits, wire.signed, cycle, ns))

    def _divide(self, wire, label, sources) -> Signal:
        """A divider: its operands enter at the start of a cycle, its quotient leaves a register."""
        a, b = wire.args
        steps = (
            1 if self.sequential else max(1, int(self.pipe.budget // ((2 * b.bits.bit_length() + 4) * NS_PER_LEVEL)))
        )
        latency = divider_cycles(wire.bits, steps)
        cycle = max((s.cycle + (s.ns > self.pipe.budget / 2) for s in sources if s.value is None), default=0)
        numerator, divisor = (self.pipe.at(s, cycle).bits(w.bits) for s, w in zip(sources, (a, b), strict=True))
        kind = self.modules.add(
            "divide",
            divider(UNNAMED, a.bits, b.bits, wire.bits, wire.op.by_zero, steps, self.sequential),
            None if self.sequential else lambda n: divider_info(n, wire, latency),
        )
        ports = {"aclk": "aclk", "numerator": numerator, "divisor": divisor, "quotient": label}
        if self.sequential:
            ports["start"] = self._start(wire, cycle)
            if wire.rate is Rate.ROW:
                self.row_interval = max(self.row_interval, latency)
            else:
                self.interval = max(self.interval, latency)
        self.pipe.lines.append(f"{declare('logic', label, wire.bits, wire.signed)};  // {q_format(wire)}")
        self.pipe.lines.append(instance(kind, f"{label}_divide", ports))
        return self.pipe.own(Signal(label, wire.bits, wire.signed, cycle + latency, NS_PER_LEVEL))

    def _start(self, wire: Wire, cycle: int) -> str:
        flags = ["go"] + {Rate.ROW: ["last"], Rate.CHUNK: ["chunk_last"]}.get(wire.rate, [])
        return " & ".join(self.pipe.at(self.flags[f], cycle).bits(1) for f in flags)

    # -- handing on -----------------------------------------------------------------------
    def push(self, kind: str, parts: list[tuple[Signal, int]], ends: list[str]) -> int:
        """Drive the word and the push of a buffer, all parts in one cycle; its latency."""
        flags = [self.flags["go"], *(self.flags[e] for e in ends)]
        flags = [f for f in flags if f.value is None]
        cycle = max(s.cycle for s, _ in [*parts, *((f, 1) for f in flags)] if s.value is None)
        words = [self.pipe.at(s, cycle).bits(width) for s, width in parts]
        self.pipe.lines.append(f"assign {kind}_push = {' & '.join(self.pipe.at(f, cycle).bits(1) for f in flags)};")
        self.pipe.lines.append(f"assign {kind}_out = {concatenate(words[::-1])};")
        return cycle

    def hand_on(self) -> tuple[Timing, dict[str, int]]:
        """Exports to the buffers after this pass, and the widths of their words."""
        after = Words(self.plan, self.passed.exports, self.labels)
        exports, cycles = self.passed.exports, {}
        elements = [
            (self.signal(w, lane), w.bits)
            for lane in range(self.plan.lanes)
            for w in self.passed.of(exports, Rate.ELEMENT)
        ]
        cycles["beat"] = self.push("beat", [*elements, *((self.flags[f], 1) for f in after.flags)], [])
        for kind, rate, end in (("chunk", Rate.CHUNK, "chunk_last"), ("row", Rate.ROW, "last")):
            wires = self.passed.of(exports, rate)
            if wires:
                cycles[kind] = self.push(kind, [(self.signal(w, 0), w.bits) for w in wires], [end])
        sizes = {kind: size(getattr(after, kind)) for kind in cycles}
        return self.timing(cycles), sizes

    def timing(self, cycles: dict[str, int]) -> Timing:
        return Timing(self.interval, self.row_interval, cycles.get("beat"), cycles.get("chunk"), cycles.get("row"))

    def finish(self, out_width: int) -> tuple[Timing, dict[str, int]]:
        """The unit's output: beats with absent elements marked, or one word per row."""
        output = self.datapath.output
        if output.rate is Rate.ROW:
            word = self._marked(self.flag("row_here"), self.signal(output, 0), out_width, "offered")
            cycles = {"row": self.push("row", [(word, out_width)], ["last"])}
            return self.timing(cycles), {"row": out_width}
        lanes = range(self.plan.lanes)
        words = [
            self._marked(self.flags[f"present_{k}"], self.signal(output, k), out_width, f"offered_{k}") for k in lanes
        ]
        parts = [
            *((w, out_width) for w in words),
            *((self.flags[f"keep_{k}"], 1) for k in lanes),
            (self.flags["last"], 1),
        ]
        return self.timing({"beat": self.push("beat", parts, [])}), {"beat": sum(w for _, w in parts)}

    def _marked(self, here: Signal, value: Signal, width: int, name: str) -> Signal:
        """The value where something is present, else the absent code, as wide as the port."""
        cycle, ns = self.pipe.place([here, value], 2)
        flag, word = self.pipe.at(here, cycle).bits(1), self.pipe.at(value, cycle).bits(width)
        code = literal(self.datapath.absent_code, width)
        return self.pipe.assign(name, width, f"{flag} ? {word} : {code}", cycle, ns)

    @cached_property
    def body(self) -> list[str]:
        """The module's lines, once everything is drawn."""
        return self.pipe.text()

    @cached_property
    def clocks(self) -> list[str]:
        """aclk and aresetn, where something in the pass is clocked or reset."""
        text = "\n".join(self.body)
        return [name for name in ("aclk", "aresetn") if re.search(rf"\b{name}\b", text)]

    def text(self, name: str, sizes: dict[str, int]) -> str:
        ins = {k: size(getattr(self.words, k)) for k in ("beat", "chunk", "row")}
        ports = [*(f"input  logic {clock}" for clock in self.clocks), "input  logic go"]
        ports += [declare("input  logic", f"{k}_in", w) for k, w in ins.items() if w]
        for kind, width in sizes.items():
            ports += [f"output logic {kind}_push", declare("output logic", f"{kind}_out", width)]
        return module(name, f"Pass {self.passed.index} over a row: {describe(self.passed)}.", ports, self.body)


def describe(passed: Pass) -> str:
    """The named wires that a pass computes."""
    named = [w.name for w in passed.wires if w.name]
    return ", ".join(named) or "its operations"
