"""Fixed point: value = code * 2**-fraction_bits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from narrowmax.errors import FormatError, RangeError
from narrowmax.formats.base import IntegerCodes, nearest_multiple, power_of_two, short, whole_numbers
from narrowmax.formats.rounding import round_array

MOST_BITS = 256
ARRAY_BITS = 63
_TINY = 2.0**-600  # scaling such a value by 2**-256 still loses nothing


@dataclass(frozen=True)
class Fixed(IntegerCodes):
    """`Q5.3`: signed, 5 integer bits *including* the sign, 3 fraction bits; `UQ0.8`: unsigned.

    The word has integer_bits + fraction_bits bits, 1 to 256; either may be negative (`Q-2.10`: 8 bits below 1/8).
    Arrays hold words up to 63 bits.  Raises FormatError for an impossible word or an unknown rounding or overflow word.
    """

    integer_bits: int
    fraction_bits: int
    signed: bool = True
    rounding: str = "half_even"
    overflow: str = "saturate"

    def __post_init__(self) -> None:
        whole_numbers(self, "integer_bits", "fraction_bits")
        if not 1 <= self.bits <= MOST_BITS or abs(self.fraction_bits) > MOST_BITS:
            limits = f"a word has 1 to {MOST_BITS} bits, at most {MOST_BITS} of them behind the point"
            raise FormatError(f"{self._plain()} is not possible, with {self.bits} bits: {limits}")
        self._check_words()

    @classmethod
    def of(cls, signed: bool, integer_bits: int, fraction_bits: int, *words: str, **named: str) -> Fixed:
        """The same record, signedness first: `Fixed.of(False, 0, 8, "floor", "wrap")`."""
        return cls(integer_bits, fraction_bits, signed, *words, **named)

    @property
    def bits(self) -> int:
        return self.integer_bits + self.fraction_bits

    @property
    def point(self) -> int:
        """Fraction bits: where the binary point stands, counted from the last bit."""
        return self.fraction_bits

    @property
    def step(self) -> Fraction:
        return Fraction(2) ** -self.fraction_bits

    def decode(self, code: int) -> Fraction:
        self._check_code(code)
        return code * self.step

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Integer codes -> float64 values, same shape.  Raises RangeError outside the word, or beyond 53 bits."""
        codes = self._check_codes(codes)
        reals = codes.astype(np.float64)
        if self.bits > 53 and any(int(real) != code for real, code in zip(reals.flat, codes.flat)):
            raise RangeError(f"a code of {self} needs more than the 53 bits that float64 holds; take fewer, or decode")
        return reals * power_of_two(-self.fraction_bits)

    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        return self._fit(nearest_multiple(value, self.step, self.rounding, random), value)

    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        if self.bits > ARRAY_BITS:
            raise RangeError(
                f"{self} has {self.bits} bits, and arrays hold words up to {ARRAY_BITS}; take fewer, or encode"
            )
        with np.errstate(over="ignore", under="ignore"):
            scaled = values * power_of_two(self.fraction_bits)  # exact, or infinite, or too small for float64
        rounded = round_array(scaled, self.rounding, random)
        codes = self._fit_array(rounded)
        if self.overflow == "forbid":
            codes = self._settle(codes, self._beyond_ends(rounded), values, random)
        if self.fraction_bits < 0:
            codes = self._settle(codes, (np.abs(values) < _TINY) & (values != 0), values, random)
        return codes

    def _plain(self) -> str:
        return f"{'' if self.signed else 'U'}Q{self.integer_bits}.{self.fraction_bits}"

    def _shape(self) -> str:
        kind = "signed" if self.signed else "unsigned"
        ends = f"{short(self.lowest)} to {short(self.highest)}"
        return f"{kind} fixed point of {self.bits} bits, {ends} in steps of {short(self.step)}"
