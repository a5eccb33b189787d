"""A number format on tensors of a network: equal to the format's own quantisation, in torch operations, where they lie.

Fixed point, floats and affine integers have a twin here, stochastic rounding included; what has none (decimal digits,
`forbid`, stochastic rounding that wraps) goes through NumPy, and is slow.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from narrowmax.engines.tensors import quantising
from narrowmax.formats import Affine, Fixed, Float, Format
from narrowmax.models.training.grids import ends

_NATIVE = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "e5m2": torch.float8_e5m2,
    "e4m3": torch.float8_e4m3fn,
}
_SURE = 2.0**34, 1e-200
"""Quotients beyond the first lie beyond every affine word; below the second, float64 may have lost digits."""


def rounded(form: Format, x: Tensor, random: Tensor | None = None) -> Tensor:
    """The values of x's codes in x's dtype, same shape and device, in new memory; NaN stays NaN.

    random: for stochastic rounding, uniform in [0, 1), one a value; float32 or float64
    Exact where x's dtype holds the value.  Raises what `form.round` raises, but for NaN.
    """
    if x.dtype not in quantising.HELD:
        return rounded(form, x.float(), random).to(x.dtype)
    twin = _TWINS.get(type(form))
    found = None if twin is None or form.overflow == "forbid" else twin(form, x, random)
    return _by_numpy(form, x, random) if found is None else found


def spacing(form: Format, x: Tensor) -> Tensor | float:
    """The distance from the value of x to the next one of the format: a number, or for floats a tensor like x."""
    if not isinstance(form, Float):
        return float(form.step)
    return _unit(_exponent(form, x.double()) - form.fraction_bits).to(x.dtype)


def _by_numpy(form: Format, x: Tensor, random: Tensor | None) -> Tensor:
    nan = x.isnan()
    plain = x.masked_fill(nan, 0.0).double().cpu().numpy()
    found = form.round(plain, None if random is None else random.double().cpu().numpy())
    return torch.from_numpy(found).to(x.device, x.dtype).masked_fill_(nan, math.nan)


def _fixed(form: Fixed, x: Tensor, random: Tensor | None) -> Tensor | None:
    if form.rounding != "stochastic":
        return quantising.rounded(form, x) if quantising.held(form, torch.float64) else None
    dtype = _dtype(form, x, random)
    if dtype is None or form.overflow == "wrap" or random is None:
        return None
    whole = _stochastic(x.to(dtype) * math.ldexp(1.0, form.fraction_bits), random.to(dtype))
    return whole.clamp_(form.lowest_code, form.highest_code).mul_(math.ldexp(1.0, -form.fraction_bits)).to(x.dtype)


def _dtype(form: Fixed, x: Tensor, random: Tensor | None) -> torch.dtype | None:
    """In which to round stochastically: one that holds the codes, the random numbers, and x scaled; None for none."""
    wide = form.bits > quantising.HELD[torch.float32] or torch.float64 in (x.dtype, getattr(random, "dtype", None))
    lossy = form.fraction_bits < 0  # scaling down may lose the last bits of the smallest numbers
    if form.bits > quantising.HELD[torch.float64] or abs(form.fraction_bits) > quantising.MOST_SHIFT:
        return None
    if x.dtype is torch.float64 and lossy:
        return None
    return torch.float64 if wide or lossy else torch.float32


def _float(form: Float, x: Tensor, random: Tensor | None) -> Tensor | None:
    if form.rounding == "stochastic" and random is None:
        return None
    if x.dtype is torch.float32 and form.rounding == "half_even" and (native := _native(form)) is not None:
        kept = x.clamp(*ends(form)) if form.overflow == "saturate" else x
        return kept.to(native).to(x.dtype) if native is not x.dtype else kept.clone()
    wide = x.double()
    unit = _unit(_exponent(form, wide) - form.fraction_bits)
    found = _whole(form.rounding, wide / unit, random).mul_(unit)
    return _ended(form, wide, found).to(x.dtype)


def _native(form: Float) -> torch.dtype | None:
    """PyTorch's own dtype of this format, whose conversion from float32 rounds half to even."""
    if form.finite and form.overflow != "saturate":  # whose ends PyTorch rounds differently
        return None
    return _NATIVE.get(str(replace(form, overflow="saturate")))


def _exponent(form: Float, wide: Tensor) -> Tensor:
    """Of float64 values, no smaller than that of the format's smallest normal value: int64."""
    return (((wide.view(torch.int64) >> 52) & 0x7FF) - 1023).clamp_(min=form.smallest_exponent)


def _unit(exponent: Tensor) -> Tensor:
    """2.0**exponent, float64."""
    return ((exponent + 1023) << 52).view(torch.float64)


def _ended(form: Float, wide: Tensor, found: Tensor) -> Tensor:
    """Rounded values, with the overflow word applied."""
    low, high = ends(form)
    if form.overflow == "saturate":
        return found.clamp_(low, high)
    past = math.nan if form.finite else math.inf
    up = high if form.rounding in ("toward_zero", "floor") else past
    down = low if form.rounding == "toward_zero" else -past
    found = torch.where(found > high, torch.where(wide == math.inf, past, up), found)
    return torch.where(found < low, torch.where(wide == -math.inf, -past, down), found)


def _affine(form: Affine, x: Tensor, random: Tensor | None) -> Tensor | None:
    if form.overflow == "wrap" or (form.rounding == "stochastic" and random is None):
        return None
    wide = x.double()
    quotient = wide / form.scale
    whole = _whole(form.rounding, quotient, random)
    hard = _undecided(form, wide, quotient, random)
    if hard.any():
        picked = None if random is None else random[hard].double().cpu().numpy()
        codes = form.quantise(wide[hard].cpu().numpy(), picked) - form.zero_point
        whole[hard] = torch.from_numpy(codes).to(whole)
    low, high = form.lowest_code - form.zero_point, form.highest_code - form.zero_point
    return whole.clamp_(low, high).mul_(form.scale).to(x.dtype)


def _undecided(form: Affine, wide: Tensor, quotient: Tensor, random: Tensor | None) -> Tensor:
    """Where the exact quotient, which lies between its two neighbours, might round to another integer."""
    most, least = _SURE
    hard = quotient.abs() < least
    if math.frexp(form.scale)[0] != 0.5:
        edge = torch.full_like(quotient, math.inf)
        below = _whole(form.rounding, quotient.nextafter(-edge), random)
        above = _whole(form.rounding, quotient.nextafter(edge), random)
        hard |= (below != above) & (quotient.abs() < most)
    return hard & (wide != 0)


def _whole(rounding: str, values: Tensor, random: Tensor | None) -> Tensor:
    """Values rounded to integers, in new memory."""
    if rounding == "stochastic":
        return _stochastic(values, random.to(values.dtype))
    return quantising.ROUND[rounding](values.clone())


def _stochastic(values: Tensor, random: Tensor) -> Tensor:
    """As `formats.rounding` does it: up where the fraction plus the random number reaches 1, exactly."""
    whole = values.trunc()
    part = values - whole
    larger, smaller = torch.maximum(part, random), torch.minimum(part, random)
    up = (part > 0) & (smaller >= 1 - larger)
    down = (part < 0) & (random < -part)
    return whole.add_(up).sub_(down.to(whole.dtype))


_TWINS = {Fixed: _fixed, Float: _float, Affine: _affine}
