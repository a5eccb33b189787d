"""Values in, codes out: a design on NumPy arrays and torch tensors of any shape.

The design is drawn for the row length at hand, rounded up to a power of two so that few drawings
are made; for n <= max_n no bit depends on max_n.  The compiled engine works where it was built, on
the memory of an array or a tensor as it lies; the array engine where int64 holds every wire; the
interpreter beyond.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from narrowmax import reference
from narrowmax.datapath import Datapath
from narrowmax.designs.values import apart, flags, is_tensor, like, numbers, plain, present, refuse_room
from narrowmax.engines import array, compiled, interpret
from narrowmax.errors import DataError, DesignError
from narrowmax.formats import Fixed

_LONG = 1 << 20  # elements; what NumPy does to fewer takes no time worth a word


def simulate(design, x, axis: int, mask, out=None):
    """See Design.simulate."""
    if is_tensor(x) and x.device.type != "cpu" and out is None:
        from narrowmax.designs import devices

        if (there := devices.simulate(design, x, axis, mask)) is not None:
            return there
    values = numbers(x, axis)
    mask = flags(mask, values.shape)
    if out is not None:
        refuse_room(out, _result_shape(design, values.shape, axis), design)
        values, mask = apart(values, out), None if mask is None else apart(mask, out)
    if not values.size:
        return _given(x, out, design, _nothing(design, values.shape, axis))
    if not design.has_hardware:
        return _given(x, out, design, _by_definition(design, values, axis, mask))
    rows = _rows(values, axis)
    shape = (*_last(values, axis).shape[:-1], values.shape[axis] if design.output_rate == "element" else 1)
    room = _room(out, axis, shape)
    if (done := _straight(design, rows, None if mask is None else _rows(mask, axis), room)) is not None:
        return out if room is not None else _given(x, out, design, np.moveaxis(done.reshape(shape), -1, axis))
    here = present(values, mask)
    here = None if here is None else _rows(here, axis)
    codes = run(drawn_for(design, rows.shape[1]), _quantised(design, rows, here), here)
    return _given(x, out, design, np.moveaxis(codes.reshape(shape), -1, axis))


def probabilities(design, codes, n: int | None, axis: int):
    """See Design.probabilities."""
    indices = plain(codes)
    if design.output_rate == "element":
        return like(codes, design.output.values(indices))
    if n is None:
        raise DataError(f"{design.text} gives one index for each row: say of how many elements with n=")
    if indices.dtype.kind not in "iu" or indices.ndim == 0 or indices.shape[axis] != 1:
        raise DataError(
            f"indices of {design.architecture} are integers with the axis kept at length 1, and these are "
            f"{indices.dtype} of shape {indices.shape}: give what simulate returned"
        )
    return like(codes, np.moveaxis((np.moveaxis(indices, axis, -1) == np.arange(n)).astype(np.float64), -1, axis))


def all_at_once(design, x, axis: int, mask):
    """The probabilities of `simulate`: see Design.__call__."""
    if is_tensor(x):
        from narrowmax.designs import devices

        return devices.all_at_once(design, x, axis, mask)
    fixed = isinstance(design.output, Fixed) and design.output.bits <= 53
    if design.has_hardware and design.output_rate == "element" and fixed:
        return simulate(design, x, axis, mask, np.empty(np.shape(x)))
    return probabilities(design, simulate(design, x, axis, mask), x.shape[axis], axis)


def run(datapath: Datapath, codes: np.ndarray, here: np.ndarray | None) -> np.ndarray:
    """Codes (rows, n) -> codes (rows, n), or (rows, 1) of a row-rate output, on the fastest engine that holds it."""
    if not compiled.available():
        if codes.size >= _LONG:
            compiled.tell()
    elif compiled.holds(datapath):
        return compiled.run(datapath, codes, here)
    if array.holds(datapath):
        return array.run(datapath, codes, here)
    given = [None] * len(codes) if here is None else here.tolist()
    results = [interpret.run(datapath, row, flag) for row, flag in zip(codes.tolist(), given, strict=True)]
    return np.array(results, dtype=np.int64)


def drawn_for(design, n: int) -> Datapath:
    """The drawing for rows of n elements: of the next power of two where the design takes such rows."""
    try:
        return design.datapath(1 << (n - 1).bit_length())
    except DesignError:
        return design.datapath(n)


def straight(design, rows: np.ndarray, here: np.ndarray | None, room: np.ndarray) -> bool:
    """Values (rows, n) into `room` in one pass of the compiled engine, both contiguous.

    False where that cannot be, or where a value is to be refused.
    """
    if not (compiled.available() and compiled.writes(room.dtype)):
        return False
    datapath = _compiled_for(design, rows.shape[1], rows.dtype, room.dtype.kind == "f")
    if datapath is None:
        return False
    return compiled.simulate(datapath, rows, design.input, here, room, getattr(design.output, "fraction_bits", 0))


@lru_cache(maxsize=128)
def _compiled_for(design, n: int, dtype: np.dtype, floats: bool) -> Datapath | None:
    """The drawing for rows of n values, where the compiled engine takes it, and what goes in and comes out."""
    exact = isinstance(design.output, Fixed) and design.output.bits <= 53 and design.output_rate == "element"
    if not compiled.quantises(design.input, dtype) or (floats and not exact):
        return None
    datapath = drawn_for(design, n)
    return datapath if compiled.holds(datapath) else None


def _straight(design, rows: np.ndarray, here: np.ndarray | None, room: np.ndarray | None) -> np.ndarray | None:
    """`straight` into `room`, or into new room for codes; None where that is false."""
    if room is None:
        room = np.empty((len(rows), rows.shape[1] if design.output_rate == "element" else 1), np.int64)
    return room if straight(design, rows, here, room) else None


def _quantised(design, rows: np.ndarray, here: np.ndarray | None) -> np.ndarray:
    return design.input.quantise(rows if here is None else np.where(here, rows, 0.0))


def _by_definition(design, values: np.ndarray, axis: int, mask: np.ndarray | None) -> np.ndarray:
    here = present(values, mask)
    known = values if here is None else np.where(here, values, 0.0)
    return reference.codes(design.input.round(known), design.output, mask=here, axis=axis)


def _rows(values: np.ndarray, axis: int) -> np.ndarray:
    """The rows, one after the other in memory."""
    moved = _last(values, axis)
    return np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])


def _last(values: np.ndarray, axis: int) -> np.ndarray:
    """The values with that axis last; NumPy's own function is slow where it is last already."""
    return values if axis in (-1, values.ndim - 1) else np.moveaxis(values, axis, -1)


def _room(out, axis: int, shape: tuple[int, ...]) -> np.ndarray | None:
    """`out` as rows, where they lie one after the other in memory."""
    if out is None:
        return None
    room = _last(plain(out), axis)
    return room.reshape(-1, shape[-1]) if room.flags.c_contiguous else None


def _result_shape(design, shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    if design.output_rate == "element":
        return shape
    kept = list(shape)
    kept[axis] = 1
    return tuple(kept)


def _given(x, out, design, codes: np.ndarray):
    """Codes as x's kind, or in `out`."""
    if out is None:
        return like(x, codes)
    plain(out)[...] = codes if plain(out).dtype.kind != "f" else probabilities(design, codes, None, -1)
    return out


def _nothing(design, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """The output of no rows, or of rows without an element."""
    if design.output_rate == "element":
        return np.zeros(shape, np.int64)
    return np.full(_result_shape(design, shape, axis), design.drawing.absent_code)
