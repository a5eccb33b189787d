"""Correctly rounded entries: the integer nearest, by a stated rule, to a real function times a power of two."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from narrowmax.errors import DataError, FormatError
from narrowmax.exact import arrays
from narrowmax.exact.functions import FUNCTIONS, Function, named, short

MOST_FRACTION_BITS = 4096
_FIRST_DIGITS, _MOST_DIGITS = 24, 100_000
_TIE_GOES_UP = {
    "floor": lambda down: False,
    "half_up": lambda down: True,
    "half_even": lambda down: down % 2,
    "half_away": lambda down: down >= 0,
    "toward_zero": lambda down: down < 0,
}
_QUICK = {"exp": arrays.exp, "exp2": arrays.exp2}
_QUICK_LEAST = -690.0  # below, the doubled value lies between 0 and 2**-600, and so it does here
_QUICK_ERROR = 2.0**-43  # rounding such an argument to float64 moves the result by 2**-44.5 of itself at most
_QUICK_FRACTION_BITS = 40

ROUNDINGS = tuple(_TIE_GOES_UP)


def tabulate(
    function: str | Function, arguments: Iterable[Fraction | int], fraction_bits: int, rounding: str = "half_up"
) -> list[int]:
    """round(function(argument) * 2**fraction_bits) of every argument, correctly rounded on every machine.

    function: `exp exp2 reciprocal log log2` or a Function.  arguments: rationals (a float is taken as what it is
    exactly).  rounding: floor half_up half_even half_away toward_zero.  Raises DataError outside the function's
    domain, RangeError for a result too large, FormatError for an unknown rounding word.
    """
    function = named(function)
    _check(fraction_bits, rounding)
    exact = [Fraction(argument) for argument in arguments]
    quick = _quick_halves(function, exact, fraction_bits)
    return [
        rounded(function, argument, fraction_bits, rounding) if half is None else _from_half(half, rounding)
        for argument, half in zip(exact, quick)
    ]


def rounded(function: str | Function, argument: Fraction | int, fraction_bits: int, rounding: str = "half_up") -> int:
    """One entry of `tabulate`, in arbitrary precision: digits are added until both ends of the enclosure agree."""
    function = named(function)
    _check(fraction_bits, rounding)
    argument, scale = Fraction(argument), Fraction(2) ** fraction_bits
    value = function.rational(argument)
    if value is not None:
        return round_rational(value * scale, rounding)
    if function.enclose is None:
        raise DataError(f"{function.name} has no value at {short(argument)}: give its Function `enclose` or a rational")
    digits = _FIRST_DIGITS
    while digits <= _MOST_DIGITS:
        low, high = (_half_below(end * scale) for end in function.enclose(argument, digits))
        if low == high:
            return _from_half(low, rounding)
        digits *= 2
    message = f"{function.name}({short(argument)}) is not told from a rounding boundary by {_MOST_DIGITS} digits"
    raise DataError(f"{message}: if it is a rational number there, its Function must say so")


def round_rational(value: Fraction, rounding: str) -> int:
    """A rational, rounded to an integer.  Raises FormatError for an unknown rounding word."""
    _check(0, rounding)
    half = _half_below(value)
    if value * 2 != half:
        return _from_half(half, rounding)
    down, tie = divmod(half, 2)
    return down + tie * _TIE_GOES_UP[rounding](down)


def _half_below(value: Fraction) -> int:
    return 2 * value.numerator // value.denominator


def _from_half(half: int, rounding: str) -> int:
    """Rounds a value strictly between half/2 and (half + 1)/2, where every rounding mode is constant."""
    if rounding == "floor":
        return half >> 1
    if rounding == "toward_zero":
        return half >> 1 if half >= 0 else (half >> 1) + 1
    return (half + 1) >> 1


def _quick_halves(function: Function, arguments: list[Fraction], fraction_bits: int) -> list[int | None]:
    """floor(2 * value) where float64 and its proven margin decide it, None elsewhere."""
    quick = _QUICK.get(function.name) if function is FUNCTIONS.get(function.name) else None
    if quick is None or abs(fraction_bits) > _QUICK_FRACTION_BITS:
        return [None] * len(arguments)
    reals = np.array([_as_float(argument) for argument in arguments])
    known = reals < 0
    doubled = quick(np.clip(reals, _QUICK_LEAST, 0)) * 2.0 ** (fraction_bits + 1)
    margin = doubled * _QUICK_ERROR
    low, high = np.floor(doubled - margin), np.floor(doubled + margin)
    known &= (low == high) & (doubled - margin > low)
    return [int(half) if sure else None for half, sure in zip(low.tolist(), known.tolist())]


def _as_float(argument: Fraction) -> float:
    try:
        return float(argument)
    except OverflowError:
        return math.inf if argument > 0 else -math.inf


def _check(fraction_bits: int, rounding: str) -> None:
    if rounding not in ROUNDINGS:
        raise FormatError(f"rounding {rounding!r} does not fit a table: use one of {', '.join(ROUNDINGS)}")
    if abs(fraction_bits) > MOST_FRACTION_BITS:
        raise FormatError(f"a table with {fraction_bits} fraction bits is refused: use at most {MOST_FRACTION_BITS}")
