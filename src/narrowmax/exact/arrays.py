"""exp and exp2 of float64 arrays by additions, multiplications and powers of two alone.

IEEE 754 fixes those to the last bit, so every machine gives the same results, whatever its libm.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from narrowmax.errors import RangeError

#: |result / true value - 1| is below this wherever the true value is 2**-1000 or more.
#: Reduced argument 2**-54.9, Taylor's remainder 2**-57.3, rounding in Horner's rule 2**-51.4.
RELATIVE_ERROR = 2.0**-50
#: Below this argument exp gives 0 (exp2 from -1000 on); the true value is then less than 2**-999.
LEAST = -693.0

_LEAST2 = -1000.0
_LN2_HIGH = float.fromhex("0x1.62e42fefa0000p-1")  # 38 bits: a multiple by an integer up to 2**11 is exact
_LN2_LOW = float.fromhex("0x1.cf79abc9e3b3ap-40")
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_TAYLOR = [float(Fraction(1, math.factorial(k))) for k in range(13, 0, -1)]
_BLOCK = 16384  # elements at a time, to stay in the processor's cache


def exp(x: np.ndarray) -> np.ndarray:
    """e**x of float64 values up to 0, within RELATIVE_ERROR, the same bits on every machine; 0 below LEAST.

    Raises RangeError for a value above 0 or NaN: the caller takes the maximum off first.
    """
    return _blocks(x, _exp_block)


def exp2(x: np.ndarray) -> np.ndarray:
    """2**x of float64 values up to 0; otherwise as `exp`, and 0 below -1000."""
    return _blocks(x, _exp2_block)


def _blocks(x: np.ndarray, block: object) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if x.size and not x.max() <= 0:
        raise RangeError(f"exact.exp and exact.exp2 take values up to 0, not {x.max()}: take the maximum off first")
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        out[start : start + _BLOCK] = block(flat[start : start + _BLOCK])
    return out.reshape(x.shape)


def _exp_block(x: np.ndarray) -> np.ndarray:
    inside = np.maximum(x, LEAST)
    whole = np.rint(inside * _LOG2_E)
    rest = (inside - whole * _LN2_HIGH) - whole * _LN2_LOW  # the first difference is exact
    return _scaled(rest, whole, x >= LEAST)


def _exp2_block(x: np.ndarray) -> np.ndarray:
    inside = np.maximum(x, _LEAST2)
    whole = np.rint(inside)
    return _scaled((inside - whole) * _LN2, whole, x >= _LEAST2)


def _scaled(rest: np.ndarray, whole: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """e**rest * 2**whole where kept, else 0."""
    sum_ = np.full_like(rest, _TAYLOR[0])
    for coefficient in _TAYLOR[1:]:
        sum_ *= rest
        sum_ += coefficient
    sum_ *= rest
    sum_ += 1.0
    power = ((whole.astype(np.int64) + 1023) << 52).view(np.float64)
    return sum_ * power * kept
