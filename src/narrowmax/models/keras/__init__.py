"""Keras 3 on TensorFlow, JAX and PyTorch, as `frameworks` asks for it, and layers to write down.

A name is imported when it is first used, and Keras with it.
"""

from __future__ import annotations

from narrowmax.models.lazily import named

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
    "described": "learning",
    "version": "learning",
    "precision": "learning",
    "trainer": "learning",
    "seeded": "learning",
    "Softmax": "layers",
    "Quantize": "layers",
    "SoftmaxInputs": "epochs",
}

__all__ = list(_HOMES)
__getattr__ = named(__name__, _HOMES)
