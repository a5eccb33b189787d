"""Each trap of a PyTorch experiment is found where it is, and nothing is found where there is none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import narrowmax as nm

SAMPLES, FEATURES, CLASSES, STEPS = 64, 20, 10, 3


class Network(nn.Module):
    """Two layers, with something between them and something behind them."""

    def __init__(self, between=None, behind=None):
        super().__init__()
        self.first, self.last = nn.Linear(FEATURES, 32), nn.Linear(32, CLASSES)
        self.between, self.behind = between or nn.Identity(), behind or nn.Identity()

    def forward(self, x):
        return self.behind(self.last(self.between(self.first(x).relu())))


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


def examined(network, loss=F.cross_entropy, inputs=None, trained=None) -> list:
    """Findings of a few steps of training."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SAMPLES, FEATURES, generator=generator) if inputs is None else inputs
    labels = torch.randint(0, CLASSES, (len(inputs),), generator=generator)
    optimiser = torch.optim.SGD(trained or network.parameters(), 0.1)
    with nm.doctor(network) as seen:
        for _ in range(STEPS):
            optimiser.zero_grad()
            if (value := loss(network(inputs), labels)).requires_grad:
                value.backward()
            optimiser.step()
    return seen.findings()


def traps(findings: list) -> dict[str, str]:
    return {one.trap: one.where for one in findings}


def rounded(decimals: int):
    return Call(lambda x: torch.round(x * 10.0**decimals) / 10.0**decimals)


def through(x, rounded):
    return x + (rounded - x).detach()


CLEAN = {
    "plain": (Network(), F.cross_entropy),
    "cast to fp16": (Network(Call(lambda x: x.half().float())), F.cross_entropy),
    "straight-through": (Network(Call(lambda x: through(x, torch.round(x * 4) / 4))), F.cross_entropy),
    "log_softmax and its loss": (Network(behind=nn.LogSoftmax(-1)), F.nll_loss),
    "log of softmax": (Network(behind=nn.Softmax(-1)), lambda p, y: F.nll_loss(p.log(), y)),
    "batch norm and dropout": (Network(nn.Sequential(nn.BatchNorm1d(32), nn.Dropout(0.1))), F.cross_entropy),
    "frozen on purpose": (Network(), F.cross_entropy),
}
CLEAN |= {
    "the fraction": (Network(Call(lambda x: x - x.floor())), F.cross_entropy),
    "rounding beside the gradient": (Network(Call(lambda x: x + torch.round(x) - x.detach())), F.cross_entropy),
}
CLEAN["frozen on purpose"][0].first.requires_grad_(False)


@pytest.mark.parametrize("case", CLEAN)
def test_a_clean_network_gives_no_finding(case):
    assert examined(*CLEAN[case]) == []


def test_attention_is_clean():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(FEATURES // 4, 1, batch_first=True)
            self.last = nn.Linear(FEATURES // 4, CLASSES)

        def forward(self, x):
            x = x.view(len(x), 4, -1)
            hidden = nn.Transformer.generate_square_subsequent_mask(4)
            return self.last(self.attention(x, x, x, need_weights=False, attn_mask=hidden)[0].mean(1))

    assert examined(Attends()) == []


@pytest.mark.parametrize("decimals", [10, 20, 30])
def test_rounding_beyond_float32_does_nothing_and_blocks_the_gradient(decimals):
    without, blocked = examined(Network(rounded(decimals)))
    assert (without.trap, blocked.trap) == ("rounding-without-effect", "rounding-blocks-gradient")
    assert without.where == blocked.where == "between"
    assert "float32, which has 24 bits" in without.evidence and "changed 0" in without.evidence
    assert blocked.evidence.endswith("no gradient reaches first.weight, first.bias")
    assert "narrowmax.torch.Quantize" in blocked.remedy


def test_rounding_by_its_own_argument_is_understood():
    found = examined(Network(Call(lambda x: torch.round(x, decimals=9))))
    assert set(traps(found)) == {"rounding-without-effect", "rounding-blocks-gradient"}


@pytest.mark.parametrize("function", ["round", "floor", "ceil", "trunc"])
def test_rounding_to_few_bits_only_blocks_the_gradient(function):
    found = examined(Network(Call(lambda x: getattr(torch, function)(x * 16) / 16)))
    assert traps(found) == {"rounding-blocks-gradient": "between"}
    assert f"torch.{function}, whose derivative is 0" in found[0].evidence


def test_rounding_in_place_is_seen():
    found = examined(Network(Call(lambda x: (x * 16).round_() / 16)))
    assert traps(found) == {"rounding-blocks-gradient": "between"}


@pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: torch.from_numpy(x.detach().numpy().round(2))])
def test_a_graph_that_is_cut_is_told_with_the_parameters_before_it(cut):
    (found,) = examined(Network(Call(cut)))
    assert (found.trap, found.where) == ("does-not-learn", "first")
    assert found.evidence == "no gradient reaches 2 of 4 parameters (first.weight, first.bias)"


def test_weights_that_begin_as_0_hold_the_gradient_back_for_one_step_only():
    """As those of LoRA and of residual branches do."""
    network, inputs = Network(), torch.randn(SAMPLES, FEATURES)
    nn.init.zeros_(network.last.weight)
    with nm.doctor(network) as seen:
        F.cross_entropy(network(inputs), torch.zeros(SAMPLES, dtype=torch.long)).backward()
    assert "does-not-learn" not in traps(seen.findings())


def test_an_optimiser_of_something_else_is_told():
    (found,) = examined(Network(), trained=[nn.Parameter(torch.zeros(1))])
    assert found.evidence == "no parameter changed in 3 steps of the optimiser"


def test_softmax_twice_in_one_layer():
    twice = Call(lambda x: F.log_softmax(F.softmax(F.softmax(x, -1), -1), -1))
    found = examined(Network(behind=twice), F.nll_loss)
    assert [(one.trap, one.where) for one in found] == [("softmax-twice", "behind")] * 2  # softmax, log_softmax


def test_softmax_twice():
    (found,) = examined(Network(behind=nn.Softmax(-1)))
    assert (found.trap, found.where) == ("softmax-twice", "behind")
    assert found.evidence.startswith("192 rows that reach cross_entropy, all of a call, are probabilities already")
    found = examined(Network(behind=nn.Sequential(nn.Softmax(-1), nn.LogSoftmax(-1))), F.nll_loss)
    assert traps(found) == {"softmax-twice": "behind.1"}


@pytest.mark.parametrize("behind, sums", [(nn.Identity(), None), (nn.Softmax(-1), "1.8")])
def test_logits_and_probabilities_where_their_logs_are_expected(behind, sums):
    (found,) = examined(Network(behind=behind), F.nll_loss)
    assert found.trap == "logits-for-probabilities"
    assert "192 of 192 rows that reach F.nll_loss are no logs of probabilities" in found.evidence


def test_a_quantiser_behind_the_mask():
    hidden = torch.full((CLASSES,), 0.0).index_fill(0, torch.tensor([0, 3]), -1e9)
    masked = lambda x: ((x + hidden) * 8).clamp(-128, 127) / 8  # noqa: E731
    (found,) = examined(Network(behind=Call(masked)))
    assert (found.trap, found.where) == ("quantised-after-mask", "behind")
    assert found.evidence.startswith("384 of 384 masked cells came out of torch.clamp as scores of -128 or less")
    before = lambda x: (x * 8).clamp(-128, 127) / 8 + hidden  # noqa: E731
    assert examined(Network(behind=Call(before)), lambda x, y: F.cross_entropy(x, y.where(y % 3 != 0, 1))) == []


def test_overflow_in_fp16():
    found = examined(Network(Call(lambda x: (x.half() * 3e5).float())))
    assert [one.trap for one in found] == ["fp16-overflow", "not-finite"]
    found = examined(Network(behind=Call(lambda x: x * 1e6)))
    assert traps(found) == {"fp16-overflow": "behind"}
    assert "fp16 ends at 65504" in found[0].evidence


def test_a_mask_of_minus_infinity_is_no_overflow():
    mask = torch.zeros(CLASSES, dtype=torch.bool).index_fill(0, torch.tensor([1]), True)
    hide = Call(lambda x: x.masked_fill(mask, -torch.inf))
    assert examined(Network(behind=hide), lambda x, y: F.cross_entropy(x, y.where(y != 1, 0))) == []


def test_ties():
    coarse = Call(lambda x: through(x, torch.round(x)))
    found = examined(Network(behind=coarse))
    assert traps(found) == {"ties": "behind"}
    assert "the two largest are equal" in found[0].evidence


def written_out(x):
    e = torch.exp(x - x.amax(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


UNSEEN = {
    "exp(x) / sum(exp(x))": Call(written_out),
    "aten._softmax": torch.jit.script(nn.Sequential(nn.Softmax(-1))),
}


@pytest.mark.parametrize("function", UNSEEN)
def test_a_softmax_that_cannot_be_seen_is_told(function):
    (found,) = examined(Network(behind=UNSEEN[function]), lambda p, y: F.nll_loss(p.log(), y))
    assert found.trap == "softmax-unseen"
    assert found.evidence == f"{function} ran 3 times, and neither measure nor replace can see it"


def test_nothing_is_left_behind():
    network, hooks = Network(), lambda m: [len(x._forward_hooks) + len(x._forward_pre_hooks) for x in m.modules()]
    before = hooks(network)
    with pytest.raises(KeyError), nm.doctor(network):
        network(torch.zeros(2, FEATURES))
        raise KeyError
    assert hooks(network) == before
    assert not any(one._backward_hooks for one in network.parameters())
    assert not torch.overrides._get_current_function_mode_stack()


def test_it_shows_itself():
    with nm.doctor(network := Network(behind=nn.Softmax(-1))) as seen:
        F.cross_entropy(network(torch.zeros(4, FEATURES)), torch.zeros(4, dtype=torch.long))
    assert "softmax-twice in behind" in repr(seen)
    assert "<td>softmax-twice</td>" in seen._repr_html_()
    assert '"schema": "narrowmax/doctor/1"' in seen.to_json().replace('":"', '": "')
    with nm.doctor(network) as seen:
        pass
    assert repr(seen) == "nothing was found"


def test_an_exit_that_fails_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(nm.models.doctor.progress.Progress, "judge", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), nm.doctor(network := Network()):
        network(torch.zeros(2, FEATURES))
    assert not torch.overrides._get_current_function_mode_stack()
    assert not any(module._forward_hooks for module in network.modules())


def test_a_network_that_loses_its_values_is_examined_as_far_as_it_goes():
    with nm.doctor(network := Network()) as seen:
        network.to("meta")
        network(torch.zeros(2, FEATURES, device="meta"))
    assert seen.findings() == []


@pytest.mark.parametrize(
    "run",
    [
        lambda network, x: torch.vmap(network)(x),
        lambda network, x: torch.func.grad(lambda x: network(x)[0, 0])(x),
        lambda network, x: network(x).half().to_sparse(),
        lambda network, x: torch.softmax(network(x).sum(), 0),
    ],
    ids=["vmap", "func.grad", "sparse", "a single number"],
)
def test_what_has_no_plain_values_is_not_in_the_way(run):
    with nm.doctor(network := Network(behind=nn.Softmax(-1))) as seen:
        run(network, torch.randn(4, FEATURES))
    assert seen.findings() == []
