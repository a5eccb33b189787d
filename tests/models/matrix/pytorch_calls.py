"""The rows of PyTorch: every way to call a softmax, a loss and attention."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from tests.models import test_attention, test_spellings
from tests.models.cases import Calls, Inner
from tests.models.matrix.judging import Hand, judged
from torch import nn

B, N = 3, 6
X = torch.linspace(-2, 2, B * N, dtype=torch.float64).view(B, N).sin()


def spelled(case: str, function: Callable, log: bool) -> dict:
    torch.manual_seed(0)
    softmax = Hand()
    name = "call.function" if isinstance(function, nn.Module) else "call"
    by_hand = Calls(softmax.log if log else softmax)
    with warnings.catch_warnings(action="ignore"):
        return judged(
            case, Calls(function), by_hand, softmax, lambda net: net(X), {name}, tolerance=1e-5 if log else 1e-8
        )


def planes(case: str, made: nn.Module) -> dict:
    """Over the channels of an image."""
    softmax, x = Hand(), X.view(1, N, B, 1)
    convolution = partial(nn.Conv2d, N, N, 1, dtype=torch.float64)
    torch.manual_seed(0)
    network = nn.Sequential(convolution(), made)
    sign = -1 if isinstance(made, nn.Softmin) else 1
    hand = nn.Sequential(convolution(), Inner(lambda x: softmax(sign * x, 1)))
    return judged(case, network, hand, softmax, lambda net: net(x), {"1"})


def gumbel(case: str) -> dict:
    def noise(x):
        return -torch.empty_like(x).exponential_().log()

    def seeded(net):
        torch.manual_seed(7)
        return net(X)

    softmax = Hand()
    hand = Calls(lambda x: softmax((x + noise(x)) / 2))
    torch.manual_seed(0)
    return judged(case, Calls(lambda x: F.gumbel_softmax(x, tau=2.0)), hand, softmax, seeded, {"call"})


def drawn(case: str) -> dict:
    """`Categorical` shifts its logits first, which is no part of the network and changes what a design rounds."""
    softmax = Hand()
    hand = Calls(lambda x: softmax(x - x.logsumexp(-1, keepdim=True)))
    network = Calls(lambda x: torch.distributions.Categorical(logits=x).probs)
    torch.manual_seed(0)
    return judged(case, network, hand, softmax, lambda net: net(X), {"call"}, note="its logits are normalised first")


TARGET = torch.tensor([1, 0, 5])
LOSSES = {
    "F.cross_entropy": lambda x: F.cross_entropy(x, TARGET)[None],
    "nn.CrossEntropyLoss": nn.CrossEntropyLoss(),
    "aten.cross_entropy_loss": lambda x: torch.ops.aten.cross_entropy_loss(x, TARGET)[None],
    "F.cross_entropy, smoothed": lambda x: F.cross_entropy(x, TARGET, label_smoothing=0.1)[None],
}


def loss(case: str, function: Callable, outside: bool) -> dict:
    """A loss in the network, or behind it, where it is known by the layer that made the logits."""
    softmax, smoothed = Hand(), "smoothed" in case
    function = partial(_with_target, function) if isinstance(function, nn.Module) else function

    def by_hand(x):
        log = softmax.log(x)
        picked = -log[torch.arange(B), TARGET]
        return (0.9 * picked - 0.1 * log.mean(-1) if smoothed else picked).mean()[None]

    def last(function):
        return nn.Linear(N, N, dtype=torch.float64) if outside else Calls(function)

    run = (lambda network: function(network(X)) if network is kept else by_hand(network(X))) if outside else None
    torch.manual_seed(0)
    kept, hand = last(function), last(by_hand)
    name = "<network>" if outside else "call"
    return judged(case, kept, hand, softmax, run or (lambda net: net(X)), {name})


def _with_target(function: nn.Module, x):
    return function(x, TARGET)[None]


def attention(case: str, function: Callable, how: dict) -> dict:
    heads = 1 if "grouped" in case else test_attention.H
    used = 1 if "three axes" in case else test_attention.H
    softmax = Hand()

    def by_hand(q, k, v, mask=None, bias=0.0, scale=test_attention.E**-0.5):
        q, k, v = (tensor[:, :used] for tensor in (q, k, v))
        k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], dim=1) for t in (k, v))
        return softmax((q * scale) @ k.transpose(-2, -1) + bias, mask=mask) @ v

    torch.manual_seed(0)
    network = test_attention.Heads(function, heads)
    hand = test_attention.Heads(lambda *qkv: by_hand(*qkv, **how), heads)
    x = torch.randn(test_attention.B, test_attention.L, test_attention.E, dtype=torch.float64)
    return judged(case, network, hand, softmax, lambda net: net(x), {"attend"}, masked="mask" in how)


L, E, H = 5, 4, 2
MEMORY = torch.linspace(-1, 1, 2 * L * E, dtype=torch.float64).view(2, L, E).cos()
PADDED = torch.arange(L) > torch.tensor([[2], [4]])


class HandAttention(nn.MultiheadAttention):
    """Multi-head attention written out over the same weights."""

    softmax: Hand

    def forward(self, query, key, value, key_padding_mask=None, attn_mask=None, need_weights=True, **_):
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(x, w, b).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )
        mask = None if key_padding_mask is None else ~key_padding_mask.bool()[:, None, None]
        causal = None if attn_mask is None else torch.zeros_like(attn_mask) == attn_mask
        both = causal if mask is None else mask if causal is None else mask & causal
        p = self.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1), mask=both)
        return self.out_proj((p @ v).transpose(1, 2).flatten(2)), p


@contextlib.contextmanager
def no_fast_path():
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def by_hand(network: nn.Module, softmax: Hand) -> nn.Module:
    """A copy in which every multi-head attention is written out."""
    for child in network.children():
        if isinstance(child, nn.MultiheadAttention):
            child.__class__ = HandAttention
            child.softmax = softmax
        else:
            by_hand(child, softmax)
    return network


class Attends(nn.Module):
    def __init__(self, weights: bool):
        super().__init__()
        self.attention, self.weights = nn.MultiheadAttention(E, H, batch_first=True, dtype=torch.float64), weights

    def forward(self, x):
        return self.attention(2 * x, 3 * x, x, need_weights=self.weights)[0]


def multi_head(
    case: str, make: Callable[[], nn.Module], run: Callable, names: set[str], masked: bool = False, note: str = ""
) -> dict:
    softmax = Hand()
    torch.manual_seed(0)
    network, hand = make(), by_hand(make(), softmax)
    network.load_state_dict(hand.state_dict())

    def apart(net):
        with no_fast_path() if net is hand else contextlib.nullcontext():
            return run(net)

    return judged(case, network, hand, softmax, apart, names, masked=masked, note=note)


def _layer(cls: type) -> nn.Module:
    return cls(E, H, 8, batch_first=True, dropout=0.0, dtype=torch.float64)


def encoder() -> nn.Module:
    return nn.TransformerEncoder(_layer(nn.TransformerEncoderLayer), 2).eval()


def decoder() -> nn.Module:
    return nn.TransformerDecoder(_layer(nn.TransformerDecoderLayer), 1).eval()


def _decoded(net):
    mask = nn.Transformer.generate_square_subsequent_mask(L, dtype=torch.float64)
    return net(MEMORY, MEMORY, tgt_mask=mask)


def _encoded(net):
    return net(MEMORY, src_key_padding_mask=PADDED).masked_fill(PADDED[..., None], 0)


ENCODED = {f"layers.{i}.self_attn" for i in (0, 1)}
MULTI_HEAD = {
    "nn.MultiheadAttention, weights asked for": (lambda: Attends(True), lambda net: net(MEMORY), {"attention"}),
    "nn.MultiheadAttention, no weights": (lambda: Attends(False), lambda net: net(MEMORY), {"attention"}),
    "nn.MultiheadAttention, eval": (lambda: Attends(True).eval(), lambda net: net(MEMORY), {"attention"}),
    "nn.TransformerEncoder, padded, eval": (
        encoder, _encoded, ENCODED, True, "queries that are padded are computed, where the fast path gives 0"),
    "nn.TransformerDecoder, causal": (decoder, _decoded, {"layers.0.self_attn", "layers.0.multihead_attn"}, True),
}  # fmt: skip

CASES = {
    **{name: partial(spelled, name, call, False) for name, call in test_spellings.SPELLINGS.items()},
    **{name: partial(spelled, name, call, True) for name, call in test_spellings.LOGS.items()},
    "nn.Softmax2d": partial(planes, "nn.Softmax2d", nn.Softmax2d()),
    "nn.Softmin": partial(planes, "nn.Softmin", nn.Softmin(1)),
    "F.gumbel_softmax": partial(gumbel, "F.gumbel_softmax"),
    "distributions.Categorical": partial(drawn, "distributions.Categorical"),
    **{name: partial(loss, name, call, False) for name, call in LOSSES.items()},
    **{f"{name}, behind the network": partial(loss, f"{name}, behind the network", call, True)
       for name, call in LOSSES.items()},
    **{name: partial(attention, name, *how) for name, how in test_attention.ATTENTION.items()},
    **{name: partial(multi_head, name, *how) for name, how in MULTI_HEAD.items()},
}  # fmt: skip
