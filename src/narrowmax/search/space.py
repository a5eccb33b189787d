"""The designs that narrowing chooses from: every setting of every rounded wire of one design.

A point is a tuple of knob values in the order of `Space.names`; fewer means narrower.
"""

from __future__ import annotations

import math
from typing import Protocol

from narrowmax.errors import DesignError

Point = tuple[int, ...]


class Movable(Protocol):
    """What a space needs of a design."""

    text: str
    knobs: dict[str, range]
    knob_values: dict[str, int]

    def moved(self, values: dict[str, int]) -> Movable:
        """The design with other knob values.  Raises DesignError where there is none."""


class Space:
    """All designs that `start` becomes by moving its knobs, `start` included.

    Raises DesignError where it has no knob.
    """

    def __init__(self, start: Movable):
        self.start = start
        self.names = tuple(start.knobs)
        if not self.names:
            raise DesignError(f"{start.text} has no rounded wire to narrow; name an architecture that has")
        self.ranges = [sorted(start.knobs[name]) for name in self.names]
        self._designs: dict[Point, Movable | str] = {}

    @property
    def size(self) -> int:
        """How many points there are, impossible ones included."""
        return math.prod(len(values) for values in self.ranges)

    def point(self, design: Movable) -> Point:
        """Where a design of this space lies."""
        return tuple(design.knob_values[name] for name in self.names)

    def design(self, point: Point) -> Movable | None:
        """The design at a point, or None where none can be built (see `reason`)."""
        found = self._found(point)
        return None if isinstance(found, str) else found

    def reason(self, point: Point) -> str:
        """Why no design can be built at a point; empty where one can."""
        found = self._found(point)
        return found if isinstance(found, str) else ""

    def _found(self, point: Point) -> Movable | str:
        if point not in self._designs:
            self._designs[point] = self._build(point)
        return self._designs[point]

    def _build(self, point: Point) -> Movable | str:
        if point == self.point(self.start):
            return self.start
        try:
            return self.start.moved(dict(zip(self.names, point, strict=True)))
        except DesignError as error:
            return str(error)

    def replaced(self, point: Point, knob: int, value: int) -> Point:
        """`point` with one knob set to another value."""
        return point[:knob] + (value,) + point[knob + 1 :]

    def less(self, point: Point, knob: int) -> Point | None:
        """`point` with one knob one bit narrower, or None at the end of its range."""
        below = [value for value in self.ranges[knob] if value < point[knob]]
        return self.replaced(point, knob, below[-1]) if below else None
