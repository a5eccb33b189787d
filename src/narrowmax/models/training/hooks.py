"""Hooks that stay with the network they were set on: a copy of it, or its file, has none of what they do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

_NOTHING = nullcontext().__exit__
"""Takes anything and gives None, and is read from a file where narrowmax is not installed."""


class Hook:
    """Does `act`, unless it is copied or saved with its network."""

    def __init__(self, act: Callable):
        self._act = act

    def __call__(self, *args: object) -> object:
        return self._act(*args)

    def __deepcopy__(self, memo: dict) -> Callable:
        return _NOTHING

    def __reduce__(self) -> tuple:
        return _NOTHING.__reduce__()
