"""Values to codes on the device where a tensor lies: the twin of `formats` for fixed point.

`Fixed.quantise` works in float64.  Here float32 stays float32 where that changes nothing: scaling
by a power of two is exact or overflows to what saturates anyway, rounding to an integer is exact,
and words of up to 24 bits are integers that float32 holds.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from narrowmax.formats import Fixed, Format

HELD = {torch.float32: 24, torch.float64: 53}
"""Bits of the integers that a dtype holds."""
MOST_SHIFT = 100  # places behind the point: 2**-100 times a code is no subnormal float32


def has_twin(form: Format) -> bool:
    """Whether `quantise` stays on the device."""
    return held(form, torch.float64) and form.overflow != "forbid"


def quantise(form: Format, x: Tensor) -> Tensor:
    """Finite floats -> int64 codes, same shape and device; formats and words without a twin go through NumPy.

    Raises what `form.quantise` raises.
    """
    wide = _wide(form, x)
    if wide is None or not has_twin(form):
        return torch.from_numpy(form.quantise(x.double().cpu().numpy())).to(x.device)
    return _codes(form, wide).to(torch.int64)


def rounded(form: Format, x: Tensor) -> Tensor:
    """Finite floats -> the values of their codes in x's dtype, same shape and device, in new memory.

    Exact where x's dtype holds the value.  Raises what `form.round` raises, but for words that
    `forbid` refuses, which become the end.
    """
    wide = _wide(form, x)
    if wide is None:
        return torch.from_numpy(form.round(x.double().cpu().numpy())).to(x.device, x.dtype)
    return _codes(form, wide).mul_(_step(form)).to(x.dtype)


def rounded_somewhere(form: Format, x: Tensor, room: Tensor | None = None) -> Tensor:
    """`rounded` plus any constant, in fewer passes: for what depends on differences alone, as a softmax does.

    room: memory of x's shape and dtype that may hold the result, such as x itself
    Numbers around 1.5 * 2**(HELD - 1) steps are a step apart: what is added to that rounds to the
    nearest, ties to even, and differences stay exact.
    """
    found = _nearest(form, x.dtype)
    if found is None:
        return rounded(form, x)
    lowest, highest, middle = found
    return torch.clamp(x, lowest, highest, out=room).add_(middle)


@lru_cache
def _nearest(form: Format, dtype: torch.dtype) -> tuple[float, float, float] | None:
    """The ends and the middle of `rounded_somewhere`; None for what it leaves to `rounded`."""
    plain = form.rounding == "half_even" and form.overflow != "wrap"
    if not (plain and held(form, dtype) and form.bits < HELD[dtype] - 1):
        return None
    return tuple(c * _step(form) for c in (form.lowest_code, form.highest_code, 1.5 * 2.0 ** (HELD[dtype] - 1)))


def _step(form: Fixed) -> float:
    return math.ldexp(1.0, -form.fraction_bits)


def values(form: Format, codes: Tensor, dtype: torch.dtype) -> Tensor | None:
    """Codes of the format -> their values in a dtype that holds them exactly, same shape and device; else None."""
    if not held(form, dtype):
        return None
    return codes.to(dtype).mul_(_step(form))


def held(form: Format, dtype: torch.dtype) -> bool:
    """Whether a format has a twin here, with codes and values that the dtype holds."""
    plain = isinstance(form, Fixed) and form.rounding in ROUND and abs(form.fraction_bits) <= MOST_SHIFT
    return plain and form.bits <= HELD.get(dtype, 0)


def _wide(form: Format, x: Tensor) -> Tensor | None:
    """x in a dtype in which `_codes` is exact, or None where there is none."""
    dtypes = (x.dtype, torch.float32, torch.float64) if x.dtype is not torch.float64 else (torch.float64,)
    return next((x.to(dtype) for dtype in dtypes if held(form, dtype)), None)


def _codes(form: Fixed, x: Tensor) -> Tensor:
    """Codes as floats, in new memory."""
    scaled = x * math.ldexp(1.0, form.fraction_bits)
    whole = ROUND[form.rounding](scaled)
    if form.rounding == "floor" and form.fraction_bits < 0:  # where so small a number became -0
        whole = torch.where((x < 0) & (whole == 0), -1.0, whole)
    if form.overflow == "wrap":
        return _wrapped(form, whole)
    return whole.clamp_(form.lowest_code, form.highest_code)


def _wrapped(form: Fixed, whole: Tensor) -> Tensor:
    """The low bits of an integer; what overflowed is a multiple of 2**bits."""
    span = 2.0**form.bits
    low = torch.where(whole.isinf(), 0.0, whole).fmod_(span)
    low = torch.where(low < form.lowest_code, low + span, low)
    return torch.where(low > form.highest_code, low - span, low)


def _half_up(x: Tensor) -> Tensor:
    # floor(x + 0.5) would round x + 0.5 first; the difference is exact, or stays above 0.5
    floor = x.floor()
    return torch.where(x - floor >= 0.5, floor + 1, floor)


def _half_away(x: Tensor) -> Tensor:
    return _half_up(x.abs()).copysign_(x)


ROUND = {
    "half_even": torch.round_,
    "floor": torch.floor_,
    "toward_zero": torch.trunc_,
    "half_up": _half_up,
    "half_away": _half_away,
}
