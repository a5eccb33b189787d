"""The matrix of Transformers: python -m tests.models.matrix.transformers

Families beside copies whose attention is written out and put in by Transformers' own registry.
"""

from __future__ import annotations

import copy
from functools import partial

import torch
import transformers
from tests.models import transformers_networks
from tests.models.matrix import harness
from tests.models.matrix.judging import DESIGN, Hand, judged, refused
from tests.models.transformers_networks import IDS, PADDING
from torch import nn
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask

import narrowmax as nm

NAME = "transformers"
BY_HAND = "narrowmax_by_hand"
LAYERS = {
    "bert": ("bert.encoder.layer.{}.attention.self",),
    "vit": ("vit.layers.{}.attention", "vit.encoder.layer.{}.attention.attention"),
    "gpt2": ("transformer.h.{}.attn",),
    "llama": ("model.layers.{}.self_attn",),
    "mixtral": ("model.layers.{}.mlp.gate", "model.layers.{}.block_sparse_moe"),  # that of its router
}
FAMILIES = ("bert", "vit", "gpt2", "llama")
MASKED = ("bert", "gpt2", "llama")


def names(network: nn.Module, family: str) -> dict[str, None]:
    """Of the layers with a softmax, in their order."""
    return dict.fromkeys(transformers_networks.layers(network, *LAYERS[family]))


def by_hand(network: nn.Module, softmax: Hand) -> nn.Module:
    """A copy whose attention is written out."""

    def attention(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **_):
        heads = query.shape[1] // key.shape[1]
        key, value = (t.repeat_interleave(heads, dim=1) for t in (key, value))
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = (query * scale) @ key.transpose(-2, -1)
        mask = None if attention_mask is None else attention_mask > -1e4
        p = softmax(scores, mask=mask)
        return (p @ value).transpose(1, 2).contiguous(), p

    transformers.AttentionInterface.register(BY_HAND, attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(BY_HAND, eager_mask)
    hand = copy.deepcopy(network)
    hand.set_attn_implementation(BY_HAND)
    return hand


def made(family: str, attention: str) -> nn.Module:
    """In float64, so that nothing but a wrong softmax moves a value across the middle of two steps.

    But for Mixtral, whose product of experts is for 32 bits at most, and Llama, whose softmax is in 32 bits anyway.
    """
    network = transformers_networks.tiny(family, attention)
    return network if family in ("llama", "mixtral") else network.double()


def inputs(family: str) -> dict:
    given = {key: value for key, value in transformers_networks.inputs(family).items() if key != "labels"}
    return {key: value.double() if key == "pixel_values" else value for key, value in given.items()}


def logits(network: nn.Module, family: str) -> torch.Tensor:
    return network(**inputs(family)).logits


def forward(case: str, family: str, attention: str) -> dict:
    softmax, network = Hand(), made(family, attention)
    hand = by_hand(network, softmax)
    return judged(
        case, network, hand, softmax, lambda net: logits(net, family), names(network, family).keys(),
        tolerance=1e-5, masked=family in MASKED,
    )  # fmt: skip


def checkpointed(case: str, family: str, attention: str) -> dict:
    softmax, network = Hand(), made(family, attention)
    hand = by_hand(network, softmax)
    network.gradient_checkpointing_enable()
    network.train(), hand.train()
    for module in (*network.modules(), *hand.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return judged(
        case, network, hand, softmax, lambda net: logits(net, family), names(network, family).keys(),
        tolerance=1e-5, masked=True, twice=2,
    )  # fmt: skip


GENERATE = {
    "greedy": {},
    "sampling": {"do_sample": True, "top_p": 0.9, "top_k": 20},
    "beam search": {"num_beams": 3},
}
KINDS = {"greedy": set(), "sampling": {"softmax"}, "beam search": {"log_softmax"}}


def generated(case: str, family: str, how: str) -> dict:
    """With its cache of keys and values: the tokens, and the scores of each, are those of the reference."""
    softmax, network = Hand(), made(family, "sdpa")
    hand = by_hand(network, softmax)

    def run(net):
        torch.manual_seed(3)
        given = {"attention_mask": PADDING, "max_new_tokens": 4, "pad_token_id": 0, "output_scores": True}
        out = net.generate(IDS, return_dict_in_generate=True, **given, **GENERATE[how])
        return out.sequences, torch.cat(out.scores).nan_to_num(neginf=0)

    before = run(network)
    softmax.rounds = False
    run(hand)
    softmax.rounds, wanted = True, softmax.report()
    with nm.measure(network) as seen:
        same = _equal(run(network), before)
    with nm.replace(network, DESIGN, where="attention") as replaced:
        got = run(network)
    found = [one for one in seen.softmaxes() if one["kind"] == "attention"]
    others = {one["function"] for one in seen.softmaxes() if one["kind"] == "sampling"}
    rows, masked = (sum(one[key] for one in found) for key in ("rows", "masked"))
    return harness.row(
        case,
        seen=same and rows == wanted["rows"] and len(found) + len(others) == len(seen.softmaxes()),
        name={one["name"] for one in found} == names(network, family).keys() == {site.name for site in replaced.sites}
        and others == KINDS[how],
        mask=masked == wanted["masked"] > 0,
        replaced=_equal(got, run(hand)) and not _equal(got, before),
        note="" if how == "greedy" else "the softmax that draws tokens is of kind sampling",
    )


def _equal(ours: tuple, theirs: tuple) -> bool:
    return torch.equal(ours[0], theirs[0]) and torch.allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-5)


def heads(case: str, family: str, attention: str) -> dict:
    """Each head apart, beside the scores of that head."""
    softmax, network = Hand(), made(family, attention)
    softmax.rounds = False
    logits(by_hand(network, softmax), family)
    with nm.measure(network, heads=True) as seen:
        logits(network, family)
    apart = {(one["name"], one["head"]): one for one in seen.softmaxes()}
    wanted = {}
    for name, (x, _, mask) in zip(names(network, family), softmax.inputs, strict=True):
        for head in range(x.shape[1]):
            scores = x[:, head] if mask is None else x[:, head].masked_fill(~mask[:, 0], -torch.inf)
            wanted[name, head] = scores
    return harness.row(
        case,
        seen=all(abs(one["max"] - wanted[key].max().item()) < 1e-4 for key, one in apart.items()),
        name=set(apart) == set(wanted),
        mask=all(one["masked"] == wanted[key].isinf().sum() for key, one in apart.items())
        if family in MASKED
        else None,
    )


def router(case: str) -> dict:
    """Mixtral: where="router" chooses the softmax over experts, and "classifier" does not."""
    network = made("mixtral", "sdpa")
    gates = names(network, "mixtral").keys()
    before = logits(network, "mixtral")
    with nm.measure(network) as seen, nm.replace(network, DESIGN, where="router") as replaced:
        after = logits(network, "mixtral")
    found = {one["name"]: one for one in seen.softmaxes() if one["kind"] == "router"}
    return harness.row(
        case,
        seen=[(one["rows"], one["n"]) for one in found.values()] == [(IDS.numel(), 4)] * 2,
        name=set(found) == gates,
        replaced={site.name for site in replaced.sites} == gates and not torch.equal(before, after),
        note='of kind router: where="classifier" leaves it alone',
    )


def shifted(case: str) -> dict:
    """Swin adds -100 to scores across the border of shifted windows; they stay scores, and are told."""
    network = transformers_networks.tiny("swin", "eager")
    with nm.measure(network) as seen:
        network(**{key: value for key, value in transformers_networks.inputs("swin").items() if key != "labels"})
    masses = [one["separate_mass"] for one in seen.softmaxes()]
    told = [mass for mass in masses if mass is not None]
    return harness.row(
        case,
        seen=len(masses) == 2,
        mask=len(told) == 1 and 80 < told[0]["from"] < told[0]["to"] < 120,
        note="kept among the scores, and told as a separate mass",
    )


def hidden(case: str, attention: str) -> dict:
    network = transformers_networks.tiny("llama")
    network.config._attn_implementation = attention
    return refused(case, lambda: nm.measure(network).__enter__())


def _cases() -> dict:
    found = {}
    for family in FAMILIES:
        for attention in ("eager", "sdpa"):
            found[f"{family}, {attention}"] = partial(forward, family=family, attention=attention)
    for family in ("bert", "llama"):
        for attention in ("eager", "sdpa"):
            found[f"{family}, {attention}, heads"] = partial(heads, family=family, attention=attention)
    for family in ("gpt2", "llama"):
        found[f"{family}, gradient checkpointing"] = partial(checkpointed, family=family, attention="sdpa")
        for how in GENERATE:
            found[f"{family}, generate, {how}"] = partial(generated, family=family, how=how)
    found["mixtral, router"] = router
    found["swin, shifted windows"] = shifted
    for attention in ("flash_attention_2", "flex_attention"):
        found[f"attention implementation {attention}"] = partial(hidden, attention=attention)
    return {case: partial(run, case) for case, run in found.items()}


CASES = _cases()


def rows() -> list[dict]:
    """Every row, run."""
    return harness.rows(CASES)


if __name__ == "__main__":
    versions = {"transformers": transformers.__version__, "torch": torch.__version__.partition("+")[0]}
    harness.write(NAME, "Transformers (PyTorch)", versions, rows())
