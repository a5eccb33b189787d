"""The ends of a number format and its steps, for NumPy arrays and torch tensors alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from narrowmax.formats import Float, Format
from narrowmax.models.training.counting import Values


@lru_cache
def ends(form: Format) -> tuple[float, float]:
    """The smallest and the largest finite value; infinities where there is none."""
    return (-math.inf, math.inf) if form.lowest is None else (float(form.lowest), float(form.highest))


def beyond(form: Format, x: Values) -> Values:
    """Where x lies beyond the ends of the format: bool, same shape."""
    low, high = ends(form)
    return (x < low) | (x > high)


def at_limits(form: Format | None, weights: Iterable[Values]) -> float | None:
    """The share of numbers at, or beyond, the ends of their format; None without ends or numbers."""
    weights = list(weights)
    if form is None or ends(form)[1] == math.inf or not weights:
        return None
    low, high = ends(form)
    marked = sum(int(((x <= low) | (x >= high)).sum()) for x in weights)
    return marked / sum(math.prod(x.shape) for x in weights)


def spacing(form: Format, x: np.ndarray) -> np.ndarray | float:
    """The distance from the value of x to the next one of the format: a number, or for floats an array like x."""
    if not isinstance(form, Float):
        return float(form.step)
    exponent = np.where(x == 0, form.smallest_exponent, np.frexp(x.astype(np.float64))[1] - 1)
    return np.ldexp(1.0, np.maximum(exponent, form.smallest_exponent) - form.fraction_bits).astype(x.dtype)
