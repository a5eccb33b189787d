"""A network in a file or folder, and its data, as a task: `FILE.onnx --data FILE.npz` and its kin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError, SourceError
from narrowmax.models.inputs import Inputs, StoredTask, read_inputs, unlabelled
from narrowmax.models.task import Task

SUFFIXES = (".onnx", ".tflite", ".keras", ".h5", ".hdf5")
CHECKPOINT = "config.json"


def is_network(source: str) -> bool:
    """Whether a SOURCE is a network in a file, or the folder of a Transformers checkpoint."""
    return source.lower().endswith(SUFFIXES) or (Path(source) / CHECKPOINT).is_file()


def open_network(source: str, data: str | Path | None, trust: bool = False, where: str | None = None) -> StoredTask:
    """The network that `source` is, with the inputs in `data`.

    data: a `.npz` of inputs by name, with optional `labels` (classes, integers) and `groups`
    where: whose softmax is judged, as in `Task`; the classifier's unless given, attention's where there is none
    trust: whether code that comes with a network may run
    A network that ends in a softmax is judged by what reaches it, its logits; of another with labels the output
    is taken for logits.  Raises SourceError without data, DataError for files that cannot be used.
    """
    path = Path(source)
    if data is None:
        raise SourceError(f"{source} is a network and needs inputs; add --data FILE.npz, an array for each by its name")
    inputs = read_inputs(data)
    opener = _OPENERS.get(path.suffix.lower(), _checkpoint)
    opened = opener(path, inputs, trust)
    where = where or ("classifier" if inputs.labels is not None or opened.ends else "attention")
    judged = inputs.labels is not None or where == "classifier"
    return StoredTask(
        opened.judged if judged else opened.network,
        opened.batches,
        metric="classification" if judged else unlabelled(inputs.name),
        name=path.name,
        where=where,
        groups=inputs.groups,
        labelled=inputs.labels is not None,
    )


def open_training(source: str, data: str | Path | None, trust: bool = False) -> Task:
    """The Keras network that `source` is, to be trained on most of the samples in `data` and judged on the others.

    data: as `open_network`, with labels
    Raises SourceError for a network that is not Keras', or without data; DataError for files that cannot be used.
    """
    path = Path(source)
    if _OPENERS.get(path.suffix.lower()) is not _keras:
        raise SourceError(
            f"{source} is a network without a loop that trains it; give a task, ./file.py:function, or a Keras network"
        )
    if data is None:
        raise SourceError(f"{source} is a network and needs samples; add --data FILE.npz, its inputs and labels")
    from narrowmax.models import keras

    network, inputs = keras.load(path, trust), read_inputs(data)
    if inputs.labels is None:
        raise DataError(f"{inputs.name} has no labels, so nothing can be learnt from it; add an array 'labels'")
    from narrowmax.models.keras.lesson import task

    return task(network, inputs, path.name)


@dataclass(frozen=True)
class _Opened:
    """judged: the network whose output is logits; ends: whether the network itself ends in a softmax of them"""

    network: object
    batches: Callable
    judged: object
    ends: bool


def _onnx(path: Path, inputs: Inputs, trust: bool) -> _Opened:
    from narrowmax.models.onnx import OnnxNetwork

    return _in_file(OnnxNetwork(path), inputs)


def _tflite(path: Path, inputs: Inputs, trust: bool) -> _Opened:
    from narrowmax.models.onnx import TfliteNetwork

    return _in_file(TfliteNetwork(path), inputs)


def _in_file(network, inputs: Inputs) -> _Opened:
    logits, named = network.of_logits(), inputs.named([one.name for one in network.inputs])
    sizes = {one.shape[0] for one in network.inputs if one.shape} - {None}
    size = sizes.pop() if sizes else None
    return _Opened(network, lambda: named.batches(size), logits, logits.classifier is not None)


def _keras(path: Path, inputs: Inputs, trust: bool) -> _Opened:
    from narrowmax.models import keras

    network = keras.load(path, trust)  # which chooses a backend, so nothing of Keras is imported before
    from narrowmax.models.keras.networks import Logits

    names = [each.name for each in network.inputs]
    named = inputs.named(names)

    def batches():
        for arrays, labels in named.batches():
            yield (arrays if len(names) > 1 else arrays[names[0]]), labels

    first, _ = next(batches())
    return _Opened(network, batches, network, isinstance(keras.forward(network, first), Logits))


def _checkpoint(path: Path, inputs: Inputs, trust: bool) -> _Opened:
    from narrowmax.models.checkpoints import load

    arrays = {name: _tokens(array) for name, array in inputs.arrays.items()}
    taken = Inputs(inputs.name, arrays, inputs.labels, inputs.groups)
    network = load(path, trust)
    return _Opened(network, taken.batches, network, False)


def _tokens(array: np.ndarray) -> np.ndarray:
    """Integers as int64, which embeddings want; floats as float32, which the weights are."""
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64, copy=False)


_OPENERS = {".onnx": _onnx, ".tflite": _tflite, ".keras": _keras, ".h5": _keras, ".hdf5": _keras}
