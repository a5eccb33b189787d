"""Layers for those who want to write it down: a design's softmax, and rounding to a format."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np

from narrowmax.designs import design as parsed
from narrowmax.formats import parse
from narrowmax.models import surrogates
from narrowmax.models.keras import backends
from narrowmax.models.keras.replacing import Served


class _Written(keras.layers.Layer):
    """A layer that keeps its input's shape and calls NumPy."""

    def __init__(self, gradient: str, **kwargs):
        super().__init__(**kwargs)
        self.gradient = gradient
        self.supports_masking = True
        self.supports_jit = keras.backend.backend() == "jax"  # XLA under TensorFlow calls nobody back
        self._build_at_init()

    def compute_output_shape(self, input_shape, **kwargs):
        return input_shape

    def compute_output_spec(self, inputs, *args, **kwargs):
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="narrowmax")
class Softmax(_Written):
    """The softmax of a design, bit for bit.

        keras.Sequential([..., keras.layers.Dense(10), narrowmax.keras.Softmax("softermax(input=Q6.2)")])

    design: a design or its text; axis: along which rows lie
    gradient: "straight-through" or "slope", see `narrowmax.models.gradients`
    Call arguments: inputs, any shape; mask: true where an element takes part, broadcastable, the others come out 0.
    Raises DesignError for a text that names no design, DataError for an unknown gradient.
    """

    def __init__(self, design, axis: int = -1, gradient: str = "straight-through", **kwargs):
        super().__init__(gradient, **kwargs)
        self.design = parsed(design) if isinstance(design, str) else design
        self.axis = axis
        self._slope = surrogates.slope_for(self.design, gradient)

    def call(self, inputs, mask=None):
        axis = self.axis if self.axis < 0 else self.axis - len(inputs.shape)
        mask = None if mask is None else keras.ops.cast(mask, "bool")
        return Served(self.design, axis, False, False, self._slope).of(inputs, mask)

    def get_config(self) -> dict:
        """The arguments, the design as text."""
        return {**super().get_config(), "design": str(self.design), "axis": self.axis, "gradient": self.gradient}


@keras.saving.register_keras_serializable(package="narrowmax")
class Quantize(_Written):
    """Rounds its input to a format: `Quantize("Q5.3")`, `Quantize("decimal(10)")`.

    gradient: "straight-through" (1 everywhere) or "slope" (1 within the format's range, 0 where it saturates)
    Raises FormatError for a text that is no format, DataError for an unknown gradient.
    """

    def __init__(self, format, gradient: str = "straight-through", **kwargs):
        super().__init__(gradient, **kwargs)
        self.format = parse(format) if isinstance(format, str) else format
        surrogates.refuse_gradient(gradient)

    def call(self, inputs):
        return backends.bridge().through(inputs, partial(_rounded, self.format), self._gradient)

    def _gradient(self, g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return g if self.gradient == "straight-through" else g * surrogates.within(self.format, x).astype(g.dtype)

    def get_config(self) -> dict:
        """The arguments, the format as text."""
        return {**super().get_config(), "format": str(self.format), "gradient": self.gradient}


def _rounded(form, x: np.ndarray) -> np.ndarray:
    return np.asarray(form.round(x), dtype=x.dtype)
