"""Kits: the handful of primitives with which an operation computes, on integers or on arrays.

An operation's meaning is written once, against a kit.  `INTEGERS` works on Python integers of
any size and defines the result; `ARRAYS` works elementwise on NumPy int64 arrays that broadcast;
`REALS` carries an operation's meaning on to real numbers, for what a drawing would give unrounded.
"""

from __future__ import annotations

import numpy as np

ARRAY_BITS = 63  # magnitudes that int64 holds; wider wires are refused by engines that use ARRAYS


class Integers:
    """Python integers of any size."""

    minimum = staticmethod(min)
    maximum = staticmethod(max)

    @staticmethod
    def where(condition, yes, no):
        return yes if condition else no

    @staticmethod
    def truth(condition):
        return int(condition)

    @staticmethod
    def shift_right(value, amount):
        return value >> amount

    @staticmethod
    def shift_left(value, amount):
        return value << amount

    @staticmethod
    def low_bits(value, count):
        return value & ((1 << count) - 1)

    @staticmethod
    def bit_length(value):
        return value.bit_length()

    @staticmethod
    def lookup(table, index):
        return table.entries[index]

    @staticmethod
    def divide(numerator, divisor, by_zero):
        return numerator // divisor if divisor else by_zero


class Arrays:
    """NumPy int64 arrays; every operand and result fits 63 bits and a sign."""

    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    where = staticmethod(np.where)

    @staticmethod
    def truth(condition):
        return np.asarray(condition, dtype=np.int64)

    @staticmethod
    def shift_right(value, amount):
        # int64 shifts by 64 and more are undefined in C; 63 already gives 0 or -1
        return np.right_shift(value, np.minimum(amount, ARRAY_BITS))

    @staticmethod
    def shift_left(value, amount):
        return np.left_shift(value, amount)

    @staticmethod
    def low_bits(value, count):
        # beyond 62 bits only values that are not negative have a result that fits, and those keep all bits
        return np.bitwise_and(value, (1 << min(count, ARRAY_BITS - 1)) - 1)

    @staticmethod
    def bit_length(value):
        """Exact for every non-negative int64: halves are converted apart, each exact in float64."""
        value = np.asarray(value, dtype=np.int64)
        high = value >> 32
        low = np.where(high > 0, high, value)
        length = np.frexp(low.astype(np.float64))[1]
        return (length + np.where(high > 0, 32, 0)).astype(np.int64)

    @staticmethod
    def lookup(table, index):
        return np.asarray(table.array.take(index), dtype=np.int64)  # one of objects may be a bare integer

    @staticmethod
    def divide(numerator, divisor, by_zero):
        numerator, divisor = np.asarray(numerator, dtype=np.int64), np.asarray(divisor, dtype=np.int64)
        zero = divisor == 0
        if not zero.any():
            return _quotient(numerator, divisor)
        return np.where(zero, by_zero, _quotient(numerator, np.where(zero, 1, divisor)))


def _quotient(numerator, divisor):
    """floor(numerator / divisor), not negative / positive.

    A quotient q = a/b that is no integer lies at least 1/b below the next, relatively 1/(a + b);
    while a + b < 2**53 float64 cannot round it up to that, and its division is much faster.
    """
    if numerator.size and int(numerator.max()) + int(divisor.max()) < 1 << 53:
        return (numerator / divisor).astype(np.int64)
    return numerator // divisor


def elementwise(function, *arrays):
    """A function of real numbers on arrays that broadcast, float64; NaN at a pole, or beyond float64."""

    def value(*numbers):
        try:
            return float(function(*numbers))
        except (ArithmeticError, ValueError):
            return np.nan

    return np.asarray(np.frompyfunc(value, len(arrays), 1)(*arrays), np.float64)


class Reals:
    """NumPy float64 arrays: every primitive as the same function of real numbers."""

    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    where = staticmethod(np.where)
    low_bits = staticmethod(lambda value, count: np.mod(value, 2.0**count))

    @staticmethod
    def truth(condition):
        return np.asarray(condition, dtype=np.float64)

    @staticmethod
    def shift_right(value, amount):
        return np.floor(value / np.exp2(amount))

    @staticmethod
    def shift_left(value, amount):
        return value * np.exp2(amount)

    @staticmethod
    def bit_length(value):
        return np.frexp(value)[1].astype(np.float64)

    @staticmethod
    def lookup(table, index):
        return np.asarray(table.array, dtype=np.float64)[np.floor(index).astype(np.int64)]

    @staticmethod
    def divide(numerator, divisor, by_zero):
        zero = divisor == 0
        return np.where(zero, by_zero, np.floor(numerator / np.where(zero, 1, divisor)))


INTEGERS = Integers()
ARRAYS = Arrays()
REALS = Reals()
