"""Networks that are compiled, exported or traced: what runs, with the values and the bits of the network itself."""

from __future__ import annotations

import copy
import io

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import narrowmax as nm
from narrowmax.errors import DataError
from narrowmax.models import measure, replace


class Net(nn.Module):
    """A softmax, attention and a loss."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.soft = nn.Linear(4, 4), nn.Softmax(-1)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        y = self.soft(3 * self.fc(x))
        return self.attention(y, y, y, need_weights=False)[0]


X = torch.linspace(-2, 2, 24).view(2, 3, 4)
DESIGN = nm.design("ideal(input=Q5.3, output=UQ0.8)")
NAMES = ["soft", "attention"]


@pytest.fixture
def network():
    return Net().eval()


def wanted(network, x=X):
    with replace(network, DESIGN):
        return network(x)


def names(seen):
    return [one["name"].replace("._orig_mod", "").replace("_orig_mod.", "") for one in seen.softmaxes()]


def whole(network):
    return torch.compile(network, backend="aot_eager")


def method(network):
    network.compile(backend="aot_eager")
    return network


def layer(network):
    network.attention = torch.compile(network.attention, backend="aot_eager")
    return network


@pytest.mark.parametrize("how", [whole, method, layer])
@pytest.mark.parametrize("run_before", [False, True])
def test_a_compiled_network_runs_as_it_was_written(network, how, run_before):
    before, out = network(X), wanted(network)
    compiled = how(network)
    if run_before:
        compiled(X)
    with measure(compiled) as seen, replace(compiled, DESIGN) as replaced:
        assert torch.equal(compiled(X), out)
    assert names(seen) == NAMES and len(replaced.sites) == 2
    assert torch.allclose(compiled(X), before, atol=1e-6)


def test_a_network_compiled_inside_of_the_block(network):
    out = wanted(network)
    with measure(network) as seen, replace(network, DESIGN):
        assert torch.equal(torch.compile(network, backend="eager", fullgraph=True)(X), out)
    assert names(seen) == NAMES


def test_a_compiled_training_step_has_the_gradient_of_the_step(network):
    def step(x):
        return F.cross_entropy(network(x).flatten(0, 1), torch.arange(6) % 4)

    def gradient(run):
        network.zero_grad()
        with replace(network, DESIGN) as replaced:
            run(X).backward()
        assert len(replaced.sites) == 3
        return network.fc.weight.grad.clone()

    assert torch.equal(gradient(torch.compile(step, backend="aot_eager")), gradient(step))


def test_a_program_exported_before_is_seen_by_layer_when_it_is_unflattened(network):
    program, out = torch.export.export(network, (X,)), wanted(network)
    for made, expected in ((torch.export.unflatten(program), NAMES), (program.module(), ["<network>"] * 2)):
        with measure(made) as seen, replace(made, DESIGN):
            assert torch.allclose(made(X), out, atol=1e-6)
        assert names(seen) == expected


def test_an_exported_program_of_a_loss_is_seen():
    class Loss(nn.Module):
        def forward(self, x, y):
            return F.cross_entropy(x, y, label_smoothing=0.1, reduction="sum")

    x, y = X[0], torch.tensor([1, 0, 2])
    made = torch.export.unflatten(torch.export.export(Loss(), (x, y)))
    with replace(Loss(), DESIGN):
        out = Loss()(x, y)
    with measure(made) as seen, replace(made, DESIGN):
        assert torch.allclose(made(x, y), out)
    assert [(one["function"], one["rows"]) for one in seen.softmaxes()] == [("cross_entropy", 3)]


@pytest.mark.filterwarnings("ignore")
def test_a_network_exported_with_a_design_in_it_keeps_the_design(network):
    with replace(network, DESIGN) as replaced:
        program = torch.export.export(network, (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert len(replaced.sites) == 2
    (file := io.BytesIO(), torch.export.save(program, file), file.seek(0))
    x = torch.cat([X, -X, 2 * X])
    assert torch.equal(torch.export.load(file).module()(x), wanted(network, x))


def test_exporting_is_refused_where_it_cannot_be(network):
    with (
        measure(network),
        pytest.raises(DataError, match="has nothing to measure; measure the network itself"),
    ):
        torch.export.export(network, (X,))
    message = r"torch\.export with strict=True cannot pass here; export with strict=False"
    with measure(network), pytest.raises(Exception, match=message):
        torch.export.export(network, (X,), strict=True)
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.filterwarnings("ignore")
def test_a_network_traced_with_a_design_in_it_keeps_the_design(network):
    with replace(network, DESIGN):
        traced = torch.jit.trace(network, X)
    assert torch.equal(traced(2 * X), wanted(network, 2 * X))


def test_the_design_in_a_traced_network_is_masked_by_value():
    x = X[0].masked_fill(torch.eye(3, 4, dtype=torch.bool), -1e9)
    with replace(soft := nn.Softmax(-1), DESIGN):
        program = torch.export.export(soft, (x,))
        out = soft(x)
    assert torch.equal(program.module()(x), out)
    assert (out.diagonal() == 0).all()


def test_a_copy_and_the_stance_are_left_as_they_were(network):
    compiled = torch.compile(network, backend="aot_eager", fullgraph=False)
    with measure(network):
        copy.deepcopy(network)(X)
    counter = torch._dynamo.testing.CompileCounter()
    torch.compile(nn.Linear(4, 4), backend=counter)(X)
    assert counter.frame_count == 1
    assert compiled(X).shape == X.shape


@pytest.mark.parametrize("grad", [True, False])
def test_a_network_without_values_is_replaced_for_its_shapes(network, grad):
    with replace(copy.deepcopy(network).to("meta"), DESIGN) as replaced, torch.set_grad_enabled(grad):
        got = replaced.network(X.to("meta"))
    assert got.is_meta and got.shape == X.shape and len(replaced.sites) == 2
    with FakeTensorMode(allow_non_fake_inputs=True), torch.set_grad_enabled(grad), replace(network, DESIGN):
        got = network(torch.empty(X.shape))
    assert isinstance(got, FakeTensor) and got.shape == X.shape


@pytest.mark.parametrize("grad", [True, False])
def test_the_default_device_is_not_where_the_values_are(network, grad):
    out, masked = wanted(network), X.clone().masked_fill(X > 1, -torch.inf)
    with torch.set_grad_enabled(grad), torch.device("meta"):
        assert torch.equal(wanted(network), out)
        with measure(network) as seen, replace(network, DESIGN):
            network.soft(masked)
            F.scaled_dot_product_attention(masked.nan_to_num(neginf=0), X, X, is_causal=True)
    assert len(seen.softmaxes()) == 2
