"""What the arrays of a file of logits must be, and be to each other."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.task import Logits

NAMES = ("logits", "labels", "mask", "groups", "epoch", "logits_q", "scale", "zero_point")
"""The arrays that mean something; others are not read."""


def checked(name: str, arrays: dict[str, np.ndarray]) -> Logits:
    logits = _logits(name, arrays)
    rows = logits.shape[:-1]
    labels = _labels(name, arrays["labels"], logits) if "labels" in arrays else None
    return Logits(
        name,
        logits,
        labels,
        _mask(name, arrays["mask"], logits.shape) if "mask" in arrays else None,
        _per_row(name, "groups", arrays, rows),
        _per_row(name, "epoch", arrays, rows),
    )


def _logits(name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if ("logits" in arrays) == ("logits_q" in arrays):
        held = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{name} must hold one of the arrays 'logits' and 'logits_q'; it holds {held}.")
    logits = arrays["logits"] if "logits" in arrays else _dequantised(name, arrays)
    if logits.ndim < 2 or logits.size == 0:
        raise DataError(f"the logits in {name} have shape {logits.shape}; give (rows, n) with at least one row and one element.")
    if logits.dtype.kind not in "fiu":
        raise DataError(f"the logits in {name} have type {logits.dtype}; give numbers.")
    logits = logits.astype(np.float32 if logits.dtype in (np.float16, np.float32) else np.float64, copy=False)
    seen = logits if "mask" not in arrays or arrays["mask"].shape != logits.shape else logits[arrays["mask"].astype(bool)]
    if np.isnan(seen).any() or np.isposinf(seen).any():
        what = "NaN" if np.isnan(seen).any() else "+inf"
        raise DataError(f"the logits in {name} hold {what}; logits are finite, or -inf where an element takes no part.")
    return np.ascontiguousarray(logits)


def _dequantised(name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """`scale * (logits_q - zero_point)`, float64."""
    codes, scale = arrays["logits_q"], arrays.get("scale")
    if codes.dtype.kind not in "iu":
        raise DataError(f"logits_q in {name} has type {codes.dtype}; give integers, or call the array 'logits'.")
    if scale is None or scale.size != 1 or not (np.isfinite(scale).all() and (scale > 0).all()):
        raise DataError(f"logits_q in {name} needs 'scale', one positive number, beside it.")
    zero = arrays.get("zero_point", np.zeros((), np.int64))
    if zero.size != 1 or not np.isfinite(zero).all():
        raise DataError(f"zero_point in {name} has shape {zero.shape}; give one number.")
    return float(scale.reshape(())) * (codes.astype(np.float64) - float(zero.reshape(())))


def _labels(name: str, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    if labels.shape != logits.shape[:-1]:
        raise DataError(f"{name} has labels of shape {labels.shape} for logits of shape {logits.shape}; give one label a row.")
    if labels.dtype.kind not in "iu":
        raise DataError(f"the labels in {name} have type {labels.dtype}; give integers.")
    if labels.min() < 0 or labels.max() >= logits.shape[-1]:
        worst = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(f"a label in {name} is {worst}; labels are 0 to {logits.shape[-1] - 1}, one for each element of a row.")
    return labels.astype(np.int64)


def _mask(name: str, mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if mask.shape != shape:
        raise DataError(f"{name} has a mask of shape {mask.shape} for logits of shape {shape}; give one of the same shape.")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise DataError(f"the mask in {name} holds other values than 0 and 1; true means that an element takes part.")
    return mask.astype(bool)


def _per_row(name: str, key: str, arrays: dict[str, np.ndarray], rows: tuple[int, ...]) -> np.ndarray | None:
    if key not in arrays:
        return None
    array = arrays[key]
    if array.dtype.kind not in "iu":
        raise DataError(f"{key} in {name} has type {array.dtype}; give integers.")
    if array.shape == rows[: array.ndim] and array.ndim:
        return np.broadcast_to(array.reshape(array.shape + (1,) * (len(rows) - array.ndim)), rows).astype(np.int64)
    raise DataError(f"{key} in {name} has shape {array.shape} for rows of shape {rows}; give one value a row or a sample.")
