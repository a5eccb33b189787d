"""A mass of elements far below the rest: a mask that was written as a number like -100 and not told apart."""

from __future__ import annotations

import numpy as np

from narrowmax.rows import bins

FAR, TIMES, SHARE = 30.0, 2.0, 1e-3
"""A separate mass begins so far from the maximum, so many times as far as the rest, and has such a share at least."""
_WIDE = 1.5  # times its beginning, at most: a tail reaches further


def separate_mass(distances: np.ndarray) -> dict | None:
    """`{share, from, to, rest_within}` of a histogram of distances from the maximum (see `bins`); None without one.

    share: of the elements; from, to: the distances between which they lie; rest_within: the largest of the others
    """
    occupied = np.flatnonzero(distances)
    if len(occupied) < 2:
        return None
    upper = bins.EDGES[occupied]
    lower = bins.EDGES[np.maximum(occupied - 1, 0)]
    apart = lower[1:] >= np.maximum(TIMES * upper[:-1], FAR)
    if not apart.any():
        return None
    first = int(np.flatnonzero(apart)[-1]) + 1
    share = float(distances[occupied[first:]].sum() / distances.sum())
    if share < SHARE or upper[-1] > _WIDE * lower[first]:
        return None
    return {"share": share, "from": float(lower[first]), "to": float(upper[-1]), "rest_within": float(upper[first - 1])}
