"""Keras models as `frameworks` asks for them: outputs, weights, evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keras
import numpy as np

from narrowmax.models.keras import backends
from narrowmax.models.keras.interception import Listener
from narrowmax.models.sites import Site


def is_network(thing: object) -> bool:
    """Whether `thing` is a Keras layer, which a model is too."""
    return isinstance(thing, keras.layers.Layer)


@contextmanager
def evaluating(network: keras.layers.Layer, threads: int | None = None) -> Iterator[None]:
    """A context in which nothing is made ready for gradients.

    threads: heeded on PyTorch; TensorFlow and JAX choose theirs when they start
    """
    if keras.backend.backend() != "torch":
        yield
        return
    from narrowmax.models.pytorch import inferring

    with inferring(threads):
        yield


class Logits(np.ndarray):
    """Logits that a softmax of the network itself was applied to."""


def forward(network: keras.layers.Layer, inputs: object) -> np.ndarray:
    """The output for one batch, not training: a mapping or a tuple holds the inputs of a model that has several.

    What reaches the softmax that makes the output, where one does: logits, `Logits`.
    """
    several = isinstance(inputs, tuple) or isinstance(getattr(network, "input", None), list)
    given = inputs if isinstance(inputs, Mapping) or not several else list(_parts(inputs))
    with _Last(network) as last:
        output = network(given, training=False)
    output = last.logits_of(output)
    if not keras.ops.is_tensor(output):
        return output
    found = backends.bridge().plain(output)
    return found.view(Logits) if last.found else found


def _parts(inputs: object) -> tuple:
    return inputs if isinstance(inputs, tuple) else (inputs,)


class _Last(Listener):
    """Keeps what reached the softmax that was called last outside of attention."""

    watches = True

    def __init__(self, network: keras.layers.Layer):
        from narrowmax.models.keras import functions

        super().__init__(network)
        self.eager = functions.eagerly()
        self.found = False
        self._seen: tuple | None = None

    def see(self, site: Site, x, axis: int, mask, causal: bool, heads: int | None) -> None:
        if site.kind == "classifier" and self.inside:
            self._seen = (site.name, x, axis)

    def logits_of(self, output: object):
        """The input of the softmax whose layer made `output`, else `output`."""
        if self._seen is None or not keras.ops.is_tensor(output):
            return output
        name, x, axis = self._seen
        self.found = self.maker == name and tuple(x.shape) == tuple(output.shape)
        return keras.ops.moveaxis(x, axis, -1) if self.found else output  # where rows are judged

    def note(self, output: object) -> None:
        """Remember which layer made the output of the network: the last to return anything but the network."""
        super().note(output)
        if keras.ops.is_tensor(output) and self.inside:
            self.maker = self._makers.get(output)


def weights(network: keras.layers.Layer) -> dict[str, np.ndarray]:
    """Variables by path, numbered where paths are not unique."""
    found: dict[str, np.ndarray] = {}
    for variable in network.weights:
        path, count = variable.path, 1
        while path in found:
            count += 1
            path = f"{variable.path} {count}"
        found[path] = np.asarray(keras.ops.convert_to_numpy(variable))
    return found


def classify(rows: np.ndarray) -> object:
    """Softmax along the last axis, where `measure` sees it; nothing for logits that the network made one of."""
    return rows if isinstance(rows, Logits) else keras.ops.softmax(keras.ops.convert_to_tensor(rows))
