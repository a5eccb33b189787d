"""Slots and instructions: what the C side is given, in the order of native/program.h."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from narrowmax.datapath import Table
from narrowmax.datapath.operations import Add, Maximum, Minimum
from narrowmax.engines.compiled import _native
from narrowmax.engines.compiled.types import BYTES, DTYPES, I128, UNSIGNED, word, words_of

TEMPORARY, CARRIED, CHUNK, ROW, CONSTANT, TABLE, INPUT, PRESENT, WEIGHT, OUTPUT, ROW_OUTPUT, BOUND = range(12)
ELEMENTS, CHUNKS, ROW_STEP, FOLD, SCAN = range(5)
OPERATIONS = {name: number for number, name in enumerate(_native.OPERATIONS)}
SPREAD, POSITION, LENGTH = "SPREAD", "POSITION", "LENGTH"
REDUCE = {Add: "REDUCE_SUM", Maximum: "REDUCE_LARGEST", Minimum: "REDUCE_SMALLEST"}
CAST = {width: f"CAST{width}" for width in UNSIGNED}
LOOKUP = {width: f"LOOKUP{width}" for width in UNSIGNED}
ARITHMETIC = 8  # a finishing instruction's type is its operand's, and this many times that of its arithmetic


_HALF = 1 << 63


class Step:
    """Instructions that run together, and what folds and scans need more."""

    __slots__ = ("instructions", "kind", "more")

    def __init__(self, kind: int, instructions: list | None = None, more: list[int] | None = None):
        self.kind = kind
        self.instructions = [] if instructions is None else instructions
        self.more = more


class Assembler:
    """Slots, tables and the steps of one program."""

    def __init__(self):
        self.slots: list[tuple[int, int, int, int]] = []
        self.tables: list[np.ndarray] = []
        self._constants: dict[tuple[int, int], int] = {}
        self._sizes = [0] * (ROW + 1)

    # -- slots --------------------------------------------------------------------------------
    def slot(self, place: int, kind: int, pinned: bool = False) -> int:
        """A new slot.  A pinned temporary keeps what it holds from strip to strip."""
        value = 0
        if CARRIED <= place <= ROW:
            value = self._sizes[place]
            self._sizes[place] = value + BYTES[kind]
        self.slots.append((place, kind, value, pinned))
        return len(self.slots) - 1

    def place(self, slot: int) -> int:
        return self.slots[slot][0]

    def constant(self, value: int, width: int) -> int:
        """A slot that always holds an integer, cut to `width` bytes."""
        key = (value, width)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = len(self.slots)
            words = (value, 0) if 0 <= value < _HALF else (word(value), word(value >> 64))
            self.slots.append((CONSTANT, UNSIGNED[width], *words))
        return found

    def table(self, values: np.ndarray, kind: int) -> int:
        """Entries in words of a type, however they were given."""
        self.tables.append(_entries(values, kind))
        self.slots.append((TABLE, kind, len(self.tables) - 1, 0))
        return len(self.slots) - 1

    def table_of(self, table: Table, kind: int, size: int) -> int:
        self.tables.append(_of_table(table, kind, size))
        self.slots.append((TABLE, kind, len(self.tables) - 1, 0))
        return len(self.slots) - 1

    # -- instructions -------------------------------------------------------------------------
    def emit(self, step: Step, name: str, kind: int, dst: int, *operands: int, imm: int = 0) -> int:
        """Append an instruction; returns its destination."""
        step.instructions.append((OPERATIONS[name], kind, dst, imm, *operands))
        return dst

    def program(self, steps: list[Step], output: int, chunk: int, max_n: int) -> _native.Program:
        """The finished program; where temporaries lie is decided there."""
        return _native.Program(
            self.slots,
            [(step.kind, step.instructions, step.more) for step in steps],
            (*self._sizes[CARRIED:], chunk, max_n, output),
            tuple(self.tables),
        )


def _entries(values: np.ndarray, kind: int) -> np.ndarray:
    """Entries as words, with room behind them for loads that are wider than a word, or hold a register's worth."""
    if kind == I128:
        words = [(word(int(v)), word(int(v) >> 64)) for v in values]
        return np.array(words, dtype=np.int64).ravel()
    room = max(64, 1 << (len(values) - 1).bit_length()) if len(values) <= 512 else len(values) + 8
    found = np.zeros(room, dtype=DTYPES[kind])
    found[: len(values)] = words_of(values)
    return found


@lru_cache(maxsize=64)  # of up to half a megabyte each
def _of_table(table: Table, kind: int, size: int) -> np.ndarray:
    padded = np.zeros(size, dtype=table.array.dtype)
    padded[: len(table)] = table.array
    return _entries(padded, kind)
