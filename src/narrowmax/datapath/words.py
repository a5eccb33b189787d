"""Operations on the bits of a word."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath.operand import literal
from narrowmax.datapath.operation import Operation, cut, log2, unrounded


@dataclass(frozen=True)
class LowBits(Operation):
    """a modulo 2**count: the low bits, read as unsigned."""

    count: int
    arity = 1

    def evaluate(self, kit, a):
        return kit.low_bits(a, self.count)

    def bound(self, a):
        if a[0] >> self.count == a[1] >> self.count:
            mask = (1 << self.count) - 1
            return a[0] & mask, a[1] & mask
        return 0, (1 << self.count) - 1

    def error(self, ranges, errors):
        return unrounded(errors)

    def verilog(self, width, a):
        if width <= self.count:
            return a.bits(width)
        return f"{{{width - self.count}'d0, {a.bits(self.count)}}}"

    def levels(self, width, *widths):
        return 0

    def sentence(self, a):
        return f"the {self.count} low bits of {a}"


@dataclass(frozen=True)
class LeadingZeros(Operation):
    """Zeros before the first one of a non-negative a in a word of `width` bits; `width` for a = 0."""

    width: int
    arity = 1
    monotone = gapless = True

    def evaluate(self, kit, a):
        return self.width - kit.bit_length(a)

    def bound(self, a):
        return self.width - a[1].bit_length(), self.width - a[0].bit_length()

    def error(self, ranges, errors):
        return unrounded(errors)

    def verilog(self, width, a):
        text = literal(self.width, width)
        for bit in range(min(a.width, self.width)):
            text = f"{a.slice(bit, bit)} ? {literal(self.width - 1 - bit, width)} : ({text})"
        return text

    def levels(self, width, a):
        return 2 * log2(a) + 1

    def sentence(self, a):
        return f"the number of leading zeros of {a} in {self.width} bits"


@dataclass(frozen=True)
class Normalise(Operation):
    """A non-negative a shifted left until bit `width` - 1 is one; 0 for a = 0."""

    width: int
    arity = 1

    def evaluate(self, kit, a):
        return kit.shift_left(a, kit.where(a == 0, 0, self.width - kit.bit_length(a)))

    def bound(self, a):
        if a[0].bit_length() == a[1].bit_length():
            shift = self.width - a[0].bit_length() if a[1] else 0
            return a[0] << shift, a[1] << shift
        top = (1 << self.width) - 1
        high = max(a[1] << (self.width - a[1].bit_length()), self._full_below(a))
        low = 0 if a[0] == 0 else min(a[0] << (self.width - a[0].bit_length()), 1 << (self.width - 1))
        return low, min(high, top)

    def _full_below(self, a):
        """Largest result among operands shorter than a[1]: all ones, normalised."""
        length = a[1].bit_length() - 1
        return ((1 << length) - 1) << (self.width - length) if length else 0

    def error(self, ranges, errors):
        return unrounded(errors)

    def verilog(self, width, a):
        text = literal(0, width)
        for bit in range(min(a.width, self.width)):
            shift = self.width - 1 - bit
            part = f"{{{a.slice(bit, 0)}, {shift}'d0}}" if shift else a.slice(bit, 0)
            text = f"{a.slice(bit, bit)} ? {cut(part, self.width, width)} : ({text})"
        return text

    def levels(self, width, a):
        return 4 * log2(a)

    def sentence(self, a):
        return f"{a} shifted left until bit {self.width - 1} is one"
