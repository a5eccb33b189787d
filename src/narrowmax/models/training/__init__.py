"""Training with number formats in the loop, in an unmodified network and training loop of PyTorch or Keras.

A name is imported when it is first used: reading the text of a precision needs no framework.
"""

from __future__ import annotations

from narrowmax.models.lazily import named

_HOMES = {
    "precision": "watching",
    "Training": "watching",
    "Precision": "record",
    "precision_of": "record",
    "read": "record",
    "Finding": "diagnosis",
    "diagnose": "diagnosis",
    "train": "running",
    "TrainingLoop": "loop",
    "Trained": "running",
}

__all__ = list(_HOMES)
__getattr__ = named(__name__, _HOMES)
