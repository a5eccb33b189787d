"""Values in, codes out: a design on NumPy arrays and torch tensors of any shape.

The design is drawn for the row length at hand, rounded up to a power of two so that few drawings
are made; for n <= max_n no bit depends on max_n.  The array engine works where int64 holds every
wire, the interpreter beyond.
"""

from __future__ import annotations

import sys

import numpy as np

from narrowmax import reference
from narrowmax.datapath import Datapath
from narrowmax.engines import array, interpret
from narrowmax.errors import DataError, DesignError, RangeError


def simulate(design, x, axis: int, mask):
    """See Design.simulate."""
    values, present = _checked(x, axis, mask)
    if not values.size:
        return like(x, _nothing(design, values.shape, axis))
    if not design.has_hardware:
        known = np.where(present, values, 0.0)
        return like(x, reference.codes(design.input.round(known), design.output, mask=present, axis=axis))
    moved, here = np.moveaxis(values, axis, -1), np.moveaxis(present, axis, -1)
    rows, flags = moved.reshape(-1, moved.shape[-1]), here.reshape(-1, moved.shape[-1])
    codes = _run(design, design.input.quantise(np.where(flags, rows, 0.0)), flags)
    return like(x, np.moveaxis(codes.reshape(*moved.shape[:-1], codes.shape[-1]), -1, axis))


def probabilities(design, codes, n: int | None, axis: int):
    """See Design.probabilities."""
    numbers = plain(codes)
    if design.output_rate == "element":
        return like(codes, design.output.values(numbers))
    if n is None:
        raise DataError(f"{design.text} gives one index for each row: say of how many elements with n=")
    if numbers.dtype.kind not in "iu" or numbers.ndim == 0 or numbers.shape[axis] != 1:
        raise DataError(
            f"indices of {design.architecture} are integers with the axis kept at length 1, and these are "
            f"{numbers.dtype} of shape {numbers.shape}: give what simulate returned"
        )
    return like(codes, np.moveaxis((np.moveaxis(numbers, axis, -1) == np.arange(n)).astype(np.float64), -1, axis))


def _run(design, codes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Codes (rows, n) -> codes (rows, n), or (rows, 1) of a row-rate output."""
    datapath = drawn_for(design, codes.shape[1])
    flags = None if present.all() else present
    if fits_arrays(datapath):
        return array.run(datapath, codes, flags)
    results = [interpret.run(datapath, row, here) for row, here in zip(codes.tolist(), present.tolist(), strict=True)]
    return np.array(results, dtype=np.int64)


def _nothing(design, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """The output of no rows, or of rows without an element."""
    if design.output_rate == "element":
        return np.zeros(shape, np.int64)
    kept = list(shape)
    kept[axis] = 1
    return np.full(kept, design.datapath(1).absent_code)


def drawn_for(design, n: int) -> Datapath:
    """The drawing for rows of n elements: of the next power of two where the design takes such rows."""
    try:
        return design.datapath(1 << (n - 1).bit_length())
    except DesignError:
        return design.datapath(n)


def fits_arrays(datapath: Datapath) -> bool:
    """Whether int64 holds every wire."""
    try:
        array.refuse_wide(datapath)
    except RangeError:
        return False
    return True


def _checked(x, axis: int, mask) -> tuple[np.ndarray, np.ndarray]:
    """Values and who takes part, both of x's shape."""
    values = plain(x)
    if values.dtype.kind not in "fiu":
        raise DataError(f"values of type {values.dtype} are not real numbers: give floats or integers")
    if values.ndim == 0 or not -values.ndim <= axis < values.ndim:
        raise DataError(f"values of shape {values.shape} have no axis {axis}: a row lies along one of their axes")
    present = np.ones(values.shape, bool) if mask is None else _mask(plain(mask), values.shape)
    if values.dtype.kind == "f":
        present = present & (values != -np.inf)
        wrong = present & ~(values < np.inf)
        if wrong.any():
            place = np.argwhere(wrong)[0].tolist()
            raise DataError(f"{values[tuple(place)]} at {place} has no softmax: give finite values, or mask it")
    return values, present


def _mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if mask.dtype.kind != "b":
        raise DataError(f"a mask of type {mask.dtype} is refused: give booleans, true where an element takes part")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        message = f"a mask of shape {mask.shape} does not fit values of shape {shape}: give one that does"
        raise DataError(message) from None


def is_tensor(x) -> bool:
    torch = sys.modules.get("torch")  # a tensor can only exist where torch was imported
    return torch is not None and isinstance(x, torch.Tensor)


def plain(x) -> np.ndarray:
    """A NumPy array of the same values; bfloat16, which NumPy lacks, as float32, which holds it."""
    if not is_tensor(x):
        return np.asarray(x)
    x = x.detach().cpu()
    return (x.float() if x.dtype is sys.modules["torch"].bfloat16 else x).numpy()


def like(x, result: np.ndarray):
    """A result of the kind of x: a torch tensor on x's device, or the array."""
    if not is_tensor(x):
        return result
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(result)).to(x.device)
