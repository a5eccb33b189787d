"""The labels of a batch beside the scores that a network gives for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.networks import array


def classes(labels: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """The labels of scores (rows, n), integers (rows,); None where they are no class of each row, but what else a
    loss takes: soft labels, numbers to come near to, those of several outputs.

    shape: of the scores.  Raises DataError for a class that is not one of 0 to n - 1.
    """
    several = isinstance(labels, Mapping) or (isinstance(labels, (list, tuple)) and any(map(np.ndim, labels)))
    if several or len(shape) != 2 or shape[-1] < 2:
        return None
    found = array(labels)
    if found.dtype.kind not in "iu" or found.shape != shape[:-1]:
        return None
    if found.size and not 0 <= found.min() <= found.max() < shape[-1]:
        wrong = found.min() if found.min() < 0 else found.max()
        raise DataError(f"a label to train on is {wrong}; labels of rows of {shape[-1]} are 0 to {shape[-1] - 1}")
    return found
