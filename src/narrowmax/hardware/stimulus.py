"""Rows to drive hardware with: random ones, and those made to break it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from narrowmax.errors import DataError


@dataclass(frozen=True)
class Rows:
    """Rows of different lengths, one after the other.

    codes: (elements,) int64; present: (elements,) bool, False where masked; lengths: (rows,) int64, >= 1
    """

    codes: np.ndarray
    present: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def starts(self) -> np.ndarray:
        """(rows,) index of each row's first element."""
        return np.cumsum(self.lengths) - self.lengths

    def row(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The codes and the present flags of one row."""
        start = int(self.starts[index])
        cut = slice(start, start + int(self.lengths[index]))
        return self.codes[cut], self.present[cut]

    def first(self, rows: int) -> Rows:
        """The first `rows` of them."""
        elements = int(self.lengths[:rows].sum())
        return Rows(self.codes[:elements], self.present[:elements], self.lengths[:rows])

    @staticmethod
    def of(rows: list) -> Rows:
        """From a list of rows, each a list of codes or a pair (codes, present).

        Raises DataError for a row without elements.
        """
        pairs = [row if isinstance(row, tuple) else (row, np.ones(len(row), bool)) for row in rows]
        if any(len(codes) == 0 for codes, _ in pairs):
            raise DataError("a row has no elements, which a stream cannot carry; give each row at least one")
        return Rows(
            np.concatenate([np.asarray(codes, np.int64) for codes, _ in pairs]),
            np.concatenate([np.asarray(present, bool) for _, present in pairs]),
            np.array([len(codes) for codes, _ in pairs], np.int64),
        )

    @staticmethod
    def join(parts: list[Rows]) -> Rows:
        """One after the other."""
        return Rows(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("codes", "present", "lengths"))
        )


def edges(lowest: int, highest: int) -> list[int]:
    """The codes at the edge of every width: 0, +-2**k and their neighbours, and both ends."""
    around = {0, lowest, highest, lowest + 1, highest - 1}
    for power in range(max(abs(lowest), abs(highest)).bit_length() + 1):
        around |= {sign * (1 << power) + step for sign in (1, -1) for step in (-1, 0, 1)}
    return sorted(code for code in around if lowest <= code <= highest)


def spaced(lowest: int, highest: int, count: int) -> list[int]:
    """So many codes from one end to the other, evenly: exactly, as floats lose the last bits of wide codes."""
    return [lowest + (highest - lowest) * place // max(count - 1, 1) for place in range(count)]


def lengths(max_n: int, lanes: int) -> list[int]:
    """The row lengths that matter: 1, those about a beat, about two, about half, about the longest."""
    wanted = {1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes, max_n // 2, max_n - lanes, max_n - 1, max_n}
    return sorted(n for n in wanted if 1 <= n <= max_n)


def adversarial(lowest: int, highest: int, max_n: int, lanes: int, random: np.random.Generator) -> Rows:
    """Rows made to break a softmax: all equal, one hot, largest first and last, edges of every width,
    masked and wholly masked, of every length that matters; in random order."""
    made = [row for n in lengths(max_n, lanes) for row in _hard(lowest, highest, n, random)]
    return Rows.of([made[index] for index in random.permutation(len(made))])


def _hard(lowest: int, highest: int, n: int, random: np.random.Generator) -> Iterator[tuple]:
    everyone = np.ones(n, bool)
    corners = edges(lowest, highest)
    for row in _plain(lowest, highest, n, corners, random):
        yield row, everyone
    noise = random.integers(lowest, highest + 1, n)
    extreme = np.where(random.random(n) < 0.5, lowest, highest)
    for codes in (noise, extreme):
        yield codes, random.random(n) < 0.5
        yield codes, ~everyone
    for place in {0, n - 1, int(random.integers(n))}:
        one = np.arange(n) == place
        yield noise, one
        yield np.where(one, highest, noise), ~one  # the largest is masked


def _plain(lowest: int, highest: int, n: int, corners: list[int], random: np.random.Generator):
    for code in (lowest, highest, int(random.choice(corners))):
        yield np.full(n, code)
    for place in {0, n - 1, int(random.integers(n))}:
        hot = np.full(n, lowest)
        hot[place] = highest
        yield hot
    ramp = np.array(spaced(lowest, highest, n), np.int64)
    yield from (ramp, ramp[::-1])
    yield random.choice(corners, n)
    yield np.clip(highest - random.choice(edges(0, highest - lowest), n), lowest, highest)


def random_rows(elements: int, lowest: int, highest: int, max_n: int, lanes: int, random: np.random.Generator) -> Rows:
    """About `elements` elements in random rows: mostly of the longest length, some of every that matters.

    Half the rows are uniform over all codes, half lie within a random distance of a random code;
    one in eight is masked.
    """
    sizes = _random_lengths(elements, max_n, lanes, random)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    span = highest - lowest
    spread = np.int64(span) >> random.integers(0, max(1, span.bit_length()), len(sizes))
    spread[random.random(len(sizes)) < 0.5] = span
    low = lowest + random.integers(0, span - spread, endpoint=True)
    codes = low[owner] + random.integers(0, spread[owner], endpoint=True)
    masked = random.random(len(sizes)) < 0.125
    present = ~masked[owner] | (random.random(len(owner)) < random.random(len(sizes))[owner])
    return Rows(codes, present, sizes)


def _random_lengths(elements: int, max_n: int, lanes: int, random: np.random.Generator) -> np.ndarray:
    odd = np.array(lengths(max_n, lanes))
    rows = max(1, round(elements / (0.75 * max_n + 0.25 * odd.mean())))
    return np.where(random.random(rows) < 0.75, max_n, random.choice(odd, rows)).astype(np.int64)
