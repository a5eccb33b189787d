"""A design's softmax and its gradient on NumPy arrays, for frameworks that call back; `gradients` is the torch twin.

What "straight-through" and "slope" mean is said in `gradients`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from narrowmax import metrics
from narrowmax.errors import DataError, DesignError

GRADIENTS = ("straight-through", "slope")
DIVERGED = (
    "NaN or infinity reached a softmax that a design replaces; look for overflow or divergence in the layers before it"
)

half_step = lru_cache(metrics.half_step)  # of rationals, which are slow


def slope_for(design, gradient: str) -> float | None:
    """What `backward` takes for a gradient: None for "straight-through".  Raises DataError for an unknown one."""
    refuse_gradient(gradient)
    return None if gradient == "straight-through" else slope_of(design)


def refuse_gradient(gradient: str) -> None:
    """Raises DataError for anything that is not one of `GRADIENTS`."""
    if gradient not in GRADIENTS:
        raise DataError(f"gradient {gradient!r} is not known; give one of {', '.join(GRADIENTS)}")


def slope_of(design) -> float:
    """Slope of the log-odds of two elements against their difference, over -2..2: 1 for base e, 0.69 for base 2.

    1 where the design's outputs there are too coarse to tell (fewer than two pairs without a 0).
    """
    t = np.linspace(-2, 2, 65)
    pair = np.asarray(design(np.stack([t, np.zeros_like(t)], axis=-1)))
    seen = (pair > 0).all(axis=-1)
    if seen.sum() < 2:
        return 1.0
    return float(np.polyfit(t[seen], np.log(pair[seen, 0] / pair[seen, 1]), 1)[0])


def refuse_shape(design, got: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Raises DesignError where a design does not give one output for each element."""
    if tuple(got) != tuple(wanted):
        raise DesignError(
            f"{design} gives {tuple(got)} for a softmax of {tuple(wanted)}; "
            "a network needs a design with one output for each element"
        )


def forward(design, x: np.ndarray, axis: int, mask: np.ndarray | None, log: bool) -> np.ndarray:
    """The design's probabilities of `x`, or their logs, in the shape and dtype of `x`.

    mask: true where an element takes part, broadcasts; the others and rows without any are 0
    log: probabilities below half the output's step count as that, for a 0 has no log
    Raises DataError for NaN or +inf.
    """
    got = probabilities(design, x, axis, mask)
    if log:
        got = np.log(np.maximum(got, half_step(design.output)))
        got = got if mask is None else np.where(mask, got, -np.inf)
    return got.astype(x.dtype, copy=False)


def probabilities(design, x: np.ndarray, axis: int, mask: np.ndarray | None) -> np.ndarray:
    """Floats in the shape of `x`; masked elements and empty rows are 0.  Raises DataError for NaN or +inf."""
    x = _plain(x, mask)
    if not np.isfinite(x).all():
        raise DataError(DIVERGED)
    got = np.asarray(design(x, axis=axis, mask=mask))
    refuse_shape(design, got.shape, x.shape)
    return got if mask is None else np.where(mask, got, 0.0)


def backward(
    design, g: np.ndarray, x: np.ndarray, axis: int, mask: np.ndarray | None, log: bool, slope: float | None
) -> np.ndarray:
    """The gradient of `forward` by x where `g` is that by its output; in the dtype of `x`.

    slope: None for the straight-through gradient, else the number of `slope_of(design)`
    """
    y = (
        _softmax(design, x, axis, mask)
        if slope is None
        else _summing_to_one(probabilities(design, x, axis, mask), axis)
    )
    if log:
        g = g if mask is None else np.where(mask, g, 0.0)
        dx = g - y * g.sum(axis, keepdims=True)
    else:
        dx = y * (g - (g * y).sum(axis, keepdims=True))
    if slope is not None:
        dx = dx * slope * within(design.input, x)
    return dx.astype(x.dtype, copy=False)


def within(form, x: np.ndarray) -> np.ndarray:
    """Whether values lie in the range of a format, where it has one."""
    if form.lowest is None:
        return np.ones(x.shape, bool)
    return (x >= float(form.lowest)) & (x <= float(form.highest))


def _plain(x: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return x if mask is None else np.where(mask, x, x.dtype.type(0))


def _summing_to_one(got: np.ndarray, axis: int) -> np.ndarray:
    total = got.sum(axis, keepdims=True)
    return np.divide(got, total, out=np.zeros_like(got), where=total > 0)


def _softmax(design, x: np.ndarray, axis: int, mask: np.ndarray | None) -> np.ndarray:
    """Softmax of the quantised input."""
    q = np.asarray(design.input.round(_plain(x, mask)), dtype=np.float64)
    q = q if mask is None else np.where(mask, q, -np.inf)
    top = np.maximum(q.max(axis, keepdims=True), -np.finfo(np.float64).max)
    return _summing_to_one(np.exp(q - top), axis)
