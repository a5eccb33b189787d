"""Designs on torch tensors: probabilities of any, codes of those on other devices than the processor.

What lies on another device is quantised and computed there; nothing leaves it but two readings.
`simulate` and `probabilities` answer None where that is the processor's business: designs without a
drawing, wires too wide for int64, formats without a twin on devices, devices without exact integers,
and arguments or values that have to be refused, which is worded in one place only.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from narrowmax.designs import simulation
from narrowmax.designs.values import plain
from narrowmax.engines import array, tensors
from narrowmax.engines.tensors import quantising

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def all_at_once(design, x: Tensor, axis: int, mask: Tensor | np.ndarray | None) -> Tensor:
    """The probabilities of x, on its device: see `Design.__call__`."""
    dtype, into = _wanted(design, x.dtype)
    if into and x.is_cpu and -x.dim() <= axis < x.dim():
        if axis in (-1, x.dim() - 1):
            room = torch.empty(x.shape, dtype=dtype, device=x.device)
            return room if _straight(design, x, mask, room) else simulation.simulate(design, x, axis, mask, room)
        room = torch.empty(x.movedim(axis, -1).shape, dtype=dtype, device=x.device).movedim(-1, axis)
        return simulation.simulate(design, x, axis, mask, room)
    codes = simulation.simulate(design, x, axis, mask)
    found = probabilities(design, codes, x.shape[axis], axis, dtype)
    return simulation.probabilities(design, codes, x.shape[axis], axis) if found is None else found


@lru_cache(maxsize=128)
def _wanted(design, given: torch.dtype) -> tuple[torch.dtype, bool]:
    """The dtype of probabilities of values of a dtype, and whether an engine may write them into memory of it."""
    narrow = given in (torch.float16, torch.bfloat16, torch.float32)
    dtype = torch.float32 if narrow and quantising.held(design.output, torch.float32) else torch.float64
    into = design.has_hardware and design.output_rate == "element" and quantising.held(design.output, dtype)
    return dtype, into


def _straight(design, x: Tensor, mask: Tensor | np.ndarray | None, room: Tensor) -> bool:
    """The usual case inside networks: rows as they lie.  False where it is another, or something is to be refused."""
    if not x.is_contiguous() or not x.numel() or x.dtype is torch.bfloat16:
        return False
    if mask is not None and not (isinstance(mask, Tensor) and _is_mask(mask, x)):
        return False
    n = x.shape[-1]
    here = None if mask is None else plain(mask).reshape(-1, n)
    return simulation.straight(design, x.detach().numpy().reshape(-1, n), here, room.numpy().reshape(-1, n))


def _is_mask(mask: Tensor, x: Tensor) -> bool:
    return mask.dtype is torch.bool and mask.shape == x.shape


def _in_float32(design, x: Tensor) -> bool:
    """Whether float32 is x's kind of number, or wider, and holds every output."""
    return x.dtype in (torch.float16, torch.bfloat16, torch.float32) and quantising.held(design.output, torch.float32)


def simulate(design, x: Tensor, axis: int, mask: Tensor | np.ndarray | None) -> Tensor | None:
    """Output codes of x, int64 on its device; see `Design.simulate`."""
    if not (design.has_hardware and quantising.has_twin(design.input) and _understood(x, axis, mask)):
        return None
    datapath = simulation.drawn_for(design, x.shape[axis])
    if not (array.holds(datapath) and tensors.computes_exactly(x.device)):
        return None
    values = x.detach().movedim(axis, -1)
    rows = values.reshape(-1, values.shape[-1])
    sound, present = _present(rows, _rows_of(mask, x, axis))
    if not sound:
        return None
    known = rows if present is None else torch.where(present, rows, 0.0)
    codes = tensors.run(datapath, quantising.quantise(design.input, known), present)
    return codes.reshape(*values.shape[:-1], codes.shape[-1]).movedim(-1, axis)


def probabilities(design, codes: Tensor, n: int, axis: int, dtype: torch.dtype) -> Tensor | None:
    """What codes of `simulate` stand for, on their device: rows of n elements along `axis`."""
    if design.output_rate == "row":
        places = torch.arange(n, device=codes.device)
        return (codes.movedim(axis, -1) == places).to(dtype).movedim(-1, axis)
    return quantising.values(design.output, codes, dtype)


def _understood(x: Tensor, axis: int, mask: Tensor | np.ndarray | None) -> bool:
    """Whether there is something to compute, and nothing to refuse but values."""
    if x.dtype not in FLOATS or not x.numel() or not -x.dim() <= axis < x.dim():
        return False
    if mask is None:
        return True
    sizes = zip(reversed(mask.shape), reversed(x.shape), strict=False)
    fits = len(mask.shape) <= x.dim() and all(size in (1, wanted) for size, wanted in sizes)
    return fits and mask.dtype in (torch.bool, np.dtype(bool))


def _rows_of(mask: Tensor | np.ndarray | None, x: Tensor, axis: int) -> Tensor | None:
    """A mask that broadcasts to x, as rows on x's device."""
    if mask is None:
        return None
    wide = torch.as_tensor(mask, device=x.device).expand(x.shape).movedim(axis, -1)
    return wide.reshape(-1, wide.shape[-1])


def _present(rows: Tensor, mask: Tensor | None) -> tuple[bool, Tensor | None]:
    """Whether all that takes part in rows (rows, n) has a softmax, and what takes part; None for all.

    One reading of the device: where nothing is masked or infinite, of the least and the largest value.
    """
    if mask is None and all(map(math.isfinite, torch.stack(rows.aminmax()).tolist())):
        return True, None
    present = rows != -math.inf if mask is None else mask & (rows != -math.inf)
    return not bool((present & ~(rows < math.inf)).any()), present
