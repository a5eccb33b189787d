"""The exp core of two tables that are added, a division by subtracting a logarithm, after a bipartite unit."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Word, exp_format
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.reciprocals import normalised
from narrowmax.datapath import Table, Wire, block, fit, round_off
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed

LN2, LOGARITHMS, LOG_POINT = 89, (0, 8, 15, 22, 29, 35, 41, 47, 53, 58, 63, 68, 73, 78, 82, 87), 7
_LOG_LAST = (16 << LOG_POINT) - 1
_ADDRESS = 16


def _field(name: str, default: str, doc: str) -> Number:
    return Number(name=name, default=default, source=PUBLISHED, choices=range(1, 13), turns=range(1, 6), doc=doc)


@part(
    _field("high", "5", "first bits of the distance, which address both tables"),
    _field("middle", "3", "bits behind them, which address the table of values"),
    _field("low", "3", "last bits, which address the table of corrections"),
    Number(
        name="argument", default="7", source=PUBLISHED, choices=range(17), turns=range(13),
        doc="fraction bits of the distance that are kept, the rest being dropped",
    ),
    Word(
        name="at", default="points", source=KNOB, choices=("points", "cell"),
        doc="where lines are exact: in the middle of the points of a field, or of its cell, half a point further",
    ),
    Number(
        name="guard", default="0", source=PUBLISHED, choices=range(9), turns=range(5),
        doc="fraction bits that both tables have more than exp",
    ),
    exp_format("UQ1.15", PUBLISHED),
)  # fmt: skip
def bipartite(d: Wire, high: int, middle: int, low: int, argument: int, at: str, guard: int, exp: Fixed) -> Wire:
    """exp(-d) as the sum of two table entries."""
    if high + max(middle, low) > _ADDRESS:
        raise GraphError(
            f"a table would have {high + max(middle, low)} address bits, and {_ADDRESS} are allowed; lower high, "
            "middle or low"
        )
    return _added(d, tables(high, middle, low, argument, at, guard, exp), (high, middle, low, argument), guard, exp)


@block("exp", approximates=lambda d: math.exp(-d))
def _added(d: Wire, two: tuple[Table, Table], fields: tuple[int, ...], guard: int, exp: Fixed) -> Wire:
    """exp(-d) from a table of values and a table of corrections, kept in [0, 1]; 0 beyond them."""
    high, middle, low, argument = fields
    cut = d.drop(max(0, d.point - argument)).extend(max(0, argument - d.point)).at_point(0)
    last = (1 << high + middle + low) - 1
    k = cut.minimum(last)
    first, second, third = k >> middle + low, (k >> low).low_bits(middle), k.low_bits(low)
    value = ((first << middle) + second).lookup(two[0])
    correction = ((first << low) + third).lookup(two[1])
    e = round_off(value + correction, guard, exp.rounding)
    one = 1 << exp.fraction_bits
    inside = fit(fit(e, 0, one, "saturate"), 0, exp.highest_code, exp.overflow)
    return (cut > last).select(0, inside)


@lru_cache(maxsize=64)
def tables(high: int, middle: int, low: int, argument: int, at: str, guard: int, exp: Fixed) -> tuple[Table, Table]:
    """Values in the middle of `low`, and what to add: the slope in the middle of `middle` and `low` times the rest."""
    bits, step = exp.fraction_bits + guard, Fraction(1, 1 << argument)
    centre, half = _middle(low, at), _middle(middle + low, at)
    places = [(k << low) + centre for k in range(1 << high + middle)]
    values = exact.tabulate("exp", [-step * place for place in places], bits, exp.rounding)
    slopes = [-step * ((k << middle + low) + half) for k in range(1 << high)]
    columns = [_times_exp(step * (centre - k), slopes, bits, exp.rounding) for k in range(1 << low)]
    corrections = [entry for row in zip(*columns, strict=True) for entry in row]
    made = f"correctly rounded, {exp.rounding}"
    return (
        Table("value", tuple(values), bits, f"exp(-(k*{1 << low} + {centre})/{1 << argument})", made,
              lambda k: math.exp(-(k * (1 << low) + centre) * step)),
        Table("correction", tuple(corrections), bits, "the slope of exp(-d) times the low bits from their middle", made,
              lambda k: _correction(k, low, middle, centre, half, step)),
    )  # fmt: skip


def _correction(k: float, low: int, middle: int, centre: Fraction, half: Fraction, step: Fraction) -> float:
    first, third = divmod(k, 1 << low)
    return math.exp(-(first * (1 << middle + low) + half) * step) * (step * (centre - third))


def _middle(bits: int, at: str) -> Fraction:
    return Fraction((1 << bits) - (at == "points"), 2)


def _times_exp(factor: Fraction, arguments: list[Fraction], bits: int, rounding: str) -> list[int]:
    """factor * exp(x) of arguments below 0, correctly rounded; never rational but where the factor is 0."""
    if not factor:
        return [0] * len(arguments)
    sizes = exact.tabulate("exp", arguments, bits, rounding, times=abs(factor))
    if factor > 0:
        return sizes
    return [-(size + 1) if rounding == "floor" else -size for size in sizes]


@block("logarithm", approximates=math.log)
def logarithm(sum: Wire, word: int) -> Wire:
    """The natural logarithm in 128ths, kept in [0, 16): 89 an octave, and a table of four bits behind the first."""
    table = Table("logarithm", LOGARITHMS, LOG_POINT, "ln(1 + k/16)", "as published", lambda k: math.log1p(k / 16))
    behind, length = normalised(sum, word, 4)
    whole = ((length - (1 + sum.point)) * LN2).at_point(LOG_POINT)
    return fit(whole + behind.at_point(0).lookup(table), 0, _LOG_LAST, "saturate")
