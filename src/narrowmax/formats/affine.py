"""Affine integers, as in quantised networks: value = scale * (code - zero_point)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from narrowmax.errors import FormatError
from narrowmax.formats.base import IntegerCodes, nearest_multiple, short, whole_numbers
from narrowmax.formats.rounding import round_array

MOST_BITS = 32
_SCALES = (1e-60, 1e60)  # inside, no product or quotient that decides a code is subnormal


@dataclass(frozen=True)
class Affine(IntegerCodes):
    """`int8@0.0471`, `uint8@0.1:128`: 2 to 32 bits, a real scale, the code of the value 0.

    The scale is the float64 nearest to what was written, and exactly that.  code = zero_point + round(x / scale), in
    this order (as ONNX and TFLite do), then the overflow word.  Raises FormatError for an impossible record.
    """

    bits: int
    scale: float
    zero_point: int = 0
    signed: bool = True
    rounding: str = "half_even"
    overflow: str = "saturate"

    def __post_init__(self) -> None:
        whole_numbers(self, "bits", "zero_point")
        object.__setattr__(self, "scale", float(self.scale))
        if not 2 <= self.bits <= MOST_BITS:
            raise FormatError(f"{self._plain()} has {self.bits} bits: an affine integer has 2 to {MOST_BITS}")
        if not _SCALES[0] <= self.scale <= _SCALES[1]:
            raise FormatError(f"{self._plain()} has the scale {self.scale}: a scale lies between 1e-60 and 1e60")
        if not self.lowest_code <= self.zero_point <= self.highest_code:
            codes = f"{self.lowest_code} to {self.highest_code}"
            raise FormatError(f"{self._plain()} has its zero point at {self.zero_point}: it must be a code, {codes}")
        self._check_words()

    @property
    def step(self) -> Fraction:
        return Fraction(self.scale)

    def decode(self, code: int) -> Fraction:
        self._check_code(code)
        return (code - self.zero_point) * self.step

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Integer codes -> the float64 nearest to each value, same shape.  Raises RangeError outside the word."""
        return (self._check_codes(codes).astype(np.float64) - self.zero_point) * self.scale

    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        return self._fit(self.zero_point + nearest_multiple(value, self.step, self.rounding, random), value)

    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        with np.errstate(over="ignore", under="ignore"):
            quotient = values / self.scale
        rounded = self.zero_point + round_array(quotient, self.rounding, random)
        hard = (values != 0) & self._undecided(quotient, random)
        if self.overflow == "forbid":
            hard |= self._beyond_ends(rounded)
        return self._settle(self._fit_array(rounded), hard, values, random)

    def _undecided(self, quotient: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """Where the exact quotient, which lies between the two neighbours, might round to another integer.

        Far beyond the word, `saturate` and `forbid` need no exact integer; `wrap` needs it.
        """
        if math.frexp(self.scale)[0] == 0.5 and self.overflow != "wrap":
            return np.abs(quotient) < 1e-200  # a power of two divides exactly, but for underflow
        reach = (np.abs(quotient) < 2.0**34) | (self.overflow == "wrap")
        below = round_array(np.nextafter(quotient, -np.inf), self.rounding, random)
        above = round_array(np.nextafter(quotient, np.inf), self.rounding, random)
        return reach & (below != above)

    def _plain(self) -> str:
        zero_point = f":{self.zero_point}" if self.zero_point else ""
        return f"{'' if self.signed else 'u'}int{self.bits}@{self.scale!r}{zero_point}"

    def _shape(self) -> str:
        kind = "signed" if self.signed else "unsigned"
        ends = f"{short(self.lowest)} to {short(self.highest)}"
        offset = f" with 0 at code {self.zero_point}" if self.zero_point else ""
        return f"{kind} integers of {self.bits} bits{offset}, {ends} in steps of {short(self.step)}"
