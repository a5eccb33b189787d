"""A plain training loop with formats in it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small

from narrowmax.models.training import precision


@pytest.fixture
def run():
    """`run(epochs=3, lr=0.1, network=None, loss=F.cross_entropy, **knobs)`: the training, after its block."""
    x, y = cloud()

    def go(epochs=3, lr=0.1, network=None, loss=F.cross_entropy, **knobs):
        network = small() if network is None else network
        optimiser = torch.optim.SGD(network.parameters(), lr)
        with precision(network, optimiser, **knobs) as training:
            for _ in range(epochs):
                for part in range(0, len(x), 32):
                    given = loss(network(x[part : part + 32]), y[part : part + 32])
                    optimiser.zero_grad()
                    given.backward()
                    optimiser.step()
                training.end_epoch()
        return training

    return go
