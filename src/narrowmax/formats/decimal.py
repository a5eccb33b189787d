"""Decimal digits: value = code * 10**-digits, without ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats.base import Format, nearest_multiple, short, whole_numbers
from narrowmax.formats.rounding import round_array

MOST_DIGITS = 100
_EXACT_DIGITS = 22  # 10**22 is the last power that float64 holds exactly


@dataclass(frozen=True)
class Decimal(Format):
    """`decimal(3)`: multiples of 0.001, as printing to three digits after the point gives; 0 to 100 digits.

    It has no ends, so no width and no overflow word.  It is a way to ask how much precision a network needs, not
    a format of hardware.  Raises FormatError for an impossible number of digits or an unknown rounding word.
    """

    digits: int
    rounding: str = "half_even"

    overflow: ClassVar[str] = "forbid"  # what an infinity meets
    bits: ClassVar[None] = None
    signed: ClassVar[bool] = True
    lowest_code: ClassVar[None] = None
    highest_code: ClassVar[None] = None

    def __post_init__(self) -> None:
        whole_numbers(self, "digits")
        if not 0 <= self.digits <= MOST_DIGITS:
            raise FormatError(f"{self._plain()} is not possible: it takes 0 to {MOST_DIGITS} digits after the point")
        self._check_words()

    @property
    def step(self) -> Fraction:
        return Fraction(1, 10**self.digits)

    def decode(self, code: int) -> Fraction:
        """The exact value of one code, which may be any integer."""
        return code * self.step

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Integer codes -> the float64 nearest to each value, same shape."""
        codes = np.asarray(codes)
        if codes.dtype.kind not in "iu":
            raise DataError(f"codes of {self} are integers, and these are {codes.dtype}: quantise the values first")
        reals = codes.astype(np.float64) / float(10**self.digits)
        hard = (codes != 0) if self.digits > _EXACT_DIGITS else (codes > 2**53) | (codes < -(2**53))
        if hard.any():
            reals[hard] = [float(self.decode(int(code))) for code in codes[hard]]
        return reals

    def quantise(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> int64 codes.  Raises RangeError where a code is beyond 63 bits (`round` has no such end)."""
        return super().quantise(x, random)

    def round(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> the float64 nearest to each rounded value, same shape."""
        values = self._reals(x)
        # Where float64 is four times as coarse as a step, the nearest float64 is the value itself.
        with np.errstate(over="ignore"):  # beside the largest float64
            kept = np.spacing(np.abs(values)) > 4.01 * float(self.step)
        return np.where(kept, values, self.values(self.quantise(np.where(kept, 0.0, values), random)))

    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        return nearest_multiple(value, self.step, self.rounding, random)

    def _refuse_infinite(self, found: object) -> DataError:
        return DataError(f"{found} has no code in {self}: give finite values")

    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = values * float(10**self.digits)
        beyond = np.abs(scaled) >= 2.0**63
        if beyond.any():
            message = f"{short(values[beyond][0])} has a code in {self} beyond 63 bits: use round, or fewer digits"
            raise RangeError(message)
        codes = round_array(scaled, self.rounding, random).astype(np.int64)
        return self._settle(codes, (values != 0) & self._undecided(scaled, random), values, random)

    def _undecided(self, scaled: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        """Where the exact product, which lies between the neighbours of `scaled`, might round to another integer."""
        if self.digits > _EXACT_DIGITS:
            return np.ones(scaled.shape, bool)
        below = round_array(np.nextafter(scaled, -np.inf), self.rounding, random)
        above = round_array(np.nextafter(scaled, np.inf), self.rounding, random)
        return below != above

    def _plain(self) -> str:
        return f"decimal({self.digits})"

    def __str__(self) -> str:
        return self._plain() + (f":{self.rounding}" if self.rounding != "half_even" else "")

    def _shape(self) -> str:
        return f"decimal numbers without ends, in steps of {short(self.step)}"

    def describe(self) -> str:
        """One sentence: what was understood, the step, the rounding word."""
        return f"{self}: {self._shape()}; rounded {self.rounding}."
