"""What an operation of the datapath language is, and the helpers that operations share.

An operation says what it computes (`evaluate`, on any kit), the exact range of its result
(`bound`), how errors pass through it (`error`), its Verilog (`verilog`), its depth in gate
levels (`levels`) and its sentence of English (`sentence`).  Every engine asks the class; none
knows an operation by itself.

Errors are intervals (lo, hi) in units of the operand's last bit: what the wire holds minus what
it would hold if nothing upstream had been rounded; None means that no rule is known.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from narrowmax.datapath.kits import REALS
from narrowmax.datapath.operand import Operand

Range = tuple[int, int]
Interval = tuple[Fraction, Fraction]


def log2(width: int) -> int:
    """Levels of a balanced tree over `width` things, at least 1."""
    return max(1, (width - 1).bit_length())


def hull_of(values) -> tuple:
    """The least and the greatest."""
    values = list(values)
    return min(values), max(values)


def corners(function, *intervals):
    """The hull of `function` over the ends of its intervals."""
    if len(intervals) == 2:
        (a, b), (c, d) = intervals
        found = function(a, c), function(a, d), function(b, c), function(b, d)
        return min(found), max(found)
    return hull_of(function(*corner) for corner in product(*intervals))


class Operation:
    """Base: an operation without state; parameters are dataclass fields."""

    arity = 2
    pointwise = True  # the result at a place depends on the operands there alone
    departs = False  # from what it approximates: `exactly` is another function than `evaluate`
    monotone = False  # in each operand, so that the ends of their ranges decide, whatever lies between
    gapless = False  # every integer of its range occurs, where that holds of operands that move independently

    def evaluate(self, kit, *values):
        """The result for integers (kit INTEGERS) or int64 arrays (kit ARRAYS)."""
        raise NotImplementedError

    def exactly(self, *values):
        """The result for real numbers in last bits, float64 arrays, where nothing is dropped or tabulated."""
        return self.evaluate(REALS, *values)

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


def unrounded(errors: list[Interval]) -> Interval | None:
    """The rule of an operation that adds no error of its own, but whose answer any error upstream may upset."""
    return (Fraction(0), Fraction(0)) if all(e == (0, 0) for e in errors) else None


def signed_text(operand: Operand, width: int) -> str:
    text = operand.bits(width)
    return f"$signed({text})" if operand.signed else text


def cut(text: str, have: int, width: int) -> str:
    """A `have`-bit expression as `width` bits; a cast, since Verilog cannot slice an expression."""
    return text if have == width else f"{width}'({text})"


def comparison(symbol: str, a: Operand, b: Operand) -> str:
    signed = a.signed or b.signed
    width = max(o.width + (signed and not o.signed) for o in (a, b))
    left, right = a.bits(width), b.bits(width)
    return f"$signed({left}) {symbol} $signed({right})" if signed else f"{left} {symbol} {right}"
