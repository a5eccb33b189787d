"""Combinational modules: tables, named blocks, and the bodies of folds and scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from narrowmax.datapath import INTEGERS, Block, Body, Datapath, Lookup, Operand, Table, Wire, literal
from narrowmax.datapath.operations import Constant, Divide
from narrowmax.engines.verilog.naming import distinct, word
from narrowmax.engines.verilog.pipeline import unused
from narrowmax.engines.verilog.text import declare, instance, module, q_format

UNNAMED = "?"  # stands for a module's name until its text is known to be new


class Port(NamedTuple):
    """A port of a module: its name, width, and the range of what it carries."""

    name: str
    bits: int
    lo: int
    hi: int


@dataclass(frozen=True)
class BlockInfo:
    """A module that can be checked by itself: `evaluate(*ints)` gives its outputs `latency` cycles later.

    It gives None for inputs that cannot meet: ranges know more than the ports, since what enters
    together was computed together.
    """

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    latency: int
    evaluate: Callable[..., tuple[int, ...] | None]


class Modules:
    """The modules of one unit, each text once."""

    def __init__(self, prefix: str, reserved: Iterable[str] = ()):
        self.prefix = prefix
        self._taken = {name.lower() for name in reserved}  # file systems may take Exp.v for exp.v
        self.texts: dict[str, str] = {}
        self.infos: dict[str, BlockInfo] = {}
        self._names: dict[tuple, str] = {}

    def add(self, stem: str, text: str, info: Callable[[str], BlockInfo] | None = None) -> str:
        """The name of the module whose text is that, written for UNNAMED; an equal text is shared."""
        key = (stem, text)
        if key not in self._names:
            base = name = f"{self.prefix}_{word(stem)}"
            for k in count(2):
                if name.lower() not in self._taken:
                    break
                name = f"{base}_{k}"
            self._taken.add(name.lower())
            self._names[key] = name
            self.texts[name] = text.replace(f"module {UNNAMED} (", f"module {name} (", 1)
            if info:
                self.infos[name] = info(name)
        return self._names[key]

    # -- tables ---------------------------------------------------------------------------
    def table(self, wire: Wire) -> str:
        """The ROM of a lookup; ports index and value."""
        index = wire.args[0]

        def info(name):
            table = wire.op.table
            return BlockInfo(name, (Port("index", index.bits, index.lo, index.hi),), (_port("value", wire),), 0,
                             lambda i: (table.entries[i],))  # fmt: skip

        return self.add(wire.op.table.name, _rom(wire), info)

    # -- blocks ---------------------------------------------------------------------------
    def block(self, block: Block, datapath: Datapath) -> BlockModule:
        """A named block as a module; its ports are named after the wires in their order."""
        inside = [w for w in datapath.wires if w.block and w.block.within(block)]
        inner = set(inside)
        inputs = sorted(
            {a for w in inside for a in w.args if a not in inner and not isinstance(a.op, Constant)},
            key=lambda w: w.index,
        )
        users = {a for w in datapath.wires if w not in inner for a in w.args}
        outputs = [w for w in inside if (w in users or w is datapath.output) and not isinstance(w.op, Constant)]
        names = {w: f"a{i}" for i, w in enumerate(inputs)} | {w: f"y{i}" for i, w in enumerate(outputs)}
        purpose = f"{block.name}: {block.purpose}"
        name = self.combinational(block.name, purpose, inputs, outputs, inside, names)
        return BlockModule(name, tuple(inputs), tuple(outputs), depth(inside), names)

    def body(self, stem: str, body: Body) -> str:
        """The body of a fold or scan; ports a0.. and y0.. ."""
        results = list(body.results)
        names = {w: f"a{i}" for i, w in enumerate(body.arguments)}
        purpose = "One step: what the fold or scan does to its state a0.. to give y0.. ."
        return self.combinational(stem, purpose, list(body.arguments), results, list(body.wires), names, numbered=True)

    def combinational(self, stem, purpose, inputs, outputs, wires, names, numbered=False) -> str:
        wires = _with_constants([w for w in wires if w not in inputs])
        text = _combinational(self, purpose, inputs, outputs, wires, names, numbered)

        def info(name):
            ports = tuple(_port(names[w], w) for w in inputs)
            outs = tuple(_port(f"y{i}", w) for i, w in enumerate(outputs))
            return BlockInfo(name, ports, outs, 0, lambda *values: _evaluate(inputs, outputs, wires, values))

        return self.add(stem, text, info)


@dataclass(frozen=True)
class BlockModule:
    """A block's module: its name, the wires at its ports, and its depth in gate levels."""

    name: str
    inputs: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    levels: int
    ports: dict


def _port(name: str, wire: Wire) -> Port:
    return Port(name, wire.bits, wire.lo, wire.hi)


def divider_info(name: str, wire: Wire, latency: int) -> BlockInfo:
    """What a pipelined divider computes, to be checked by itself."""
    numerator, divisor = wire.args
    ports = (_port("numerator", numerator), _port("divisor", divisor))

    def evaluate(a, b):
        quotient = wire.op.evaluate(INTEGERS, a, b)
        return (quotient,) if wire.lo <= quotient <= wire.hi else None

    return BlockInfo(name, ports, (_port("quotient", wire),), latency, evaluate)


def _rom(wire: Wire) -> str:
    index, table = wire.args[0], wire.op.table
    body = ["always_comb begin", "  case (index)", _cases(table, wire.bits, index.lo, index.hi, index.bits),
            f"    default: value = {literal(0, wire.bits)};", "  endcase", "end"]  # fmt: skip
    purpose = f"Table {table.name}: {table.text}.\nEntries: {table.made}; {q_format(wire)}."
    return module(
        UNNAMED,
        purpose,
        [declare("input  logic", "index", index.bits), declare("output logic", "value", wire.bits, wire.signed)],
        body,
    )


@lru_cache(maxsize=64)  # a unit may look a table up in several passes, and a search in many units
def _cases(table: Table, width: int, lo: int, hi: int, bits: int) -> str:
    """An entry on each line, for every index that can occur."""
    start, mask = f"value = {width}'d", (1 << width) - 1
    entries = enumerate(table.entries[lo : hi + 1], lo)
    return "    " + "\n      ".join([f"{bits}'d{i}: {start}{entry & mask};" for i, entry in entries])


def depth(wires: list[Wire]) -> int:
    """Gate levels along the longest path through `wires`."""
    done: dict[Wire, int] = {}
    for w in wires:
        done[w] = (
            max((done.get(a, 0) for a in w.args), default=0) + w.op.levels(w.bits, *(a.bits for a in w.args))
            if w.args
            else 0
        )
    return max(done.values(), default=0)


def has_division(wires) -> bool:
    return any(isinstance(w.op, Divide) for w in wires)


def _with_constants(wires: list[Wire]) -> list[Wire]:
    """The wires, after the constants that they read and that are drawn elsewhere: those have no port."""
    own = set(wires)
    return [*dict.fromkeys(a for w in wires for a in w.args if isinstance(a.op, Constant) and a not in own), *wires]


def _evaluate(inputs, outputs, wires, values):
    known = dict(zip(inputs, values, strict=True))
    for w in wires:
        known[w] = w.op.evaluate(INTEGERS, *(known[a] for a in w.args))
        if not w.lo <= known[w] <= w.hi:
            return None
    return tuple(known[w] for w in outputs)


def _combinational(modules, purpose, inputs, outputs, wires, names, numbered) -> str:
    """The text of a module: one operation an assign, in the order drawn."""
    inner = {w: w.name or f"w{i}" for i, w in enumerate(wires) if w not in names}
    names = names | distinct(inner, [*names.values(), *(f"y{i}" for i in range(len(outputs))), "unused_bits"])
    operands = {w: Operand(names[w], w.bits, w.signed) for w in inputs}
    lines = []
    for w in wires:
        if isinstance(w.op, Constant):
            operands[w] = Operand("", w.bits, w.signed, w.op.value)
            continue
        operands[w] = Operand(names[w], w.bits, w.signed)
        if w not in outputs or numbered:
            lines.append(f"{declare('logic', names[w], w.bits, w.signed)};  // {q_format(w)}")
        lines += _operation(modules, w, names[w], [operands[a] for a in w.args])
    for i, w in enumerate(outputs if numbered else []):
        lines.append(f"assign y{i} = {operands[w].bits(w.bits)};")
    for w in () if numbered else outputs:
        operands[w].used.update(range(w.bits))
    ports = [declare("input  logic", names[w], w.bits, w.signed) + _note(w) for w in inputs]
    ports += [declare("output logic", f"y{i}", w.bits, w.signed) for i, w in enumerate(outputs)]
    return module(UNNAMED, purpose, ports, [*lines, *unused([o for o in operands.values() if o.value is None])])


def _note(wire: Wire) -> str:
    return f" /* {wire.name or 'wire'}: {q_format(wire)} */"


def _operation(modules, wire, name, operands) -> list[str]:
    if isinstance(wire.op, Lookup):
        rom_name = modules.table(wire)
        return [
            instance(rom_name, f"{name}_table", {"index": operands[0].slice(operands[0].width - 1, 0), "value": name})
        ]
    return [f"assign {name} = {wire.op.verilog(wire.bits, *operands)};"]
