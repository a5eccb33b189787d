"""Where tests keep the state of a training that is not over."""

from __future__ import annotations

import numpy as np


class Kept:
    """In memory; first: what is there already; `saved`: every state since."""

    def __init__(self, first: dict[str, np.ndarray] | None = None):
        self.first, self.saved = first, []

    def load(self) -> dict[str, np.ndarray] | None:
        return self.first

    def save(self, state: dict[str, np.ndarray]) -> None:
        self.saved.append({name: value.copy() for name, value in state.items()})
