"""Real functions as enclosures: rationals below and above the true value, as close as one asks.

The standard library's `decimal` does the arithmetic, in integers, so the machine's libm has no part in it.  Its
`exp` and `ln` are correctly rounded; the margins below are a hundred times wider than that needs.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from narrowmax.errors import DataError, RangeError

Enclosure = tuple[Fraction, Fraction]

LARGEST_EXPONENT = 2**15  # beyond, exp has tens of thousands of bits (or of zeros behind the point)
_TINY = Fraction(1, 2**LARGEST_EXPONENT)


def _nowhere(x: Fraction) -> Fraction | None:
    return None


@dataclass(frozen=True)
class Function:
    """A real function of one rational argument.

    `rational(x)` is the value where it is a rational number, else None.  `enclose(x, digits)` gives two rationals
    around the value wherever it is irrational, which close in on it as the number of decimal digits grows.  A
    rational function needs the first alone: `Function("1/(1+x)", rational=lambda x: 1 / (1 + x))`.  Either may raise
    DataError outside the domain.
    """

    name: str
    rational: Callable[[Fraction], Fraction | None] = _nowhere
    enclose: Callable[[Fraction, int], Enclosure] | None = None


def named(function: str | Function) -> Function:
    """One of the functions known by name: exp exp2 reciprocal log log2.  Raises DataError for another name."""
    if isinstance(function, Function):
        return function
    if function not in FUNCTIONS:
        raise DataError(f"function {function!r} is not known: use {' '.join(FUNCTIONS)}, or a Function of yours")
    return FUNCTIONS[function]


def short(x: Fraction) -> str:
    """A rational of any size for people, to 12 digits."""
    context = _context(12)
    return f"{context.normalize(_as_decimal(x, context))}"


def _context(digits: int) -> decimal.Context:
    # A context of our own: the caller's traps and limits must not matter.
    return decimal.Context(
        prec=digits,
        rounding=decimal.ROUND_HALF_EVEN,
        Emin=decimal.MIN_EMIN,
        Emax=decimal.MAX_EMAX,
        traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
    )


def _as_decimal(x: Fraction, context: decimal.Context) -> decimal.Decimal:
    return context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator))


def _around(value: decimal.Decimal, error: Fraction) -> Enclosure:
    centre = Fraction(value)
    return centre - error, centre + error


def _exp_near(x: Fraction, digits: int) -> Enclosure:
    context = _context(digits)
    value = context.exp(_as_decimal(x, context))
    # Rounding the argument moves the result by |x| units of its last digit at most.
    return _around(value, Fraction(value) * (abs(x) + 2) * Fraction(100, 10**digits))


def _exp(x: Fraction, digits: int) -> Enclosure:
    if x < -LARGEST_EXPONENT:
        return Fraction(0), _TINY
    if x > LARGEST_EXPONENT:
        raise RangeError(f"exp({short(x)}) has more than 47,000 bits: give an argument up to {LARGEST_EXPONENT}")
    return _exp_near(x, digits + 6)


def _exp2(x: Fraction, digits: int) -> Enclosure:
    if x < -LARGEST_EXPONENT:
        return Fraction(0), _TINY
    if x > LARGEST_EXPONENT:
        raise RangeError(f"exp2({short(x)}) has more than 32,768 bits: give an argument up to {LARGEST_EXPONENT}")
    whole = x.numerator // x.denominator
    context = _context(digits)
    argument = context.multiply(_as_decimal(x - whole, context), context.ln(decimal.Decimal(2)))
    value = context.exp(argument)
    low, high = _around(value, Fraction(1000, 10**digits))
    return low * Fraction(2) ** whole, high * Fraction(2) ** whole


def _exp2_rational(x: Fraction) -> Fraction | None:
    return Fraction(2) ** int(x) if x.denominator == 1 and abs(x) <= LARGEST_EXPONENT else None


def _log(x: Fraction, digits: int) -> Enclosure:
    context = _context(digits)
    value = context.ln(_as_decimal(x, context))
    return _around(value, (abs(Fraction(value)) + 2) * Fraction(100, 10**digits))


def _log2(x: Fraction, digits: int) -> Enclosure:
    context = _context(digits)
    value = context.divide(context.ln(_as_decimal(x, context)), context.ln(decimal.Decimal(2)))
    return _around(value, (abs(Fraction(value)) + 4) * Fraction(100, 10**digits))


def _above_zero(x: Fraction, name: str) -> None:
    if x <= 0:
        raise DataError(f"{name} is not defined at {short(x)}: give arguments above 0")


def _log_rational(x: Fraction) -> Fraction | None:
    _above_zero(x, "log")
    return Fraction(0) if x == 1 else None


def _log2_rational(x: Fraction) -> Fraction | None:
    _above_zero(x, "log2")
    above, below = x.numerator, x.denominator
    if above & (above - 1) or below & (below - 1):
        return None
    return Fraction(above.bit_length() - below.bit_length())


def _reciprocal(x: Fraction) -> Fraction:
    if x == 0:
        raise DataError("reciprocal is not defined at 0: leave 0 out of the table, or state its entry")
    return 1 / x


#: A rational power of e, and a logarithm of a rational, is rational in these cases alone (Lindemann; for base 2,
#: unique factorisation), so the enclosures always end on one side of a rounding boundary.
FUNCTIONS = {
    "exp": Function("exp", lambda x: Fraction(1) if x == 0 else None, _exp),
    "exp2": Function("exp2", _exp2_rational, _exp2),
    "reciprocal": Function("reciprocal", _reciprocal),
    "log": Function("log", _log_rational, _log),
    "log2": Function("log2", _log2_rational, _log2),
}
