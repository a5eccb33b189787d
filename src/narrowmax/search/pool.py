"""Points still to be looked at, and what one answer says about its neighbours."""

from __future__ import annotations

import numpy as np

from narrowmax.search.space import Point

_NEARER = 16  # tried on trained networks; 1 prices ten times as many designs, 64 no fewer


class Pool:
    """A set of points, each of so many knobs, that shrinks."""

    def __init__(self, points: list[Point], knobs: int):
        self.points = np.array(points, int).reshape(len(points), knobs)

    def __len__(self) -> int:
        return len(self.points)

    def drop(self, point: Point) -> None:
        """Take out one point."""
        self._keep(np.any(self.points != np.array(point), axis=1))

    def drop_below(self, point: Point) -> None:
        """Take out what is nowhere wider than `point`, itself included."""
        self._keep(np.any(self.points > np.array(point), axis=1))

    def drop_above(self, point: Point) -> None:
        """Take out what is nowhere narrower than `point`, itself included."""
        self._keep(np.any(self.points < np.array(point), axis=1))

    def middle(self) -> Point:
        """A point from which much lies on both sides, so that either answer takes out much.

        It lies nearer to the narrow end: most answers are "too dear".
        """
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        below = np.prod(self.points - low + 1.0, axis=1)
        above = np.prod(high - self.points + 1.0, axis=1)
        return tuple(self.points[np.argmax(np.minimum(_NEARER * below, above))].tolist())

    def _keep(self, which: np.ndarray) -> None:
        self.points = self.points[which]
