"""A copy of a network in training, and its file, are networks without formats."""

from __future__ import annotations

import copy
import io
import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small

from narrowmax.models.training import precision

X, Y = cloud(32)
KNOBS = [
    {"weights": "Q2.4"},
    {"activations": "Q2.4:stochastic"},
    {"gradients": "Q2.4", "loss_scale": "dynamic"},
    {"softmax": "Q3.4"},
]


def saved(network) -> bytes:
    file = io.BytesIO()
    torch.save(network, file)
    return file.getvalue()


@pytest.mark.parametrize("knobs", KNOBS, ids=str)
@pytest.mark.parametrize("made", [copy.deepcopy, lambda n: torch.load(io.BytesIO(saved(n)), weights_only=False)])
def test_a_copy_made_within_the_block_leaves_the_network_alone_and_is_without_formats(knobs, made):
    network, plain = small(), small(seed=3)
    optimiser = torch.optim.SGD(network.parameters(), 0.5)
    with precision(network, optimiser, **knobs):
        F.cross_entropy(network(X), Y).backward()
        optimiser.step()
        kept = made(network)
        optimiser.zero_grad()
        F.cross_entropy(network(X), Y).backward()
        optimiser.step()
    own = copy.deepcopy(network.state_dict())
    plain.load_state_dict(kept.state_dict())
    assert kept(X).equal(plain(X)) and made(kept)(X).equal(plain(X))
    F.cross_entropy(kept(X), Y).backward()
    F.cross_entropy(plain(X), Y).backward()
    assert all(a.grad.equal(b.grad) for a, b in zip(kept.parameters(), plain.parameters(), strict=True))
    assert all(value.equal(own[name]) for name, value in network.state_dict().items())


def test_a_copy_runs_within_the_block_too():
    network = small()
    with precision(network, weights="Q2.4", activations="Q2.2"):
        kept = copy.deepcopy(network)
        assert kept(X).equal(small()(X)) and not network(X).equal(kept(X))


def test_a_network_saved_within_the_block_is_read_where_narrowmax_is_not_installed(tmp_path):
    with precision(network := small(), weights="Q2.4", activations="Q2.2"):
        torch.save(network, tmp_path / "network.pt")
    code = (
        "import sys, torch; sys.modules['narrowmax'] = None\n"
        f"print(torch.load({str(tmp_path / 'network.pt')!r}, weights_only=False)(torch.ones(1, 8)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout == "torch.Size([1, 4])\n", done.stderr
