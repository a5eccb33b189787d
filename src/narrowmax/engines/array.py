"""Simulation on NumPy arrays: many rows at once, equal to `interpret` on every bit, or refused.

A wire whose range needs more than 62 bits and a sign is refused by name; see `walk`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from narrowmax.datapath import ARRAYS, Datapath, Rate, Wire
from narrowmax.engines import walk
from narrowmax.errors import DataError, RangeError

BLOCK = 1 << 15  # elements worked on at a time: an array of 256 KiB, of which a few stay in cache


def run(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None) -> np.ndarray:
    """Output codes of rows of input codes.

    `codes` is (rows, n) integers of the input format, `present` (rows, n) booleans or None for all.
    Returns (rows, n) int64, or (rows, 1) for a row-rate output.  Raises DataError for rows longer
    than max_n, codes outside the format or flags of another shape, RangeError for a wire that int64
    cannot hold or a `known` that is false.
    """
    plan = walk.plan_of(datapath, "array")
    codes, present = checked(datapath, codes, present)
    rows, n = codes.shape
    result = np.empty((rows, n if datapath.output_rate == "element" else 1), dtype=np.int64)
    for part in _parts(rows, n):
        result[part] = walk.Block(plan, NUMPY, codes[part], None if present is None else present[part]).output()
    return result


def trace(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None) -> dict[Wire, np.ma.MaskedArray]:
    """Every wire's values, as masked arrays of (rows, elements), (rows, chunks) or (rows, 1).

    What is absent is masked.  The arguments and errors are those of `run`; all is held at once.
    """
    plan = walk.Plan(datapath, "array", keep_all=True)
    block = walk.Block(plan, NUMPY, *checked(datapath, codes, present))
    block.output()
    return {wire: _shown(block, wire) for wire in datapath.wires}


def refuse_wide(datapath: Datapath) -> None:
    """Raise RangeError naming the first wire whose range int64 cannot hold."""
    walk.refuse_wide(datapath, "array")


def holds(datapath: Datapath) -> bool:
    """Whether int64 holds every wire."""
    try:
        refuse_wide(datapath)
    except RangeError:
        return False
    return True


def _parts(rows: int, n: int):
    step = max(1, BLOCK // max(n, 1))
    return (slice(start, start + step) for start in range(0, rows, step))


def checked(datapath: Datapath, codes: np.ndarray, present) -> tuple[np.ndarray, np.ndarray | None]:
    codes, present = np.asarray(codes), None if present is None else np.asarray(present, dtype=bool)
    walk.refuse_shapes(datapath, codes, np.issubdtype(codes.dtype, np.integer), present)
    low, high = datapath.input_range
    if codes.size and (codes.min() < low or codes.max() > high):
        raise DataError(
            f"codes range over {codes.min()}..{codes.max()}; the format {datapath.input_format} holds {low}..{high}"
        )
    return codes.astype(np.int64, copy=False), present


class _NumPy:
    """The space of NumPy's arrays."""

    kit = ARRAYS
    where = staticmethod(np.where)
    spread = staticmethod(np.broadcast_to)
    joined = staticmethod(np.concatenate)
    integers = staticmethod(ARRAYS.truth)
    count = staticmethod(partial(np.arange, dtype=np.int64))
    total = staticmethod(partial(np.sum, axis=2, keepdims=True))
    largest = staticmethod(partial(np.max, axis=2, keepdims=True))
    smallest = staticmethod(partial(np.min, axis=2, keepdims=True))

    @staticmethod
    def full(shape: tuple, value: int | bool) -> np.ndarray:
        return np.full(shape, value, dtype=bool if isinstance(value, bool) else np.int64)

    @staticmethod
    def any(flags: np.ndarray, axes: tuple) -> np.ndarray:
        return flags.any(axis=axes, keepdims=True)

    @staticmethod
    def guard(value, wire: Wire, here: np.ndarray, name: str) -> np.ndarray:
        value = np.asarray(value)
        bad = (value < wire.lo) | (value > wire.hi)
        if not bad.any():
            return value
        if (bad & here).any():
            raise walk.left_its_range(wire, name)
        return np.clip(value, wire.lo, wire.hi)


NUMPY = _NumPy()


def _shown(block: walk.Block, wire: Wire) -> np.ma.MaskedArray:
    """The values of a wire that was kept, absent places masked."""
    rows, here = len(block.codes), block.here(wire.rate)
    if not block.codes.size:
        return np.ma.masked_all((rows, block.n if wire.rate is Rate.ELEMENT else 1), dtype=np.int64)
    values = np.broadcast_to(block.values[wire], here.shape).reshape(rows, -1)
    shown = np.ma.MaskedArray(values, mask=~here.reshape(values.shape))
    return shown[:, : block.n] if wire.rate is Rate.ELEMENT else shown
