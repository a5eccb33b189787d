"""What `measure` and `replace` promise around the calls: nesting, errors, copies, threads, recomputation."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner
from torch import nn
from torch.utils.checkpoint import checkpoint

import narrowmax as nm
from narrowmax.errors import DataError, DesignError
from narrowmax.models import Site, measure, replace


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 6)
        self.first = Soft()
        self.second = Soft()

    def forward(self, x):
        return self.second(5 * self.first(self.fc(x)))


class Soft(nn.Module):
    def forward(self, x):
        return F.softmax(x, dim=-1)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Net()


X = torch.arange(12.0).view(3, 4) / 6


def _state(network):
    """Everything that a context could leave behind on a network."""
    return [
        (dict(vars(m)).keys(), len(m._forward_hooks), len(m._forward_pre_hooks), m._forward_hooks_always_called)
        for m in network.modules()
    ]


def test_public_names_are_these():
    assert (nm.measure, nm.replace) == (measure, replace)


def test_nothing_is_left_behind(network, plain):
    before, state = network(X), _state(copy.deepcopy(network))
    with measure(network), replace(network, plain()):
        network(X)
    assert [(keys, a, b) for keys, a, b, _ in _state(network)] == [(keys, a, b) for keys, a, b, _ in state]
    assert not any(always for *_, always in _state(network))
    assert torch.equal(network(X), before)
    assert torch._C._len_torch_function_stack() == 0


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(network, plain, error):
    class Broken(nn.Module):
        def forward(self, x):
            raise error("on purpose")

    network.second = Broken()
    with pytest.raises(error, match="on purpose"), measure(network) as seen, replace(network, plain()):
        network(X)
    assert torch._C._len_torch_function_stack() == 0
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert [one["name"] for one in seen.softmaxes()] == ["first"]


def test_a_caught_exception_does_not_spoil_the_names_after_it(network):
    class Once(nn.Module):
        broken = True

        def forward(self, x):
            if self.broken:
                self.broken = False
                raise ValueError
            return F.softmax(x, dim=-1)

    network.first = Once()
    with measure(network) as seen:
        with pytest.raises(ValueError):
            network(X)
        network(X)
        network.fc(X).softmax(-1)
    assert [one["name"] for one in seen.softmaxes()] == ["first", "second", "fc"]


def test_a_measurement_inside_and_outside_of_a_replacement_see_the_same(network, plain):
    with measure(network) as outer, replace(network, plain()), measure(network) as inner:
        network(X)
    assert outer.softmaxes() == inner.softmaxes()
    with measure(network) as bare:
        network(X)
    assert bare.softmaxes()[0] == outer.softmaxes()[0]
    assert bare.softmaxes()[1]["max"] != outer.softmaxes()[1]["max"]


def test_the_innermost_replacement_that_wants_a_softmax_serves_it(network, plain):
    coarse, fine = plain(output="UQ1.1"), plain(output="UQ1.30")
    with replace(network, fine) as outer, replace(network, coarse, where="second") as inner:
        out = network(X)
    assert [site.name for site in outer.sites] == ["first"]
    assert [site.name for site in inner.sites] == ["second"]
    assert torch.equal(out * 2, (out * 2).round())


def test_contexts_may_end_in_any_order(network, plain):
    first, second = measure(network), measure(network)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    network(X)
    second.__exit__(None, None, None)
    assert (first.softmaxes(), len(second.softmaxes())) == ([], 2)
    assert torch._C._len_torch_function_stack() == 0


def test_a_measurement_goes_on_when_it_is_entered_again(network):
    seen = measure(network)
    for epoch in range(2):
        seen.epoch = epoch
        with seen:
            network(X)
    assert [(one["name"], one["epoch"]) for one in seen.softmaxes()] == [
        ("first", 0),
        ("second", 0),
        ("first", 1),
        ("second", 1),
    ]
    with seen, pytest.raises(RuntimeError, match=r"^this context is active already; make a second one to nest them$"):
        seen.__enter__()


def test_where_may_be_a_pattern_or_a_function(network, plain):
    for where in ("f*", "first", lambda site: site == Site("first", "classifier", "softmax")):
        with replace(network, plain(), where=where) as replaced:
            network(X)
        assert replaced.sites == {Site("first", "classifier", "softmax"): 1}


def test_a_replacement_that_replaced_nothing_says_so(network, plain):
    message = (
        r"^no softmax was replaced: where='attention' chooses none of first, second; "
        r"give 'attention', 'classifier', 'sampling', 'router' or a pattern of these names$"
    )
    with pytest.raises(DataError, match=message), replace(network, plain(), where="attention"):
        network(X)
    with replace(network, plain(), where="attention"):
        pass


def test_an_unknown_gradient_is_refused(network, plain):
    with pytest.raises(DataError, match=r"^gradient 'ste' is not known; give one of straight-through, slope$"):
        replace(network, plain(), gradient="ste")


def test_a_design_may_be_its_text(network):
    with replace(network, "table_divide(input=Q5.3, output=UQ0.2)"):
        out = network(X)
    assert torch.equal(out * 4, (out * 4).round())
    with pytest.raises(DesignError, match="^the architecture 'none' is not known"):
        replace(network, "none")


@pytest.mark.parametrize("where", [["attention"], None, 3])
def test_what_chooses_nothing_is_refused(network, where, plain):
    message = r" chooses nothing; give a kind \(attention, .*\), a pattern of layer names, or a function of a"
    with pytest.raises(DataError, match=message):
        replace(network, plain(), where=where)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match=r"^a network is needed to see its softmaxes, not a function; give a torch mod"):
        measure(lambda x: x)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused_by_a_design_and_counted_apart_by_a_measurement(value, plain):
    soft = Soft()
    x = torch.tensor([[0.0, value], [0.0, 1.0]])
    with measure(soft) as seen:
        soft(x)
    assert (seen.softmaxes()[0]["rows"], seen.softmaxes()[0]["not_finite"]) == (1, 1)
    message = (
        "^NaN or infinity reached a softmax that a design replaces; "
        "look for overflow or divergence in the layers before it$"
    )
    with pytest.raises(DataError, match=message), replace(soft, plain()):
        soft(x)


def test_a_copy_made_inside_is_seen_and_a_saved_network_is_clean(network):
    with measure(network) as seen:
        copy.deepcopy(network)(X)
        again = pickle.loads(pickle.dumps(network))
    assert [one["name"] for one in seen.softmaxes()] == ["first", "second"]
    assert again(X).shape == (3, 6)


def test_a_copy_that_outlives_the_context_is_as_one_made_before(network, plain):
    state = _state(copy.deepcopy(network))
    with replace(network, plain()) as replaced:
        network(X)
        kept = copy.deepcopy(network)
        again = copy.deepcopy(kept)
        again(X)
    assert list(replaced.sites.values()) == [2, 2]
    for each in (kept, again):
        assert torch.equal(each(X), network(X))
        assert _state(each) == state


def test_a_network_saved_inside_is_loaded_without_narrowmax(tmp_path):
    network = nn.Sequential(nn.Linear(4, 6), nn.Softmax(-1))
    with measure(network):
        torch.save(network, tmp_path / "network.pt")
    script = (
        "import sys, torch; network = torch.load(sys.argv[1], weights_only=False); network(torch.ones(2, 4)); "
        "assert not any(name.startswith('narrowmax') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "network.pt"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_replica_in_another_thread_is_seen(network, plain):
    found = []
    with measure(network) as seen, replace(network, plain(output="UQ1.2")):
        thread = threading.Thread(target=lambda: found.append((network(X), torch._C._len_torch_function_stack())))
        thread.start()
        thread.join()
    assert [one["name"] for one in seen.softmaxes()] == ["first", "second"]
    assert torch.equal(found[0][0] * 4, (found[0][0] * 4).round())
    assert found[0][1] == 0


def test_what_another_thread_does_on_its_own_is_not_seen(network):
    with measure(network) as seen, measure(Soft()) as elsewhere:
        thread = threading.Thread(target=lambda: F.softmax(X, dim=-1))
        thread.start()
        thread.join()
    assert (seen.softmaxes(), elsewhere.softmaxes()) == ([], [])


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_layer_computed_again_in_backward_is_replaced_and_not_counted_twice(network, plain, reentrant):
    inner = network.first

    class Saves(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=reentrant)

    def gradients(net):
        net.zero_grad()
        net(X)[:, 0].sum().backward()
        return net.fc.weight.grad.clone()

    with replace(network, plain()):
        wanted = gradients(network)
    network.first = Saves()
    with measure(network) as seen, replace(network, plain()) as replaced:
        got = gradients(network)
    assert torch.equal(got, wanted)
    assert {one["name"]: one["rows"] for one in seen.softmaxes()} == {"first.inner": 3, "second": 3}
    assert {site.name: count for site, count in replaced.sites.items()} == {"first.inner": 2, "second": 1}


def test_vmap_is_seen_row_by_row(network):
    with measure(network) as plainly:
        network(X)
    with measure(network) as seen:
        torch.vmap(network)(X)
        torch.vmap(lambda column: F.softmax(column, dim=0), in_dims=1)(X)
    for one, two in zip(plainly.softmaxes(), seen.softmaxes()[:2], strict=True):
        assert (one["name"], one["rows"], one["n"]) == (two["name"], two["rows"], two["n"])
        assert one["max"] == pytest.approx(two["max"])
    assert [(one["rows"], one["n"]) for one in seen.softmaxes()[2:]] == [(4, 3)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_half_precision_keeps_its_dtype_and_is_computed_wide(dtype, plain):
    soft = Soft()
    x = torch.tensor([[0.5, 1.25, -3.0]], dtype=dtype)
    with replace(soft, plain()), measure(soft) as seen:
        got = soft(x)
    assert got.dtype == dtype
    assert torch.equal(got, plain()(x.double()).to(dtype))
    assert seen.softmaxes()[0]["max"] == 1.25


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_under_autocast_a_softmax_answers_as_without_a_design(function, dtype, plain):
    network, x = Inner(lambda x: function(x, dim=-1)), X.to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted = network(x).dtype
        with replace(network, plain(output="UQ1.20")):
            assert network(x).dtype == wanted


def test_under_autocast_attention_answers_in_half(plain):
    attention = nn.MultiheadAttention(4, 1, batch_first=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = attention(X[None], X[None], X[None], need_weights=False)[0]
        with replace(attention, plain(output="UQ1.20")):
            after = attention(X[None], X[None], X[None], need_weights=False)[0]
    assert before.dtype == after.dtype == torch.bfloat16


@pytest.mark.parametrize("shape", [(3, 4), (0,)])
def test_out_is_filled(plain, shape):
    out = torch.empty(shape)
    network = nn.Identity()
    with replace(network, plain()):
        got = torch.softmax(X, -1, out=out)
    assert got is out
    assert torch.equal(out, plain()(X).float())


def test_training_with_a_design_learns(plain):
    torch.manual_seed(0)
    network = nn.Linear(2, 3)
    x, labels = torch.randn(60, 2), torch.arange(60) % 3
    x[torch.arange(60), labels % 2] += 3.0 * (labels - 1)
    optimiser = torch.optim.SGD(network.parameters(), 0.5)
    with replace(network, plain(input="Q5.3", output="UQ0.8"), where="classifier"):
        first = F.cross_entropy(network(x), labels).item()
        for _ in range(40):
            optimiser.zero_grad()
            loss = F.cross_entropy(network(x), labels)
            loss.backward()
            optimiser.step()
    assert loss.item() < 0.6 * first


def test_a_compiled_network_is_seen_and_replaced(network, plain):
    compiled = torch.compile(network, backend="eager")
    before = compiled(X)
    with measure(network) as seen, replace(network, plain(output="UQ1.3")):
        out = compiled(X)
    assert [one["name"] for one in seen.softmaxes()] == ["first", "second"]
    assert torch.equal(out * 8, (out * 8).round())
    assert torch.equal(compiled(X), before)


def test_vmap_is_refused_by_a_replacement(network, plain):
    message = r"^a softmax inside torch\.vmap cannot be replaced; call the network on batches instead$"
    with pytest.raises(DataError, match=message), replace(network, plain()):
        torch.vmap(network)(X)
