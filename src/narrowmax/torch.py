"""What narrowmax has for PyTorch alone: modules to write a design down, callbacks to measure by epoch.

    import narrowmax.torch

    network = nn.Sequential(nn.Linear(64, 10), narrowmax.torch.Softmax("softermax(input=Q6.2)"))

`narrowmax.measure` and `narrowmax.replace` need nothing of this: they take a network as it is.
"""

from __future__ import annotations

from importlib import import_module

from narrowmax.models.callbacks import write_scalars
from narrowmax.models.modules import LogSoftmax, Quantize, Softmax

_NEEDS_MORE = {  # packages that are imported with these names only
    "LightningCallback": "narrowmax.models.callbacks.lightning",
    "TransformersCallback": "narrowmax.models.callbacks.transformers",
}

__all__ = ["Softmax", "LogSoftmax", "Quantize", "write_scalars", *_NEEDS_MORE]


def __getattr__(name: str) -> object:
    if name not in _NEEDS_MORE:
        raise AttributeError(f"narrowmax.torch has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_NEEDS_MORE[name]), name)
