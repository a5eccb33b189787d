"""Number formats in the layers of a Keras model while it trains: weights, outputs, their gradients, scores."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial

import keras
import numpy as np

from narrowmax.formats import Format
from narrowmax.models.keras import backends
from narrowmax.models.keras.functions import made_by_softmax
from narrowmax.models.keras.interception import Listener, Tensors
from narrowmax.models.keras.replacing import KerasReplacement, Served
from narrowmax.models.sites import Site
from narrowmax.models.training import grids
from narrowmax.models.training.passing import Passing
from narrowmax.models.training.recording import OUTPUT, SOFTMAX


class NumpyRounder:
    """Rounds NumPy arrays, with random numbers of its own where a format asks for them: the same for the same seed."""

    spacing = staticmethod(grids.spacing)

    def __init__(self, seed: int):
        self.random = np.random.Generator(np.random.PCG64(seed))

    def __call__(self, form: Format, x: np.ndarray) -> np.ndarray:
        """The values of x's codes, in x's dtype; NaN stays NaN."""
        nan = np.isnan(x)
        wide = np.where(nan, 0.0, x).astype(np.float64)
        found = form.round(wide, self.random.random(x.shape) if form.rounding == "stochastic" else None)
        with np.errstate(over="ignore"):
            return np.where(nan, np.nan, found).astype(x.dtype)


class Formats(Listener):
    """weights: the variables that are rounded in a forward pass, by name.  Between calls it only listens.

    `training`: whether the network's last call was one of training; `scores`: (rows, n) of that, NumPy
    `ends_in`: the softmax that made the network's output, where one did
    """

    eager = True

    def __init__(self, network: keras.layers.Layer, passing: Passing, weights: dict[str, keras.Variable]):
        super().__init__(network)
        self.passing, self.weights = passing, weights
        self.design: KerasReplacement | None = None
        self.training, self.scores, self.ends_in = False, None, None
        self._rounded_weights: dict[int, object] = {}  # while the network runs
        self._rounding = False  # now, when weights are read as they are
        self._rounded = Tensors()

    def begin(self, layer: keras.layers.Layer, training: bool) -> None:
        """Round the weights once for each call of the network, before the first of its layers."""
        if layer is self.network:
            self.training = training
        else:
            self._round_weights()

    def end(self, layer: keras.layers.Layer) -> None:
        """The weights are the network's own again."""
        if layer is self.network:
            self._rounded_weights = {}

    def weight(self, variable: keras.Variable) -> object | None:
        """Rounded, while the network runs: before any of its layers too, where the network itself computes."""
        self._round_weights()
        return self._rounded_weights.get(id(variable))

    def _round_weights(self) -> None:
        asked = self.passing.precision.weights is not None and self.inside and not backends.symbolic()
        if not asked or self._rounded_weights or self._rounding:
            return
        self._rounding, through = True, backends.bridge().through
        try:
            with keras.src.backend.AutocastScope(None):
                self._rounded_weights = {
                    id(one): through(one.value, partial(self.passing.weight, name), _as_it_is)
                    for name, one in self.weights.items()
                }
        finally:
            self._rounding = False

    def passed(self, layer: keras.layers.Layer, output: object) -> object:
        """A layer's output, rounded; of the network's, the gradient is looked at."""
        if not self.inside or backends.symbolic():
            return output
        if layer is self.network:
            return self._scored(output)
        if layer._layers or not self._chosen(self._path()):
            return output
        return keras.tree.map_structure(partial(self._output, self._path()), output)

    def felt(self, site: Site, x):
        """A classifier's scores: rounded, where they are no layer's output, and the gradient is looked at."""
        if site.kind != "classifier":
            return x
        inside, found = self.inside, x
        if inside and self._chosen(site.name) and self._rounded.get(x) is None:
            found = self._output(site.name, x)
        if not self.training:
            return found
        self.ends_in = site.name if inside else self.ends_in
        wanted = self.design is not None and self.design.wants(site)
        return self._pushed(SOFTMAX + site.name if wanted else site.name, found, inside) if inside or wanted else found

    def _chosen(self, name: str) -> bool:
        precision = self.passing.precision
        given = precision.activations is not None or precision.gradients is not None
        return given and fnmatchcase(name, precision.layers)

    def _output(self, name: str, x):
        """One tensor that a layer gives; of a softmax, its design says the format."""
        if not keras.ops.is_tensor(x) or not _is_float(x) or made_by_softmax(x):
            return x
        found = backends.bridge().through(x, partial(self._forward, name), partial(self._backward, name))
        if (mask := keras.src.backend.get_keras_mask(x)) is not None:
            keras.src.backend.set_keras_mask(found, mask)
        self._rounded.put(found, True)
        return found

    def _forward(self, name: str, x: np.ndarray) -> np.ndarray:
        return x if self.passing.precision.activations is None else self.passing.output(name, x, self.training)[0]

    def _backward(self, name: str, g: np.ndarray, x: np.ndarray) -> np.ndarray:
        precision = self.passing.precision
        g = g if precision.gradients is None else self.passing.gradient(name, g)
        if precision.activations is None or precision.gradient == "straight-through":
            return g
        blocked = True if precision.gradient == "none" else grids.beyond(precision.activations, x)
        return np.where(blocked, 0, g).astype(g.dtype)

    def _scored(self, output: object) -> object:
        """The network's output; scores, where it does not end in a softmax."""
        scores = self.training and keras.ops.is_tensor(output) and _is_float(output) and len(output.shape) in (2, 3)
        if not scores or made_by_softmax(output):
            return output
        self.ends_in = None
        return self._pushed(OUTPUT, output, True)

    def _pushed(self, place: str, x, last: bool):
        """The same numbers, whose gradient is looked at; last: whether they may be the network's scores."""

        def kept(x: np.ndarray) -> np.ndarray:
            self.scores = np.array(x) if last else self.scores
            return x

        if x.shape[-1] == 1:
            return x
        return backends.bridge().through(x, kept, lambda g, x: self.passing.push(place, g))


def _as_it_is(g: np.ndarray, x: np.ndarray) -> np.ndarray:
    return g


def _is_float(x) -> bool:
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))


class DesignInTraining(KerasReplacement):
    """A design in the place of softmaxes, which counts what lies beyond its input."""

    eager = True

    def __init__(self, formats: Formats):
        precision = formats.passing.precision
        self.formats, self.blocks = formats, precision.gradient == "none"
        gradient = "slope" if self.blocks else precision.gradient
        super().__init__(formats.network, precision.softmax, precision.where, gradient)

    def made(self, site: Site, axis: int, causal: bool, log: bool) -> Served:
        """As `KerasReplacement`."""
        return _ServedInTraining(self, site, axis, causal, log)


class _ServedInTraining(Served):
    """What is not finite is let through in training, which ends as diverged then."""

    def __init__(self, of: DesignInTraining, site: Site, axis: int, causal: bool, log: bool):
        super().__init__(of.design, axis, causal, log, of._slope, partial(of.count, site), of._fail)
        self._of, self._site = of, site

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        formats, here = self._of.formats, self.present(x, mask)
        if not formats.training:
            return super().forward(x, mask)
        taking_part = x if here is None else np.where(here, x, 0)
        formats.passing.count_beyond("softmax", self._site.name, self.design.input, taking_part)
        if np.isfinite(taking_part).all():
            return super().forward(x, mask)
        self.counted()
        return np.full_like(x, np.nan)

    def backward(self, g: np.ndarray, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        blocked = self._of.blocks or not np.isfinite(g).all()
        return np.zeros_like(x) if blocked else super().backward(g, x, mask)
