"""stories260K of A. Karpathy's tinyllamas, a Llama of 260 thousand weights, in the Llama of Transformers.

The file of weights is that of llama2.c: seven integers, then float32 in order; its tokens are a vocabulary of 512
with a score for each merge.
"""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = "stories260k_llama"
BEGIN = 1  # the token before a text
BYTES = 3  # the token of byte 0; the other 255 follow


def network(data: Path) -> LlamaForCausalLM:
    """The network with its weights, from `../shared/data`."""
    raw = (data / FOLDER / "stories260K.bin").read_bytes()
    width, hidden, layers, heads, shared_heads, symbols, length = struct.unpack("7i", raw[:28])
    config = LlamaConfig(
        vocab_size=symbols, hidden_size=width, intermediate_size=hidden, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=shared_heads, max_position_embeddings=length,
        rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=BEGIN, eos_token_id=2,
    )  # fmt: skip
    found = LlamaForCausalLM(config)
    found.load_state_dict(_state(np.frombuffer(raw, np.float32, offset=28), config), strict=False)
    return found.eval()


def _state(values: np.ndarray, config: LlamaConfig) -> dict[str, Tensor]:
    width, hidden, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    narrow = width * config.num_key_value_heads // config.num_attention_heads
    state, place = {}, 0

    def take(*shape: int) -> Tensor:
        nonlocal place
        size = int(np.prod(shape))
        part, place = values[place : place + size], place + size
        return torch.from_numpy(part.reshape(shape).copy())

    state["model.embed_tokens.weight"] = take(config.vocab_size, width)
    for name, shape in (
        ("input_layernorm", (width,)), ("self_attn.q_proj", (width, width)), ("self_attn.k_proj", (narrow, width)),
        ("self_attn.v_proj", (narrow, width)), ("self_attn.o_proj", (width, width)),
        ("post_attention_layernorm", (width,)), ("mlp.gate_proj", (hidden, width)), ("mlp.down_proj", (width, hidden)),
        ("mlp.up_proj", (hidden, width)),
    ):  # fmt: skip
        for layer, weight in enumerate(take(layers, *shape)):
            state[f"model.layers.{layer}.{name}.weight"] = _halves(weight, name, config)
    state["model.norm.weight"] = take(width)
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    return state


def _halves(weight: Tensor, name: str, config: LlamaConfig) -> Tensor:
    """Transformers turns the halves of a head against each other, llama2.c its neighbours: their order differs."""
    if not name.endswith(("q_proj", "k_proj")):
        return weight
    size = config.hidden_size // config.num_attention_heads
    return weight.unflatten(0, (-1, size // 2, 2)).transpose(1, 2).reshape(weight.shape)


def tokens(data: Path, text: str) -> list[int]:
    """The tokens of a text: characters, then the merge with the best score as long as there is one."""
    words, scores = _vocabulary(data)
    known = {word: code for code, word in enumerate(words)}
    found = [token for character in " " + text for token in _of_character(character, known)]
    while True:
        pairs = [(words[a] + words[b], place) for place, (a, b) in enumerate(itertools.pairwise(found))]
        merges = [(scores[known[word]], -place, known[word]) for word, place in pairs if word in known]
        if not merges:
            return found
        _, place, code = max(merges)
        found[-place : -place + 2] = [code]


def _of_character(character: str, known: dict[bytes, int]) -> list[int]:
    code = character.encode()
    return [known[code]] if code in known else [BYTES + byte for byte in code]


def _vocabulary(data: Path) -> tuple[list[bytes], list[float]]:
    raw, place, words, scores = (data / FOLDER / "tok512.bin").read_bytes(), 4, [], []
    while place < len(raw):
        score, length = struct.unpack_from("fi", raw, place)
        words.append(raw[place + 8 : place + 8 + length])
        scores.append(score)
        place += 8 + length
    return words, scores
