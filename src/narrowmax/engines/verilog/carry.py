"""Folds and scans in hardware: trees over lanes, accumulators over beats, state over chunks."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath import Fold, Rate, Scan, Wire, literal, width_of
from narrowmax.datapath.operations import Add, Maximum, Minimum
from narrowmax.engines.schedule import allowed_lanes
from narrowmax.engines.verilog.modules import depth
from narrowmax.engines.verilog.pipeline import NS_PER_LEVEL, Signal
from narrowmax.engines.verilog.text import declare, instance, q_format
from narrowmax.errors import DesignError


@dataclass(frozen=True)
class Item:
    """A partial result: its values, and whether it holds anything (None: always, by a neutral value)."""

    here: Signal | None
    values: tuple[Signal, ...]

    @property
    def signals(self) -> tuple[Signal, ...]:
        return self.values if self.here is None else (*self.values, self.here)


class Carrier:
    """Writes the folds and scans of one pass."""

    def __init__(self, writer):
        self.writer = writer
        self.done: dict[object, tuple] = {}

    @property
    def pipe(self):
        return self.writer.pipe

    # -- folds ----------------------------------------------------------------------------
    def fold(self, wire: Wire) -> None:
        """Write the fold once; give the wire its result."""
        fold = wire.op.fold
        if fold not in self.done:
            self.done[fold] = FoldWriter(self.writer, fold).write()
        self.writer.signals[wire, 0] = self.done[fold][wire.op.position]

    # -- scans ----------------------------------------------------------------------------
    def scan(self, wire: Wire) -> None:
        """Write the scan once; before, at and after are three views of it."""
        scan = wire.op.scan
        if scan not in self.done:
            self.done[scan] = self._scan(scan)
        before, at = self.done[scan]
        self.writer.signals[wire, 0] = (before if wire.op.when == "before" else at)[wire.op.position]

    def _scan(self, scan: Scan) -> tuple[tuple, tuple]:
        """The state before each chunk and with it: the step's module between registers."""
        w, body = self.writer, scan.body
        name = w.labels[next(x for x in w.datapath.wires if getattr(x.op, "scan", None) is scan)]
        given = [w.signal(i, 0) for i in scan.inputs]
        cycle, ns = self.pipe.place([*given, w.flag("chunk_here")], depth(list(body.wires)) + 3)
        first, here, go, end = (
            self.pipe.at(w.flag(f), cycle).bits(1) for f in ("row_chunk", "chunk_here", "go", "chunk_last")
        )
        before = [self._before(f"{name}_before{i}", f"{name}_state{i}", arg, start, first, cycle)
                  for i, (arg, start) in enumerate(zip(body.arguments, scan.start))]  # fmt: skip
        stepped = [Signal(f"{name}_step{i}", r.bits, r.signed, cycle, ns) for i, r in enumerate(body.results)]
        self.pipe.lines += [f"{declare('logic', s.name, s.width, s.signed)};" for s in stepped]
        self.pipe.lines.append(self._stepper(name, body, [*before, *given], stepped, cycle))
        at = []
        for i, (arg, new, old) in enumerate(zip(body.arguments, stepped, before)):
            yes, no = (self.pipe.at(s, cycle).bits(arg.bits) for s in (new, old))
            at.append(self.pipe.assign(f"{name}_at{i}", arg.bits, f"{here} ? {yes} : {no}", cycle, ns, arg.signed))
            state = self.pipe.at(at[-1], cycle).bits(arg.bits)
            self.pipe.registers.append(f"if ({go} & {end}) {name}_state{i} <= {state};")
        return tuple(before), tuple(at)

    def _before(self, name: str, state: str, arg: Wire, start: int, first: str, cycle: int) -> Signal:
        """A part of the state as a chunk finds it: `start` in a row's first."""
        self.pipe.lines.append(f"{declare('logic', state, arg.bits, arg.signed)};")
        text = f"{first} ? {literal(start, arg.bits)} : {state}"
        return self.pipe.assign(name, arg.bits, text, cycle, NS_PER_LEVEL, arg.signed)

    def _stepper(self, name: str, body, given: list[Signal], results: list[Signal], cycle: int) -> str:
        """The instance of a scan's step."""
        words = zip(body.arguments, given, strict=True)
        ports = {f"a{i}": self.pipe.at(s, cycle).bits(arg.bits) for i, (arg, s) in enumerate(words)}
        ports |= {f"y{i}": s.name for i, s in enumerate(results)}
        return instance(self.writer.modules.body(f"{name}_step", body), f"{name}_stepper", ports)


def built_order(fold: Fold) -> str:
    """The order in which a fold may be built: its own, or a freer one with the same bits."""
    if fold.body.primitive is not None:
        return "exact"
    one_each = fold.ways > 1 and fold.ways >= fold.span  # interleaved, but no way holds two
    return "serial" if fold.span <= 2 or one_each or fold.order == "interleaved(1)" else fold.order


def whole(fold: Fold, lanes: int) -> bool:
    """Whether all that the fold combines is there in one beat."""
    return fold.span <= (1 if fold.inputs[0].rate is Rate.CHUNK else lanes)


def keeps_order(fold: Fold, lanes: int) -> bool:
    """Whether a fold can be built on that many lanes: what meets its accumulators must be in its order."""
    if built_order(fold) in ("exact", "serial") or whole(fold, lanes):
        return True
    return fold.inputs[0].rate is Rate.ELEMENT and fold.ways == lanes > 1


class FoldWriter:
    """Writes one fold: its items over lanes, then over beats."""

    def __init__(self, writer, fold: Fold):
        self.w, self.fold = writer, fold
        self.outputs = {w.op.position: w for w in writer.datapath.wires if getattr(w.op, "fold", None) is fold}
        self.pipe, self.plan = writer.pipe, writer.plan
        self.name = writer.labels[next(iter(self.outputs.values()))]
        self.primitive, self.order = fold.body.primitive, built_order(fold)
        self.levels = depth(list(fold.body.wires)) + (0 if self.primitive else 2)
        self.count = 0

    def write(self) -> tuple[Signal, ...]:
        items = self.items()
        if whole(self.fold, self.plan.lanes):
            return self.combine(items).values
        self._check_order()
        if self.order == "exact":
            return self.accumulate([self.tree(items)], self._matched)[0].values
        if self.order == "serial":
            return self.accumulate(items, self._chain, states=1)[0].values
        return self.serial(self.accumulate(items, self._matched)).values

    def _check_order(self) -> None:
        """Refuse lanes that cannot honour the order."""
        if keeps_order(self.fold, self.plan.lanes):
            return
        lanes, fitting = self.plan.lanes, [k for k in allowed_lanes(self.plan.datapath) if keeps_order(self.fold, k)]
        raise DesignError(
            f"{lanes} {'lane' if lanes == 1 else 'lanes'} cannot keep the order {self.fold.order} of the fold "
            f"{self.name}; {' or '.join(map(str, fitting)) or 'no number of'} lanes can"
        )

    # -- items ----------------------------------------------------------------------------
    def items(self) -> list[Item]:
        if self.fold.inputs[0].rate is Rate.CHUNK:
            return [self._item(self.w.flag("chunk_here"), 0)]
        return [self._item(self.w.flags[f"present_{lane}"], lane) for lane in range(self.plan.lanes)]

    def _item(self, here: Signal, lane: int) -> Item:
        values = tuple(self.w.signal(i, lane) for i in self.fold.inputs)
        if self.primitive is None:
            return Item(here, values)
        wire = self.fold.inputs[0]
        neutral = self._neutral()
        lo, hi = min(wire.lo, neutral), max(wire.hi, neutral)
        width, (cycle, ns) = width_of(lo, hi), self.pipe.place([here, *values], 1)
        word = self.pipe.at(values[0], cycle).bits(width)
        text = f"{self.pipe.at(here, cycle).bits(1)} ? {word} : {literal(neutral, width)}"
        return Item(None, (self.pipe.assign(f"{self.name}_in_{lane}", width, text, cycle, ns, lo < 0),))

    def _neutral(self) -> int:
        """What an absent item counts as, in a sum or an extreme."""
        wire = self.fold.inputs[0]
        return {Add: 0, Maximum: wire.lo, Minimum: wire.hi}[self.primitive]

    # -- combining ------------------------------------------------------------------------
    def combine(self, items: list[Item]) -> Item:
        """All items in one beat, in the fold's order."""
        if self.order in ("exact", "tree"):
            return self.tree(items)
        parts = [self.serial(items[i :: self.fold.ways]) for i in range(min(self.fold.ways, len(items)))]
        return self.serial(parts)

    def serial(self, items: list[Item]) -> Item:
        result = items[0]
        for item in items[1:]:
            result = self.pair(result, item)
        return result

    def tree(self, items: list[Item]) -> Item:
        while len(items) > 1:
            items = [self.pair(*items[i : i + 2]) if i + 1 < len(items) else items[i] for i in range(0, len(items), 2)]
        return items[0]

    def pair(self, a: Item, b: Item, cycle: int | None = None) -> Item:
        """One step of the body; what is absent lets the other pass."""
        placed = self.pipe.place([*a.signals, *b.signals], self.levels)
        cycle, ns = placed if cycle is None else (cycle, placed[1])
        self.count += 1
        tag = f"{self.name}_p{self.count}"
        if self.primitive is not None:
            return Item(None, (self._primitive(tag, a.values[0], b.values[0], cycle, ns),))
        return self._general(tag, a, b, cycle, ns)

    def _primitive(self, tag: str, a: Signal, b: Signal, cycle: int, ns: float) -> Signal:
        out = self.outputs[0]
        width, signed = out.bits, out.signed
        if self.primitive is not Add:
            width, signed = max(a.width, b.width), a.signed
        left, right = self.pipe.at(a, cycle), self.pipe.at(b, cycle)
        return self.pipe.assign(tag, width, self.primitive().verilog(width, left, right), cycle, ns, signed)

    def _general(self, tag: str, a: Item, b: Item, cycle: int, ns: float) -> Item:
        body, half = self.fold.body, len(a.values)
        ports, kind = {}, self.w.modules.body(f"{self.name}_body", body)
        for i, (arg, value) in enumerate(zip(body.arguments, (*a.values, *b.values), strict=True)):
            ports[f"a{i}"] = self.pipe.at(value, cycle).bits(arg.bits)
        has_a, has_b = (self.pipe.at(x.here, cycle).bits(1) for x in (a, b))
        values = []
        for i, result in enumerate(body.results):
            raw = Signal(f"{tag}_y{i}", result.bits, result.signed, cycle, ns)
            self.pipe.lines.append(f"{declare('logic', raw.name, raw.width, raw.signed)};")
            ports[f"y{i}"] = raw.name
            together = (body.arguments[i], body.arguments[half + i], result)
            lo, hi = min(w.lo for w in together), max(w.hi for w in together)
            width = width_of(lo, hi)
            both, left, right = (self.pipe.at(s, cycle).bits(width) for s in (raw, a.values[i], b.values[i]))
            text = f"({has_a} & {has_b}) ? {both} : ({has_a} ? {left} : {right})"
            values.append(self.pipe.assign(f"{tag}_v{i}", width, text, cycle, ns, lo < 0))
        self.pipe.lines.append(instance(kind, f"{tag}_body", ports))
        return Item(self.pipe.assign(f"{tag}_here", 1, f"{has_a} | {has_b}", cycle, ns), tuple(values))

    # -- over beats -----------------------------------------------------------------------
    def _matched(self, kept: list[Item], new: list[Item]) -> list[Item]:
        """Each accumulator meets its own item, within a cycle."""
        return [self.pair(k, n, k.values[0].cycle) for k, n in zip(kept, new, strict=True)]

    def _chain(self, kept: list[Item], new: list[Item]) -> list[Item]:
        """The accumulator meets the lanes of a beat one after the other, within a cycle."""
        result = kept[0]
        for item in new:
            result = self.pair(result, item, kept[0].values[0].cycle)
        return [result]

    def accumulate(self, new: list[Item], step, states: int | None = None) -> list[Item]:
        """Keep `states` partial results (as many as items unless given) over the beats of a row (or chunk).

        They stand a cycle after its end.
        """
        states = len(new) if states is None else states
        cycle, _ = self.pipe.place([s for item in new for s in item.signals], self.levels)
        first = self.pipe.at(self.w.flag(self._first_flag()), cycle).bits(1)
        kept = [self._kept(i, cycle, first) for i in range(states)]
        for i, item in enumerate(step(kept, new)):
            self._update(i, item, cycle)
        return [self._result(i, cycle) for i in range(states)]

    def _first_flag(self) -> str:
        if self.fold.inputs[0].rate is Rate.CHUNK:
            return "row_chunk"
        return "first" if self.fold.to is Rate.ROW else "chunk_first"

    def _shape(self, i: int) -> tuple[int, bool]:
        """Width and sign of the accumulator of part i."""
        if i in self.outputs:
            return self.outputs[i].bits, self.outputs[i].signed
        lo = min(self.fold.body.arguments[i].lo, self.fold.body.results[i].lo)
        hi = max(self.fold.body.arguments[i].hi, self.fold.body.results[i].hi)
        return width_of(lo, hi), lo < 0

    def _kept(self, state: int, cycle: int, first: str) -> Item:
        """The accumulator as the loop reads it: nothing (or the neutral value) at the beginning."""
        values = []
        for i in range(len(self.fold.inputs)):
            (width, signed), name = self._shape(i), f"{self.name}_acc{state}_{i}"
            note = f"  // {q_format(self.outputs[i])}" if i in self.outputs else ""
            self.pipe.lines.append(f"{declare('logic', name, width, signed)};{note}")
            values.append(
                self._begun(name, width, signed, cycle, first) if self.primitive else Signal(name, width, signed, cycle)
            )
        if self.primitive:
            return Item(None, tuple(values))
        here = f"{self.name}_acc{state}_here"
        self.pipe.lines.append(f"logic {here}_q;")
        return Item(self.pipe.assign(here, 1, f"~{first} & {here}_q", cycle, NS_PER_LEVEL), tuple(values))

    def _begun(self, name, width, signed, cycle, first) -> Signal:
        text = f"{first} ? {literal(self._neutral(), width)} : {name}"
        return self.pipe.assign(f"{name}_old", width, text, cycle, NS_PER_LEVEL, signed)

    def _update(self, state: int, item: Item, cycle: int) -> None:
        enable = [self.pipe.at(self.w.flags["go"], cycle).bits(1)]
        if self.fold.inputs[0].rate is Rate.CHUNK:
            enable.append(self.pipe.at(self.w.flags["chunk_last"], cycle).bits(1))
        for i, value in enumerate(item.values):
            word = self.pipe.at(value, cycle).bits(self._shape(i)[0])
            self.pipe.registers.append(f"if ({' & '.join(enable)}) {self.name}_acc{state}_{i} <= {word};")
        if item.here is not None:
            flag = self.pipe.at(item.here, cycle).bits(1)
            self.pipe.registers.append(f"if ({' & '.join(enable)}) {self.name}_acc{state}_here_q <= {flag};")

    def _result(self, state: int, cycle: int) -> Item:
        values = tuple(
            Signal(f"{self.name}_acc{state}_{i}", *self._shape(i), cycle + 1) for i in range(len(self.fold.inputs))
        )
        here = None if self.primitive else Signal(f"{self.name}_acc{state}_here_q", 1, False, cycle + 1)
        return Item(here, values)
