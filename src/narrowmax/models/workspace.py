"""Memory that is used again: fresh pages cost a network more than what is computed into them."""

from __future__ import annotations

import math
import threading
from collections import deque

import torch
from torch import Tensor

_WORTH_IT = 1 << 14  # elements; what is smaller than a few pages is quickly had
_LOOKED_AT = 4  # of those of a shape, from the one that was lent longest ago: if they are in use, so are the others


class _Room(threading.local):
    def __init__(self):
        self.pool: dict[tuple[tuple[int, ...], torch.dtype], deque[tuple[Tensor, int]]] | None = None


_room = _Room()


def pooled(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Uninitialised memory on the CPU to which no other tensor refers, whatever was made of it before."""
    pool = _room.pool
    if pool is None or math.prod(shape) < _WORTH_IT:
        return torch.empty(shape, dtype=dtype)
    known = pool.get((shape, dtype))
    if known is None:
        known = pool[shape, dtype] = deque()
    for _ in range(min(_LOOKED_AT, len(known))):
        found, storage = known[0]
        known.rotate(-1)
        if torch._C._storage_Use_Count(storage) == _ALONE:
            return found.detach()
    _drop_free(pool, known)
    fresh = torch.empty(shape, dtype=dtype)
    known.append((fresh, fresh.untyped_storage()._cdata))
    return fresh.detach()


def _drop_free(pool: dict, but: deque) -> None:
    """Free what nobody uses of other shapes: a network whose inputs change theirs must not collect them all."""
    for key, others in list(pool.items()):
        if others is not but:
            pool[key] = deque(held for held in others if torch._C._storage_Use_Count(held[1]) != _ALONE)
            if not pool[key]:
                del pool[key]


def _references_to_one() -> int:
    """What is counted for memory that one tensor has, and nobody else."""
    one = torch.empty(1)
    storage = one.untyped_storage()._cdata
    return torch._C._storage_Use_Count(storage)


_ALONE = _references_to_one()


def open_pool() -> None:
    """From now on, until `give_back`, what this thread is given by `pooled` is used again once it is free."""
    if _room.pool is None:
        _room.pool = {}


def give_back() -> None:
    """Free what this thread has in its pool; what is in use stays with who uses it."""
    _room.pool = None
