"""NumPy arrays and torch tensors as one: values, masks and results of either kind."""

from __future__ import annotations

import sys

import numpy as np

from narrowmax.datapath.graph import code_range
from narrowmax.errors import DataError


def is_tensor(x) -> bool:
    torch = sys.modules.get("torch")  # a tensor can only exist where torch was imported
    return torch is not None and isinstance(x, torch.Tensor)


def plain(x) -> np.ndarray:
    """A NumPy array of the same values; bfloat16, which NumPy lacks, as float32, which holds it."""
    if not is_tensor(x):
        return np.asarray(x)
    x = x.detach()
    x = x if x.is_cpu else x.cpu()
    return (x.float() if x.dtype is sys.modules["torch"].bfloat16 else x).numpy()


def like(x, result: np.ndarray):
    """A result of the kind of x: a torch tensor on x's device, or the array."""
    if not is_tensor(x):
        return result
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(result)).to(x.device)


def numbers(x, axis: int) -> np.ndarray:
    """The values as an array.  Raises DataError unless they are real numbers with that axis."""
    values = plain(x)
    if values.dtype.kind not in "fiu":
        raise DataError(f"values of type {values.dtype} are not real numbers: give floats or integers")
    if values.ndim == 0 or not -values.ndim <= axis < values.ndim:
        raise DataError(f"values of shape {values.shape} have no axis {axis}: a row lies along one of their axes")
    return values


def flags(mask, shape: tuple[int, ...]) -> np.ndarray | None:
    """A mask as booleans of a shape; None stays None.  Raises DataError for one that does not fit."""
    if mask is None:
        return None
    mask = plain(mask)
    if mask.dtype.kind != "b":
        raise DataError(f"a mask of type {mask.dtype} is refused: give booleans, true where an element takes part")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        message = f"a mask of shape {mask.shape} does not fit values of shape {shape}: give one that does"
        raise DataError(message) from None


def present(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray | None:
    """Who takes part: what the mask says and is not -inf; None for all.  Raises DataError for NaN and +inf there."""
    if values.dtype.kind != "f":
        return mask
    here = values != -np.inf if mask is None else mask & (values != -np.inf)
    wrong = here & ~(values < np.inf)
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        raise DataError(f"{values[tuple(place)]} at {place} has no softmax: give finite values, or mask it")
    return None if mask is None and here.all() else here


def apart(values: np.ndarray, out) -> np.ndarray:
    """The values, copied where writing into `out` would change them: they may have to be read twice."""
    return values.copy() if np.may_share_memory(values, plain(out)) else values


def refuse_room(out, shape: tuple[int, ...], design) -> None:
    """Raise DataError unless `out` has a shape, and a dtype that holds a design's codes, or real numbers."""
    if not (is_tensor(out) or (isinstance(out, np.ndarray) and out.flags.writeable)):
        kind = "read-only" if isinstance(out, np.ndarray) else f"a {type(out).__name__}"
        raise DataError(f"out is {kind}: give an array or a tensor that can be written to")
    if is_tensor(out) and not (out.is_cpu and out.dtype is not sys.modules["torch"].bfloat16):
        raise DataError(f"out is {out.dtype} on {out.device}: give a tensor on cpu of a dtype that NumPy has")
    room = plain(out)
    if room.shape != shape or room.dtype.kind not in "iuf":
        raise DataError(
            f"out is {room.dtype} of shape {room.shape}, and the result is {shape}: give integers for codes, "
            "floats for probabilities"
        )
    low, high = _codes(design)
    if room.dtype.kind != "f" and not (np.iinfo(room.dtype).min <= low and high <= np.iinfo(room.dtype).max):
        raise DataError(f"out is {room.dtype}, and codes of {design.output} are {low} to {high}: give a wider one")


def _codes(design) -> tuple[int, int]:
    """The least and the greatest output code."""
    if design.has_hardware:
        return design.drawing.output_range
    return code_range(design.output) if design.output.bits is not None else (-(2**63), 2**63 - 1)
