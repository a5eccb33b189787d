"""Another network that runs inside a block: a teacher, an average of the weights, the network of another task."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from torch import nn

from narrowmax.models.attention import is_traced

_CALL = nn.Module._call_impl.__code__


def is_of_another(network: nn.Module) -> bool:
    """Whether a softmax outside of all layers of `network` is called by a module of another network.

    That is one with weights and without a module of `network` in it; so neither a loss without weights nor what
    `network` is a part of.  The frames that are running tell, so a pass costs nothing where nothing is called outside.
    """
    if is_traced():
        return False
    return any(next(module.parameters(), None) is not None and not _related(module, network) for module in _running())


def _running() -> Iterator[nn.Module]:
    """The modules that are running in this thread, innermost first."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code is _CALL:
            yield frame.f_locals["self"]
        frame = frame.f_back


def _related(module: nn.Module, network: nn.Module) -> bool:
    own = set(network.modules())
    return any(each in own for each in module.modules())
