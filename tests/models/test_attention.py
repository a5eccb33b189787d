"""Every way to call attention: seen with its masks apart, replaced, with the right gradient."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner, exact, gradients, same, seen_names
from torch import nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from narrowmax.errors import DataError
from narrowmax.models import measure, replace
from narrowmax.models.attention import _product

B, H, L, E = 2, 2, 5, 4


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
        got = gradients(network, lambda net: net(x))
    assert list(replaced.sites.values()) == [1]
    same(got, gradients(reference, lambda net: net(x)), 2**-36)


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
        assert seen_names(network, lambda net: torch.testing.assert_close(net(x), before)) == [
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


def test_flex_attention_which_hides_its_softmax_is_refused():
    import torch._dynamo  # as an optimiser or a compiled network brings it in
    from torch.nn.attention.flex_attention import flex_attention

    network, q = Inner(lambda q: flex_attention(q, q, q)), torch.zeros(1, 1, 16, 16)
    message = "^flex_attention hides its softmax; use scaled_dot_product_attention in the network instead$"
    with warnings.catch_warnings(action="ignore"), measure(network), pytest.raises(DataError, match=message):
        network(q)


@pytest.mark.parametrize("shape", [(2, 3, 9, 4), (9, 4), (0, 3, 9, 4), (2, 3, 0, 4)])
def test_the_product_of_attention_has_the_gradients_of_autograd(shape):
    """It is written as one function of fewer passes; whoever wants a second derivative gets it."""
    q, k = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2))
    product = lambda q, k: _product(q, k, 0.3)  # noqa: E731
    assert torch.allclose(product(q, k), (q * 0.3) @ k.transpose(-2, -1))
    assert torch.autograd.gradcheck(product, (q, k))
    assert torch.autograd.gradgradcheck(product, (q, k))
    (alone,) = torch.autograd.grad(product(q, k.detach()).sum(), q)
    assert torch.allclose(alone, torch.autograd.grad(product(q, k).sum(), q)[0])


def test_the_product_of_attention_of_heads_that_do_not_lie_together():
    q, k = torch.randn(2, 9, 2, 3, 4, dtype=torch.float64).permute(2, 0, 3, 1, 4).requires_grad_()
    got = torch.autograd.grad(_product(q, k, 0.3).square().sum(), (q, k))
    wanted = torch.autograd.grad(((q * 0.3) @ k.transpose(-2, -1)).square().sum(), (q, k))
    assert all(torch.allclose(a, b) for a, b in zip(got, wanted, strict=True))


@pytest.mark.parametrize("grad", [torch.enable_grad, torch.no_grad])
def test_tangents_pass_through_attention_that_is_measured(grad):
    network, (q, tangent) = Inner(lambda q: F.scaled_dot_product_attention(q, q, q)), torch.randn(2, 1, 2, 5, 4)
    with grad(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level(), measure(network) as seen:
        given = forward_ad.make_dual(q, tangent)
        got = forward_ad.unpack_dual(network(given)).tangent
    assert got is not None and seen.softmaxes()[0]["rows"] == 10


class Marked(torch.Tensor):
    """Of a class with nothing of its own."""


class Elsewhere(torch.Tensor):
    """Of a class with an attention of its own."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return args[0] if func is sdpa else super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("where", ["causal_upper_left", "causal_lower_right"])
def test_masks_of_torch_that_hold_no_values(where, plain):
    from torch.nn.attention import bias

    q, k, v = torch.randn(1, 2, 3, 4).double(), torch.randn(1, 2, 5, 4).double(), torch.randn(1, 2, 5, 4).double()
    network = Inner(lambda q: sdpa(q, k, v, attn_mask=getattr(bias, where)(3, 5)))
    mask = torch.ones(3, 5, dtype=torch.bool).tril(2 if where == "causal_lower_right" else 0)
    before = network(q)
    with measure(network) as seen:
        assert torch.equal(network(q), before)
    assert (seen.softmaxes()[0]["masked"], seen.softmaxes()[0]["elements"]) == (2 * (~mask).sum(), 2 * mask.sum())
    with replace(network, plain(output="UQ1.40")):
        got = network(q)
    assert torch.allclose(got, exact(q @ k.mT / 2, mask=mask) @ v, rtol=0, atol=1e-9)


def test_a_mask_of_a_class_is_read_where_the_class_has_no_attention_of_its_own():
    q = torch.randn(1, 2, 5, 4).double()
    with measure(network := Inner(lambda mask: sdpa(q, q, q, attn_mask=mask))) as seen:
        network(CAUSAL.as_subclass(Marked))
        network(nn.Parameter(additive(-1e9, CAUSAL)))
    assert seen.softmaxes()[0]["masked"] == 2 * 2 * (~CAUSAL).sum()
    message = "^what attention makes of a mask of the class Elsewhere cannot be seen; give a bool tensor, true where a"
    with measure(network), pytest.raises(DataError, match=message):
        network(CAUSAL.as_subclass(Elsewhere))


def test_nan_in_an_additive_mask_hides_nothing(plain):
    q, mask = torch.randn(1, 1, 3, 4), torch.zeros(3, 3)
    mask[0, 1] = math.nan
    network = Inner(lambda q: sdpa(q, q, q, attn_mask=mask))
    with measure(network) as seen:
        network(q)
    assert (seen.softmaxes()[0]["masked"], seen.softmaxes()[0]["not_finite"]) == (0, 1)
    with replace(network, plain()), pytest.raises(DataError, match="^NaN or infinity reached a softmax"):
        network(q)
