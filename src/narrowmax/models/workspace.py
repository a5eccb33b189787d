"""Memory that is used again: fresh pages cost a measurement more than what is computed into them."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor


class _Room(threading.local):
    def __init__(self):
        self.memory: dict[tuple[str, torch.dtype], Tensor] = {}


_room = _Room()


def borrowed(purpose: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Uninitialised memory on the CPU, of this thread, valid until the same purpose borrows again."""
    size, key = math.prod(shape), (purpose, dtype)
    if key not in _room.memory or _room.memory[key].numel() < size:
        with torch.inference_mode(False):  # memory of which is of no use outside it
            _room.memory[key] = torch.empty(size, dtype=dtype, device="cpu")
    return _room.memory[key][:size].view(shape)


def give_back() -> None:
    """Free what this thread has borrowed."""
    _room.memory.clear()
