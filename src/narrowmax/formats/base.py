"""What every format has: its two words, its scalar definition, its array twin.

A format turns a real value into an integer code and back.  `encode` and `decode` define it, one value at a
time, in rationals; `quantise` and `values` do the same to arrays and are tested equal to them.
"""

from __future__ import annotations

import math
import numbers
import operator
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats.rounding import ROUNDINGS, check_random, round_exact

DEFAULT_WORDS = ("half_even", "saturate")
EXACT_INTEGERS = 2**53  # float64 holds every integer up to here


class Format(ABC):
    """A number format: a frozen record with a rounding word and an overflow word.

    rounding: `floor half_up half_even half_away toward_zero stochastic`; stochastic takes `random`, uniform numbers
    in [0, 1), one a value.  overflow: what happens to a value that lies beyond the ends once it is rounded:
    `saturate` (the end), `wrap` (the low bits of the code), `forbid` (refused), and for floats `infinity`.
    """

    rounding: str
    overflow: str
    overflows: ClassVar[tuple[str, ...]] = ("saturate", "wrap", "forbid")

    bits: int | None  #: width of a code; None where codes have no bounds
    signed: bool  #: whether values below zero exist

    @property
    @abstractmethod
    def lowest_code(self) -> int | None:
        """The code of the smallest value."""

    @property
    @abstractmethod
    def highest_code(self) -> int | None:
        """The code of the largest finite value."""

    @property
    @abstractmethod
    def step(self) -> Fraction:
        """The distance between neighbouring values (of a float: around zero)."""

    @abstractmethod
    def decode(self, code: int) -> Fraction:
        """The exact value of one code.  Raises RangeError outside the word, DataError for an infinity or NaN."""

    @abstractmethod
    def values(self, codes: np.ndarray) -> np.ndarray:
        """Integer codes -> float64 values, same shape.  Raises RangeError for a code outside the word."""

    @abstractmethod
    def _plain(self) -> str:
        """The text without the words."""

    @abstractmethod
    def _shape(self) -> str:
        """What it is, its range and its step, in English without the words."""

    @abstractmethod
    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        """The definition for a finite value; `negative` keeps the sign of a zero."""

    @abstractmethod
    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """The twin of `encode` for a flat float64 array without NaN."""

    @property
    def lowest(self) -> Fraction | None:
        """The smallest value."""
        return None if self.lowest_code is None else self.decode(self.lowest_code)

    @property
    def highest(self) -> Fraction | None:
        """The largest finite value."""
        return None if self.highest_code is None else self.decode(self.highest_code)

    def encode(self, x: Fraction | float | int, random: float | Fraction | None = None) -> int:
        """The code of one value: the definition, in rationals.

        Raises DataError for NaN and for an infinity that the overflow word refuses, FormatError for a value that
        `forbid` refuses or a missing random number.
        """
        if isinstance(x, str):
            raise DataError(f"{x!r} has no code in {self}: give a number, not a text")
        if not isinstance(x, numbers.Rational):
            x = float(x)
            if math.isnan(x):
                raise DataError(f"NaN has no code in {self}: every value must be a number")
            if math.isinf(x):
                return self._encode_infinite(x)
        negative = math.copysign(1.0, x) < 0 if isinstance(x, float) else x < 0
        value = Fraction(int(x)) if isinstance(x, numbers.Integral) else Fraction(x)  # NumPy's integers would overflow
        return self._encode(value, negative, random)

    def quantise(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> int64 codes, same shape: `encode` of every element.

        `x` holds floats or integers up to 2**53 (integers are values, not codes); `random` is broadcast to its shape
        and used by `stochastic` alone.  Raises what `encode` raises.
        """
        values = self._reals(x)
        random = check_random(random, values.shape).reshape(-1) if self.rounding == "stochastic" else None
        return self._quantise(values.reshape(-1), random).reshape(values.shape)

    def round(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> the float64 values of their codes, same shape.  Raises what `quantise` raises."""
        return self.values(self.quantise(x, random))

    def describe(self) -> str:
        """One sentence: what was understood, the range, the step, the two words."""
        return f"{self}: {self._shape()}; rounded {self.rounding}, {self._beyond()}."

    def __str__(self) -> str:
        words = (self.rounding, self.overflow)
        return self._plain() + "".join(f":{word}" for word, usual in zip(words, DEFAULT_WORDS) if word != usual)

    def _beyond(self) -> str:
        return {
            "saturate": "a value beyond the ends becomes the end",
            "wrap": "a value beyond the ends keeps the low bits of its code",
            "forbid": "a value beyond the ends is refused",
            "infinity": "a value beyond the ends becomes infinite",
        }[self.overflow]

    def _check_words(self) -> None:
        if self.rounding not in ROUNDINGS:
            raise FormatError(f"rounding {self.rounding!r} is not known: use one of {', '.join(ROUNDINGS)}")
        if self.overflow not in self.overflows:
            message = f"overflow {self.overflow!r} does not fit {self._plain()}: use one of {', '.join(self.overflows)}"
            raise FormatError(message)

    def _encode_infinite(self, x: float) -> int:
        if self.overflow != "saturate":
            raise self._refuse_infinite(x)
        return self.highest_code if x > 0 else self.lowest_code

    def _refuse_infinite(self, found: object) -> DataError:
        return DataError(f"{found} has no code in {self}: give finite values, or the overflow word saturate")

    def _refuse(self, value: object) -> FormatError:
        ends = f"{short(self.lowest)} to {short(self.highest)}"
        return FormatError(f"{short(value)} is outside {self}, whose range is {ends}: clip it, widen it, or saturate")

    def _reals(self, x: np.ndarray) -> np.ndarray:
        values = as_reals(x)
        nan = np.isnan(values)
        if nan.any():
            raise DataError(f"NaN{place(nan)} has no code in {self}: every value must be a number")
        if self.overflow not in ("saturate", "infinity"):
            infinite = np.isinf(values)
            if infinite.any():
                raise self._refuse_infinite(f"{values[infinite].flat[0]}{place(infinite)}")
        return values

    def _settle(self, codes: np.ndarray, hard: np.ndarray, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """`codes` (int64) with the definition itself applied where float64 could not decide (`hard`)."""
        if not hard.any():
            return codes
        if random is None:
            distinct, where = np.unique(values[hard], return_inverse=True)
            codes[hard] = np.array([self.encode(value) for value in distinct.tolist()], dtype=np.int64)[where]
        else:
            pairs = zip(values[hard].tolist(), random[hard].tolist())
            codes[hard] = [self.encode(value, number) for value, number in pairs]
        return codes

    def _check_code(self, code: int) -> None:
        if not self._first_code <= code <= self._last_code:
            message = f"code {code} is outside {self}, whose codes are {self._first_code} to {self._last_code}"
            raise RangeError(message)

    def _check_codes(self, codes: np.ndarray) -> np.ndarray:
        codes = np.asarray(codes)
        if codes.dtype.kind not in "iu":
            raise DataError(f"codes of {self} are integers, and these are {codes.dtype}: quantise the values first")
        if codes.size:
            self._check_code(int(codes.min()))
            self._check_code(int(codes.max()))
        return codes

    @property
    def _first_code(self) -> int:
        return self.lowest_code

    @property
    def _last_code(self) -> int:
        return self.highest_code


class IntegerCodes(Format):
    """A format whose codes are two's complement or unsigned integers, in the order of their values."""

    @property
    def lowest_code(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def highest_code(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

    def _fit(self, code: int, value: Fraction) -> int:
        """One rounded code of any size, brought into the word as the overflow word says."""
        if self.lowest_code <= code <= self.highest_code:
            return code
        if self.overflow == "forbid":
            raise self._refuse(value)
        if self.overflow == "wrap":
            return (code - self.lowest_code) % (1 << self.bits) + self.lowest_code
        return max(self.lowest_code, min(self.highest_code, code))

    def _beyond_ends(self, rounded: np.ndarray) -> np.ndarray:
        return (rounded >= power_of_two(self.bits - self.signed)) | (rounded < self.lowest_code)

    def _fit_array(self, rounded: np.ndarray) -> np.ndarray:
        """Float64 integers, wrapped or saturated (an infinity: a multiple of 2**bits too large for float64)."""
        if self.overflow == "wrap":
            return self._wrapped(rounded)
        top = power_of_two(self.bits - self.signed)
        codes = np.clip(rounded, self.lowest_code, np.nextafter(top, 0)).astype(np.int64)
        if self.bits > 53:  # the largest double below 2**63 is not the highest code
            codes[rounded >= top] = self.highest_code
        return codes

    def _wrapped(self, rounded: np.ndarray) -> np.ndarray:
        within = np.where(np.isinf(rounded), 0.0, rounded)
        codes = np.fmod(within, power_of_two(self.bits)).astype(np.int64) & ((1 << self.bits) - 1)
        if self.signed:
            codes -= (codes >> (self.bits - 1)) << self.bits
        return codes


def as_reals(x: object) -> np.ndarray:
    """Floats or integers as float64, exactly.  Raises DataError for what float64 cannot hold, or is no number."""
    array = np.asarray(x)
    if array.dtype.kind in "iu":
        too_large = (array > EXACT_INTEGERS) | (array < -EXACT_INTEGERS)
        if too_large.any():
            found = array[too_large].flat[0]
            raise DataError(f"{found}{place(too_large)} is beyond 2**53, where float64 is not exact: scale it down")
    elif array.dtype.kind in "bcOSUMm" or not np.can_cast(array.dtype, np.float64):
        raise DataError(f"values of type {array.dtype} are not real numbers in float64: give floats or integers")
    return array.astype(np.float64, copy=False)


def place(marked: np.ndarray) -> str:
    """' at [i, j]' for the first marked element; '' for a scalar."""
    if marked.ndim == 0:
        return ""
    index = np.unravel_index(int(np.argmax(marked)), marked.shape)
    return f" at [{', '.join(map(str, index))}]"


def short(value: object) -> str:
    """A number for people, to 12 digits."""
    return f"{float(value):.12g}"


def power_of_two(exponent: int) -> float:
    """2.0**exponent, of which no libm has a say."""
    return math.ldexp(1.0, exponent)


def whole_numbers(record: object, *names: str) -> None:
    """Makes Python ints of these fields of a frozen record, NumPy's included.  Raises FormatError for others."""
    for name in names:
        value = getattr(record, name)
        try:
            object.__setattr__(record, name, operator.index(value))
        except TypeError:
            message = f"{name} of {type(record).__name__} is {value!r}: it must be a whole number"
            raise FormatError(message) from None


def nearest_multiple(value: Fraction, unit: Fraction, rounding: str, random: object) -> int:
    """How many `unit`s `value` rounds to."""
    return round_exact(value / unit, rounding, random)
