"""Wires: exact integers that flow through a datapath, and the drawing that holds them.

A wire is a node: an operation on other wires, an exact integer range, a binary point and a rate.
Drawing `a + b` adds a node; nothing is computed.  Python's own meanings that would go wrong
silently on a wire (truth value, floats, comparison chains) are closed with a message.
"""

from __future__ import annotations

from enum import IntEnum
from operator import index as as_integer
from typing import Any

from narrowmax.datapath.grid import enumerable, over
from narrowmax.datapath.kits import ARRAYS
from narrowmax.datapath.operand import width_of
from narrowmax.datapath.operations import (
    Add,
    Constant,
    Divide,
    Equal,
    Known,
    LeadingZeros,
    Less,
    LowBits,
    Maximum,
    Minimum,
    Multiply,
    Normalise,
    Operation,
    Select,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)  # fmt: skip
from narrowmax.datapath.proofs import proof
from narrowmax.datapath.ranges import reach
from narrowmax.datapath.table import Lookup, Table
from narrowmax.datapath.traps import called, close, fixed_count, shift_count
from narrowmax.errors import GraphError


class Rate(IntEnum):
    """How often a wire changes: never, once per row, once per chunk, with every element."""

    CONSTANT = 0
    ROW = 1
    CHUNK = 2
    ELEMENT = 3


OF_CONSTANTS = Rate.CONSTANT  # to read a member of an enumeration takes Python ten times as long as to read a global


class Drawing:
    """A graph under construction: wires in topological order, each operation drawn once."""

    def __init__(self, max_n: int = 1, chunk: int | None = None):
        self.max_n = max_n
        self.chunk = chunk
        self.wires: list[Wire] = []
        self.blocks: list = []
        self.open_blocks: list = []
        self._drawn: dict = {}

    def constant(self, value: int, point: int = 0, rate: Rate = Rate.CONSTANT) -> Wire:
        """A wire that always holds the integer `value`; the rate says for what it stands."""
        try:
            return self.add(Constant(as_integer(value)), (), rate, point)
        except TypeError:
            raise GraphError(f"a constant is {value!r}; an integer code is allowed; scale and round it first") from None

    def add(self, op: Operation, args: tuple[Wire, ...], rate: Rate, point: int, fixed=None) -> Wire:
        """The wire that holds `op(*args)`; an operation already drawn here is not drawn again.

        `fixed` gives the range where the operation cannot know it (sources, folds, scans).
        """
        block = self.open_blocks[-1] if self.open_blocks and (args or op.__class__ is Constant) else None
        key = (op, args, rate, point, block)
        found = self._drawn.get(key)
        if found is None:
            found = self._drawn[key] = self._new(op, args, rate, point, block, fixed)
        return found

    def free(self, name: str) -> str:
        """The name, with the first number from 2 that makes it new where it is taken."""
        taken = {wire.name for wire in self.wires}
        return next(n for n in (name, *(f"{name}{k}" for k in range(2, len(taken) + 3))) if n not in taken)

    def _new(self, op, args, rate, point, block, fixed) -> Wire:
        found = reach(op, args, fixed)
        if found.lo > found.hi:
            raise GraphError(
                "no integer is left for a wire, for what is known of its operands never holds at once; correct a bound"
            )
        if found.lo == found.hi and args and op.__class__ is not Known:
            return self.constant(found.lo, point, rate)  # it keeps its rate, so that folds of it still count
        wire = Wire(self, op, args, rate, point, block, found)
        self.wires.append(wire)
        return wire


class Wire:
    """One node of a datapath.  `lo..hi` is its exact integer range, `point` its fraction bits."""

    def __init__(self, drawing, op, args, rate, point, block, reach):
        self.drawing, self.op, self.args, self.rate = drawing, op, args, rate
        self.point, self.block, self.name = point, block, None
        self.lo, self.hi, self.dense, self._values = reach.lo, reach.hi, reach.dense, reach.values
        self.roots = reach.roots or (self,)
        self.enumerated = bool(reach.roots) or (op.__class__ is Constant and enumerable((self,)))
        self.index = len(drawing.wires)

    # -- what it is ---------------------------------------------------------------------------
    @property
    def range(self) -> tuple[int, int]:
        return self.lo, self.hi

    @property
    def bits(self) -> int:
        """Width of the word that holds the range."""
        return width_of(self.lo, self.hi)

    @property
    def signed(self) -> bool:
        return self.lo < 0

    @property
    def values(self):
        """Over all combinations of its roots, while it is drawn; None of a wire that is its own root."""
        if self._values is None and self.enumerated:
            self._values = self.op.evaluate(ARRAYS, *[over(a, self.roots) for a in self.args])
        return self._values

    def forget(self) -> None:
        """Enumeration is over: its values are not needed any more."""
        self._values, self.enumerated = None, False

    def named(self, name: str) -> Wire:
        """Name the wire, for Verilog, probes and the page; the first name given stays.

        In a block drawn again, a name already given gets a number, from 2.
        """
        if not (name.isidentifier() and name.isascii()):
            raise GraphError(f"a wire's name is {name!r}; ASCII letters, digits and _ are allowed; choose another")
        again = any(b.repeat for b in self.drawing.open_blocks)
        self.name = self.name or (self.drawing.free(name) if again else name)
        return self

    def at_point(self, point: int) -> Wire:
        """The same integer read with another binary point: a relabelling that costs nothing."""
        if self.point == point:
            return self
        return self.drawing.add(ShiftLeft(0), (self,), self.rate, point)

    def known(self, lo: int, hi: int, why: str) -> Wire:
        """Assert that the wire lies in lo..hi wherever an element is present, and say why.

        The label is found here: "proven by exhaustion" or "proven by interval", else "sampled", to
        be tested on rows.  Raises GraphError if exhaustion finds a counterexample, or if the
        assertion excludes the whole range.
        """
        if max(self.lo, lo) > min(self.hi, hi):
            raise GraphError(
                f"the wire ranges over {self.lo}..{self.hi}, which excludes the known {lo}..{hi}; correct the bounds"
            )
        return self._draw(Known(lo, hi, why, proof(self, lo, hi)), self)

    # -- arithmetic ---------------------------------------------------------------------------
    def _draw(self, op: Operation, *args: Wire, point: int | None = None) -> Wire:
        rate = OF_CONSTANTS
        for a in args:
            if a.drawing is not self.drawing:
                raise GraphError(
                    "a wire of another drawing cannot be used here; inside a fold or scan use only its arguments "
                    "and constants, and pass whatever else is needed as one more wire"
                )
            rate = a.rate if a.rate > rate else rate
        return self.drawing.add(op, args, rate, self.point if point is None else point)

    def _wire(self, other: Any, verb: str, point: int | None = None) -> Wire:
        if isinstance(other, Wire):
            return other
        if isinstance(other, float):
            raise GraphError(
                f"cannot {verb} a wire and the float {other!r}; wires are exact integers; "
                "write the constant as an integer code, or use a table"
            )
        try:
            return self.drawing.constant(as_integer(other), self.point if point is None else point)
        except TypeError:
            raise GraphError(
                f"cannot {verb} a wire and {type(other).__name__}; a wire or an integer is allowed"
            ) from None

    def _aligned(self, other: Any, verb: str) -> tuple[Wire, Wire]:
        """Both operands at the finer binary point; an integer is a code at this wire's point."""
        other = self._wire(other, verb)
        point = max(self.point, other.point)
        return self._to(point), other._to(point)

    def _to(self, point: int) -> Wire:
        if isinstance(self.op, Constant) and self.op.value == 0:
            return self.drawing.constant(0, point, self.rate)
        amount = point - self.point
        return self._draw(ShiftLeft(amount), self, point=point) if amount else self

    def _two(self, op, other, verb, swap=False) -> Wire:
        a, b = self._aligned(other, verb)
        return a._draw(op, *((b, a) if swap else (a, b)))

    def __add__(self, other):
        return self._two(Add(), other, "add")

    __radd__ = __add__

    def __sub__(self, other):
        return self._two(Subtract(), other, "subtract")

    def __rsub__(self, other):
        return self._two(Subtract(), other, "subtract", swap=True)

    def __neg__(self):
        return 0 - self

    def __mul__(self, other):
        """The product; the binary points add up, and a Python integer has none."""
        other = self._wire(other, "multiply", point=0)
        return self._draw(Multiply(), self, other, point=self.point + other.point)

    __rmul__ = __mul__

    def __lshift__(self, amount):
        """Times 2**amount."""
        if isinstance(amount, Wire):
            return self._draw(ShiftLeftBy(), self, shift_count(amount, "<<"))
        return self._draw(ShiftLeft(shift_count(amount, "<<")), self) if amount else self

    def __rshift__(self, amount):
        """Divided by 2**amount, rounded down."""
        if isinstance(amount, Wire):
            return self._draw(ShiftRightBy(), self, shift_count(amount, ">>"))
        return self._draw(ShiftRight(shift_count(amount, ">>")), self) if amount else self

    def drop(self, count: int) -> Wire:
        """Without its `count` last fraction bits: the same value, rounded down to a coarser point."""
        shifted = ShiftRight(fixed_count(count, "drop"))
        return self._draw(shifted, self, point=self.point - count) if count else self

    def extend(self, count: int) -> Wire:
        """The same value with `count` more fraction bits."""
        return self._to(self.point + fixed_count(count, "extend"))

    def minimum(self, other) -> Wire:
        return self._extreme(Minimum(), other)

    def maximum(self, other) -> Wire:
        return self._extreme(Maximum(), other)

    def _extreme(self, op, other) -> Wire:
        a, b = self._aligned(other, "compare")
        for one, two in ((a, b), (b, a)):  # ranges that decide need no comparator
            decided = (one.hi <= two.lo) if isinstance(op, Minimum) else (one.lo >= two.hi)
            if decided and one.rate >= two.rate:
                return one
        return a._draw(op, a, b)

    def less(self, other) -> Wire:
        """1 if this is less than the other, else 0."""
        a, b = self._aligned(other, "compare")
        return a._draw(Less(), a, b, point=0)

    def equals(self, other) -> Wire:
        """1 if both are equal, else 0."""
        a, b = self._aligned(other, "compare")
        return a._draw(Equal(), a, b, point=0)

    def select(self, yes, no) -> Wire:
        """`yes` where this wire (0 or 1) is 1, else `no`."""
        if not 0 <= self.lo <= self.hi <= 1:
            raise GraphError(f"a condition is 0 or 1, this one ranges over {self.lo}..{self.hi}; compare first")
        first = yes if isinstance(yes, Wire) else no if isinstance(no, Wire) else self
        a, b = first._wire(yes, "select")._aligned(first._wire(no, "select"), "select between")
        return self._draw(Select(), self, a, b, point=a.point)

    def low_bits(self, count: int) -> Wire:
        """The `count` low bits, read as unsigned: modulo 2**count."""
        return self._draw(LowBits(fixed_count(count, "low_bits")), self)

    def leading_zeros(self, width: int) -> Wire:
        """Zeros before the first one in a word of `width` bits, which must hold this wire."""
        return self._draw(LeadingZeros(self._word(width)), self, point=0)

    def normalise(self, width: int) -> Wire:
        """Shifted left until the top bit of a word of `width` bits is one; 0 stays 0."""
        return self._draw(Normalise(self._word(width)), self)

    def _word(self, width: int) -> int:
        if self.lo < 0:
            raise GraphError(
                f"leading zeros need a wire that is not negative; this one ranges over {self.lo}..{self.hi}"
            )
        if (width := fixed_count(width, "a word")) < self.hi.bit_length():
            raise GraphError(
                f"a word of {width} bits does not hold 0..{self.hi}; state one of {self.hi.bit_length()} bits or more, "
                "which may not depend on max_n"
            )
        return width

    def lookup(self, table: Table) -> Wire:
        """table[self]; refused unless every value of this wire is an index of the table."""
        if self.lo < 0 or self.hi >= len(table):
            raise GraphError(
                f"the table {table.name} has {len(table)} entries, its index ranges over {self.lo}..{self.hi}; "
                f"clamp the index first, with .minimum({len(table) - 1}) or .maximum(0)"
            )
        return self._draw(Lookup(table), self, point=table.point)

    def divide(self, divisor: Wire, by_zero: int) -> Wire:
        """floor(self / divisor) as integers, both not negative; `by_zero` where the divisor is 0.

        The binary point of the divisor is taken off; a Python integer has none.
        """
        divisor = self._wire(divisor, "divide", point=0)
        if self.lo < 0 or divisor.lo < 0:
            raise GraphError(
                f"a division needs operands that are not negative; {called(self)} ranges over {self.lo}..{self.hi}, "
                f"the divisor over {divisor.lo}..{divisor.hi}; divide magnitudes, or use .known or .maximum(0)"
            )
        return self._draw(Divide(as_integer(by_zero)), self, divisor, point=self.point - divisor.point)

    # -- Python's traps, closed ---------------------------------------------------------------
    def __lt__(self, other):
        return self.less(other)

    def __gt__(self, other):
        a, b = self._aligned(other, "compare")
        return b.less(a)

    def __le__(self, other):
        return 1 - (self > other)

    def __ge__(self, other):
        return 1 - self.less(other)

    def __eq__(self, other):
        if isinstance(other, Wire):
            return self is other
        raise GraphError(f"a wire cannot be compared with {other!r} by ==; use .equals({other!r}), which draws a wire")

    __hash__ = object.__hash__

    def __bool__(self):
        raise GraphError(
            "a wire has no truth value while it is drawn; use .select(yes, no) instead of if, and write "
            "comparison chains such as a < b < c as two comparisons"
        )

    def __repr__(self):
        return f"<{self.name or f'w{self.index}'}: {self.rate.name.lower()} {self.lo}..{self.hi} point {self.point}>"


close(Wire)
