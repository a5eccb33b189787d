"""All random numbers that a Keras training draws, as arrays: saved between two epochs, and gone on from."""

from __future__ import annotations

import json
import random

import keras
import numpy as np

from narrowmax.models.keras import backends
from narrowmax.models.keras.formats import NumpyRounder

_PYTHON, _NUMPY, _KEYS, _ROUNDER, _KERAS, _TORCH = (
    f"random {name}" for name in ("python", "numpy", "numpy keys", "rounder", "keras", "torch")
)


def state(rounder: NumpyRounder) -> dict[str, np.ndarray]:
    """Of Python, NumPy, Keras (and torch below it) and of stochastic rounding."""
    name, keys, *others = np.random.get_state()
    found = {
        _PYTHON: _written(random.getstate()),
        _NUMPY: _written([name, *others]),
        _KEYS: keys,
        _ROUNDER: _written(rounder.random.bit_generator.state),
    }
    if (generator := _generator()) is not None:
        found[_KERAS] = backends.array(generator.state)
    if keras.backend.backend() == "torch":
        import torch

        found[_TORCH] = torch.get_rng_state().numpy()
    return found


def resume(rounder: NumpyRounder, found: dict[str, np.ndarray]) -> bool:
    """Go on from a state; False, and nothing changed, where it cannot be read."""
    try:
        (version, words, gauss), (name, *others), rounding = (_read(found[key]) for key in (_PYTHON, _NUMPY, _ROUNDER))
        keys = found[_KEYS]
    except (KeyError, ValueError):
        return False
    random.setstate((version, tuple(words), gauss))
    np.random.set_state((name, keys, *others))
    rounder.random.bit_generator.state = rounding
    if _KERAS in found:
        keras.src.random.seed_generator.global_seed_generator().state.assign(found[_KERAS])
    if _TORCH in found:
        import torch

        torch.set_rng_state(torch.from_numpy(found[_TORCH].copy()))
    return True


def _generator():
    """Keras' own, for functions that are given no seed, once it was used."""
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute("global_seed_generator")


def _written(thing: object) -> np.ndarray:
    return np.frombuffer(json.dumps(thing).encode(), np.uint8)


def _read(array: np.ndarray) -> object:
    return json.loads(array.tobytes())
