"""KWT-1, the Keyword Transformer of A. Berg et al. (Interspeech 2021), with its published weights.

https://github.com/ARM-software/keyword-transformer, Apache-2.0: 12 blocks of one head, normalised after each half,
over 98 frames of 40 features and a class token.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

FOLDER = "kwt1_speech_commands"
LAYERS, FRAMES, FEATURES, WIDTH, WORDS = 12, 98, 40, 64, 12


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.o = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.q(x) @ self.k(x).transpose(1, 2) * WIDTH**-0.5
        return self.o(F.softmax(scores, dim=-1) @ self.v(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.ln1, self.ln2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.ff1, self.ff2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.ln1(x + self.attention(x))
        return self.ln2(x + self.ff2(F.gelu(self.ff1(x), approximate="tanh")))


class KWT1(nn.Module):
    """(clips, 98, 40) features -> (clips, 12) logits."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(FEATURES, WIDTH)
        self.class_emb = nn.Parameter(torch.zeros(WIDTH))
        self.pos_emb = nn.Parameter(torch.zeros(FRAMES + 1, WIDTH))
        self.layers = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, features: Tensor) -> Tensor:
        x = self.embed(features)
        x = torch.cat([self.class_emb.expand(len(x), 1, WIDTH), x], dim=1) + self.pos_emb
        for layer in self.layers:
            x = layer(x)
        return self.head(x[:, 0])


def network(data: Path) -> KWT1:
    """The network with its weights, from `../shared/data`."""
    found = KWT1()
    with np.load(data / FOLDER / "kwt1_weights.npz", allow_pickle=False) as weights:
        state = {name: torch.from_numpy(weights[_published(name)]) for name in found.state_dict()}
    found.load_state_dict(state)
    return found.eval()


def _published(name: str) -> str:
    """`layers.3.attention.q.weight` -> `l3.q.w`, and `layers.3.ln1.weight` -> `l3.ln1.g`."""
    parts = [part for part in name.split(".") if part not in ("layers", "attention")]
    last = {"weight": "g" if len(parts) > 1 and parts[-2].startswith("ln") else "w", "bias": "b"}.get(
        parts[-1], parts[-1]
    )
    start = [f"l{parts[0]}", *parts[1:-1]] if name.startswith("layers") else parts[:-1]
    return ".".join([*start, last])


def clips(data: Path) -> tuple[Tensor, Tensor]:
    """`(features (978, 98, 40), labels)` of the clips whose features are stored."""
    with np.load(data / FOLDER / "speech_commands_v2_test_features_978.npz", allow_pickle=False) as stored:
        return torch.from_numpy(stored["features"].astype(np.float32)), torch.from_numpy(stored["labels"])
