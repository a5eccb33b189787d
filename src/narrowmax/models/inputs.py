"""What `--data` holds for a network in a file: its inputs by name, and labels, in batches of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.files import read_arrays
from narrowmax.models.task import Task

BATCH = 64
"""Samples of a batch at most; a network's own memory grows with them."""
BATCH_BYTES = 1 << 24
"""Of the inputs of a batch, where a sample is not larger than that."""


@dataclass(frozen=True)
class StoredTask(Task):
    """A task whose network and data are files.

    labelled: whether there are labels; without them `batches` holds -1, and nothing is judged
    """

    labelled: bool = True


@dataclass(frozen=True)
class Inputs:
    """name: of the file; arrays: (samples, ...) by name; labels: int64 (samples, ...) or None; groups: (samples,)"""

    name: str
    arrays: dict[str, np.ndarray]
    labels: np.ndarray | None
    groups: np.ndarray | None

    @property
    def samples(self) -> int:
        return len(next(iter(self.arrays.values())))

    def named(self, names: list[str]) -> Inputs:
        """With the names that a network's inputs have; one array is the one input, whatever it is called.

        Raises DataError for inputs that are missing, and for arrays that are no inputs.
        """
        if len(names) == len(self.arrays) == 1:
            return Inputs(self.name, dict(zip(names, self.arrays.values(), strict=True)), self.labels, self.groups)
        missing = [name for name in names if name not in self.arrays]
        spare = [name for name in self.arrays if name not in names]
        if missing or spare:
            what = f"holds no {missing[0]!r}" if missing else f"holds {spare[0]!r}, which is no input"
            raise DataError(
                f"{self.name} {what}; the network takes {', '.join(names)}, and labels may stand beside them"
            )
        return self

    def batches(self, size: int | None = None) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """`(inputs by name, labels)`; -1 for labels where there are none.

        size: samples of a batch, for a network that takes no other number.  Raises DataError where they do not
        come out even.
        """
        step = size or self._step()
        if size and self.samples % size:
            raise DataError(
                f"the network takes {size} samples at once, and {self.name} holds {self.samples}; give a multiple of "
                f"{size}, or export the network for batches of any size"
            )
        for start in range(0, self.samples, step):
            part = slice(start, start + step)
            labels = np.full(len(range(self.samples)[part]), -1) if self.labels is None else self.labels[part]
            yield {name: array[part] for name, array in self.arrays.items()}, labels

    def _step(self) -> int:
        bytes_each = sum(array.nbytes for array in self.arrays.values()) / self.samples
        return int(np.clip(BATCH_BYTES // max(bytes_each, 1), 1, BATCH))


def read_inputs(path: str | Path) -> Inputs:
    """The arrays of a `.npz` file: `labels` and `groups` apart, all others inputs.

    Raises DataError for a file that cannot be used, arrays of different lengths, labels that are no integers.
    """
    path = Path(path)
    arrays = read_arrays(path)
    labels, groups = arrays.pop("labels", None), arrays.pop("groups", None)
    if not arrays:
        raise DataError(f"{path.name} holds no inputs; give an array for each input of the network, by its name")
    lengths = {name: array.shape[0] if array.ndim else None for name, array in arrays.items()}
    name, samples = next(iter(lengths.items()))
    for other, length in lengths.items():
        if not length or length != samples:
            raise DataError(
                f"{other!r} in {path.name} has shape {arrays[other].shape}, {name!r} {arrays[name].shape}; give each "
                "input a row for each sample"
            )
    for what, array in (("labels", labels), ("groups", groups)):
        _check(path.name, what, array, samples)
    return Inputs(path.name, arrays, None if labels is None else labels.astype(np.int64), groups)


def _check(name: str, what: str, array: np.ndarray | None, samples: int) -> None:
    """Labels and groups are integers, one a sample at least."""
    if array is None:
        return
    if array.dtype.kind not in "iu":
        raise DataError(f"the {what} in {name} have type {array.dtype}; give integers")
    if array.ndim == 0 or len(array) != samples or not array.size:
        raise DataError(f"{name} has {what} of shape {array.shape} for {samples} samples; give one a sample")
    if what == "labels" and array.min() < 0:
        raise DataError(f"a label in {name} is {array.min()}; labels count classes from 0")


def unlabelled(name: str):
    """The metric of a task without labels: whoever judges with it is told so."""

    def refuse(output, labels):
        raise DataError(f"{name} has no labels, so accuracy cannot be judged; add an array 'labels'")

    return refuse
