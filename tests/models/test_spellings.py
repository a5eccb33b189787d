"""Every spelling of softmax and log_softmax: seen by its layer, replaced, with the right gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Calls, exact, gradients, same
from torch import nn
from torch.nn.functional import softmax as early_bound

from narrowmax.models import measure, replace

B = 2

SPELLINGS = {
    "F.softmax": lambda x: F.softmax(x, dim=-1),
    "F.softmax positional": lambda x: F.softmax(x, -1),
    "F.softmax dtype": lambda x: F.softmax(x, dim=1, dtype=torch.float64),
    "F.softmax implicit": lambda x: F.softmax(x, _stacklevel=5),
    "torch.softmax": lambda x: torch.softmax(x, 1),
    "torch.softmax keywords": lambda x: torch.softmax(input=x, dim=1),
    "Tensor.softmax": lambda x: x.softmax(-1),
    "Tensor.softmax keyword": lambda x: x.softmax(dim=-1),
    "torch.special.softmax": lambda x: torch.special.softmax(x, -1),
    "early bound": lambda x: early_bound(x, dim=-1),
    "nn.Softmax": nn.Softmax(dim=-1),
    "aten.softmax": lambda x: torch.ops.aten.softmax(x, -1),
    "aten.softmax.int": lambda x: torch.ops.aten.softmax.int(x, -1),
    "aten._softmax": lambda x: torch.ops.aten._softmax(x, -1, False),
    "aten._safe_softmax": lambda x: torch.ops.aten._safe_softmax(x, -1),
    "F.softmin": lambda x: F.softmin(-x, dim=-1),
}
LOGS = {
    "F.log_softmax": lambda x: F.log_softmax(x, dim=-1),
    "torch.log_softmax": lambda x: torch.log_softmax(x, -1),
    "Tensor.log_softmax": lambda x: x.log_softmax(-1),
    "torch.special.log_softmax": lambda x: torch.special.log_softmax(x, -1),
    "nn.LogSoftmax": nn.LogSoftmax(dim=-1),
    "aten.log_softmax": lambda x: torch.ops.aten.log_softmax(x, -1),
    "aten._log_softmax": lambda x: torch.ops.aten._log_softmax(x, -1, False),
}


@pytest.fixture
def x():
    return torch.randn(B, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("spelling", [*SPELLINGS, *LOGS])
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_spelling(spelling, x, plain):
    torch.manual_seed(0)
    function = {**SPELLINGS, **LOGS}[spelling]
    network, log = Calls(function), spelling in LOGS
    reference = Calls(lambda x: exact(x).log() if log else exact(x))
    reference.load_state_dict(network.state_dict())
    before = network(x)
    with measure(network) as seen:
        assert torch.equal(network(x), before)
    (one,) = seen.softmaxes()
    name = "call.function" if isinstance(function, nn.Module) else "call"
    assert (one["name"], one["kind"], one["function"]) == (name, "classifier", "log_softmax" if log else "softmax")
    inner = 3 * network.fc(x)
    assert (one["rows"], one["n"], one["masked"]) == (B, 6, 0)
    assert (one["min"], one["max"]) == (inner.min().item(), inner.max().item())
    with replace(network, plain(output="UQ1.40")) as replaced:
        got = gradients(network, lambda net: net(x))
    assert [(site.name, count) for site, count in replaced.sites.items()] == [(name, 1)]
    same(got, gradients(reference, lambda net: net(x)), 1e-8 if log else 2**-40)
    assert torch.equal(network(x), before)
