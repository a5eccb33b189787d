"""Tables: what they hold, which function they tabulate, and how their entries were made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import index as as_integer

import numpy as np

from narrowmax.datapath.kits import REALS, elementwise
from narrowmax.datapath.operand import Operand
from narrowmax.datapath.operations import Operation
from narrowmax.errors import GraphError

LARGEST = 1 << 16  # entries; an element unit beyond this is no longer a table


@dataclass(frozen=True, eq=False)
class Table:
    """`entries[i]`, codes with `point` fraction bits, of the real `function` described by `text`.

    `text` is the function of the index in English or mathematics, `made` how entries were
    computed and rounded; `function(i)` returns the exact or high-precision real value, for a real i too
    where the index can be rounded, and lets the table's error be measured by enumeration.
    `array` holds the entries as int64, or as Python integers where that does not hold one.

    Raises GraphError if there is no entry or more than 65,536, or one that is not an integer.
    """

    name: str
    array: np.ndarray  # given as any sequence of integers
    point: int
    text: str
    made: str
    function: Callable[[int], Fraction | float] | None = field(default=None, repr=False)

    def __post_init__(self):
        if not 0 < len(self.array) <= LARGEST:
            raise GraphError(
                f"the table {self.name} would have {len(self.array):,} entries; 1 to {LARGEST:,} are "
                f"allowed; address it with fewer bits"
            )
        object.__setattr__(self, "array", self._own())
        self.array.setflags(write=False)

    def _own(self) -> np.ndarray:
        """A copy: whoever gave the entries may use that memory again."""
        if isinstance(self.array, np.ndarray) and self.array.dtype == np.int64 and self.array.ndim == 1:
            return self.array.copy()
        try:
            return integers([as_integer(e) for e in self.array])
        except TypeError as error:
            raise GraphError(
                f"the table {self.name} holds an entry that is not an integer ({error}); round it"
            ) from None

    def __len__(self) -> int:
        return len(self.array)

    @cached_property
    def entries(self) -> tuple[int, ...]:
        """The entries as Python's integers."""
        return tuple(self.array.tolist())

    def real(self, index: float) -> Fraction | float:
        """The function at a real index, at its floor if it takes integers alone."""
        if float(index).is_integer():
            return self.function(int(index))
        try:
            return self.function(index)
        except TypeError:
            return self.function(int(index // 1))

    def error(self, lo: int, hi: int) -> tuple[Fraction, Fraction] | None:
        """What entries lo..hi are above the function, in their last bits: the least and the greatest, measured."""
        if self.function is None:
            return None
        try:
            above = [e - Fraction(self.function(i)) * Fraction(2) ** self.point for i, e in self._part(lo, hi)]
        except (ArithmeticError, ValueError):  # a pole of the function, such as 1/0: its entry is no approximation
            return None
        return min(above), max(above)

    def _part(self, lo: int, hi: int) -> list[tuple[int, int]]:
        return list(enumerate(self.entries))[lo : hi + 1]


def integers(entries: list[int]) -> np.ndarray:
    """As int64, or as Python integers where one does not fit."""
    try:
        return np.array(entries, dtype=np.int64)
    except OverflowError:
        return np.array(entries, dtype=object)


@dataclass(frozen=True)
class Lookup(Operation):
    """table[a]; the index lies within the table, which is checked when the graph is drawn."""

    table: Table
    arity = 1

    @property
    def departs(self):
        return self.table.function is not None

    def evaluate(self, kit, a):
        return kit.lookup(self.table, a)

    def exactly(self, a):
        if self.table.function is None:
            return self.evaluate(REALS, a)
        return elementwise(self.table.real, a) * 2.0**self.table.point

    def bound(self, a):
        part = self.table.array[a[0] : a[1] + 1]
        return int(part.min()), int(part.max())

    def error(self, ranges, errors):
        return self.table.error(*ranges[0]) if errors[0] == (0, 0) else None

    def verilog(self, width, a: Operand):
        raise NotImplementedError("a table is a module of its own")

    def levels(self, width, a):
        return a + 2

    def sentence(self, a):
        return f"{self.table.text} at {a}, from a table of {len(self.table)} entries"
