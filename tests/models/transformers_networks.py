"""Tiny networks of Transformers with random weights, made from configurations: nothing is downloaded."""

from __future__ import annotations

import torch
import transformers

transformers.logging.set_verbosity_error()
TEXT = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": None}
LLAMA = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=32,
    max_position_embeddings=64, **TEXT,
)  # fmt: skip
BLOCKS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
FAMILIES = {
    "bert": ("BertForSequenceClassification", "BertConfig", {**BLOCKS, "vocab_size": 50, "num_labels": 3}),
    "vit": (
        "ViTForImageClassification",
        "ViTConfig",
        {**BLOCKS, "image_size": 8, "patch_size": 4, "num_channels": 1, "num_labels": 3},
    ),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, **TEXT}),
    "llama": ("LlamaForCausalLM", "LlamaConfig", LLAMA),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", {**LLAMA, "num_local_experts": 4}),
    "swin": (
        "SwinForImageClassification",
        "SwinConfig",
        {"image_size": 16, "patch_size": 2, "num_channels": 1, "embed_dim": 8, "depths": [2], "num_heads": [2],
         "window_size": 4, "num_labels": 3},
    ),
}  # fmt: skip


def tiny(family: str, attention: str = "sdpa") -> torch.nn.Module:
    """A network of a family, in evaluation mode, the same on every call; scores of a few units."""
    cls, config, options = FAMILIES[family]
    torch.manual_seed(0)
    made = getattr(transformers, config)(**options, attn_implementation=attention)
    network = getattr(transformers, cls)(made).eval()
    with torch.no_grad():  # as made, all scores are near 0
        for parameter in network.parameters():
            parameter.mul_(8 if parameter.dim() > 1 else 1)
    return network


def layers(network: torch.nn.Module, *patterns: str) -> list[str]:
    """Names of the layers 0 and 1, by the pattern that the network has: versions of Transformers differ in names."""
    known = {name for name, _ in network.named_modules()}
    return next([one.format(layer) for layer in (0, 1)] for one in patterns if one.format(0) in known)


IDS = torch.arange(12).view(2, 6) + 1
PADDING = torch.ones(2, 6, dtype=torch.long)
PADDING[0, :2] = 0


def inputs(family: str) -> dict:
    """A batch of two for a family, with labels; texts are padded at the left."""
    if family in ("vit", "swin"):
        size = 16 if family == "swin" else 8
        pixels = torch.randn(2, 1, size, size, generator=torch.Generator().manual_seed(1))
        return {"pixel_values": pixels, "labels": torch.tensor([0, 1])}
    labels = torch.tensor([0, 1]) if family == "bert" else IDS
    return {"input_ids": IDS, "attention_mask": PADDING, "labels": labels}
