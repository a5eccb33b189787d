"""The framework below Keras that is in use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import keras
import numpy as np

from narrowmax.errors import NetworkError

_HOMES = {
    "tensorflow": "narrowmax.models.keras.on_tensorflow",
    "jax": "narrowmax.models.keras.on_jax",
    "torch": "narrowmax.models.keras.on_torch",
}


def bridge() -> ModuleType:
    """The module that takes values to NumPy and back on the backend in use.

    It has `told`, `through`, `plain`, `scores`, `flush`, `traced_anew`, `spellings`.  Raises NetworkError on another
    backend.
    """
    name = keras.backend.backend()
    if name not in _HOMES:
        raise NetworkError(f"Keras runs on {name} here; set KERAS_BACKEND to one of {', '.join(_HOMES)}")
    return import_module(_HOMES[name])


def lower() -> ModuleType:
    """Keras' own module of the functions that differ by backend: all its public softmaxes end there."""
    from keras.src import backend

    return backend.nn


def core() -> ModuleType:
    """Keras' own module of what else differs by backend; rematerialisation is there."""
    from keras.src import backend

    return backend.core


def variable() -> type:
    """Keras' own class of variables, whose values are read through `_maybe_autocast` on every backend."""
    return next(kind for kind in keras.Variable.__mro__ if "_maybe_autocast" in vars(kind))


def array(x) -> np.ndarray:
    """A copy of the values of a variable or a tensor, outside of a trace."""
    return np.array(keras.ops.convert_to_numpy(x))


def symbolic() -> bool:
    """Whether Keras only asks for shapes now, maybe on values that it made up."""
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    return in_symbolic_scope()
