"""An operand in Verilog text: a named signal whose every extension and slice is written out.

Nothing is left to Verilog's context rules: a narrower operand is extended by concatenation and a
wider one is sliced, so every expression has the width of its result.  An operand remembers which
of its bits were used, so that the emitter can name the others as unused.
"""

from __future__ import annotations

from dataclasses import dataclass, field


def width_of(lo: int, hi: int) -> int:
    """Bits that hold every integer in lo..hi: two's complement if lo < 0, else unsigned; at least 1."""
    if lo < 0:
        return max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1
    return max(1, hi.bit_length())


def literal(value: int, width: int) -> str:
    """A sized decimal constant; a negative value is given by its bit pattern."""
    return f"{width}'d{value & ((1 << width) - 1)}"


@dataclass
class Operand:
    """A signal `name` of `width` bits, two's complement if `signed`; a constant has `value`."""

    name: str
    width: int
    signed: bool
    value: int | None = None
    used: set = field(default_factory=set)

    def slice(self, high: int, low: int) -> str:
        """Bits high..low of the signal, which must exist."""
        if self.value is not None:
            return literal(self.value >> low, high - low + 1)
        self.used.update(range(low, high + 1))
        if (low, high) == (0, self.width - 1):
            return self.name
        return f"{self.name}[{high}]" if high == low else f"{self.name}[{high}:{low}]"

    def bits(self, width: int, drop: int = 0) -> str:
        """The value floor-divided by 2**drop as `width` bits, extended or cut to fit."""
        if self.value is not None:
            return literal(self.value >> drop, width)
        if drop >= self.width:
            return self._fill(width)
        have = self.width - drop
        if have >= width:
            return self.slice(drop + width - 1, drop)
        return f"{{{self._fill(width - have)}, {self.slice(self.width - 1, drop)}}}"

    def _fill(self, width: int) -> str:
        if not self.signed:
            return f"{width}'d0"
        sign = self.slice(self.width - 1, self.width - 1)
        return f"{{{width}{{{sign}}}}}"

    def shifted(self, width: int, amount: int) -> str:
        """The value times 2**amount as `width` bits."""
        if self.value is not None or amount == 0:
            return self.bits(width) if self.value is None else literal(self.value << amount, width)
        if amount >= width:
            return f"{width}'d0"
        return f"{{{self.bits(width - amount)}, {amount}'d0}}"

    def unused(self) -> list[tuple[int, int]]:
        """The runs (high, low) of bits that nobody read."""
        if self.value is not None:
            return []
        runs: list[tuple[int, int]] = []
        for bit in sorted(set(range(self.width)) - self.used):
            if runs and runs[-1][0] == bit - 1:
                runs[-1] = (bit, runs[-1][1])
            else:
                runs.append((bit, bit))
        return runs
