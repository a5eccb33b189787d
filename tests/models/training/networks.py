"""A small network and its data, for tests of training with formats in it."""

from __future__ import annotations

import torch
from torch import nn


def cloud(rows: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of four classes that a line parts."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 8, generator=generator)
    return x, (x @ torch.randn(8, 4, generator=generator)).argmax(1)


def small(classes: int = 4, *more: nn.Module, seed: int = 1) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, classes), *more)
