"""Operations that add, multiply, shift and divide."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from narrowmax.datapath.operand import literal
from narrowmax.datapath.operation import Operation, corners, cut, log2, signed_text
from narrowmax.errors import GraphError

FARTHEST = 1 << 16  # bits of a shift by a wire to the left


@dataclass(frozen=True)
class Constant(Operation):
    """An integer."""

    value: int
    arity = 0

    def evaluate(self, kit):
        return self.value

    def bound(self):
        return self.value, self.value

    def error(self, ranges, errors):
        return Fraction(0), Fraction(0)

    def verilog(self, width):
        return literal(self.value, width)

    def levels(self, width):
        return 0

    def sentence(self):
        return f"the constant {self.value}"


@dataclass(frozen=True)
class Add(Operation):
    """a + b, exactly."""

    monotone = gapless = True

    def evaluate(self, kit, a, b):
        return a + b

    def bound(self, a, b):
        return a[0] + b[0], a[1] + b[1]

    def error(self, ranges, errors):
        (a, b) = errors
        return a[0] + b[0], a[1] + b[1]

    def verilog(self, width, a, b):
        return f"{a.bits(width)} + {b.bits(width)}"

    def levels(self, width, *widths):
        return 2 * log2(width) + 1

    def sentence(self, a, b):
        return f"{a} plus {b}"


@dataclass(frozen=True)
class Subtract(Operation):
    """a - b, exactly."""

    monotone = gapless = True

    def evaluate(self, kit, a, b):
        return a - b

    def bound(self, a, b):
        return a[0] - b[1], a[1] - b[0]

    def error(self, ranges, errors):
        (a, b) = errors
        return a[0] - b[1], a[1] - b[0]

    def verilog(self, width, a, b):
        return f"{a.bits(width)} - {b.bits(width)}"

    def levels(self, width, *widths):
        return 2 * log2(width) + 1

    def sentence(self, a, b):
        return f"{a} minus {b}"


@dataclass(frozen=True)
class Multiply(Operation):
    """a * b, exactly."""

    monotone = True

    def evaluate(self, kit, a, b):
        return a * b

    def bound(self, a, b):
        return corners(lambda p, q: p * q, a, b)

    def error(self, ranges, errors):
        # a*b - (a-ea)*(b-eb) = a*eb + b*ea - ea*eb, bilinear in each: extremes lie at corners
        return corners(lambda a, b, ea, eb: a * eb + b * ea - ea * eb, *ranges, *errors)

    def verilog(self, width, a, b):
        return f"{a.bits(width)} * {b.bits(width)}"

    def levels(self, width, *widths):
        return 2 * log2(max(2, min(widths))) + 2 * log2(width) + 2

    def sentence(self, a, b):
        return f"{a} times {b}"


@dataclass(frozen=True)
class ShiftLeft(Operation):
    """a * 2**amount, for a constant amount >= 0."""

    amount: int
    arity = 1
    monotone = True

    @property
    def gapless(self):
        return not self.amount

    def evaluate(self, kit, a):
        return kit.shift_left(a, self.amount)

    def bound(self, a):
        return a[0] << self.amount, a[1] << self.amount

    def error(self, ranges, errors):
        return errors[0][0] * 2**self.amount, errors[0][1] * 2**self.amount

    def verilog(self, width, a):
        return a.shifted(width, self.amount)

    def levels(self, width, *widths):
        return 0

    def sentence(self, a):
        return f"{a} shifted left by {self.amount}" if self.amount else f"{a}, read at another binary point"


@dataclass(frozen=True)
class ShiftRight(Operation):
    """floor(a / 2**amount), for a constant amount >= 0: the low bits are dropped."""

    amount: int
    arity = 1
    departs = True
    monotone = gapless = True

    def evaluate(self, kit, a):
        return kit.shift_right(a, self.amount)

    def exactly(self, a):
        return a / 2.0**self.amount

    def bound(self, a):
        return a[0] >> self.amount, a[1] >> self.amount

    def error(self, ranges, errors):
        unit = Fraction(1, 2**self.amount)
        return errors[0][0] * unit - (1 - unit), errors[0][1] * unit

    def verilog(self, width, a):
        return a.bits(width, drop=self.amount)

    def levels(self, width, *widths):
        return 0

    def sentence(self, a):
        return f"{a} without its {self.amount} low bits"


@dataclass(frozen=True)
class ShiftRightBy(Operation):
    """floor(a / 2**s) for a wire s >= 0; beyond the width 0, or -1 for a negative a."""

    departs = True
    monotone = True

    def evaluate(self, kit, a, s):
        return kit.shift_right(a, s)

    def exactly(self, a, s):
        return a / np.exp2(s)

    def bound(self, a, s):
        return corners(lambda p, q: p >> q, a, s)

    def error(self, ranges, errors):
        if errors[1] != (0, 0):
            return None
        units = [Fraction(1, 2**s) for s in ranges[1]]
        return min(errors[0][0] * u - (1 - u) for u in units), max(errors[0][1] * u for u in units)

    def verilog(self, width, a, s):
        wide = max(a.width, width)
        return cut(f"{signed_text(a, wide)} {'>>>' if a.signed else '>>'} {s.bits(s.width)}", wide, width)

    def levels(self, width, a, s):
        return 2 * min(s, log2(a) + 1)

    def sentence(self, a, s):
        return f"{a} shifted right by {s}"


@dataclass(frozen=True)
class ShiftLeftBy(Operation):
    """a * 2**s for a wire s >= 0; the result is as wide as its range needs."""

    monotone = True

    def evaluate(self, kit, a, s):
        return kit.shift_left(a, s)

    def bound(self, a, s):
        if s[1] > FARTHEST:  # no machine holds the range then; a guess at what a scan carries may come to that
            raise GraphError(f"a shift left by more than {FARTHEST:,} bits is possible here; bound it with .minimum")
        return corners(lambda p, q: p << q, a, s)

    def error(self, ranges, errors):
        if errors[1] != (0, 0):
            return None
        return corners(lambda e, s: e * 2**s, errors[0], ranges[1])

    def verilog(self, width, a, s):
        return f"{a.bits(width)} << {s.bits(s.width)}"

    def levels(self, width, a, s):
        return 2 * min(s, log2(width) + 1)

    def sentence(self, a, s):
        return f"{a} shifted left by {s}"


@dataclass(frozen=True)
class Divide(Operation):
    """floor(a / b) of non-negative operands; `by_zero` where b is 0."""

    by_zero: int
    departs = True

    def evaluate(self, kit, a, b):
        return kit.divide(a, b, self.by_zero)

    def exactly(self, a, b):
        zero = b == 0
        return np.where(zero, self.by_zero, a / np.where(zero, 1, b))

    def bound(self, a, b):
        results = []
        if b[1] > 0:
            results += [a[0] // b[1], a[1] // max(b[0], 1)]
        if b[0] == 0:
            results.append(self.by_zero)
        return min(results), max(results)

    def error(self, ranges, errors):
        # a/b - (a-ea)/(b-eb) = ea/(b-eb) - (a/b) * eb/(b-eb), and the floor takes less than 1 off it
        (a, b), (ea, eb) = ranges, errors
        true = (b[0] - eb[1], b[1] - eb[0])
        if b[0] <= 0 or true[0] <= 0:
            return None
        from_a = corners(lambda e, d: Fraction(e) / d, ea, true)
        from_b = corners(lambda e, d, q: e / Fraction(d) * q, eb, true, (Fraction(a[0], b[1]), Fraction(a[1], b[0])))
        return from_a[0] - from_b[1] - (1 - Fraction(1, b[1])), from_a[1] - from_b[0]

    def verilog(self, width, a, b):
        raise NotImplementedError("a division is an iterative unit, drawn by the schedule")

    def levels(self, width, a, b):
        return (2 * log2(b + 1) + 3) * width

    def sentence(self, a, b):
        return f"{a} divided by {b}, rounded down ({self.by_zero} where {b} is 0)"
