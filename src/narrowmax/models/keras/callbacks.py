"""What the three backends call back with: NumPy arrays, once the values are there."""

from __future__ import annotations

import numpy as np

from narrowmax.models.masks import taking_part


def present(x: np.ndarray, mask: np.ndarray | None, causal: bool) -> np.ndarray | None:
    """Bool like `x`, true where an element takes part; None where all do.

    mask: as given beside the scores, broadcasts; causal: whether a query sees no later key, aligned at the top left
    A score that stands for a mask by its value takes no part either.
    """
    found = [one for one in (taking_part(x), mask, _earlier(x) if causal else None) if one is not None]
    if not found:
        return None
    together = np.logical_and.reduce(np.broadcast_arrays(*found)) if len(found) > 1 else found[0]
    return np.broadcast_to(together, x.shape)


def _earlier(x: np.ndarray) -> np.ndarray:
    return np.tri(*x.shape[-2:], dtype=bool)


def wide(x) -> np.ndarray:
    """An array of a backend as NumPy: flags, or floats of at least 32 bits."""
    x = np.asarray(x)
    return x if x.dtype in (np.float32, np.float64, np.bool_) else x.astype(np.float32)
