"""Keras 3 on TensorFlow, JAX and PyTorch, as `frameworks` asks for it, and layers to write down.

A name is imported when it is first used, and Keras with it.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "measure": "measuring",
    "replace": "replacing",
    "load": "files",
    "is_network": "networks",
    "evaluating": "networks",
    "forward": "networks",
    "weights": "networks",
    "classify": "networks",
    "copied": "learning",
    "learn": "learning",
    "doctor": "learning",
    "Softmax": "layers",
    "Quantize": "layers",
    "SoftmaxInputs": "epochs",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"narrowmax.models.keras has no {name!r}; it has {', '.join(sorted(_HOMES))}")
    found = getattr(import_module(f"narrowmax.models.keras.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
