"""The operations of the datapath language: one class each, with all its meanings.

An operation says what it computes (`evaluate`, on any kit), the exact range of its result
(`bound`), how errors pass through it (`error`), its Verilog (`verilog`), its depth in gate
levels (`levels`) and its sentence of English (`sentence`).  Every engine asks the class; none
knows an operation by itself.  Adding one touches this file only.

Errors are intervals (lo, hi) in units of the operand's last bit: what the wire holds minus what
it would hold if nothing upstream had been rounded; None means that no rule is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from narrowmax.datapath.operand import Operand, literal, width_of

Range = tuple[int, int]
Interval = tuple[Fraction, Fraction]


def _log2(width: int) -> int:
    return max(1, (width - 1).bit_length())


def _hull(values) -> tuple:
    values = list(values)
    return min(values), max(values)


def _corners(function, *intervals):
    return _hull(function(*corner) for corner in product(*intervals))


class Operation:
    """Base: an operation without state; parameters are dataclass fields."""

    arity = 2

    def evaluate(self, kit, *values):
        """The result for integers (kit INTEGERS) or int64 arrays (kit ARRAYS)."""
        raise NotImplementedError

    def bound(self, *ranges: Range) -> Range:
        """The tightest range of the result for operands that move independently in `ranges`."""
        raise NotImplementedError

    def error(self, ranges: list[Range], errors: list[Interval]) -> Interval | None:
        """Error of the result in its own last bits; None where no rule is known."""
        return None

    def verilog(self, width: int, *operands: Operand) -> str:
        """An expression of exactly `width` bits."""
        raise NotImplementedError

    def levels(self, width: int, *widths: int) -> int:
        """Depth in two-input gates, a coarse estimate for placing registers."""
        return 1

    def sentence(self, *names: str) -> str:
        """The result in English."""
        raise NotImplementedError


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
        return 2 * _log2(width) + 1

    def sentence(self, a, b):
        return f"{a} plus {b}"


@dataclass(frozen=True)
class Subtract(Operation):
    """a - b, exactly."""

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
        return 2 * _log2(width) + 1

    def sentence(self, a, b):
        return f"{a} minus {b}"


@dataclass(frozen=True)
class Multiply(Operation):
    """a * b, exactly."""

    def evaluate(self, kit, a, b):
        return a * b

    def bound(self, a, b):
        return _corners(lambda p, q: p * q, a, b)

    def error(self, ranges, errors):
        # a*b - (a-ea)*(b-eb) = a*eb + b*ea - ea*eb, bilinear in each: extremes lie at corners
        return _corners(lambda a, b, ea, eb: a * eb + b * ea - ea * eb, *ranges, *errors)

    def verilog(self, width, a, b):
        return f"{a.bits(width)} * {b.bits(width)}"

    def levels(self, width, *widths):
        return 2 * _log2(max(2, min(widths))) + 2 * _log2(width) + 2

    def sentence(self, a, b):
        return f"{a} times {b}"


@dataclass(frozen=True)
class ShiftLeft(Operation):
    """a * 2**amount, for a constant amount >= 0."""

    amount: int
    arity = 1

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
        return f"{a} shifted left by {self.amount}"


@dataclass(frozen=True)
class ShiftRight(Operation):
    """floor(a / 2**amount), for a constant amount >= 0: the low bits are dropped."""

    amount: int
    arity = 1

    def evaluate(self, kit, a):
        return kit.shift_right(a, self.amount)

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

    def evaluate(self, kit, a, s):
        return kit.shift_right(a, s)

    def bound(self, a, s):
        return _corners(lambda p, q: p >> q, a, s)

    def verilog(self, width, a, s):
        wide = max(a.width, width)
        return _cut(f"{_signed(a, wide)} {'>>>' if a.signed else '>>'} {s.bits(s.width)}", wide, width)

    def levels(self, width, a, s):
        return 2 * min(s, _log2(a) + 1)

    def sentence(self, a, s):
        return f"{a} shifted right by {s}"


@dataclass(frozen=True)
class ShiftLeftBy(Operation):
    """a * 2**s for a wire s >= 0; the result is as wide as its range needs."""

    def evaluate(self, kit, a, s):
        return kit.shift_left(a, s)

    def bound(self, a, s):
        return _corners(lambda p, q: p << q, a, s)

    def verilog(self, width, a, s):
        return f"{a.bits(width)} << {s.bits(s.width)}"

    def levels(self, width, a, s):
        return 2 * min(s, _log2(width) + 1)

    def sentence(self, a, s):
        return f"{a} shifted left by {s}"


def _signed(operand: Operand, width: int) -> str:
    text = operand.bits(width)
    return f"$signed({text})" if operand.signed else text


def _cut(text: str, have: int, width: int) -> str:
    """A `have`-bit expression as `width` bits; a cast, since Verilog cannot slice an expression."""
    return text if have == width else f"{width}'({text})"


def _comparison(symbol: str, a: Operand, b: Operand) -> str:
    signed = a.signed or b.signed
    width = max(o.width + (signed and not o.signed) for o in (a, b))
    left, right = a.bits(width), b.bits(width)
    return f"$signed({left}) {symbol} $signed({right})" if signed else f"{left} {symbol} {right}"


@dataclass(frozen=True)
class Minimum(Operation):
    """The smaller of a and b."""

    def evaluate(self, kit, a, b):
        return kit.minimum(a, b)

    def bound(self, a, b):
        return min(a[0], b[0]), min(a[1], b[1])

    def error(self, ranges, errors):
        return min(e[0] for e in errors), max(e[1] for e in errors)

    def verilog(self, width, a, b):
        return f"({_comparison('<', a, b)}) ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return _log2(max(widths)) + 3

    def sentence(self, a, b):
        return f"the smaller of {a} and {b}"


@dataclass(frozen=True)
class Maximum(Operation):
    """The larger of a and b."""

    def evaluate(self, kit, a, b):
        return kit.maximum(a, b)

    def bound(self, a, b):
        return max(a[0], b[0]), max(a[1], b[1])

    def error(self, ranges, errors):
        return min(e[0] for e in errors), max(e[1] for e in errors)

    def verilog(self, width, a, b):
        return f"({_comparison('>', a, b)}) ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return _log2(max(widths)) + 3

    def sentence(self, a, b):
        return f"the larger of {a} and {b}"


@dataclass(frozen=True)
class Less(Operation):
    """1 if a < b, else 0."""

    def evaluate(self, kit, a, b):
        return kit.truth(a < b)

    def bound(self, a, b):
        return int(a[1] < b[0]), int(a[0] < b[1])

    def verilog(self, width, a, b):
        return _comparison("<", a, b)

    def levels(self, width, *widths):
        return _log2(max(widths)) + 2

    def sentence(self, a, b):
        return f"1 if {a} is less than {b}, else 0"


@dataclass(frozen=True)
class Equal(Operation):
    """1 if a == b, else 0."""

    def evaluate(self, kit, a, b):
        return kit.truth(a == b)

    def bound(self, a, b):
        return int(a[0] == a[1] == b[0] == b[1]), int(a[0] <= b[1] and b[0] <= a[1])

    def verilog(self, width, a, b):
        return _comparison("==", a, b)

    def levels(self, width, *widths):
        return _log2(max(widths)) + 2

    def sentence(self, a, b):
        return f"1 if {a} equals {b}, else 0"


@dataclass(frozen=True)
class Select(Operation):
    """a if the condition (0 or 1) is 1, else b."""

    arity = 3

    def evaluate(self, kit, condition, a, b):
        return kit.where(condition, a, b)

    def bound(self, condition, a, b):
        chosen = [r for r, c in ((b, 0), (a, 1)) if condition[0] <= c <= condition[1]]
        return min(r[0] for r in chosen), max(r[1] for r in chosen)

    def verilog(self, width, condition, a, b):
        return f"{condition.bits(1)} ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return 2

    def sentence(self, condition, a, b):
        return f"{a} if {condition}, else {b}"


@dataclass(frozen=True)
class LowBits(Operation):
    """a modulo 2**count: the low bits, read as unsigned."""

    count: int
    arity = 1

    def evaluate(self, kit, a):
        return a & ((1 << self.count) - 1)

    def bound(self, a):
        if a[0] >> self.count == a[1] >> self.count:
            mask = (1 << self.count) - 1
            return a[0] & mask, a[1] & mask
        return 0, (1 << self.count) - 1

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

    def evaluate(self, kit, a):
        return self.width - kit.bit_length(a)

    def bound(self, a):
        return self.width - a[1].bit_length(), self.width - a[0].bit_length()

    def verilog(self, width, a):
        text = literal(self.width, width)
        for bit in range(min(a.width, self.width)):
            text = f"{a.slice(bit, bit)} ? {literal(self.width - 1 - bit, width)} : ({text})"
        return text

    def levels(self, width, a):
        return 2 * _log2(a) + 1

    def sentence(self, a):
        return f"the number of leading zeros of {a} in {self.width} bits"


@dataclass(frozen=True)
class Normalise(Operation):
    """A non-negative a shifted left until bit `width` - 1 is one; 0 for a = 0."""

    width: int
    arity = 1

    def evaluate(self, kit, a):
        return kit.shift_left(a, self.width - kit.bit_length(a)) if isinstance(a, int) else self._array(kit, a)

    def _array(self, kit, a):
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

    def verilog(self, width, a):
        text = literal(0, width)
        for bit in range(min(a.width, self.width)):
            shift = self.width - 1 - bit
            part = f"{{{a.slice(bit, 0)}, {shift}'d0}}" if shift else a.slice(bit, 0)
            text = f"{a.slice(bit, bit)} ? {_cut(part, self.width, width)} : ({text})"
        return text

    def levels(self, width, a):
        return 4 * _log2(a)

    def sentence(self, a):
        return f"{a} shifted left until bit {self.width - 1} is one"


@dataclass(frozen=True)
class Divide(Operation):
    """floor(a / b) of non-negative operands; `by_zero` where b is 0."""

    by_zero: int

    def evaluate(self, kit, a, b):
        return kit.divide(a, b, self.by_zero)

    def bound(self, a, b):
        results = []
        if b[1] > 0:
            results += [a[0] // b[1], a[1] // max(b[0], 1)]
        if b[0] == 0:
            results.append(self.by_zero)
        return min(results), max(results)

    def verilog(self, width, a, b):
        raise NotImplementedError("a division is an iterative unit, drawn by the schedule")

    def levels(self, width, a, b):
        return (2 * _log2(b + 1) + 3) * width

    def sentence(self, a, b):
        return f"{a} divided by {b}, rounded down ({self.by_zero} where {b} is 0)"


@dataclass(frozen=True)
class Known(Operation):
    """The operand, asserted to lie in lo..hi for the stated reason; `proof` says how it was shown."""

    lo: int
    hi: int
    why: str
    proof: str
    arity = 1

    def evaluate(self, kit, a):
        return a

    def bound(self, a):
        return max(a[0], self.lo), min(a[1], self.hi)

    def error(self, ranges, errors):
        return errors[0]

    def verilog(self, width, a):
        return a.bits(width)

    def levels(self, width, *widths):
        return 0

    def sentence(self, a):
        return f"{a}, known to lie in {self.lo}..{self.hi} because {self.why} ({self.proof})"


ALL = (
    Constant, Add, Subtract, Multiply, ShiftLeft, ShiftRight, ShiftRightBy, ShiftLeftBy, Minimum,
    Maximum, Less, Equal, Select, LowBits, LeadingZeros, Normalise, Divide, Known,
)  # fmt: skip  (Table stands in table.py, folds and scans in folds.py)

__all__ = [*(c.__name__ for c in ALL), "ALL", "Operation", "Range", "Interval", "width_of"]
