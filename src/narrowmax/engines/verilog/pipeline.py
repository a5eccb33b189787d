"""A pipeline under construction: signals that know when they are valid, and registers between.

Every signal belongs to a cycle counted from the moment a beat enters the pass, and to a time
within it.  An operation is placed in the first cycle in which it still fits; an operand from an
earlier cycle is carried there by registers, drawn once and shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from narrowmax.datapath import Operand
from narrowmax.engines.verilog.text import declare

NS_PER_LEVEL = 0.35  # a coarse delay of one gate level with its wire, for placing registers only
REGISTER_NS = 1.0  # clock-to-output and set-up


@dataclass(eq=False)
class Signal:
    """A named signal, valid `cycle` cycles after its beat entered, `ns` into that cycle."""

    name: str
    width: int
    signed: bool = False
    cycle: int = 0
    ns: float = 0.0
    value: int | None = None  # constants are valid at any time
    cleared: bool = False  # its registers go to 0 in reset
    copies: dict[int, Operand] = field(default_factory=dict)


class Pipeline:
    """Collects the body of a pass: declarations, assignments and registers."""

    def __init__(self, period_ns: float):
        self.budget = max(period_ns - REGISTER_NS, NS_PER_LEVEL)
        self.lines: list[str] = []
        self.registers: list[str] = []
        self.assertions: list[str] = []
        self.operands: list[Operand] = []
        self.made: list[Signal] = []

    # -- time -----------------------------------------------------------------------------
    def place(self, sources: list[Signal], levels: int) -> tuple[int, float]:
        """The cycle, and the time in it, at which an operation on `sources` is done."""
        timed = [s for s in sources if s.value is None]
        cycle = max((s.cycle for s in timed), default=0)
        start = max((s.ns for s in timed if s.cycle == cycle), default=0.0)
        done = start + levels * NS_PER_LEVEL
        if done > self.budget and start > 0:
            return cycle + 1, levels * NS_PER_LEVEL
        return cycle, done

    # -- signals --------------------------------------------------------------------------
    def at(self, signal: Signal, cycle: int) -> Operand:
        """The signal in a later cycle, through registers."""
        if signal.value is not None:
            return Operand("", signal.width, signal.value < 0, signal.value)
        for c in range(signal.cycle, cycle + 1):
            if c not in signal.copies:
                signal.copies[c] = self._copy(signal, c)
        return signal.copies[cycle]

    def _copy(self, signal: Signal, cycle: int) -> Operand:
        if cycle == signal.cycle:
            return self._operand(signal.name, signal)
        name = f"{signal.name}_c{cycle}"
        before = signal.copies[cycle - 1]
        self.lines.append(f"{declare('logic', name, signal.width, signal.signed)};")
        word = before.slice(before.width - 1, 0)
        self.registers.append(f"{name} <= {f'{word} & aresetn' if signal.cleared else word};")
        return self._operand(name, signal)

    def _operand(self, name: str, signal: Signal) -> Operand:
        operand = Operand(name, signal.width, signal.signed)
        self.operands.append(operand)
        return operand

    def assign(
        self, name: str, width: int, expression: str, cycle: int, ns: float = 0.0, signed=False, comment=""
    ) -> Signal:
        """A combinational signal."""
        note = f"  // {comment}" if comment else ""
        self.lines.append(f"{declare('logic', name, width, signed)};{note}")
        self.lines.append(f"assign {name} = {expression};")
        return self.own(Signal(name, width, signed, cycle, ns))

    def own(self, signal: Signal) -> Signal:
        """Remember a signal, so that it is gathered as unused if nothing reads it."""
        self.made.append(signal)
        return signal

    # -- the text -------------------------------------------------------------------------
    def text(self) -> list[str]:
        """The body: declarations and assignments in the order drawn, then the registers."""
        for signal in self.made:
            if signal.cycle not in signal.copies:
                self._operand(signal.name, signal)
        sinks = unused(self.operands)
        clocked = (
            ["always_ff @(posedge aclk) begin", *(f"  {r}" for r in self.registers), "end"] if self.registers else []
        )
        checked = [
            "`ifndef SYNTHESIS",
            "always @(posedge aclk) begin",
            *(f"  {a}" for a in self.assertions),
            "end",
            "`endif",
        ]
        return [*self.lines, *sinks, *clocked, *(checked if self.assertions else [])]


def unused(operands: list[Operand]) -> list[str]:
    """Bits that nothing reads, gathered under a name that says so (Verilator's convention)."""
    parts = [_bits(o, high, low) for o in operands for high, low in o.unused()]
    return ["logic unused_bits;", f"assign unused_bits = &{{1'b0, {', '.join(parts)}}};"] if parts else []


def _bits(operand: Operand, high: int, low: int) -> str:
    if operand.width == 1:
        return operand.name
    return f"{operand.name}[{high}]" if high == low else f"{operand.name}[{high}:{low}]"
