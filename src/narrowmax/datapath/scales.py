"""What wires stand for where that is no multiple of a last bit: floats, a mantissa beside its exponent.

A scale reads real numbers between codes as well: a float's octave is divided evenly, and octaves go on
beyond the largest number, so that every number that is not negative is one real code.  `value` takes as
many arrays of codes as the scale has `wires`, `codes` gives as many, all of float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from narrowmax.formats import Float


@dataclass(frozen=True)
class Linear:
    """Codes times 2**-point."""

    point: int
    wires = 1

    def value(self, code):
        return np.asarray(code, np.float64) * 2.0**-self.point

    def codes(self, value) -> tuple:
        return (np.asarray(value, np.float64) * 2.0**self.point,)


@dataclass(frozen=True)
class Magnitude:
    """A float's code without its sign: exponent field and fraction.  Of a negative number, that of its size."""

    format: Float
    wires = 1

    def value(self, code):
        fields = np.asarray(code, np.float64) / 2.0**self.format.fraction_bits
        octave = np.maximum(np.floor(fields), 1)
        return np.ldexp(fields - octave + 1, _whole(octave - 1 + self.format.smallest_exponent))

    def codes(self, value) -> tuple:
        size = np.abs(np.asarray(value, np.float64))
        least = self.format.smallest_exponent
        exponent = np.maximum(np.where(size > 0, np.frexp(size)[1] - 1, least), least)
        return ((np.ldexp(size, -exponent) + (exponent - least)) * 2.0**self.format.fraction_bits,)


@dataclass(frozen=True)
class SignMagnitude:
    """A float on two wires: its sign (1: negative), and its code without."""

    format: Float
    wires = 2

    def value(self, sign, code):
        return (1 - 2 * np.asarray(sign, np.float64)) * Magnitude(self.format).value(code)

    def codes(self, value) -> tuple:
        value = np.asarray(value, np.float64)
        return np.asarray(value < 0, np.float64), *Magnitude(self.format).codes(value)


@dataclass(frozen=True)
class Packed:
    """A float's code, the sign its first bit."""

    format: Float
    wires = 1

    def value(self, code):
        code, sign = np.asarray(code, np.float64), 2.0 ** (self.format.bits - 1)
        return SignMagnitude(self.format).value(np.floor(code / sign), np.mod(code, sign))

    def codes(self, value) -> tuple:
        sign, magnitude = SignMagnitude(self.format).codes(value)
        return (sign * 2.0 ** (self.format.bits - 1) + magnitude,)


@dataclass(frozen=True)
class Scientific:
    """A mantissa with `point` fraction bits, from 1 up to 2 where it is encoded, and the exponent of two beside it."""

    point: int
    wires = 2

    def value(self, mantissa, exponent):
        return np.asarray(mantissa, np.float64) * np.exp2(np.asarray(exponent, np.float64) - self.point)

    def codes(self, value) -> tuple:
        mantissa, exponent = np.frexp(np.asarray(value, np.float64))
        return mantissa * 2.0 ** (self.point + 1), exponent - 1.0


def _whole(numbers):
    """Integers of whole float64; 0 of what is none, as NaN, which stays what it is in the other factor."""
    return np.where(np.isfinite(numbers), numbers, 0).astype(np.int64)
