"""What every operation means, written without the operations: the table that judges them.

Each case gives an operation, the ranges of its operands (4 bits, signed and unsigned) and a plain
function of integers.  Where a helper would resemble the operation, another way was chosen: words
of bits as text, counting, exact rationals.
"""

# ruff: noqa: E501  (cases stand one to a line)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import floor

from narrowmax.datapath import Lookup, Table
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

SIGNED, UNSIGNED, BIT, SHIFT = (-8, 7), (0, 15), (0, 1), (0, 6)
SQUARES = Table("squares", tuple(i * i - 20 for i in range(16)), 0, "i*i - 20", "exactly", lambda i: i * i - 20)


@dataclass(frozen=True)
class Meaning:
    """One operation on operands in `ranges`, and what it computes, said in another way."""

    op: Operation
    ranges: tuple[tuple[int, int], ...]
    plain: Callable[..., int]

    def __str__(self) -> str:
        return f"{self.op!r} of {self.ranges}"

    def operands(self):
        """Every combination of operands."""
        return product(*(range(lo, hi + 1) for lo, hi in self.ranges))


def word(value: int, bits: int = 64) -> str:
    """The two's complement word, as text: most significant bit first."""
    return "".join("1" if value // 2**i % 2 else "0" for i in reversed(range(bits)))


def zeros_before_one(value: int, width: int) -> int:
    text = word(value, width)
    return text.index("1") if "1" in text else width


def moved_up(value: int, width: int) -> int:
    while 0 < value < 2 ** (width - 1):
        value += value
    return value


def times_counted(numerator: int, divisor: int) -> int:
    count = 0
    while (count + 1) * divisor <= numerator:
        count += 1
    return count


def _two(op: Operation, plain: Callable) -> list[Meaning]:
    """Both operands signed, both unsigned, and mixed."""
    return [Meaning(op, (a, b), plain) for a, b in product((SIGNED, UNSIGNED), repeat=2)]


def _one(op: Operation, plain: Callable, *ranges) -> list[Meaning]:
    return [Meaning(op, (r,), plain) for r in ranges or (SIGNED, UNSIGNED)]


MEANINGS: tuple[Meaning, ...] = (
    Meaning(Constant(-5), (), lambda: -5),
    *_two(Add(), lambda a, b: sum((a, b))),
    *_two(Subtract(), lambda a, b: sum((a, ~b, 1))),
    *_two(Multiply(), lambda a, b: sum([b] * abs(a)) * (1 if a >= 0 else -1)),
    *(m for k in (0, 1, 3, 9) for m in _one(ShiftLeft(k), lambda a, k=k: sum([a] * 2**k))),
    *(m for k in (0, 1, 3, 9) for m in _one(ShiftRight(k), lambda a, k=k: floor(Fraction(a, 2**k)))),
    *(Meaning(ShiftRightBy(), (r, SHIFT), lambda a, s: floor(Fraction(a, 2**s))) for r in (SIGNED, UNSIGNED)),
    *(Meaning(ShiftLeftBy(), (r, SHIFT), lambda a, s: sum([a] * 2**s)) for r in (SIGNED, UNSIGNED)),
    *_two(Minimum(), lambda a, b: sorted((a, b))[0]),
    *_two(Maximum(), lambda a, b: sorted((a, b))[1]),
    *_two(Less(), lambda a, b: len(range(max(0, min(1, b - a))))),
    *_two(Equal(), lambda a, b: int(word(a) == word(b))),
    *(Meaning(Select(), (BIT, a, b), lambda c, p, q: (q, p)[c]) for a, b in product((SIGNED, UNSIGNED), repeat=2)),
    *(m for k in (0, 1, 3, 4, 6) for m in _one(LowBits(k), lambda a, k=k: int("0" + word(a)[64 - k :], 2))),
    *(m for w in (4, 7) for m in _one(LeadingZeros(w), lambda a, w=w: zeros_before_one(a, w), UNSIGNED)),
    *(m for w in (4, 7) for m in _one(Normalise(w), lambda a, w=w: moved_up(a, w), UNSIGNED)),
    *(Meaning(Divide(z), (UNSIGNED, UNSIGNED), lambda a, b, z=z: times_counted(a, b) if b else z) for z in (0, 255, -1)),
    *_one(Known(-3, 2, "the test says so", "sampled"), lambda a: a, (-3, 2)),
    *_one(Lookup(SQUARES), lambda i: [-20, -19, -16, -11, -4, 5, 16, 29, 44, 61, 80, 101, 124, 149, 176, 205][i], UNSIGNED),
)  # fmt: skip
