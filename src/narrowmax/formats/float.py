"""Binary floating point: a sign, an exponent, a fraction; codes are bit patterns."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from narrowmax.errors import DataError, FormatError
from narrowmax.formats.base import Format, nearest_multiple, short, whole_numbers
from narrowmax.formats.rounding import round_array

#: The formats with a name of their own, as (exponent_bits, fraction_bits, finite).
NAMED = {
    "fp32": (8, 23, False),
    "fp16": (5, 10, False),
    "bf16": (8, 7, False),
    "e5m2": (5, 2, False),
    "e4m3": (4, 3, True),
}
_NAMES = {shape: name for name, shape in NAMED.items()}
_MAX = np.finfo(np.float64).max


@dataclass(frozen=True)
class Float(Format):
    """A float as in IEEE 754 with subnormals: 2 to 8 exponent bits, 1 to 23 fraction bits.

    `finite` formats (OCP's e4m3, "fn") have no infinities: every code but the two with all bits set, NaN, is a
    number.  The sign of a zero is kept.  Values are rounded once, as if the exponent had no end, and then meet
    the overflow word:

    saturate   the largest finite value of the sign, for infinities too (OCP's saturating mode)
    infinity   as IEEE 754 does: infinity, but the largest finite value where the rounding mode points away from
               infinity (`toward_zero`; `floor` above zero); a finite format gives NaN (OCP's non-saturating mode)
    forbid     refused, infinities too

    There is no `wrap`.  Raises FormatError for an impossible shape or an unknown word.
    """

    exponent_bits: int
    fraction_bits: int
    finite: bool = False
    rounding: str = "half_even"
    overflow: str = "saturate"

    overflows: ClassVar[tuple[str, ...]] = ("saturate", "forbid", "infinity")
    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_numbers(self, "exponent_bits", "fraction_bits")
        if not (2 <= self.exponent_bits <= 8 and 1 <= self.fraction_bits <= 23):
            raise FormatError(f"{self._plain()} is not possible: a float has 2 to 8 exponent and 1 to 23 fraction bits")
        self._check_words()

    @property
    def bits(self) -> int:
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def smallest_exponent(self) -> int:
        """The exponent of the smallest normal value, which subnormals share."""
        return 2 - 2 ** (self.exponent_bits - 1)

    @property
    def highest_code(self) -> int:
        all_ones = (1 << (self.bits - 1)) - 1
        return all_ones - 1 if self.finite else all_ones - (1 << self.fraction_bits)

    @property
    def lowest_code(self) -> int:
        return self.highest_code | self._sign

    @property
    def step(self) -> Fraction:
        return Fraction(2) ** (self.smallest_exponent - self.fraction_bits)

    def decode(self, code: int) -> Fraction:
        """The exact value of one bit pattern; both zeros give 0.  Raises DataError for an infinity or NaN."""
        self._check_code(code)
        magnitude = code & (self._sign - 1)
        if magnitude > self.highest_code:
            raise DataError(f"code {code:#x} of {self} is an infinity or NaN, not a number: use values, or saturate")
        exponent, significand = self._split(magnitude)
        value = int(significand) * self.step * 2 ** int(exponent)
        return -value if code & self._sign else value

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Bit patterns -> float64 values, same shape, infinities and NaN too.  Raises RangeError outside the word."""
        codes = self._check_codes(codes).astype(np.int64)
        magnitude = codes & (self._sign - 1)
        exponent, significand = self._split(magnitude)
        reals = np.ldexp(significand.astype(np.float64), exponent + (self.smallest_exponent - self.fraction_bits))
        special = magnitude > self.highest_code
        if special.any():
            infinite = (magnitude == self._overflow_code) & (not self.finite)
            reals = np.where(special, np.where(infinite, np.inf, np.nan), reals)
        return np.where(codes & self._sign, -reals, reals)

    @property
    def _sign(self) -> int:
        return 1 << (self.bits - 1)

    @property
    def _first_code(self) -> int:
        return 0

    @property
    def _last_code(self) -> int:
        return (1 << self.bits) - 1

    @property
    def _overflow_code(self) -> int:
        return self.highest_code + 1  # infinity, or NaN in a finite format

    def _split(self, magnitude: int | np.ndarray) -> tuple[int | np.ndarray, int | np.ndarray]:
        """Exponent above the smallest, and significand in units of its last place."""
        field = magnitude >> self.fraction_bits
        normal = (field > 0) * 1
        return field - normal, (magnitude & ((1 << self.fraction_bits) - 1)) + (normal << self.fraction_bits)

    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        exponent = max(_floor_log2(abs(value)), self.smallest_exponent) if value else self.smallest_exponent
        unit = Fraction(2) ** (exponent - self.fraction_bits)
        significand = abs(nearest_multiple(value, unit, self.rounding, random))
        # The leading one of a normal significand adds one to the exponent field: no case apart for subnormals
        # or for a carry into the next binade.
        magnitude = significand + ((exponent - self.smallest_exponent) << self.fraction_bits)
        if magnitude > self.highest_code:
            magnitude = self._past_the_end(negative, value)
        return magnitude | (self._sign if negative else 0)

    def _past_the_end(self, negative: bool, value: object) -> int:
        if self.overflow == "forbid":
            raise self._refuse(value)
        inward = self.rounding == "toward_zero" or (self.rounding == "floor" and not negative)
        return self.highest_code if self.overflow == "saturate" or inward else self._overflow_code

    def _encode_infinite(self, x: float) -> int:
        if self.overflow != "infinity":
            return super()._encode_infinite(x)
        return self._overflow_code | (self._sign if x < 0 else 0)

    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        finite = np.clip(values, -_MAX, _MAX)
        exponent = ((finite.view(np.int64) >> 52) & 0x7FF) - 1023
        np.maximum(exponent, self.smallest_exponent, out=exponent)
        unit_inverse = ((1023 + self.fraction_bits - exponent) << 52).view(np.float64)  # 2**(fraction_bits - exponent)
        significand = np.abs(round_array(finite * unit_inverse, self.rounding, random)).astype(np.int64)
        magnitude = significand + ((exponent - self.smallest_exponent) << self.fraction_bits)
        negative = np.signbit(values)
        self._past_the_end_array(magnitude, values, negative)
        return magnitude | (negative.astype(np.int64) << (self.bits - 1))

    def _past_the_end_array(self, magnitude: np.ndarray, values: np.ndarray, negative: np.ndarray) -> None:
        beyond = magnitude > self.highest_code
        if not beyond.any():
            return
        ends = np.array([self._past_the_end(sign, values[beyond][0]) for sign in (False, True)])
        magnitude[beyond] = ends[negative[beyond].astype(np.int64)]
        if self.overflow == "infinity":
            magnitude[np.isinf(values)] = self._overflow_code

    def _plain(self) -> str:
        shape = (self.exponent_bits, self.fraction_bits, self.finite)
        finite = ",finite" if self.finite else ""
        return _NAMES.get(shape) or f"float({self.exponent_bits},{self.fraction_bits}{finite})"

    def _shape(self) -> str:
        kind = "float without infinities" if self.finite else "float"
        return (
            f"{kind} of {self.bits} bits, {self.exponent_bits} of exponent and {self.fraction_bits} of fraction, "
            f"{short(self.lowest)} to {short(self.highest)} with {self.fraction_bits + 1} significant bits, "
            f"in steps of {short(self.step)} around zero"
        )

    def _beyond(self) -> str:
        if self.overflow == "infinity" and self.finite:
            return "a value beyond the ends becomes NaN"
        return super()._beyond()


def _floor_log2(value: Fraction) -> int:
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if value >= Fraction(2) ** guess else guess - 1
