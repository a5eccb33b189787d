"""Golden vectors: beats in and out as hexadecimal words, one a line, for `$readmemh`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from narrowmax.hardware.cosimulation import packed
from narrowmax.hardware.stimulus import Rows, adversarial, random_rows
from narrowmax.hardware.subjects import Subject

_MOST_BEATS = 4096  # of rows of a sort: a plain simulator takes a second or two for them


@dataclass(frozen=True)
class Vectors:
    """Beats as integers.  In: {tlast, tuser, tkeep, tdata}; out: {tlast, tkeep, tdata}; the first named
    is the highest bits.  Bytes that tkeep leaves out are zero."""

    rows: int
    stimulus: tuple[int, ...]
    golden: tuple[int, ...]
    in_bits: int
    out_bits: int

    def text(self, name: str) -> str:
        """The file of `stimulus` or `golden`."""
        digits = -(-{"stimulus": self.in_bits, "golden": self.out_bits}[name] // 4)
        return "".join(f"{beat:0{digits}x}\n" for beat in getattr(self, name))


def golden(made: Subject, seed: int = 0) -> Vectors:
    """Rows, and what the simulation makes of them: two of the longest, then adversarial and random ones, at most
    4,096 beats of each of these two sorts."""
    rows = _rows(made, seed)
    unit = made.unit
    stimulus = _beats(packed(rows.codes, unit.in_bytes), rows.lengths, unit.lanes, unit.in_bytes, rows.present)
    results = np.ones_like(rows.lengths) if unit.output_rate == "row" else rows.lengths
    outputs = _beats(packed(made.expected(rows), unit.out_bytes), results, unit.lanes, unit.out_bytes, None)
    in_bits = 9 * unit.in_bytes * unit.lanes + unit.lanes + 1
    return Vectors(len(rows), tuple(stimulus), tuple(outputs), in_bits, 9 * unit.out_bytes * unit.lanes + 1)


def _rows(made: Subject, seed: int) -> Rows:
    random = np.random.default_rng([seed, 5])
    unit, (low, high) = made.unit, made.codes
    full = np.full(unit.max_n, high)  # where sums over a row are largest
    longest = Rows.of([full, random.integers(low, high, unit.max_n, endpoint=True)])
    hard = adversarial(low, high, unit.max_n, unit.lanes, random)
    plain = random_rows(8 * unit.max_n, low, high, unit.max_n, unit.lanes, random)
    return Rows.join([longest, _fitting(hard, unit.lanes), _fitting(plain, unit.lanes)])


def _fitting(rows: Rows, lanes: int) -> Rows:
    """The rows, in their order, but for those that would take them beyond the most beats."""
    left, kept = _MOST_BEATS, []
    for index, beats in enumerate((-(-rows.lengths // lanes)).tolist()):
        if beats <= left:
            kept.append(rows.row(index))
            left -= beats
    return Rows.of(kept) if kept else rows.first(0)


def _beats(data: np.ndarray, sizes: np.ndarray, lanes: int, size: int, present) -> Iterator[int]:
    """Each beat of rows of `sizes` elements of `size` bytes as one integer."""
    start = 0
    for n in sizes.tolist():
        for first in range(0, n, lanes):
            here = min(lanes, n - first)
            at = start + first
            word = int.from_bytes(data[at * size : (at + here) * size].tobytes(), "little")
            keep = (1 << here * size) - 1
            parts = [(word, 8 * size * lanes), (keep, size * lanes)]
            if present is not None:
                parts.append((sum(1 << i for i in range(here) if present[at + i]), lanes))
            yield _joined([*parts, (int(first + here == n), 1)])
        start += n


def _joined(parts: list[tuple[int, int]]) -> int:
    """One integer of (value, bits), the first lowest."""
    word, at = 0, 0
    for value, bits in parts:
        word |= value << at
        at += bits
    return word
