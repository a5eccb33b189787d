"""What the rows of networks in files share: `python -m tests.models.matrix.onnx` and `.tflite` write their records."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tests.models.matrix import harness

import narrowmax as nm
from narrowmax.errors import DataError

DESIGN = nm.design("ideal(input=Q4.2, output=UQ0.6)")


@dataclass(frozen=True)
class Case:
    """A network with one softmax.

    opened: makes it in a folder; inputs: by name
    untouched: its first output by its own runtime; within: how far the output may be from that, 0 for the same bits
    scores: what reaches the softmax, rows along the last axis; mask: true where an element takes part
    after: from probabilities to the output; log: whether the softmax gives logarithms
    """

    opened: Callable
    inputs: dict
    name: str
    kind: str
    scores: np.ndarray
    untouched: np.ndarray
    mask: np.ndarray | None = None
    after: Callable = lambda p: p
    log: bool = False
    within: float = 0.0
    note: str = ""

    def row(self, label: str) -> dict:
        """The case, run."""
        with tempfile.TemporaryDirectory() as folder:
            return self._row(label, self.opened(Path(folder)))

    def _row(self, label: str, network) -> dict:
        before = network(self.inputs)
        with nm.measure(network) as seen:
            same = np.array_equal(network(self.inputs), before) and self._near(before, self.untouched, self.within)
        found = seen.softmaxes()
        with nm.replace(network, DESIGN) as replaced:
            got = network(self.inputs)
        return harness.row(
            label,
            seen=same and len(found) == 1 and self._counted(found[0]),
            name=(found[0]["name"], found[0]["kind"]) == (self.name, self.kind),
            mask=None if self.mask is None else bool(found[0]["masked"] == (~self._present()).sum()),
            replaced=self._near(got, self.wanted(), 1e-5) and len(replaced.sites) == 1,
            note=self.note,
        )

    def _present(self) -> np.ndarray:
        return np.broadcast_to(True if self.mask is None else self.mask, self.scores.shape)

    def _counted(self, one: dict) -> bool:
        present = self._present()
        rows = present.any(-1).sum()
        ends = self.scores[present].min(), self.scores[present].max()
        return one["rows"] == rows and np.allclose((one["min"], one["max"]), ends, rtol=1e-5, atol=1e-5)

    def wanted(self) -> np.ndarray:
        """The output with the design in it, from the scores alone."""
        p = np.asarray(DESIGN(np.where(self._present(), self.scores, 0), mask=self._present()))
        return self.after(np.log(np.maximum(p, 2.0**-7)) if self.log else p)

    @staticmethod
    def _near(one: np.ndarray, other: np.ndarray, within: float) -> bool:
        return bool(one.shape == other.shape and np.abs(np.asarray(one, float) - other).max() <= within)


def refused(opened: Callable, label: str) -> dict:
    """A network that runs, and is refused by those who want to see its softmax."""
    with tempfile.TemporaryDirectory() as folder:
        network = opened(Path(folder))
        try:
            with nm.measure(network):
                return harness.row(label, seen=False)
        except DataError as error:
            return harness.row(label, refused=str(error))


def runs(cases: dict[str, Case]) -> dict[str, Callable[[], dict]]:
    """What the harness runs, of cases by their labels."""
    return {label: partial(case.row, label) for label, case in cases.items()}
