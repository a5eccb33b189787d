"""Formats in a network and its loop: where they act, that they act exactly, and that nothing is left of them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.training.networks import cloud, small
from torch import nn
from torch.overrides import _get_current_function_mode_stack

import narrowmax as nm
from narrowmax.errors import DataError, NetworkError
from narrowmax.formats import parse
from narrowmax.models.surrogates import slope_of
from narrowmax.models.training import precision
from narrowmax.models.training.rounding import rounded

X, Y = cloud(32)


def on_grid(form, x: torch.Tensor) -> bool:
    return np.array_equal(parse(form).round(x.detach().numpy()).astype(np.float32), x.detach().numpy())


def gradients(network: nn.Module, **knobs) -> list[torch.Tensor]:
    with precision(network, torch.optim.SGD(network.parameters(), 0.1), **knobs):
        F.cross_entropy(network(X), Y).backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


def test_without_formats_training_is_what_it_is_without_the_block(run):
    plain = small()
    optimiser = torch.optim.SGD(plain.parameters(), 0.1)
    x, y = cloud()
    for part in [range(start, start + 32) for start in range(0, 256, 32)] * 3:
        optimiser.zero_grad()
        F.cross_entropy(plain(x[part]), y[part]).backward()
        optimiser.step()
    network = small()
    run(network=network)
    assert all(a.equal(b) for a, b in zip(plain.parameters(), network.parameters(), strict=True))


def test_forward_computes_with_rounded_weights_and_the_network_keeps_its_own():
    network = small()
    own, by_hand = copy.deepcopy(network), copy.deepcopy(network)
    for parameter in by_hand.parameters():
        parameter.data = rounded(parse("Q2.3"), parameter.data)
    with precision(network, weights="Q2.3"):
        assert network(X).equal(by_hand(X)) and not network(X).equal(own(X))
    assert network(X).equal(own(X))


def test_gradients_of_rounded_weights_reach_the_master_weights():
    network, by_hand = small(), small()
    for parameter in by_hand.parameters():
        parameter.data = rounded(parse("Q2.3"), parameter.data)
    F.cross_entropy(by_hand(X), Y).backward()
    masters = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    with precision(network, optimiser, weights="Q2.3"):
        F.cross_entropy(network(X), Y).backward()
        optimiser.step()
    for parameter, master, other in zip(network.parameters(), masters, by_hand.parameters(), strict=True):
        assert torch.allclose(parameter, master - 0.1 * other.grad, rtol=0, atol=1e-7)


@pytest.mark.parametrize("updates", ["Q2.6", "Q2.6:stochastic", "e4m3:stochastic", "int8@0.01"])
def test_updates_are_rounded_to_what_is_stored(run, updates):
    network = small()
    before = copy.deepcopy(network)
    run(network=network, updates=updates)
    assert all(on_grid(updates.split(":")[0], parameter) for parameter in network.parameters())
    assert not network(X).equal(before(X))


def test_outputs_of_layers_are_rounded_in_order():
    network, seen = small(), []
    with precision(network, activations="Q3.2"):
        out = network(X)
        seen.append(network[0](X))
    step = rounded(parse("Q3.2"), network[0](X))
    assert on_grid("Q3.2", out) and seen[0].equal(step)
    assert out.equal(rounded(parse("Q3.2"), network[2](rounded(parse("Q3.2"), network[1](step)))))


def test_layers_chooses_whose():
    network = small()
    with precision(network, activations="Q3.2", weights="Q2.2", layers="2"):
        out, first = network(X), network[0](X)
        assert on_grid("Q2.2", network[2].weight) and not on_grid("Q2.2", network[0].weight)
    assert on_grid("Q3.2", out) and not on_grid("Q3.2", first)


def test_gradients_are_those_of_each_rule():
    network, form = small(), parse("UQ1.1")
    with torch.no_grad():
        inside = (network[0](X) <= float(form.highest)) & (network[0](X) >= 0)
    hidden = {}
    for rule in ("straight-through", "slope", "none"):
        network.zero_grad()
        with precision(network, activations=form, gradient=rule, layers="0"):
            made = network[0](X)
            made.backward(torch.ones_like(made))
        hidden[rule] = network[0].bias.grad.clone()
    assert hidden["straight-through"].equal(torch.full((16,), 32.0))
    assert hidden["slope"].equal(inside.float().sum(0))
    assert hidden["none"].equal(torch.zeros(16))


def test_every_gradient_is_rounded_at_the_place_where_it_is_made():
    network, plain = small(), small()
    found = gradients(network, gradients="Q1.10")
    assert all(on_grid("Q1.10", g) for g in found)
    logits = plain(X).detach().requires_grad_()
    F.cross_entropy(logits, Y).backward()
    g = rounded(parse("Q1.10"), logits.grad)
    assert found[-1].equal(rounded(parse("Q1.10"), g.sum(0)))  # the last bias: a sum of rounded gradients


def test_a_loss_scale_moves_gradients_into_the_format_and_back():
    exact = gradients(small())
    coarse = gradients(small(), gradients="Q8.6")
    network = small()
    optimiser = torch.optim.SGD(network.parameters(), 1.0)
    before = [p.detach().clone() for p in network.parameters()]
    with precision(network, optimiser, gradients="Q8.6", loss_scale=1024):
        F.cross_entropy(network(X), Y).backward()
        optimiser.step()
    scaled = [a - b.detach() for a, b in zip(before, network.parameters(), strict=True)]
    far = lambda found: sum(float((a - b).abs().sum()) for a, b in zip(found, exact, strict=True))  # noqa: E731
    assert far(scaled) < far(coarse) / 50


def test_a_dynamic_scale_halves_and_skips_until_nothing_overflows(run):
    found = run(epochs=2, gradients="fp16", loss_scale="dynamic")
    assert [one["skipped"] for one in found.epochs] == [0, 0] and found.epochs[-1]["loss_scale"] == 2.0**16
    network = small()
    before = copy.deepcopy(network)
    found = run(epochs=1, network=network, gradients="Q1.6", loss_scale="dynamic")
    assert found.epochs[0]["skipped"] == 8 and found.epochs[0]["loss_scale"] == 2.0**8
    assert all(a.equal(b) for a, b in zip(network.parameters(), before.parameters(), strict=True))
    later = run(epochs=6, gradients="Q1.6", loss_scale="dynamic").epochs[-1]
    assert later["skipped"] <= 1 and later["loss"] < found.epochs[0]["loss"] - 0.05


def test_stochastic_rounding_is_repeated_by_its_seed():
    made = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with precision(small(), activations="Q3.2:stochastic", seed=seed) as training:
            made[name] = training.network(X)
    assert made["a"].equal(made["b"]) and not made["a"].equal(made["c"])


def test_the_softmax_is_the_design_forward_and_backward():
    network, design = small(), nm.design("ideal(input=Q3.2, output=UQ1.3)")
    with precision(network, softmax=design):
        logits = network(X)
        logits.retain_grad()
        assert F.softmax(logits.detach(), -1).double().equal(design(logits.detach()).double())
        F.cross_entropy(logits, Y, reduction="sum").backward()
    p = design(logits.detach()).double()
    expected = slope_of(design) * (p / p.sum(-1, keepdim=True) - F.one_hot(Y, 4))
    assert torch.allclose(logits.grad.double(), expected, atol=1e-6)


def test_autocast_computes_in_half_precision_and_learns(run):
    network, seen = small(), []
    network[0].register_forward_hook(lambda module, args, out: seen.append(out.dtype))
    found = run(network=network, autocast="bf16")
    assert set(seen) == {torch.bfloat16}
    assert found.epochs[-1]["loss"] < found.epochs[0]["loss"] - 0.1


def test_nothing_is_left_behind_after_an_error_either():
    network = small()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    own = copy.deepcopy(network.state_dict())
    knobs = {"weights": "Q2.2", "activations": "Q3.2", "gradients": "fp16", "softmax": "Q3.2", "loss_scale": 8}
    with pytest.raises(ZeroDivisionError), precision(network, optimiser, autocast="bf16", **knobs) as training:
        network(X)
        raise ZeroDivisionError
    assert all(value.equal(own[name]) for name, value in network.state_dict().items())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    assert not any(getattr(module, kind) for module in network.modules() for kind in hooks)
    assert not any(p._post_accumulate_grad_hooks for p in network.parameters())
    assert not optimiser._optimizer_step_pre_hooks and not optimiser._optimizer_step_post_hooks
    assert not _get_current_function_mode_stack() and not torch.is_autocast_enabled("cpu")
    with training, pytest.raises(RuntimeError, match="active already"):
        training.__enter__()


def test_transformer_layers_and_their_attention_train():
    torch.manual_seed(2)
    network = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 4))
    knobs = {"weights": "Q3.8", "activations": "Q4.8", "gradients": "fp16", "softmax": "Q4.4"}
    with precision(network, torch.optim.SGD(network.parameters(), 0.1), **knobs) as training:
        F.cross_entropy(network(X[:, None])[:, 0], Y).backward()
    counted = training.epochs or [training.end_epoch()]
    assert counted[0]["without_gradient"] == [] or all("norm" not in name for name in counted[0]["without_gradient"])
    assert all(on_grid("fp16", p.grad) for p in network.parameters() if p.grad is not None)


def test_weights_that_two_layers_share_are_rounded_and_put_back_once():
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    network[1].weight = network[0].weight
    own, x = network[0].weight.detach().clone(), torch.randn(5, 4)
    with precision(network, weights="Q2.3"):
        assert network(x).equal(x @ rounded(parse("Q2.3"), own).T @ rounded(parse("Q2.3"), own).T)
    assert network[1].weight is network[0].weight and network[0].weight.equal(own)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda n: precision(3, weights="Q2.6"), NetworkError, "a torch module or a Keras model is needed"),
        (lambda n: precision(n, n, weights="Q2.6"), NetworkError, "a torch optimiser is needed beside the network"),
        (lambda n: precision(n, updates="Q2.6"), DataError, "updates and loss_scale need the optimiser"),
        (lambda n: precision(n, layers="nosuch"), DataError, "layers='nosuch' chooses none of 0, 1, 2; give a pattern"),
        (lambda n: precision(n, torch.optim.LBFGS(n.parameters())), DataError, "LBFGS runs the network within"),
        (
            lambda n: precision(n, None, nm.Precision(), weights="Q2.6"),
            DataError,
            "both a record of precision and weights are given; give one of them",
        ),
    ],
)
def test_what_is_refused(call, error, sentence):
    with pytest.raises(error) as raised:
        call(small())
    assert sentence in str(raised.value)


def test_a_step_with_a_closure_is_the_same_step():
    """Lightning's steps have one."""

    def trained(closed: bool, **knobs) -> list[torch.Tensor]:
        network = small()
        optimiser = torch.optim.SGD(network.parameters(), 0.1)

        def loss():
            optimiser.zero_grad()
            value = F.cross_entropy(network(X), Y)
            value.backward()
            return value

        with precision(network, optimiser, **knobs):
            for _ in range(5):
                optimiser.step(loss) if closed else (loss(), optimiser.step())
        return list(network.parameters())

    for knobs in ({"weights": "Q4.8"}, {"loss_scale": 64}, {"gradients": "Q4.8", "loss_scale": 64}):
        assert all(a.equal(b) for a, b in zip(trained(True, **knobs), trained(False, **knobs), strict=True))


def test_weights_without_an_optimiser_are_not_trained_in_silence():
    network = small()
    with precision(network, weights="Q4.8"), pytest.raises(DataError, match="^weights need the optimiser"):
        F.cross_entropy(network(X), Y).backward()


def test_a_scale_that_backward_never_got_is_not_taken_out():
    network = small()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    with precision(network, optimiser, loss_scale=64), pytest.raises(DataError, match="came without loss.backward"):
        torch.autograd.backward(F.cross_entropy(network(X), Y))
        optimiser.step()


def test_layers_that_work_in_place_take_rounded_outputs():
    network = nn.Sequential(small()[0], nn.ReLU(inplace=True), nn.Linear(small()[0].out_features, 3))
    with precision(network, torch.optim.SGD(network.parameters(), 0.1), activations="Q4.4"):
        F.cross_entropy(network(X), Y.clamp(max=2)).backward()
    assert network[0].weight.grad.any()


def test_the_push_of_several_softmaxes_of_different_lengths_is_counted_together():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 4), nn.Linear(8, 3)

        def forward(self, x):
            return self.a(x).log_softmax(-1), self.b(x).log_softmax(-1)

    heads = Heads()
    with nm.precision(heads, sgd := torch.optim.SGD(heads.parameters(), 0.1), softmax="Q5.3") as training:
        sum(-one[:, 0].mean() for one in heads(torch.zeros(6, 8))).backward()
        sgd.step()
    assert training.epochs[0]["push"]["rows"] == 12 and training.epochs[0]["push"]["classes"] == []
