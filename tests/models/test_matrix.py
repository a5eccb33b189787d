"""Every way a network can call a softmax, against a reference written out by hand.

For each case: the call is seen under the layer's name, with its masks apart; what goes in is right;
the replaced output equals the reference; the gradient of every parameter does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import softmax as early_bound

from narrowmax.models import measure, replace

B, H, L, E = 2, 2, 5, 4


class Quarter(torch.autograd.Function):
    """Rounding to a quarter, saturated at -8 and 7.75, straight through: what the design's input does."""

    @staticmethod
    def forward(ctx, x):
        return (x * 4).round().clamp(-32, 31) / 4

    @staticmethod
    def backward(ctx, g):
        return g


def exact(x, axis=-1, mask=None):
    """Softmax of the rounded input, masked cells 0, empty rows 0: the reference in torch operations."""
    q = Quarter.apply(x) if mask is None else Quarter.apply(x.masked_fill(~mask, 0)).masked_fill(~mask, -math.inf)
    return torch.nan_to_num(torch.softmax(q, axis), nan=0.0)


class Calls(nn.Module):
    """A linear layer, then the softmax of the case, by a layer called `call`."""

    def __init__(self, function):
        super().__init__()
        self.fc = nn.Linear(6, 6, dtype=torch.float64)
        self.call = Inner(function)

    def forward(self, x):
        return self.call(3 * self.fc(x))


class Inner(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


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


def _gradients(network, run):
    network.zero_grad()
    out = run(network)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    (out * weight).sum().backward()
    return out.detach(), [p.grad.clone() for p in network.parameters()]


def _same(got, wanted, tolerance):
    assert torch.allclose(got[0], wanted[0], rtol=0, atol=tolerance)
    assert len(got[1]) == len(wanted[1]) > 0
    for ours, theirs in zip(got[1], wanted[1], strict=True):
        assert theirs.abs().max() > 0
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


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
        got = _gradients(network, lambda net: net(x))
    assert [(site.name, count) for site, count in replaced.sites.items()] == [(name, 1)]
    _same(got, _gradients(reference, lambda net: net(x)), 1e-8 if log else 2**-40)
    assert torch.equal(network(x), before)


# Attention.


class Heads(nn.Module):
    """Self-attention by the case's function of (q, k, v), called by a layer called `attend`."""

    def __init__(self, function, kv_heads=H):
        super().__init__()
        self.q, self.kv = nn.Linear(E, H * E, dtype=torch.float64), nn.Linear(E, 2 * kv_heads * E, dtype=torch.float64)
        self.attend, self.kv_heads = Inner(lambda qkv: function(*qkv)), kv_heads

    def forward(self, x):
        q = 2 * self.q(x).unflatten(-1, (H, E)).transpose(1, 2)
        k, v = self.kv(x).unflatten(-1, (2, self.kv_heads, E)).permute(2, 0, 3, 1, 4)
        return self.attend((q, 2 * k, v))


def by_hand(q, k, v, mask=None, bias=0.0, scale=E**-0.5):
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], dim=1) for t in (k, v))
    return exact((q * scale) @ k.transpose(-2, -1) + bias, mask=mask) @ v


CAUSAL = torch.ones(L, L, dtype=torch.bool).tril()
PADDING = torch.ones(B, 1, L, L, dtype=torch.bool)
PADDING[0, :, :, 3:] = False
PADDING[1, :, 2, :] = False  # a row in which nothing takes part
BIAS = torch.linspace(-1, 1, L * L, dtype=torch.float64).view(L, L)


def additive(value, mask=PADDING):
    return torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, value)


def eager(mask_value):
    """Scores, an additive mask and a plain softmax, as many networks write attention."""

    def attention(q, k, v):
        scores = q @ k.transpose(-2, -1) * E**-0.5
        return (scores + additive(mask_value, CAUSAL)).softmax(-1) @ v

    return attention


sdpa = F.scaled_dot_product_attention
ATTENTION = {
    "sdpa": (lambda q, k, v: sdpa(q, k, v), {}),
    "sdpa by keyword": (lambda q, k, v: sdpa(query=q, key=k, value=v), {}),
    "sdpa scale": (lambda q, k, v: sdpa(q, k, v, scale=0.3), {"scale": 0.3}),
    "sdpa causal": (lambda q, k, v: sdpa(q, k, v, is_causal=True), {"mask": CAUSAL}),
    "sdpa bool mask": (lambda q, k, v: sdpa(q, k, v, attn_mask=PADDING), {"mask": PADDING}),
    "sdpa bool mask, causal": (lambda q, k, v: sdpa(q, k, v, PADDING, is_causal=True), {"mask": PADDING & CAUSAL}),
    "sdpa -inf mask": (lambda q, k, v: sdpa(q, k, v, additive(-math.inf)), {"mask": PADDING}),
    "sdpa -1e9 mask": (lambda q, k, v: sdpa(q, k, v, additive(-1e9)), {"mask": PADDING}),
    "sdpa finfo.min mask": (lambda q, k, v: sdpa(q, k, v, additive(torch.finfo().min)), {"mask": PADDING}),
    "sdpa bias": (lambda q, k, v: sdpa(q, k, v, BIAS), {"bias": BIAS}),
    "sdpa grouped queries": (lambda q, k, v: sdpa(q, k, v, enable_gqa=True), {}),
    "aten sdpa": (lambda q, k, v: torch.ops.aten.scaled_dot_product_attention(q, k, v), {}),
    "sdpa in three axes": (lambda q, k, v: sdpa(q[:, 0], k[:, 0], v[:, 0])[:, None], {}),
    "eager -inf": (eager(-math.inf), {"mask": CAUSAL}),
    "eager -1e9": (eager(-1e9), {"mask": CAUSAL}),
    "eager finfo.min": (eager(torch.finfo().min), {"mask": CAUSAL}),
    "eager -1e4": (eager(-1e4), {"mask": CAUSAL}),
}


@pytest.mark.parametrize("case", ATTENTION)
def test_attention(case, plain):
    torch.manual_seed(0)
    function, how = ATTENTION[case]
    heads = 1 if "grouped" in case else H
    network = Heads(function, heads)
    used = 1 if "three axes" in case else H
    reference = Heads(lambda *qkv: by_hand(*(t[:, :used] for t in qkv), **how), heads)
    reference.load_state_dict(network.state_dict())
    x = torch.randn(B, L, E, dtype=torch.float64)
    before = network(x)
    with measure(network) as seen:
        assert torch.equal(network(x), before)
    (one,) = seen.softmaxes()
    function_name = "softmax" if "eager" in case else "scaled_dot_product_attention"
    assert (one["name"], one["kind"], one["function"]) == ("attend", "attention", function_name)
    _expect_masks(one, how.get("mask"), before.shape[1])
    assert -40 < one["min"] < one["max"] < 40
    with replace(network, plain(output="UQ1.40"), where="attention") as replaced:
        got = _gradients(network, lambda net: net(x))
    assert list(replaced.sites.values()) == [1]
    _same(got, _gradients(reference, lambda net: net(x)), 2**-36)


def _expect_masks(one, mask, heads):
    mask = torch.ones(B, heads, L, L, dtype=torch.bool) if mask is None else mask.expand(B, heads, L, L)
    assert one["masked"] == (~mask).sum().item()
    assert one["elements"] == mask.sum().item()
    assert one["empty_rows"] == (~mask.any(-1)).sum().item()
    assert one["rows"] + one["empty_rows"] == B * heads * L


def test_dropout_of_attention_keeps_the_mean_and_drops_the_share(plain):
    torch.manual_seed(0)
    q, k = torch.zeros(2, 1, 64, 8)
    v = torch.ones(1, 64, 1)
    network = Inner(lambda q: sdpa(q, k[None], v, dropout_p=0.25))
    with replace(network, plain(output="UQ1.16"), where="attention"):
        out = network(q[None])
    assert torch.allclose(out.mean(), torch.tensor(1.0), atol=0.05)
    kept = out * 64 * 0.75
    assert torch.allclose(kept, kept.round(), atol=1e-4)
    assert 0.6 < kept.mean() / 64 < 0.9


# Multi-head attention and the Transformer, whose fast path never calls a Python softmax.


def _seen_names(network, run):
    with measure(network) as seen:
        run(network)
    return sorted((one["name"], one["kind"], one["rows"]) for one in seen.softmaxes())


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_multi_head_attention(need_weights, training, grad, plain):
    torch.manual_seed(0)
    mha = nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64).train(training)
    network, x = (
        nn.Sequential(nn.Identity(), Inner(lambda x: mha(x, x, x, need_weights=need_weights)[0])),
        torch.randn(B, L, 4).double(),
    )
    network[1].mha = mha
    with torch.set_grad_enabled(grad):
        before = network(x)
        assert _seen_names(network, lambda net: torch.testing.assert_close(net(x), before)) == [
            ("1.mha", "attention", B * 2 * L)
        ]
        with replace(network, plain(input="Q4.2", output="UQ1.40")) as replaced:
            got = network(x)
    q, k, v = (x @ mha.in_proj_weight.T + mha.in_proj_bias).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4)
    wanted = mha.out_proj((exact((q * 2**-0.5) @ k.transpose(-2, -1)) @ v).transpose(1, 2).flatten(2))
    assert list(replaced.sites.values()) == [1]
    assert torch.allclose(got, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("grad", [False, True])
def test_the_fast_path_of_the_transformer(grad, plain):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
    network = nn.TransformerEncoder(layer, 2).eval()
    x, padding = torch.randn(B, L, 4), torch.zeros(B, L, dtype=torch.bool)
    padding[0, 3:] = True
    with torch.set_grad_enabled(grad):
        with measure(network) as seen:
            network(x, src_key_padding_mask=padding)
        with replace(network, plain(), where="layers.1.*") as replaced:
            network(x, src_key_padding_mask=padding)
    assert [one["name"] for one in seen.softmaxes()] == ["layers.0.self_attn", "layers.1.self_attn"]
    assert [one["masked"] for one in seen.softmaxes()] == [2 * L * 2] * 2
    assert [site.name for site in replaced.sites] == ["layers.1.self_attn"]


def test_a_decoder_attends_to_itself_and_across(plain):
    torch.manual_seed(0)
    network = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), 1).eval()
    target, memory = torch.randn(B, L, 4), torch.randn(B, 3, 4)
    with measure(network) as seen, torch.no_grad():
        network(target, memory, tgt_mask=nn.Transformer.generate_square_subsequent_mask(L), tgt_is_causal=True)
    found = {one["name"]: (one["n"], one["masked"]) for one in seen.softmaxes()}
    assert found == {"layers.0.self_attn": (L, B * 2 * L * (L - 1) // 2), "layers.0.multihead_attn": (3, 0)}


@pytest.mark.parametrize("multi_head", [False, True])
def test_heads_are_kept_apart_when_asked(multi_head):
    torch.manual_seed(0)
    network = nn.MultiheadAttention(E, H, batch_first=True).double() if multi_head else Heads(lambda *qkv: sdpa(*qkv))
    inputs = (torch.randn(B, L, E, dtype=torch.float64),) * (3 if multi_head else 1)
    with measure(network) as together, measure(network, heads=True) as apart:
        network(*inputs)
    (one,), two = together.softmaxes(), apart.softmaxes()
    assert [head["head"] for head in two] == [0, 1]
    assert [head["rows"] for head in two] == [B * L] * 2
    assert min(head["min"] for head in two) == one["min"] and max(head["max"] for head in two) == one["max"]
    assert two[0]["min"] != two[1]["min"]
    assert np.isclose((two[0]["mean"] + two[1]["mean"]) / 2, one["mean"])


# Losses.


@dataclass
class Loss:
    shape: tuple
    weight: bool = False
    ignore: bool = False
    probabilities: bool = False
    options: tuple = ()


LOSSES = {
    "rows": Loss((6, 4)),
    "one row": Loss((4,)),
    "pixels": Loss((2, 4, 3, 3)),
    "weight": Loss((6, 4), weight=True),
    "ignored": Loss((6, 4), ignore=True),
    "weight, ignored, pixels": Loss((2, 4, 3, 3), weight=True, ignore=True),
    "probabilities": Loss((6, 4), probabilities=True),
    "probabilities, weight, pixels": Loss((2, 4, 3, 3), weight=True, probabilities=True),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("case", LOSSES)
def test_cross_entropy(case, smoothing, reduction, plain):
    """A design that is all but exact gives the loss and the gradient of F.cross_entropy itself."""
    torch.manual_seed(0)
    loss = LOSSES[case]
    x = (4 * torch.randn(loss.shape, dtype=torch.float64)).round() / 4
    axis = 1 if len(loss.shape) > 1 else 0
    rows = [size for at, size in enumerate(loss.shape) if at != axis]
    target = torch.softmax(torch.randn(loss.shape).double(), axis) if loss.probabilities else torch.randint(0, 4, rows)
    options = {"reduction": reduction, "label_smoothing": smoothing}
    if loss.ignore:
        target.view(-1)[1] = 3
        options["ignore_index"] = 3
    if loss.weight:
        options["weight"] = torch.tensor([0.5, 1.0, 2.0, 0.25]).double()
    network = Inner(lambda x: F.cross_entropy(x, target, **options))
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    with replace(network, plain(input="Q6.2", output="UQ1.50"), where="classifier"):
        got = network(ours)
        got.sum().backward()
    wanted = network(theirs)
    wanted.sum().backward()
    assert torch.allclose(got, wanted, rtol=1e-10, atol=1e-9)
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("old", [{"size_average": False}, {"reduce": False}])
def test_the_old_words_for_a_reduction(old, plain):
    x, target = torch.zeros(2, 4, dtype=torch.float64), torch.tensor([0, 1])
    network = Inner(lambda x: F.cross_entropy(x, target, **old))
    with pytest.warns(UserWarning, match="deprecated"):
        wanted = network(x)
        with replace(network, plain(output="UQ1.40")):
            assert torch.allclose(network(x), wanted)


def test_a_loss_outside_of_the_network_bears_the_name_of_the_layer_that_made_its_input(plain):
    network = nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.ReLU(), nn.Linear(5, 4)))
    x, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 3, 0, 1])
    criterion = nn.CrossEntropyLoss()
    with measure(network) as seen:
        criterion(network(x), labels)
        F.cross_entropy(network(x)[:4], labels[:4])
        F.softmax(torch.zeros(2, 4), dim=-1)
    found = {(one["name"], one["function"]): one["rows"] for one in seen.softmaxes()}
    assert found == {("1.1", "cross_entropy"): 10, ("<outside>", "softmax"): 2}


def test_a_zero_of_the_design_does_not_make_the_loss_infinite(plain):
    network = Inner(lambda x: F.cross_entropy(x, torch.tensor([1])))
    with replace(network, plain(output="UQ0.4")):
        assert network(torch.tensor([[7.0, -7.0]])).item() == pytest.approx(math.log(32))


def test_gumbel_softmax_is_seen_where_it_is_called():
    network = Calls(lambda x: F.gumbel_softmax(x, tau=0.5))
    with measure(network) as seen:
        network(torch.randn(B, 6, dtype=torch.float64))
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("call", B)]


def test_linear_cross_entropy_equals_its_parts(plain):
    torch.manual_seed(0)
    x, weight, target = torch.randn(5, 3).double(), torch.randn(4, 3).double(), torch.randint(0, 4, (5,))
    network = Inner(lambda x: F.linear_cross_entropy(x, weight, target))
    parts = Inner(lambda x: F.cross_entropy(F.linear(x, weight), target))
    assert _seen_names(network, lambda net: net(x)) == [("<network>", "classifier", 5)]
    with replace(network, plain()):
        got = network(x)
    with replace(parts, plain()):
        assert torch.equal(got, parts(x))
