"""Probabilities where logits are wanted: a softmax of a softmax, which is judged as though it were one."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.task import Logits

SUM = 1e-2
"""How far from 1 the sum of a row of probabilities may be, which narrow floats have made."""
ROWS = 16
"""Of probabilities, from which on they are no accident."""


def are_probabilities(rows: np.ndarray, present: np.ndarray | None = None) -> bool:
    """Whether every row (..., n) is of probabilities: no element is negative, and their sum is 1; not of one element.

    present: true where an element takes part
    """
    if rows.shape[-1] < 2:
        return False
    rows = rows if present is None else np.where(present, rows, 0)
    return bool((rows >= 0).all() and (np.abs(rows.sum(-1, dtype=np.float64) - 1) <= SUM).all())


class Watch:
    """Over batches of what is taken for logits: whether all of it was probabilities."""

    def __init__(self):
        self._rows, self._all = 0, True

    def see(self, rows: np.ndarray, present: np.ndarray | None = None) -> None:
        """Rows (..., n) as they come; present: true where an element takes part.  Empty rows tell nothing."""
        if present is not None:
            present = np.broadcast_to(present, rows.shape)
            filled = present.any(-1)
            rows, present = rows[filled], present[filled]
        if not rows.size:
            return
        self._rows += rows.size // rows.shape[-1]
        self._all = self._all and are_probabilities(rows, present)

    def refuse(self, name: str) -> None:
        """Raises DataError, with the `name` of the source, where all rows, `ROWS` of them or more, were."""
        if self._all and self._rows >= ROWS:
            raise DataError(
                f"{name} gives probabilities where logits are wanted: of {self._rows:,} rows no element is negative "
                "and each sum is 1, so a softmax was taken already; give what enters it, or the logarithms"
            )


def checked(logits: Logits) -> Logits:
    """`logits`, which a `Watch` refuses where they are probabilities."""
    watch = Watch()
    watch.see(logits.logits, logits.mask)
    watch.refuse(logits.name)
    return logits
