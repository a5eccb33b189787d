"""Which elements of a row of scores take part, where no mask is given beside them: by value."""

from __future__ import annotations

import numpy as np

MASKED_BELOW = -9e3
"""A score below this is a mask, not a score: masks are -inf, finfo.min (-65504 in fp16), -1e9, -3e4, -1e4."""


def taking_part(x: np.ndarray) -> np.ndarray | None:
    """Bool like `x`, true where an element takes part; None where all do.  See `MASKED_BELOW`; NaN takes part."""
    if x.size and x.min() >= MASKED_BELOW:  # one quick pass; NaN takes the other
        return None
    masked = x < MASKED_BELOW
    return ~masked if masked.any() else None
