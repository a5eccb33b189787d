"""Training with number formats in the loop, in an unmodified PyTorch network and training loop.

A name is imported when it is first used: reading the text of a precision needs no PyTorch.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "precision": "context",
    "Training": "context",
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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"narrowmax.models.training has no {name!r}; it has {', '.join(sorted(_HOMES))}")
    found = getattr(import_module(f"narrowmax.models.training.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
