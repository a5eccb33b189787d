"""Decimal digits: value = code * 10**-digits, without ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats.base import Format, nearest_multiple, short
from narrowmax.formats.rounding import round_array

MOST_DIGITS = 20  # 10**digits is exact in float64 up to 22


@dataclass(frozen=True)
class Decimal(Format):
    """`decimal(3)`: multiples of 0.001, as printing to three digits after the point gives; 0 to 20 digits.

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
        reals = codes.astype(np.float64) / 10.0**self.digits
        large = (codes > 2**53) | (codes < -(2**53))
        if large.any():
            reals[large] = [float(self.decode(int(code))) for code in codes[large]]
        return reals

    def quantise(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> int64 codes.  Raises RangeError where a code is beyond 63 bits (`round` has no such end)."""
        return super().quantise(x, random)

    def round(self, x: np.ndarray, random: np.ndarray | None = None) -> np.ndarray:
        """Real values -> the float64 nearest to each rounded value, same shape."""
        values = self._reals(x)
        # Every float64 from 2**52 on is an integer, which no number of digits changes.
        whole = np.abs(values) >= 2.0**52
        if not whole.any():
            return self._round_small(values, random)
        rounded = self._round_small(np.where(whole, 0.0, values), random)
        return np.where(whole, values, rounded)

    def _round_small(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        large = np.abs(values) >= 2.0**62 / 10.0**self.digits
        if not large.any():
            return self.values(self.quantise(values, random))
        rounded = self.values(self.quantise(np.where(large, 0.0, values), random))
        numbers = np.broadcast_to(0.0 if random is None else random, values.shape)[large]
        pairs = zip(values[large].tolist(), numbers.tolist())
        rounded[large] = [float(self.decode(self.encode(value, number))) for value, number in pairs]
        return rounded

    def _encode(self, value: Fraction, negative: bool, random: object) -> int:
        return nearest_multiple(value, self.step, self.rounding, random)

    def _refuse_infinite(self, found: object) -> DataError:
        return DataError(f"{found} has no code in {self}: give finite values")

    def _quantise(self, values: np.ndarray, random: np.ndarray | None) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = values * 10.0**self.digits
        if (np.abs(scaled) >= 2.0**63).any():
            found = values[np.abs(scaled) >= 2.0**63][0]
            raise RangeError(f"{short(found)} has a code in {self} beyond 63 bits: use round, or fewer digits")
        # The exact product lies between the two neighbours of `scaled`.
        below = round_array(np.nextafter(scaled, -np.inf), self.rounding, random)
        above = round_array(np.nextafter(scaled, np.inf), self.rounding, random)
        codes = round_array(scaled, self.rounding, random).astype(np.int64)
        return self._settle(codes, (below != above) & (values != 0), values, random)

    def _plain(self) -> str:
        return f"decimal({self.digits})"

    def __str__(self) -> str:
        return self._plain() + (f":{self.rounding}" if self.rounding != "half_even" else "")

    def _shape(self) -> str:
        return f"decimal numbers without ends, in steps of {short(self.step)}"

    def describe(self) -> str:
        """One sentence: what was understood, the step, the rounding word."""
        return f"{self}: {self._shape()}; rounded {self.rounding}."
