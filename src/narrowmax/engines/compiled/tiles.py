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
        """Float64 (rows, n)."""
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

    @cached_property
    def float_nll(self) -> np.ndarray | None:
        return None if self.labels is None else metrics.exact_nll(self.x, self.labels, self.mask)

    @cached_property
    def float_right(self) -> np.ndarray | None:
        return None if self.labels is None else metrics.top1(self.x, self.labels, self.mask)

    @cached_property
    def falling(self) -> np.ndarray:
        """Int (rows, n): the places of the elements of each row from the largest value to the smallest."""
        here = self.x if self.present is None else np.where(self.present, self.x, -np.inf)
        return np.argsort(-here, axis=1, kind="stable")

    def known(self, places: np.ndarray | None, judged: bool = True) -> tuple[np.ndarray, ...]:
        """Label, winner, rivals, present, negative entropy, hidden, float_right and number, each (tiles, WIDE).

        Without labels the first is None.

        places: (rows, n) where each element went; None: it stayed
        judged: whether exact softmax is wanted; without, the entropy is 0
        """
        rows = len(self.x)
        winner, tied = metrics.winners(self.x, self.mask)
        winner = np.where(tied, -1, _moved(winner, places))
        rivals = np.full(rows, self.n) if self.mask is None else self.mask.sum(axis=1)
        entropy = self.negative_entropy if judged else np.zeros(rows)
        hidden, right = np.zeros(rows), np.zeros(rows, bool)
        if self.labels is not None:
            surplus = np.maximum(self.float_nll + np.log(self.floor), 0.0)
            hidden, right = np.where(np.isfinite(self.float_nll), surplus, 0.0), self.float_right
        counts = [lanes(values, np.int32) for values in (winner, rivals, self.elements)]
        reals = [lanes(values, np.float64) for values in (entropy, hidden)]
        return self._label(places), *counts, *reals, lanes(right, np.uint8), lanes(self.numbers, np.int64)

    def _label(self, places: np.ndarray | None) -> np.ndarray | None:
        if self.labels is None:
            return None
        label = _moved(self.labels, places)
        if self.mask is not None:
            label = np.where(np.take_along_axis(self.mask, self.labels[:, None], axis=1)[:, 0], label, -1)
        return lanes(label, np.int32)

    @cached_property
    def negative_entropy(self) -> np.ndarray:
        """Float64 (rows,): the sum of p log p - p."""
        p = self.exact
        return (p * np.log(p, where=p > 0, out=np.zeros_like(p)) - p).sum(axis=1)

    @cached_property
    def if_zero(self) -> np.ndarray:
        """Float64 (rows, n): what an output of 0 adds to KL, less what `known` holds of it."""
        p = self.exact
        small = np.minimum(p, self.floor)
        logs = np.log(small, where=small > 0, out=np.zeros_like(p))
        return np.where(p > 0, small - p * logs, 0.0)


def _moved(elements: np.ndarray, places: np.ndarray | None) -> np.ndarray:
    return elements if places is None else np.take_along_axis(places, elements[:, None], axis=1)[:, 0]


def places_of(order: np.ndarray) -> np.ndarray:
    """(rows, n): where each element went, from which came where."""
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None, :], axis=1)
    return places


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
    entries: (rows,) how many; entry: (rows, n) where each element went
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
    entry: np.ndarray

    @classmethod
    def of(cls, rows: Rows, codes: np.ndarray) -> Lists:
        """Of (rows, n) codes, all present."""
        order = np.argsort(-codes.astype(np.int32), axis=1, kind="stable")
        codes, p, if_zero = (np.take_along_axis(v, order, axis=1) for v in (codes, rows.exact, rows.if_zero))
        new = np.ones(codes.shape, bool)
        new[:, 1:] = codes[:, 1:] != codes[:, :-1]
        starts, group = np.flatnonzero(new), new.cumsum(axis=1) - 1
        entry = np.empty_like(group)
        np.put_along_axis(entry, order, group, axis=1)
        entries = group[:, -1] + 1
        place = np.minimum(np.arange(entries.max()), entries[:, None] - 1)
        at = (entries.cumsum() - entries)[:, None] + place
        padding = np.arange(entries.max()) >= entries[:, None]
        count = np.diff(starts, append=codes.size)
        sums = [np.add.reduceat(values.ravel(), starts)[at] for values in (p, if_zero)]
        return cls(
            codes.ravel()[starts][at],
            *(np.where(padding, 0, values) for values in (count[at], *sums)),
            *(ufunc.reduceat(p.ravel(), starts)[at] for ufunc in (np.minimum, np.maximum)),
            p.astype(np.float32).ravel(),
            starts[at],
            entries,
            entry,
        )
