"""What a softmax is for: routers and sampling are told from attention and classifiers, so that `where` says it."""

from __future__ import annotations

import pytest
import torch
from tests.models.transformers_networks import IDS, PADDING, inputs, layers, tiny
from torch import nn

import narrowmax as nm
from narrowmax.errors import DataError
from narrowmax.models import Site, measure, replace
from narrowmax.models.sites import KINDS, chooses

DESIGN = nm.design("ideal(input=Q5.3, output=UQ0.8)")


def kinds(seen):
    return {(one["name"], one["kind"], one["function"]) for one in seen.softmaxes()}


GENERATE = {
    "greedy": ({}, set()),
    "sampling": ({"do_sample": True, "top_p": 0.9, "top_k": 5, "temperature": 0.7}, {"softmax"}),
    "beam search": ({"num_beams": 3}, {"log_softmax"}),
    "beam sampling": ({"num_beams": 2, "do_sample": True}, {"softmax", "log_softmax"}),
}


@pytest.mark.parametrize("how", GENERATE)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_what_generate_does_with_logits_is_sampling(family, how):
    options, functions = GENERATE[how]
    network = tiny(family)
    with measure(network) as seen:
        network.generate(IDS, attention_mask=PADDING, max_new_tokens=3, pad_token_id=0, **options)
    attention = [one for one in seen.softmaxes() if one["kind"] == "attention"]
    assert len(attention) == 2 and attention[0]["n_min"] < attention[0]["n"] == 8
    rest = kinds(seen) - {(one["name"], "attention", one["function"]) for one in attention}
    assert rest == {("<outside>", "sampling", function) for function in functions}


def test_where_does_not_take_sampling_for_a_classifier():
    network = tiny("gpt2")
    generate = lambda: network.generate(IDS, max_new_tokens=2, pad_token_id=0, do_sample=True)  # noqa: E731
    with replace(network, DESIGN, where="sampling") as replaced:
        generate()
    assert {site.kind for site in replaced.sites} == {"sampling"}
    message = "^no softmax was replaced: where='classifier' chooses none of <outside>, transformer.h.0.attn"
    with pytest.raises(DataError, match=message), replace(network, DESIGN, where="classifier"):
        generate()


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_softmax_that_chooses_among_experts_is_a_router(attention):
    network = tiny("mixtral", attention)
    with measure(network) as seen, replace(network, DESIGN, where="router") as replaced:
        network(**inputs("mixtral"))
    found = {(name, kind) for name, kind, _ in kinds(seen)}
    attention = layers(network, "model.layers.{}.self_attn")
    routers = layers(network, "model.layers.{}.mlp.gate", "model.layers.{}.block_sparse_moe")
    kept = {(name, "attention") for name in attention} | {("<network>", "classifier")}
    assert found == kept | {(name, "router") for name in routers}
    assert {site.name for site in replaced.sites} == set(routers)


NAMES = {"gate": "router", "router": "router", "attn": "attention", "a": "classifier"}


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_a_layer_is_known_by_its_name(name, kind):
    network = nn.Module()
    network.add_module(name, layer := nn.Softmax(-1))
    with measure(network) as seen:
        layer(torch.randn(2, 3))
    assert [one["kind"] for one in seen.softmaxes()] == [kind]


def test_where_chooses_kinds():
    sites = [Site("a", kind, "softmax") for kind in KINDS]
    for kind in KINDS:
        assert [site.kind for site in sites if chooses(kind, site)] == [kind]
        assert chooses(kind, Site("<outside>", kind, "softmax")) == (kind != "attention")


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "vit"])
def test_heads_of_transformers_are_kept_apart(family, attention):
    network = tiny(family, attention)
    with measure(network, heads=True) as apart, measure(network) as together:
        network(**inputs(family))
    for one in together.softmaxes():
        heads = [head for head in apart.softmaxes() if head["name"] == one["name"]]
        if one["kind"] == "attention":
            assert [head["head"] for head in heads] == list(range(4 if family == "llama" else 2))
        assert sum(head["rows"] for head in heads) == one["rows"]
        assert max(head["max"] for head in heads) == one["max"]
        assert sum(head["masked"] for head in heads) == one["masked"]
