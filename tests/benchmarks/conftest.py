"""Networks small enough to be timed in a test."""

import pytest
import torch

from benchmarks import measuring, networks


@pytest.fixture
def small(monkeypatch):
    tiny = {
        "cnn": (networks.cnn(), torch.randn(2, 3, 32, 32)),
        "vit": (networks.Transformer(8, 2, 2), torch.randn(2, 5, 8)),
    }
    for module in (measuring, networks):
        monkeypatch.setattr(module, "networks", lambda: tiny)
    monkeypatch.setattr(networks, "PASSES", 1)
    return tiny
