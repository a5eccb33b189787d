"""`measure`: what reaches each softmax of a Keras model."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial

import keras
import numpy as np

from narrowmax.models.keras import backends
from narrowmax.models.keras.callbacks import present
from narrowmax.models.keras.interception import Listener
from narrowmax.models.measurement import Measurement
from narrowmax.models.sites import Site
from narrowmax.rows import FORMATS, WITHIN


class KerasMeasurement(Measurement, Listener):
    """A measurement of a Keras model; made by `measure`."""

    watches = True

    def __init__(self, network: keras.layers.Layer, within: Iterable[float], formats: Iterable[str], heads: bool):
        Listener.__init__(self, network)
        Measurement.__init__(self, within, formats, heads)

    def see(self, site: Site, x, axis: int, mask, causal: bool, heads: int | None) -> None:
        """Count one call, when its values are there."""
        count = partial(_count, weakref.ref(self), site, axis, causal, heads)
        backends.bridge().told(x, count, *([] if mask is None else [mask]))

    def softmaxes(self, within: Iterable[float] | None = None) -> list[dict]:
        """One dict for each softmax, head and epoch: the keys of `narrowmax measure --json`."""
        if getattr(self, "_home", None) is not None:
            backends.bridge().flush()
        return super().softmaxes(within)


def measure(
    network: keras.layers.Layer,
    *,
    within: Iterable[float] = WITHIN,
    formats: Iterable[str] = FORMATS,
    heads: bool = False,
) -> KerasMeasurement:
    """See what reaches every softmax of `network` inside a `with` block; nothing in it changes.

        with nm.measure(model) as seen:
            model.fit(x, y)
        print(seen.table())

    within: R of the shares of rows inside +-R; formats: what to compare values with
    heads: keep the heads of an attention apart
    A softmax is named by the layers that are called on the way to it, "block/attention".  Seen are direct
    calls, fit, evaluate, predict and functions of your own under `tf.function` or `jax.jit`, which are traced
    anew for the block.  A loss from logits, and each metric that is one, is a softmax of its own; a loss that
    goes back behind a softmax layer on TensorFlow is not.  A layer that is rematerialised (`keras.RematScope`) is
    seen once, but on JAX, where its backward pass is seen too.  Not seen: a softmax written out by hand, CTC, and
    `tf.nn.*_cross_entropy_with_logits` called past Keras.

    Raises NetworkError for anything that is not a Keras layer or model.
    """
    return KerasMeasurement(network, within, formats, heads)


def _count(found: weakref.ref, site: Site, axis: int, causal: bool, heads: int | None, x: np.ndarray, *mask) -> None:
    """What traced code calls: it may outlive the block, and a measurement need not live as long as that."""
    measurement = found()
    if measurement is not None and measurement.active:
        measurement.count(site, x, present(x, *mask, causal) if mask else present(x, None, causal), axis, heads)
