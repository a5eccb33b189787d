"""A cheap prediction of a design's cost: from its Verilog's operators, without synthesis.

Memory bits and flip-flops are counted, which is exact but for flip-flops that synthesis finds constant;
gates are a price for each operator times the bits that it works on.  The prices were fitted to
synthesised designs and are good for steering a search, never for a claim.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from math import ceil, log2
from typing import NamedTuple

from narrowmax.hardware.costing import FLIP_FLOP, RAM_BIT
from narrowmax.hardware.statements import Expression, Token, expressions, widths
from narrowmax.hardware.subjects import subject

# NAND2 equivalents for each unit that `_work` counts: non-negative least squares of relative errors over 72
# synthesised designs of all architectures, at their defaults and narrowed, drawn towards plausible values where the
# designs do not tell.  Objectives of 1,038 to 123,609 are then met within -10 and +16 %, two in three within 5 %.
PRICES = {
    "add": 4.2, "multiply": 7.9, "compare": 3.6, "equal": 2.2, "choose": 0.2, "shift": 2.2, "logic": 0.9,
    "table": 0.9, "enable": 1.4, "buffer": 9.1,
}  # fmt: skip
_KINDS = {
    "+": "add", "-": "add", "*": "multiply", "<": "compare", ">": "compare", "<=": "compare", ">=": "compare",
    "==": "equal", "!=": "equal", "?": "choose", "<<": "shift", ">>": "shift", ">>>": "shift", "&": "logic",
    "|": "logic", "^": "logic", "&&": "logic", "||": "logic",
}  # fmt: skip
_INSTANCE = re.compile(r"^\s*(\w+) (?:#\(\.WIDTH\((\d+)\), \.DEPTH\((\d+)\)\) )?\w+ \(\s*\.", re.MULTILINE)


def estimate(design, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0) -> float:
    """About what `cost(design).objective` will be, in NAND2 equivalents; takes milliseconds.

    lanes, max_n (1024), period_ns: as for `cost`
    Raises DesignError for a design without hardware.
    """
    parts = predict(subject(design, lanes=lanes, max_n=max_n, period_ns=period_ns).unit)
    return _gates(parts) + FLIP_FLOP * parts["ff"] + RAM_BIT * parts["ram_bits"]


def estimated_logic(design, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0) -> float:
    """About what `cost(design).area["nand2"]` will be, on which the time to synthesise depends; as `estimate`."""
    return _gates(predict(subject(design, lanes=lanes, max_n=max_n, period_ns=period_ns).unit))


def _gates(parts: Counter) -> float:
    return sum(PRICES[kind] * parts[kind] for kind in PRICES)


def predict(unit) -> Counter:
    """The units of work of each kind in a unit, with its flip-flops and memory bits."""
    return _module(unit.top, {name.removesuffix(".v"): text for name, text in unit.files.items()}, {})


def _module(name: str, texts: Mapping[str, str], done: dict[str, Counter]) -> Counter:
    if name not in done:
        total = Counter(_own(texts[name]))
        for kind, width, depth in _INSTANCE.findall(texts[name]):
            if width:
                total.update(_buffer(int(width), int(depth)))
            elif kind in texts:
                total.update(_module(kind, texts, done))
        done[name] = total
    return done[name]


def _buffer(width: int, depth: int) -> dict[str, int]:
    """A first-in first-out buffer: its memory, the register at its output, and four counters."""
    counters = 2 * ceil(log2(depth)) + 2 * ceil(log2(depth + 1))
    return {"ram_bits": width * depth, "ff": width + counters + 2, "enable": width, "buffer": counters + 2}


def buffers(source: str) -> int:
    """Memory bits of the buffers that a module's text holds."""
    return sum(int(width) * int(depth) for _, width, depth in _INSTANCE.findall(source) if width)


_ENTRY = re.compile(r"^\s*\d+'d\d+: \w+ = \d+'d(\d+);", re.MULTILINE)  # of a table


@lru_cache(maxsize=4096)
def _own(source: str) -> Counter:
    """What a module's own text holds, without its instances."""
    rest = _ENTRY.sub("", source)  # of a table there are thousands, each a constant
    sizes, found, registers = widths(rest), Counter(), {}
    enabled = set(re.findall(r"\bif \([^;]*?\)\s+(\w+) <=", rest))
    for expression in expressions(rest):
        found.update(_work(expression, sizes))
        if expression.clocked and expression.target in sizes:
            registers[expression.target] = sizes[expression.target]
    found["table"] += _table(source)
    found["ff"] += sum(registers.values())
    found["enable"] += sum(bits for name, bits in registers.items() if name in enabled)
    return found


def _work(expression: Expression, sizes: Mapping[str, int]) -> Counter:
    part, found = expression.tokens, Counter()
    width = sizes.get(expression.target, 1)
    for index, token in enumerate(part):
        kind = _KINDS.get(token.text) if token.kind == "mark" else None
        if kind and index and (kind == "choose" or _ends_operand(part[index - 1])):
            left, right = _before(part, index, sizes), _after(part, index, sizes)
            found[kind] += _units(kind, left, right, width)
    return found


class _Operand(NamedTuple):
    """Bits that are not mere padding, and the value of a constant."""

    bits: int
    value: int | None = None


def _units(kind: str, left: _Operand, right: _Operand, width: int) -> float:
    """Bits of work, for a result of `width` bits."""
    a, b, b_constant = left.bits, right.bits, right.value is not None
    share = 0.5 if b_constant or left.value is not None else 1.0
    if kind == "multiply":
        return _multiplied(left, right, width)
    if kind == "shift":
        return 0 if b_constant else width * min(b, ceil(log2(width + 1)) + 1)
    if kind == "add":
        return share * min(a, b) + 0.5 * (max(a, b) - min(a, b)) if share == 1 else 0.5 * max(a, b)
    if kind == "choose":
        return width * (0.5 if b_constant else 1.0)
    return share * max(a, b)


def _multiplied(left: _Operand, right: _Operand, width: int) -> float:
    """Bits of the partial products: a row for each bit of one factor, or of a constant for each that is 1.

    The first row of a constant is added to nothing, and no row goes beyond the result.
    """
    if left.value is None and right.value is None:
        return left.bits * right.bits
    constant, bits = (left.value, right.bits) if right.value is None else (right.value, left.bits)
    rows = [min(bits, width - place) for place in range(width) if constant >> place & 1]
    return sum(rows[1:])


def _ends_operand(token: Token) -> bool:
    return token.kind in ("word", "literal") or token.text in (")", "]", "}")


def _before(part: tuple[Token, ...], index: int, sizes) -> _Operand:
    """The operand that ends before a place: brackets, and the name that they belong to."""
    first = index - 1
    while part[first].text in _PAIRS.values():
        first = _partner(part, first, -1)
        if not (first and part[first - 1].kind == "word"):
            break
        first -= 1
    return _bits(part[first:index], sizes)


def _after(part: tuple[Token, ...], index: int, sizes) -> _Operand:
    """The operand that begins after a place, past signs."""
    last = index + 1
    while part[last].kind == "mark" and part[last].text not in _PAIRS:
        last += 1
    if part[last].text in _PAIRS:
        last = _partner(part, last, 1)
    while last + 1 < len(part) and part[last].kind == "word" and part[last + 1].text in _PAIRS:
        last = _partner(part, last + 1, 1)
    return _bits(part[index + 1 : last + 1], sizes)


_PAIRS = {"(": ")", "[": "]", "{": "}"}


def _partner(part: tuple[Token, ...], at: int, step: int) -> int:
    """Where the bracket at a place is closed (step 1) or opened (step -1)."""
    level = 0
    while True:
        level += (part[at].text in _PAIRS) - (part[at].text in _PAIRS.values())
        if level == 0:
            return at
        at += step


_LITERAL = re.compile(r"(\d+)'s?([bdh])([0-9a-fA-F_]+)")
_BASE = {"b": 2, "d": 10, "h": 16}


def _bits(operand: tuple[Token, ...], sizes) -> _Operand:
    """Of a name, slice, literal, concatenation or bracket; of several literals the widest tells."""
    text = "".join(token.text for token in operand)
    names = re.findall(r"(?<![\w'$])([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?", re.sub(r"\{\d+\{[^}]*\}\}", "", text))
    total = sum(_slice(name, high, low, sizes) for name, high, low in names if not name.startswith("$"))
    if total:
        return _Operand(total)
    literals = [_Operand(int(size), int(digits, _BASE[base])) for size, base, digits in _LITERAL.findall(text)]
    return max(literals, default=_Operand(1, 1))


def _slice(name: str, high: str, low: str, sizes) -> int:
    if not high:
        return sizes.get(name, 1)
    return int(high) - int(low) + 1 if low else 1


def _table(source: str) -> int:
    """Changes of each output bit along a `case`: what its logic has to tell apart."""
    entries = [int(value) for value in _ENTRY.findall(source)]
    return sum((a ^ b).bit_count() for a, b in pairwise(entries))
