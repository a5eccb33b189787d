"""What the compiled loops quantise and give back: the numbers by which native/move.h knows formats and arrays."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from narrowmax.formats import Fixed, Format

# In the order of native/move.h.
ROUNDINGS = ("floor", "half_up", "half_even", "half_away", "toward_zero")
OVERFLOWS = ("saturate", "wrap", "forbid")
KINDS = (
    *("float16", "bfloat16", "float32", "float64"),
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
)
MOST_BITS = 63


def quantiser_takes(form: Format) -> bool:
    """Whether the compiled loops quantise to this format; other formats have their own `quantise`."""
    return isinstance(form, Fixed) and form.bits <= MOST_BITS and form.rounding in ROUNDINGS


@lru_cache
def quantiser(form: Fixed) -> tuple[int, int, int, int, int]:
    """The arguments of quantiser_set: bits, fraction bits, signed, rounding, overflow.

    `form` is one that `quantiser_takes`.
    """
    rounding, overflow = ROUNDINGS.index(form.rounding), OVERFLOWS.index(form.overflow)
    return form.bits, form.fraction_bits, int(form.signed), rounding, overflow


@lru_cache
def kind_of(dtype: np.dtype) -> int | None:
    """The number of an array's kind of values; None for what the loops do not read (Booleans, other byte orders)."""
    dtype = np.dtype(dtype)
    return KINDS.index(dtype.name) if dtype.name in KINDS and dtype.isnative else None


def writes(dtype: np.dtype) -> bool:
    """Whether codes, or what they stand for, are written into an array of this kind."""
    return kind_of(dtype) is not None and dtype != np.float16
