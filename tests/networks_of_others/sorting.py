"""A trained minGPT ("gpt-nano") that sorts six letters out of three, from B. Bycroft's llm-viz, MIT.

Three blocks of three heads over eleven letters: the six given, then the five that are known of the answer.
"""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE = Path("nano_gpt_sort") / "gpt-nano-sort-model.json"
LETTERS, GIVEN, LENGTH, WIDTH, HEADS, BLOCKS = 3, 6, 11, 48, 3, 3


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.c_attn(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        seen = F.softmax(scores.masked_fill(later, float("-inf")), dim=-1) @ v
        return self.c_proj(seen.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2, self.attn = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), Attention()
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh"))


class Sorter(nn.Module):
    """(batch, 11) letters -> (batch, 6, 3) logits of the answer's letters."""

    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(LETTERS, WIDTH),
                "wpe": nn.Embedding(LENGTH, WIDTH),
                "h": nn.ModuleList(Block() for _ in range(BLOCKS)),
                "ln_f": nn.LayerNorm(WIDTH),
            }
        )
        self.lm_head = nn.Linear(WIDTH, LETTERS, bias=False)

    def forward(self, letters: Tensor) -> Tensor:
        x = self.transformer.wte(letters) + self.transformer.wpe.weight
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))[:, GIVEN - 1 :]


def network(data: Path) -> Sorter:
    """The network with its weights, from `../shared/data`."""
    stored = json.loads((data / FILE).read_text())
    found = Sorter()
    found.load_state_dict({name: _array(stored[name]) for name in found.state_dict()})
    return found.eval()


def _array(stored: dict) -> Tensor:
    raw = base64.b64decode(stored["data"], validate=True)
    return torch.from_numpy(np.frombuffer(raw, "<f4").reshape(stored["shape"]).copy())


def inputs() -> tuple[Tensor, Tensor]:
    """`(letters (729, 11), answers (729, 6))`: every input, with what is known of its answer behind it.

    An answer is right when each letter is, given the right ones before it; then writing it letter by letter is too.
    """
    given = torch.tensor(list(itertools.product(range(LETTERS), repeat=GIVEN)))
    answers = given.sort(dim=1).values
    return torch.cat([given, answers[:, :-1]], dim=1), answers
