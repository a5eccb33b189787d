"""Correctly rounded entries: the integer nearest, by a stated rule, to a real function times a power of two."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
_EXACT, _INT64 = 1 << 53, 1 << 63
_QUICK_MOST = 600.0
_QUICK_ERROR = 2.0**-43  # rounding such an argument to float64 moves the result by 2**-44 of itself at most
_QUICK_FRACTION_BITS = 300  # so that a product with float64's exponentials is neither subnormal nor infinite

ROUNDINGS = tuple(_TIE_GOES_UP)


@dataclass(frozen=True, eq=False)
class Ratios(Sequence):
    """Rationals over one positive denominator, in the order of their numerators: what `table` takes all at once.

    numerators: (count,) int64, or Python integers where that does not hold them
    """

    numerators: np.ndarray
    denominator: int

    @classmethod
    def multiples(cls, step: Fraction | int, count: int) -> Ratios:
        """0, step, 2 step ... (count - 1) step."""
        step = Fraction(step)
        fits = abs(step.numerator) * count < _EXACT
        return cls(np.arange(count, dtype=np.int64 if fits else object) * step.numerator, step.denominator)

    def __len__(self) -> int:
        return len(self.numerators)

    def __getitem__(self, place: int) -> Fraction:
        return Fraction(int(self.numerators[place]), self.denominator)

    def floats(self) -> np.ndarray:
        """The float64 nearest to each; of those too large an infinity."""
        above, below = self.numerators, self.denominator
        if above.dtype == np.int64 and below < _EXACT and above.size and -_EXACT < above.min() and above.max() < _EXACT:
            return above / below  # both are exact in float64, so one rounding is all
        return np.array([_as_float(one) for one in self])


def tabulate(
    function: str | Function,
    arguments: Iterable[Fraction | int],
    fraction_bits: int,
    rounding: str = "half_up",
    times: Fraction | int = 1,
) -> list[int]:
    """round(times * function(argument) * 2**fraction_bits) of every argument, correctly rounded on every machine.

    function: `exp exp2 reciprocal log log2` or a Function.  arguments: rationals (a float is taken as what it is
    exactly).  rounding: floor half_up half_even half_away toward_zero.  times: a rational above 0.  Raises DataError
    outside the function's domain, RangeError for a result too large, FormatError for an unknown rounding word.
    """
    return table(function, arguments, fraction_bits, rounding, times).tolist()


def table(
    function: str | Function,
    arguments: Iterable[Fraction | int],
    fraction_bits: int,
    rounding: str = "half_up",
    times: Fraction | int = 1,
) -> np.ndarray:
    """`tabulate` as an array, of int64, or of Python integers where that does not hold an entry.

    Quick for arguments that are `Ratios`, or an array of float64, which are taken as what they are exactly.
    """
    function = named(function)
    _check(fraction_bits, rounding, times)
    if not isinstance(arguments, (Ratios, np.ndarray)):
        arguments = [Fraction(argument) for argument in arguments]
    halves, sure = _quick_halves(function, arguments, fraction_bits, times)
    found = _from_half(halves, rounding)
    missing = np.flatnonzero(~sure).tolist()
    entries = [rounded(function, arguments[i], fraction_bits, rounding, times) for i in missing]
    if not all(-_INT64 <= entry < _INT64 for entry in entries):
        found = found.astype(object)
    found[missing] = entries
    return found


def rounded(
    function: str | Function,
    argument: Fraction | int,
    fraction_bits: int,
    rounding: str = "half_up",
    times: Fraction | int = 1,
) -> int:
    """One entry of `tabulate`, in arbitrary precision: digits are added until both ends of the enclosure agree."""
    function = named(function)
    _check(fraction_bits, rounding, times)
    argument, scale = Fraction(argument), Fraction(2) ** fraction_bits * times
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


def _from_half(half, rounding: str):
    """Rounds a value strictly between half/2 and (half + 1)/2, where every rounding mode is constant; arrays too."""
    if rounding == "floor":
        return half >> 1
    if rounding == "toward_zero":
        return (half >> 1) + (half < 0)
    return (half + 1) >> 1


def between(function: str, reals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 below and above exp or exp2 of float64, some 2**-42 of the value apart; NaN beyond 600 either way."""
    values = _NEAR[function](reals)
    return values * (1 - 2 * _QUICK_ERROR), values * (1 + 2 * _QUICK_ERROR)


def _quick_halves(function: Function, arguments: Sequence, fraction_bits: int, times) -> tuple[np.ndarray, np.ndarray]:
    """floor(2 * value) as int64, and where that is sure to be right and no rounding boundary itself."""
    if abs(fraction_bits) <= _QUICK_FRACTION_BITS and len(arguments) and function is FUNCTIONS.get(function.name):
        if function.name in _NEAR and 2.0**-_QUICK_FRACTION_BITS < times < 2.0**_QUICK_FRACTION_BITS:
            return _by_float(_NEAR[function.name], arguments, fraction_bits, times)
        if function.name == "reciprocal" and isinstance(arguments, Ratios):
            return _reciprocals(arguments, fraction_bits, times)
    return np.zeros(len(arguments), np.int64), np.zeros(len(arguments), bool)


def _by_float(near: Callable, arguments: Sequence, fraction_bits: int, times) -> tuple[np.ndarray, np.ndarray]:
    """Where float64 and its proven margin decide it."""
    reals = arguments
    if not isinstance(arguments, np.ndarray):
        reals = arguments.floats() if isinstance(arguments, Ratios) else np.array([_as_float(a) for a in arguments])
    with np.errstate(over="ignore", invalid="ignore"):
        doubled = near(np.maximum(reals, -_QUICK_MOST)) * (float(times) * 2.0 ** (fraction_bits + 1))
        margin = doubled * _QUICK_ERROR
        low = np.floor(doubled - margin)
        sure = (low == np.floor(doubled + margin)) & (doubled - margin > low) & (doubled < _EXACT)
    sure &= (reals >= -_QUICK_MOST) | (low == 0)  # further down a value is nearer to 0 still
    return np.where(sure, low, 0).astype(np.int64), sure


def _near_exp(reals: np.ndarray) -> np.ndarray:
    inside = np.clip(np.abs(reals), 0, _QUICK_MOST)
    values = arrays.exp(-inside)
    values = np.where(reals > 0, 1 / values, values)
    return np.where(np.abs(reals) <= _QUICK_MOST, values, np.nan)


def _near_exp2(reals: np.ndarray) -> np.ndarray:
    inside = np.clip(reals, -_QUICK_MOST, _QUICK_MOST)
    whole = np.ceil(inside)
    return np.where(inside == reals, np.ldexp(arrays.exp2(inside - whole), whole.astype(np.int64)), np.nan)


_NEAR = {"exp": _near_exp, "exp2": _near_exp2}  # within 2**-43.5 of the value; NaN where that is not so


def _reciprocals(arguments: Ratios, fraction_bits: int, times) -> tuple[np.ndarray, np.ndarray]:
    """In integers; what leaves no remainder may be a boundary."""
    count = len(arguments)
    above = arguments.denominator << fraction_bits + 1 if times == 1 and fraction_bits >= 0 else 0
    if not 0 < above < _EXACT or arguments.numerators.dtype != np.int64 or arguments.numerators.min() <= 0:
        return np.zeros(count, np.int64), np.zeros(count, bool)
    halves, rest = np.divmod(above, arguments.numerators)
    return halves, rest != 0


def _as_float(argument: Fraction) -> float:
    try:
        return float(argument)
    except OverflowError:
        return math.inf if argument > 0 else -math.inf


def _check(fraction_bits: int, rounding: str, times: Fraction | int = 1) -> None:
    if times <= 0:
        raise DataError(f"a table of {short(Fraction(times))} times a function is refused: give a factor above 0")
    if rounding not in ROUNDINGS:
        raise FormatError(f"rounding {rounding!r} does not fit a table: use one of {', '.join(ROUNDINGS)}")
    if abs(fraction_bits) > MOST_FRACTION_BITS:
        raise FormatError(f"a table with {fraction_bits} fraction bits is refused: use at most {MOST_FRACTION_BITS}")
