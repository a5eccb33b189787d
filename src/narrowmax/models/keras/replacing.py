"""`replace`: a design in the place of softmaxes of a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import numpy as np

from narrowmax.errors import NarrowmaxError
from narrowmax.models import surrogates
from narrowmax.models.keras import backends
from narrowmax.models.keras.callbacks import present
from narrowmax.models.keras.interception import Listener
from narrowmax.models.sites import Choosing, Site


class KerasReplacement(Choosing, Listener):
    """A replacement in a Keras model; made by `replace`."""

    def __init__(self, network: keras.layers.Layer, design, where: str | Callable[[Site], bool], gradient: str):
        Choosing.__init__(self, where)
        Listener.__init__(self, network)
        self.design = design
        self._slope = surrogates.slope_for(design, gradient)
        self._failed: NarrowmaxError | None = None

    def serve(self, site: Site, x, axis: int, mask, causal: bool, log: bool):
        """The design's probabilities of `x` (or their logs), with a gradient."""
        return self.made(site, axis, causal, log).of(x, mask)

    def made(self, site: Site, axis: int, causal: bool, log: bool) -> Served:
        """The design's softmax at a place."""
        return Served(self.design, axis, causal, log, self._slope, partial(self.count, site), self._fail)

    def _fail(self, error: NarrowmaxError) -> None:
        self._failed = error

    def __exit__(self, kind, error, trace) -> None:
        failed, self._failed = self._failed, None
        try:
            super().__exit__(kind, error, trace)
        except Exception:
            if kind is None and failed is None:
                raise
        if failed is not None and error is not failed:  # frameworks wrap what a callback raises
            raise failed
        if kind is None:
            self.refuse_nothing()


class Served:
    """A design's softmax as a function of NumPy arrays and its gradient, for traced code to call."""

    def __init__(
        self,
        design,
        axis: int,
        causal: bool,
        log: bool,
        slope: float | None,
        counted: Callable[[], None] = lambda: None,
        failed: Callable[[NarrowmaxError], None] = lambda error: None,
    ):
        self.design, self.axis, self.causal, self.log, self.slope = design, axis, causal, log, slope
        self.counted, self.failed = counted, failed

    def of(self, x, mask=None):
        """In the shape and dtype of the tensor `x`; mask: true where an element takes part, broadcasts."""
        return backends.bridge().through(x, self.forward, self.backward, *([] if mask is None else [mask]))

    def present(self, x: np.ndarray, mask: np.ndarray | None) -> np.ndarray | None:
        """Where an element takes part, see `callbacks.present`."""
        return present(x, mask, self.causal)

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """See `surrogates.forward`."""
        self.counted()
        try:
            return surrogates.forward(self.design, x, self.axis, self.present(x, mask), self.log)
        except NarrowmaxError as error:
            self.failed(error)
            raise

    def backward(self, g: np.ndarray, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """See `surrogates.backward`."""
        return surrogates.backward(self.design, g, x, self.axis, self.present(x, mask), self.log, self.slope)


def replace(
    network: keras.layers.Layer,
    design,
    where: str | Callable[[Site], bool] = "*",
    gradient: str = "straight-through",
) -> KerasReplacement:
    """Put `design` in the place of softmaxes of `network` inside a `with` block.

    where: "attention", "classifier" (every other softmax, losses included), a pattern of layer
        names such as "block_*/attention" ("*" is all), or a function of a `Site`
    gradient: "straight-through" or "slope", see `narrowmax.models.gradients`

    Masked elements (a mask, -inf, or scores below -9000) take no part and come out 0, and so does
    a row where nothing takes part.  On TensorFlow, a loss does not go back behind a softmax that was
    replaced; take losses inside the block.  Designs run on the CPU, called back from traced code.

    Raises DataError at the end of the block when softmaxes ran and none was replaced, NetworkError for
    anything that is not a Keras layer or model.
    """
    return KerasReplacement(network, design, where, gradient)
