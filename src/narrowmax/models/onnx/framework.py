"""Networks in files, as `frameworks` asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy

import numpy as np

from narrowmax.models.onnx.listening import Listened, measure, replace
from narrowmax.models.sites import OUTSIDE, Site

__all__ = [
    "classify", "copied", "doctor", "evaluating", "forward", "is_network", "learn", "measure", "replace", "weights",
]  # fmt: skip


class Rows(np.ndarray):
    """A network's output that knows who made it, so that a softmax of it is known by name."""

    network: Listened | None = None

    def __array_finalize__(self, parent: object) -> None:
        self.network = getattr(parent, "network", None)


def is_network(thing: object) -> bool:
    """Whether `thing` is an ONNX or TFLite network."""
    return isinstance(thing, Listened)


@contextmanager
def evaluating(network: Listened, threads: int | None = None) -> Iterator[None]:
    """The network on so many threads (None: as it is); afterwards as it was."""
    before, network.threads = network.threads, threads or network.threads
    try:
        yield
    finally:
        network.threads = before


def forward(network: Listened, inputs: object) -> np.ndarray:
    """The first output for one batch: a mapping holds inputs by name, a tuple those by place."""
    if isinstance(inputs, Mapping):
        output = network(inputs)
    else:
        output = network(*(inputs if isinstance(inputs, tuple) else (inputs,)))
    rows = np.asarray(output).view(Rows)
    rows.network = network
    return rows


def weights(network: Listened) -> dict[str, np.ndarray]:
    """The digest of the file's network, as bytes."""
    return {"sha256": np.frombuffer(network.digest(), np.uint8)}


def doctor(network: Listened):
    """See `narrowmax.models.doctor`; of a network that does not learn, its softmaxes are examined."""
    from narrowmax.models.doctor.files import FileExamination

    return FileExamination(network)


def copied(network: Listened) -> Listened:
    """The same network with nobody listening."""
    return deepcopy(network)


def learn(network: Listened, inputs: object, labels: object | None) -> np.ndarray:
    """`forward`, with the softmax of a classifier's logits, which its labels are judged by."""
    output = forward(network, inputs)
    if labels is not None:
        classify(output)
    return output


def classify(rows: np.ndarray) -> np.ndarray:
    """Softmax along the last axis of a network's output, seen by those who measure the network."""
    from narrowmax import reference

    network = getattr(rows, "network", None)
    if network is not None:
        site = network.classifier or Site(OUTSIDE, "classifier", "softmax")
        network.offer(site, np.asarray(rows), -1, None, None, False)
    return reference.softmax(np.asarray(rows, np.float64))
