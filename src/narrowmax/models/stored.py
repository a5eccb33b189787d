"""What the arrays of a file of logits must be, and be to each other."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import DataError, FormatError
from narrowmax.formats import Affine
from narrowmax.models.task import Logits

NAMES = ("logits", "labels", "mask", "groups", "epoch", "logits_q", "scale", "zero_point")
"""The arrays that mean something; others are not read."""


def checked(name: str, arrays: dict[str, np.ndarray]) -> Logits:
    """The record of a file's arrays: finite logits, and a mask where anything was masked or -inf.

    name: what messages call the file.  Raises DataError in one sentence for what does not fit.
    """
    logits = _values(name, arrays)
    mask = _mask(name, arrays, logits)
    if mask is not None:
        logits = np.where(mask, logits, 0)
    return Logits(
        name,
        np.ascontiguousarray(logits),
        _labels(name, arrays["labels"], logits, mask) if "labels" in arrays else None,
        mask,
        _per_row(name, "groups", arrays, logits.shape[:-1]),
        _per_row(name, "epoch", arrays, logits.shape[:-1]),
        _stored(arrays),
    )


def _values(name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Logits as float32 where that holds them, else float64."""
    if ("logits" in arrays) == ("logits_q" in arrays):
        held = ", ".join(sorted(arrays)) or "neither"
        raise DataError(f"{name} must hold one of the arrays 'logits' and 'logits_q', and holds {held}")
    logits = arrays["logits"] if "logits" in arrays else _dequantised(name, arrays)
    if logits.dtype.kind not in "fiu":
        raise DataError(f"the logits in {name} have type {logits.dtype}; give numbers")
    if logits.ndim < 2 or logits.size == 0:
        raise DataError(
            f"the logits in {name} have shape {logits.shape}; give (rows, n) with a row and an element at least"
        )
    small = logits.dtype.itemsize <= (4 if logits.dtype.kind == "f" else 2)
    return logits.astype(np.float32 if small else np.float64, copy=False)


def _dequantised(name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """`scale * (logits_q - zero_point)`, float64."""
    codes, scale, zero = arrays["logits_q"], arrays.get("scale"), arrays.get("zero_point", np.zeros(()))
    if codes.dtype.kind not in "iu":
        raise DataError(f"logits_q in {name} has type {codes.dtype}; give integers, or call the array 'logits'")
    if scale is None or scale.size != 1 or not 0 < float(scale.reshape(())) < np.inf:
        raise DataError(f"logits_q in {name} needs 'scale' beside it, one positive number")
    if zero.size != 1 or not np.isfinite(zero).all():
        raise DataError(f"zero_point in {name} must be one number, and has shape {zero.shape}")
    return float(scale.reshape(())) * (codes.astype(np.float64) - float(zero.reshape(())))


def _stored(arrays: dict[str, np.ndarray]) -> Affine | None:
    """What integers the logits were, once `_values` took them; None for others, and where 0 is none of them."""
    if "logits_q" not in arrays:
        return None
    codes, zero = arrays["logits_q"], float(arrays.get("zero_point", np.zeros(())).reshape(()))
    if not zero.is_integer():
        return None
    try:
        scale, signed = float(arrays["scale"].reshape(())), codes.dtype.kind == "i"
        return Affine(8 * codes.dtype.itemsize, scale, int(zero), signed)
    except FormatError:
        return None


def _mask(name: str, arrays: dict[str, np.ndarray], logits: np.ndarray) -> np.ndarray | None:
    """True where an element takes part; None where all do.  -inf takes none."""
    mask = arrays.get("mask", np.ones(logits.shape, bool))
    if mask.shape != logits.shape:
        raise DataError(f"{name} has a mask of shape {mask.shape} for logits of shape {logits.shape}; make them equal")
    if not np.isin(mask, (0, 1)).all():
        raise DataError(f"the mask in {name} holds other values than 0 and 1; true means that an element takes part")
    mask = mask.astype(bool) & (logits != -np.inf)
    if not np.isfinite(logits[mask]).all():
        what = "NaN" if np.isnan(logits[mask]).any() else "+inf"
        raise DataError(f"the logits in {name} hold {what}; give finite ones, or -inf where an element takes no part")
    return None if mask.all() else mask


def _labels(name: str, labels: np.ndarray, logits: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    if labels.dtype.kind not in "iu":
        raise DataError(f"the labels in {name} have type {labels.dtype}; give integers")
    if labels.shape != logits.shape[:-1]:
        raise DataError(
            f"{name} has labels of shape {labels.shape} for logits of shape {logits.shape}; give one label a row"
        )
    n = logits.shape[-1]
    if labels.min() < 0 or labels.max() >= n:
        worst = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(f"a label in {name} is {worst}; labels of rows of {n} are 0 to {n - 1}")
    labels = labels.astype(np.int64)
    if mask is not None and not np.take_along_axis(mask, labels[..., None], axis=-1).all():
        raise DataError(f"a label in {name} is of an element that is masked; a right answer must take part")
    return labels


def _per_row(name: str, key: str, arrays: dict[str, np.ndarray], rows: tuple[int, ...]) -> np.ndarray | None:
    """An array of one integer a row; given for the leading axes alone, it holds for all rows below."""
    if key not in arrays:
        return None
    array = arrays[key]
    if array.dtype.kind not in "iu":
        raise DataError(f"{key} in {name} has type {array.dtype}; give integers")
    if array.ndim == 0 or array.shape != rows[: array.ndim]:
        raise DataError(f"{key} in {name} has shape {array.shape} for rows of shape {rows}; give one number a row")
    return np.broadcast_to(array.reshape(array.shape + (1,) * (len(rows) - array.ndim)), rows).astype(np.int64)
