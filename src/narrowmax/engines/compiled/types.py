"""The integer types in which the compiled engine keeps wires; the order is that of native/types.h."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import RangeError

U8, I8, U16, I16, U32, I32, I64, I128 = range(8)
BYTES = (1, 1, 2, 2, 4, 4, 8, 16)
UNSIGNED = {1: U8, 2: U16, 4: U32, 8: I64, 16: I128}  # of 8 and 16 bytes for words whose top bit is never needed
DTYPES = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64, None)


# By the bits of what the type holds, of numbers that are not negative and of others.
_PLAIN = (U8,) * 9 + (U16,) * 8 + (U32,) * 16 + (I64,) * 31 + (I128,) * 64
_SIGNED = (I8,) * 8 + (I16,) * 8 + (I32,) * 16 + (I64,) * 32 + (I128,) * 64


def type_of(lo: int, hi: int) -> int:
    """The narrowest type that holds lo..hi.  Raises RangeError beyond 127 bits and a sign."""
    try:
        if lo >= 0:
            return _PLAIN[hi.bit_length()]
        return _SIGNED[max((~lo).bit_length(), hi.bit_length())]
    except IndexError:
        raise RangeError(f"{lo}..{hi} needs more than 127 bits and a sign") from None


_WORD = (1 << 64) - 1


def word(value: int) -> int:
    """The low 64 bits of an integer, as C's int64 holds them."""
    value &= _WORD
    return value - _WORD - 1 if value >> 63 else value


def words_of(values: np.ndarray) -> np.ndarray:
    """Integers as int64; of those that it does not hold, which no wire reads, the low 64 bits."""
    return values if values.dtype != object else np.array([word(int(v)) for v in values], np.int64)
