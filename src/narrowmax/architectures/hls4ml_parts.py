"""What hls4ml's softmax is made of: types with HLS's own words, tables filled through float32, top bits as addresses.

Tables are filled as its C++ does on a machine whose `exp` of a float32 is correctly rounded, in
integers alone: no entry depends on the machine that draws.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from narrowmax import exact
from narrowmax.architectures.parameters import FixedFormat, Number
from narrowmax.datapath import Table, Wire, block, fit, fold, largest, round_off
from narrowmax.errors import GraphError
from narrowmax.formats import ROUNDINGS, Fixed

AUTO = "auto"
INFINITY = (
    Fraction(2) ** 1024
)  # what the conversion of an infinite float takes it for: all ones saturate, all zeros wrap
_SUBNORMAL = Fraction(-104)  # exp of less is nearer to 0 than to the least float32
_OVERFLOW = Fraction(89)  # exp of more is an infinite float32
_LEAST_EXPONENT = -126
_LOG2_E = 1 / math.log(2)


@dataclass(frozen=True, kw_only=True)
class ApFixed(FixedFormat):
    """A fixed-point type; `ap_fixed<...>` has HLS's words, AP_TRN and AP_WRAP, unless it names others."""

    integer: range = range(-8, 33)
    fraction: range = range(33)
    overflows: tuple[str, ...] = ("saturate", "wrap")
    or_auto: bool = False

    @property
    def allowed(self):
        return super().allowed.replace(" such as auto", "") + (", or auto" if self.or_auto else "")

    def read(self, value):
        if self.or_auto and str(value) == AUTO:
            return AUTO
        return super().read(_with_own_words(value))

    def knobs(self, value):
        return {} if value == AUTO else super().knobs(value)


def _with_own_words(value: object) -> object:
    if not (isinstance(value, str) and value.strip().startswith("ap_")):
        return value
    words = re.findall(r"\w+", value)
    rounds = any(word in ROUNDINGS or word.startswith(("AP_TRN", "AP_RND")) for word in words)
    ends = any(word in ("saturate", "wrap", "forbid") or word.startswith(("AP_SAT", "AP_WRAP")) for word in words)
    return value + ("" if rounds else ":floor") + ("" if ends else ":wrap")


@dataclass(frozen=True, kw_only=True)
class TableSize(Number):
    """How many entries a table has, or auto."""

    choices: tuple[int, ...] = tuple(1 << bits for bits in range(1, 17))

    @property
    def allowed(self):
        return f"auto or {super().allowed}"

    def read(self, value):
        return AUTO if str(value) == AUTO else super().read(value)


def address_bits(size: str | int, word: int, most: int, of: str) -> int:
    """How many of the `word` bits of `of` address a table of `size` entries: of auto at most 10, and `most`."""
    bits = min(10, most, word) if size == AUTO else size.bit_length() - 1
    if not 0 < bits <= word:
        raise GraphError(f"{of} has {word} bits, too few for the address of a table of {1 << bits:,} entries; widen it")
    return bits


def cast(wire: Wire, form: Fixed) -> Wire:
    """The wire converted to a type, as an assignment in C++ does: rounded, then fitted, by the type's words."""
    more = form.fraction_bits - wire.point
    brought = wire.extend(more) if more >= 0 else round_off(wire, -more, form.rounding)
    return fit(brought, form.lowest_code, form.highest_code, form.overflow)


def added(wire: Wire, form: Fixed) -> Wire:
    """The sum of the row in `form` by a balanced tree, every node converted to it.

    The nodes of a tree that split at the largest power of two below their length are those of pairs
    aligned on powers of two.  Where nothing is negative saturation gives the same in any order, and wrapping does
    always; then the order is left to the hardware.
    """
    free = form.overflow == "wrap" or wire.lo >= 0
    return fold(lambda a, b: cast(a + b, form), wire, order="exact" if free else "tree", empty=0)


def looked_up(wire: Wire, form: Fixed, table: Table, function: Callable[[float], float]) -> Wire:
    """A table's entry at the top bits of a word, the sign's bit among them, for a function of its value."""

    @block("look_up", approximates=function)
    def look_up(wire: Wire) -> Wire:
        """A table's entry at the top bits of a word, the sign's bit among them."""
        word = wire.at_point(0)
        word = word if wire.lo >= 0 else word.low_bits(form.bits)
        return (word >> (form.bits + 1 - len(table).bit_length())).lookup(table)

    return look_up(wire)


# -- tables -----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def exp_table(of: Fixed, bits: int, sign: int, scale: float, exp: Fixed) -> Table:
    """exp(sign * scale * v) in `exp` for every value v of the top `bits` bits of `of`, the other bits 0."""
    arguments = [_float32(sign * scale32(scale) * v) for v in _edges(of, bits)]
    entries = _codes(exp, exponentials(arguments))
    text = f"exp({'-' if sign < 0 else ''}{'' if scale == 1 else f'{scale} * '}v), v of the top {bits} bits alone"
    made = f"the float32 nearest, then {exp.rounding}"
    return Table("exp", entries, exp.fraction_bits, text, made, lambda k: math.exp(arguments[k]))


@lru_cache(maxsize=256)
def reciprocal_table(of: Fixed, bits: int, reciprocal: Fixed) -> Table:
    """1/v in `reciprocal` for every value v of the top `bits` bits of `of`, the other bits 0; 1/0 is infinite."""
    edges = _edges(of, bits)
    with np.errstate(divide="ignore"):
        entries = _codes(reciprocal, (1.0 / np.array([float(v) for v in edges])).astype(np.float32))
    text = f"1/v, v of the top {bits} bits alone"
    made = f"the float32 nearest, then {reciprocal.rounding}"
    return Table("reciprocal", entries, reciprocal.fraction_bits, text, made, lambda k: 1 / edges[k])


def _edges(of: Fixed, bits: int) -> list[Fraction]:
    """The value of every setting of the top `bits` bits of a word, the other bits 0, in the order of the settings."""
    half, unit = 1 << bits - 1 if of.signed else 1 << bits, of.step * 2 ** (of.bits - bits)
    return [(k - 2 * half * (k >= half)) * unit for k in range(1 << bits)]


def _codes(form: Fixed, values: np.ndarray) -> np.ndarray:
    """The codes of float32 numbers, infinite ones taken for `INFINITY`."""
    finite = np.isfinite(values)
    codes = form.quantise(np.where(finite, values, 0.0))
    return codes if finite.all() else np.where(finite, codes, form.encode(INFINITY))


def scale32(scale: float) -> Fraction:
    return _float32(Fraction(scale))


def _float32(value: Fraction) -> Fraction:
    """The nearest float32 of a number that is a float64, or a quotient of float32 numbers (exact by Figueroa)."""
    return Fraction(float(np.float32(float(value))))


def exponentials(arguments: list[Fraction]) -> np.ndarray:
    """exp of every argument, correctly rounded to float32, infinities among them."""
    with np.errstate(over="ignore"):
        low, high = (ends.astype(np.float32) for ends in exact.between("exp", np.array([float(x) for x in arguments])))
    for k in np.flatnonzero(low != high).tolist():
        low[k] = _exponential(arguments[k])
    return low


def _exponential(x: Fraction) -> float:
    """One that lies too near to where float32 rounds, or beyond what is known quickly."""
    if not _SUBNORMAL < x < _OVERFLOW:
        return 0.0 if x < 0 else math.inf
    exponent = max(math.floor(float(x) * _LOG2_E), _LEAST_EXPONENT)
    return _settled(x, exact.rounded("exp", x, 23 - exponent, "half_even"), exponent)


def _settled(x: Fraction, code: int, exponent: int) -> float:
    if code > 1 << 24:  # the exponent was one too small
        return _settled(x, exact.rounded("exp", x, 22 - exponent, "half_even"), exponent + 1)
    if code < 1 << 23 and exponent > _LEAST_EXPONENT:
        return _settled(x, exact.rounded("exp", x, 24 - exponent, "half_even"), exponent - 1)
    return math.ldexp(code, exponent - 23) if exponent < 127 or code < 1 << 24 else math.inf


# -- by pairs ---------------------------------------------------------------------------------------

LONGEST_LEGACY = 128


def by_pairs(row, table: Fixed, exp_bits: int, inverse_bits: int) -> Wire:
    """1 / the sum of exp(x_k - x) over all k, one after the other, each step in `table`."""
    if row.drawing.max_n > LONGEST_LEGACY:
        raise GraphError(
            f"implementation=legacy compares every pair of a row, which is drawn for up to {LONGEST_LEGACY} elements, "
            "each with a table for every other; choose stable or latency"
        )
    exps, inverses = _legacy_exp_table(exp_bits, table), _legacy_reciprocal_table(inverse_bits, table)
    sum = None
    for k in range(row.drawing.max_n):
        chosen = row.position.equals(k)
        other = largest(chosen.select(row.x, row.x.lo))  # of one element that is not the lowest code, if it is present
        one = largest(chosen).select(pair(other - row.x, exps), 0)
        sum = one if sum is None else cast(sum + one, table)
    index = _toward_zero(sum.named("pairs"), 1 << inverse_bits, 6)
    return index.maximum(0).minimum((1 << inverse_bits) - 1).lookup(inverses)


@block("pair", approximates=math.exp)
def pair(difference: Wire, table: Table) -> Wire:
    """The exponential of a difference between -8 and 8, from a table; beyond, the table's ends."""
    size = len(table)
    index = _toward_zero(difference, size, 4) + size // 2
    return index.maximum(0).minimum(size - 1).lookup(table)


def _toward_zero(wire: Wire, factor: int, shift: int) -> Wire:
    """wire * factor / 2**shift as an integer, rounded toward zero."""
    product = (wire * factor).at_point(wire.point + shift)
    return round_off(product, product.point, "toward_zero")


@lru_cache(maxsize=256)
def _legacy_exp_table(bits: int, table: Fixed) -> Table:
    arguments = [Fraction(16 * k, 1 << bits) - 8 for k in range(1 << bits)]
    entries = _codes(table, exponentials(arguments))
    text, made = f"exp(k/{(1 << bits) / 16:g} - 8)", f"the float32 nearest, then {table.rounding}"
    return Table("exp", entries, table.fraction_bits, text, made, lambda k: math.exp(arguments[k]))


@lru_cache(maxsize=256)
def _legacy_reciprocal_table(bits: int, table: Fixed) -> Table:
    values = [Fraction(64 * k, 1 << bits) for k in range(1 << bits)]
    entries = tuple(table.encode(Fraction(float(1 / v)) if v else 0) for v in values)
    text, made = f"{(1 << bits) / 64:g}/k, and 0 for k = 0", f"the float64 nearest, then {table.rounding}"
    return Table("reciprocal", entries, table.fraction_bits, text, made, lambda k: (1 << bits) / (64 * k))
