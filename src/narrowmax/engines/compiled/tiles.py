"""Rows as tiles for the compiled engine's metrics: exact softmax and all that no design changes.

A tile is `WIDE` rows in the layout LANES; an array of tiles is (tiles, n, WIDE).  The last tile is filled up
with copies of the last row.  native/metrics.h says what each array is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from narrowmax import metrics, reference

WIDE = 64
STEP = 8
_FAR = 5.0  # below the largest value: from about there on, outputs of 8 bits are 0


def lanes(rows: np.ndarray, dtype) -> np.ndarray:
    """(rows, ...) -> (tiles, ..., WIDE), padded with the last row, beginning at a multiple of 64 bytes."""
    tiles = -(-len(rows) // WIDE)
    out = aligned((tiles, *rows.shape[1:], WIDE), dtype)
    full = len(rows) // WIDE
    out[:full] = np.moveaxis(rows[: full * WIDE].reshape(full, WIDE, *rows.shape[1:]), 1, -1)
    if full < tiles:
        rest = np.moveaxis(rows[full * WIDE :], 0, -1)
        out[full, ..., : rest.shape[-1]] = rest
        out[full, ..., rest.shape[-1] :] = rest[..., -1:]
    return out


def aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An array whose memory begins at a multiple of 64 bytes, as vectors like it; its content is undefined."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


@dataclass
class Rows:
    """A block of rows beside exact softmax.

    x: (rows, n) floats; labels: (rows,) integers or None; mask: (rows, n) booleans, true where an element takes
    part, or None; -inf takes no part either; numbers: (rows,) of the rows among all; None: in order from 0.  Raises
    DataError for NaN and +inf.
    """

    x: np.ndarray
    labels: np.ndarray | None = None
    mask: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def __post_init__(self):
        if self.numbers is None:
            self.numbers = np.arange(len(self.x))

    @classmethod
    def gathered(cls, x: np.ndarray, labels, mask, first: int) -> Rows:
        """Rows of like concentration side by side, so that zeros end where they end in a whole tile.

        first: the number of the first row
        """
        top = x.max(axis=1, initial=-np.inf, keepdims=True)
        order = np.argsort((x > top - _FAR).sum(axis=1), kind="stable")
        x, labels, mask = (None if values is None else values[order] for values in (x, labels, mask))
        return cls(x, labels, mask, first + order)

    @property
    def n(self) -> int:
        return self.x.shape[1]

    @property
    def floor(self) -> float:
        return metrics.floor_of(self.n)

    @cached_property
    def exact(self) -> np.ndarray:
        """Float64 (rows, n), by definition."""
        return reference.softmax(self.x, self.mask)

    @cached_property
    def present(self) -> np.ndarray | None:
        """Bool (rows, n): who takes part; None: all."""
        finite = self.x != -np.inf
        here = finite if self.mask is None else finite & self.mask
        return None if here.all() else here

    @cached_property
    def elements(self) -> np.ndarray:
        """Int (rows,): how many take part."""
        return np.full(len(self.x), self.n) if self.present is None else self.present.sum(axis=1)

    @property
    def values(self) -> np.ndarray:
        """Float64 (rows, n): x, and -inf where nothing takes part."""
        return self.x if self.present is None else np.where(self.present, self.x, -np.inf)

    @cached_property
    def falling(self) -> np.ndarray:
        """Float64 (rows, n): the values of each row from the largest to the smallest."""
        return -np.sort(-self.values, axis=1)

    @cached_property
    def winner(self) -> np.ndarray:
        """Int (rows,): where the largest value is; -1 where it is not the only one."""
        first, tied = metrics.winners(self.x, self.mask)
        return np.where(tied, -1, first)

    @cached_property
    def float_nll(self) -> np.ndarray | None:
        return None if self.labels is None else metrics.exact_nll(self.x, self.labels, self.mask)

    @cached_property
    def float_right(self) -> np.ndarray | None:
        return None if self.labels is None else metrics.top1(self.x, self.labels, self.mask)

    @property
    def label_takes_part(self) -> np.ndarray | bool:
        return True if self.mask is None else self.at(self.mask, self.labels)

    def at(self, values: np.ndarray, elements: np.ndarray) -> np.ndarray:
        """(rows,): of (rows, n) values those of one element a row; of -1, the last."""
        return np.take_along_axis(values, elements[:, None], axis=1)[:, 0]

    def places(self, where) -> tuple[np.ndarray | None, np.ndarray]:
        """Where labels and winners went, `where` saying it of (rows,) elements; -1: nowhere."""
        label = None if self.labels is None else np.where(self.label_takes_part, where(self.labels), -1)
        return label, np.where(self.winner < 0, -1, where(self.winner))

    def known(self, label: np.ndarray | None, winner: np.ndarray, entropy: np.ndarray) -> tuple:
        """What sweep.c must know of rows, each (tiles, WIDE); label None where there are none.

        label, winner: see `places`; entropy: (rows,) sums of p log p - p
        """
        rows = len(self.x)
        rivals = np.full(rows, self.n) if self.mask is None else self.mask.sum(axis=1)
        hidden, right = np.zeros(rows), np.zeros(rows, bool)
        if self.labels is not None:
            surplus = np.maximum(self.float_nll + np.log(self.floor), 0.0)
            hidden, right = np.where(np.isfinite(self.float_nll), surplus, 0.0), self.float_right
        counts = [None if v is None else lanes(v, np.int32) for v in (label, winner, rivals, self.elements)]
        reals = [lanes(v, np.float64) for v in (entropy, hidden)]
        return *counts, *reals, lanes(right, np.uint8), lanes(self.numbers, np.int64)


@dataclass(frozen=True)
class Exact:
    """Exact softmax of (rows, n) values, in float64, as the compiled metrics want it.

    if_zero: (rows, n) floor - p log floor, or p - p log p where p is below the floor
    entropy: (rows,) sums of p log p - p
    """

    p: np.ndarray
    if_zero: np.ndarray
    entropy: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, floor: float) -> Exact:
        """values: -inf takes no part."""
        top = np.maximum(values.max(axis=1, keepdims=True), np.finfo(np.float64).min)
        distance = values - top
        weights = np.exp(distance)
        total = weights.sum(axis=1, keepdims=True)
        total[total == 0] = 1.0
        p = np.divide(weights, total, out=weights)
        logs = np.subtract(distance, np.log(total), out=distance)
        logs[p == 0] = 0.0  # what takes no part, or is too small for float64
        small = np.minimum(p, floor)
        entropy = (p * logs).sum(axis=1) - p.sum(axis=1)
        np.copyto(logs, np.log(floor), where=p > floor)
        return cls(p, small - p * logs, entropy)

    def tiles(self) -> tuple[np.ndarray, ...]:
        """The arrays of struct Exact."""
        return with_tails(self.p, self.if_zero, self.p)


def with_tails(p: np.ndarray, if_zero: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, ...]:
    """struct Exact of (rows, n) arrays: p, if_zero, and from every STEP-th place on both sums and the maximum."""
    tails = [_tails(p, np.add), _tails(if_zero, np.add), _tails(most, np.maximum)]
    return tuple(lanes(values, np.float32) for values in (p, if_zero, *tails))


def _tails(values: np.ndarray, ufunc: np.ufunc) -> np.ndarray:
    """(rows, ceil(n / STEP) + 1): the last one is of nothing."""
    rows, n = values.shape
    steps = ufunc.reduceat(values, np.arange(0, n, STEP), axis=1)
    return np.concatenate([ufunc.accumulate(steps[:, ::-1], axis=1)[:, ::-1], np.zeros((rows, 1))], axis=1)


@dataclass(frozen=True)
class Lists:
    """Rows in which equal codes stand once.

    codes, count: (rows, entries), short rows filled up with copies of their last entry that count 0
    entries: (rows,) how many
    least, greatest: (rows, entries) of each entry's exact softmax; p, if_zero: their sums over its elements
    members: (rows * n,) exact softmax, the members of an entry side by side; first: (rows, entries) where they begin
    """

    codes: np.ndarray
    count: np.ndarray
    p: np.ndarray
    if_zero: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    members: np.ndarray
    first: np.ndarray
    entries: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, exact: Exact) -> Lists:
        """Of (rows, n) codes, equal ones side by side, and of their exact softmax, which falls; all are present."""
        starts = np.flatnonzero(_new(codes))
        entries = entries_of(codes)
        places = np.arange(entries.max())
        at = (entries.cumsum() - entries)[:, None] + np.minimum(places, entries[:, None] - 1)
        count = np.diff(starts, append=codes.size)
        sums = [np.add.reduceat(values.ravel(), starts)[at] for values in (exact.p, exact.if_zero)]
        p = exact.p.ravel()
        return cls(
            codes.ravel()[starts][at],
            *(np.where(places >= entries[:, None], 0, values) for values in (count[at], *sums)),
            *(p[ends][at] for ends in (starts + count - 1, starts)),
            p.astype(np.float32),
            starts[at],
            entries,
        )

    def tiles(self, dtype) -> tuple[np.ndarray, tuple, tuple]:
        """Input codes of a dtype, and the arrays of struct Exact and of struct Lists, with the lengths of tiles."""
        kinds = (np.uint16, np.float32, np.float32, np.uint32)
        ends = (self.count, self.least, self.greatest, self.first)
        arrays = (lanes(values, kind) for values, kind in zip(ends, kinds, strict=True))
        lengths = np.maximum.reduceat(self.entries, np.arange(0, len(self.entries), WIDE)).astype(np.int32)
        exact = with_tails(self.p, self.if_zero, np.where(self.count > 0, self.greatest, 0))
        return lanes(self.codes, dtype), exact, (*arrays, self.members, lengths)


def entry_of(codes: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(rows,): the entry of the code `own` (rows,) in rows of falling codes."""
    return (_new(codes) & (codes > own[:, None])).sum(axis=1)


def entries_of(codes: np.ndarray) -> np.ndarray:
    """(rows,): how many different codes follow each other."""
    return _new(codes).sum(axis=1)


def _new(codes: np.ndarray) -> np.ndarray:
    found = np.ones(codes.shape, bool)
    np.not_equal(codes[:, 1:], codes[:, :-1], out=found[:, 1:])
    return found
