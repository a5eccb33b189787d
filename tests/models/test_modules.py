"""A design and a format as modules: the same bits as by hand, and modules in every other way."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import narrowmax as nm
import narrowmax.torch as nt
from narrowmax.errors import DataError, DesignError, FormatError

TEXT = "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)"
X = torch.linspace(-6, 6, 12).view(3, 4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nt.Quantize("Q5.3"), nt.Softmax(TEXT))


def gradient(network, x=X):
    (out := network(x))[:, 0].sum().backward()
    found, network[0].weight.grad = network[0].weight.grad, None
    return out.detach(), found


@pytest.mark.parametrize("how", ["straight-through", "slope"])
@pytest.mark.parametrize("log", [False, True])
def test_a_module_gives_what_a_replacement_gives(how, log):
    torch.manual_seed(0)
    exact = nn.Sequential(nn.Linear(4, 4), nn.LogSoftmax(-1) if log else nn.Softmax(-1))
    written = nn.Sequential(copy.deepcopy(exact[0]), (nt.LogSoftmax if log else nt.Softmax)(TEXT, gradient=how))
    with nm.replace(exact, nm.design(TEXT), gradient=how):
        wanted = gradient(exact)
    got = gradient(written)
    assert torch.equal(got[0], wanted[0]) and torch.equal(got[1], wanted[1])
    assert wanted[1].abs().max() > 0


def test_the_axis_and_the_mask():
    design, mask = nm.design(TEXT), torch.tensor([True, False, True, True])
    assert torch.equal(nt.Softmax(design, dim=0)(X).double(), design(X, axis=0).double())
    assert torch.equal(nt.Softmax(design)(X, mask).double(), design(X, axis=-1, mask=mask.expand(3, 4)).double())
    by_value = X.masked_fill(~mask, -torch.inf)
    assert torch.equal(nt.Softmax(design)(by_value), nt.Softmax(design)(X, mask))
    assert torch.equal(nt.Softmax(design)(X, torch.zeros(4, dtype=torch.bool)), torch.zeros(3, 4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_stays(dtype):
    got = nt.Softmax(TEXT)(X.to(dtype))
    assert got.dtype == dtype
    assert torch.equal(got, nm.design(TEXT)(X.to(dtype).double()).to(dtype))
    assert nt.Quantize("Q2.1")(X.to(dtype)).dtype == dtype


@pytest.mark.parametrize("text", ["Q2.1", "Q2.1:floor:wrap", "fp16", "e4m3", "decimal(1)"])
def test_a_format_rounds_forward_and_lets_the_gradient_through(text):
    x = (7.3 * torch.linspace(-1, 1, 9, dtype=torch.float64)).requires_grad_()
    out = nt.Quantize(text)(x)
    assert torch.equal(out.detach(), torch.from_numpy(nm.format(text).round(x.detach().numpy())))
    out.backward(g := torch.arange(9.0, dtype=torch.float64))
    assert torch.equal(x.grad, g)


def test_copies_and_saved_networks_are_the_same_network(network):
    wanted = gradient(network)
    (file := io.BytesIO(), torch.save(network, file), file.seek(0))
    saved = torch.load(file, weights_only=False)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), saved):
        assert all(torch.equal(a, b) for a, b in zip(gradient(other), wanted, strict=True))
    assert list(network.state_dict()) == ["0.weight", "0.bias"]
    plain = nn.Sequential(nn.Linear(4, 4), nn.Identity(), nn.Softmax(-1))
    network.load_state_dict(plain.state_dict())
    assert torch.equal(network[0].weight, plain[0].weight)


def test_a_print_says_what_it_is(network):
    assert "(1): Quantize(Q5.3)" in str(network)
    assert f"(2): Softmax({nm.design(TEXT)}, dim=-1, gradient='straight-through')" in str(network)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_network_is_one_graph_with_the_same_bits(network, backend):
    wanted = gradient(network)
    torch._dynamo.reset()
    got = gradient_of_compiled(network, torch.compile(network, backend=backend, fullgraph=True))
    assert torch.equal(got[0], wanted[0]) and torch.equal(got[1], wanted[1])


def gradient_of_compiled(network, compiled):
    (out := compiled(X))[:, 0].sum().backward()
    return out.detach(), network[0].weight.grad


def test_an_exported_network_keeps_the_design_by_its_text(network):
    program = torch.export.export(network, (X,), dynamic_shapes=({0: torch.export.Dim("rows")},))
    (file := io.BytesIO(), torch.export.save(program, file), file.seek(0))
    x = torch.cat([X, 2 * X])
    assert torch.equal(torch.export.load(file).module()(x), network(x))
    assert nm.design(TEXT).text in str(program.graph)


def test_a_module_is_measured_and_replaced_like_any_softmax(network):
    with nm.measure(network) as seen:
        before = network(X)
    (one,) = seen.softmaxes()
    assert (one["name"], one["kind"], one["rows"], one["n"]) == ("2", "classifier", 3, 4)
    with nm.replace(network, other := nm.design("ideal(input=Q5.3, output=UQ0.4)")) as replaced:
        after = network(X)
    assert list(replaced.sites.values()) == [1]
    assert torch.equal(after, other(network[:2](X)).to(after)) and not torch.equal(after, before)


def test_wrong_requests_are_refused(network):
    with pytest.raises(DesignError):
        nt.Softmax("no_such_architecture()")
    with pytest.raises(FormatError):
        nt.Quantize("Q")
    with pytest.raises(DataError, match="^gradient 'ste' is not known; give one of straight-through, slope$"):
        nt.Softmax(TEXT, gradient="ste")
    with pytest.raises(DataError, match="^a softmax inside torch.func cannot be replaced; call backward on the loss"):
        torch.func.grad(lambda x: nt.Softmax(TEXT)(x)[0, 0])(X)
    with pytest.raises(DataError, match=r"^a softmax inside torch\.vmap cannot be replaced; call the network on batch"):
        torch.vmap(nt.Softmax(TEXT))(X)


def test_a_design_without_a_text_is_not_compiled(plain):
    message = "^Plain has no text to be compiled with; give a narrowmax.Design$"
    with pytest.raises(DesignError, match=message):
        torch.export.export(nt.Softmax(plain()), (X,))


def test_public_names():
    names = "Softmax LogSoftmax Quantize write_scalars LightningCallback TransformersCallback"
    assert nt.__all__ == names.split()
    with pytest.raises(AttributeError, match="^narrowmax.torch has no 'Dense'; it has Softmax, LogSoftmax, Quantize"):
        _ = nt.Dense


def test_what_the_page_writes_down_runs():
    code = (
        (Path(__file__).parents[2] / "docs" / "networks.md").read_text().partition("```python\n")[2].partition("```")[0]
    )
    exec(code, scope := {"nn": nn, "narrowmax": nm})
    assert scope["network"](torch.zeros(2, 64)).shape == (2, 10)


def test_the_file_called_torch_is_not_in_the_way_of_torch():
    code = "import narrowmax.torch, torch; assert torch.nn.Linear and narrowmax.torch.Softmax; print(torch.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "torch"
