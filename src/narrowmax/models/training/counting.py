"""What is counted while a network trains: sums by place, left on their device until an epoch ends.

The same for every framework: values are NumPy arrays or torch tensors without a gradient, `Values`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

Values = Any

CLASSES = "classes of "
"""A key: of rows of so many, how often each class was pushed."""
SMALLEST = 40
"""Numbers smaller than a step by more powers of two than this are counted with those."""
SAMPLED = 2048
_LARGE, _ZERO = SMALLEST, SMALLEST + 1  # bins: at least half a step, zero


class Counts:
    """Sums by `(what, place, key)`: what is "weights", "gradients" and so on, place a layer's name."""

    def __init__(self):
        self._sums: dict[tuple[str, str, str], Values | int] = {}

    def add(self, what: str, place: str, **sums: Values | int) -> None:
        """Add to each key of a place: numbers, or values of one shape for each key."""
        for key, value in sums.items():
            known = self._sums.get((what, place, key))
            self._sums[what, place, key] = value if known is None else known + value

    def unreached(self, names: Iterable[str]) -> None:
        """Weights of which nothing was counted: backward never came to them."""
        for name in names:
            if ("gradients", name, "other") not in self._sums:
                self.add("gradients", name, values=0, other=0, weight=1)

    def close(self) -> dict[str, dict[str, dict]]:
        """`{what: {place: {key: number or list}}}`, and begin anew."""
        found: dict = defaultdict(lambda: defaultdict(dict))
        for (what, place, key), value in self._sums.items():
            found[what][place][key] = value if isinstance(value, int) else value.tolist()
        self._sums = {}
        return found


def operations(x: Values) -> ModuleType:
    """The module whose functions take x: NumPy or torch."""
    return np if isinstance(x, (np.ndarray, np.generic)) else import_module("torch")


def sizes(x: Values, step: Values | float) -> Values:
    """How many numbers of x lie how far below half a step: (SMALLEST + 2,) counts.

    Bin b < SMALLEST: between `2**-(SMALLEST - b)` and twice that in half steps; then those of half a step or
    more; last the zeros.
    """
    of = operations(x)
    wide = x.astype(np.float64) if of is np else x  # where torch overflows in silence, NumPy warns
    exponent = of.clip(of.frexp(wide / step)[1], -SMALLEST, 0) + SMALLEST
    return of.bincount(of.where(x == 0, _ZERO, exponent).reshape(-1), minlength=_ZERO + 1)


def about(x: Values, step: Values | float) -> Values:
    """About what `sizes` counts, from some SAMPLED of the numbers of x, each of which stands for those beside it.

    An odd step apart, so that they do not all lie in one place of pictures and rows, whose sizes are even.
    """
    flat = x.reshape(-1)
    apart = (len(flat) // SAMPLED) | 1
    return sizes(flat[::apart], step if isinstance(step, float) else step.reshape(-1)[::apart]) * apart


def values(counted: list[int]) -> int:
    """How many numbers `sizes` saw."""
    return sum(counted)


def zeros(counted: list[int]) -> int:
    """How many of them were zero."""
    return counted[_ZERO]


def more_bits(counted: list[int], left: float = 0.5) -> int | None:
    """How many times a step must be halved so that at most a share `left` of what is not zero is below half of it.

    None where it is more than SMALLEST times, or where all is zero.
    """
    other = values(counted) - zeros(counted)
    if not other:
        return None
    for bits in range(SMALLEST):
        if sum(counted[: _LARGE - bits]) <= left * other:
            return bits
    return None


def added(lists: Iterable[list[int]]) -> list[int]:
    """Element by element."""
    return [sum(column) for column in zip(*lists, strict=True)]


def share(part: float, whole: float) -> float | None:
    """part / whole; None where there is no whole."""
    return part / whole if whole else None
