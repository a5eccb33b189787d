"""What a design costs inside a network, beside the same network in float: python -m benchmarks.networks

CPU time of one thread, interleaved: the forward pass with its loss and without a gradient, and the same with its
gradient and backward pass.  The design takes the place of every softmax, of attention and of the loss.  Attention is
written out with torch.softmax, or fused: PyTorch's own, which is written out where a design is in it.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from benchmarks.common import arguments, at_most, interleaved, ratio, report, spread
from torch import Tensor, nn

import narrowmax as nm

DESIGN = "table_reciprocal(input=Q5.3, output=UQ0.8)"
MOST = 1.10
CLASSES = 100
PASSES = 10  # of one measurement


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [row for name, (network, x) in networks().items() for row in beside_float(name, network, x, given)]
    report(f"a network with {DESIGN} in it, in passes of the network in float", rows, given)


def networks() -> dict[str, tuple[nn.Module, Tensor]]:
    """Networks and a batch for each."""
    found = {f"CNN, {CLASSES} classes, batch 64": (cnn(), torch.randn(64, 3, 32, 32))}
    sizes = {
        "ViT, width 192, 3 heads, 4 blocks, 65 tokens, batch 8": (192, 3, 4, 65, 8),
        "BERT-like, width 256, 4 heads, 4 blocks, 128 tokens, batch 4": (256, 4, 4, 128, 4),
    }
    for name, (width, heads, blocks, tokens, batch) in sizes.items():
        network, x = Transformer(width, heads, blocks), torch.randn(batch, tokens, width)
        found |= {name: (written_out(network), x), f"{name}, fused attention": (network, x)}
    return found


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1024, CLASSES),
    )  # fmt: skip


class Transformer(nn.Module):
    """Embedded tokens (batch, tokens, width) -> logits of classes."""

    def __init__(self, width: int, heads: int, blocks: int):
        super().__init__()
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.blocks(x).mean(1))


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Attention(nn.Module):
    """Self-attention; `fused` chooses PyTorch's own, otherwise it is written out."""

    fused = True

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1), -1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))


def written_out(network: nn.Module) -> nn.Module:
    """A copy whose attention is written out."""
    copied = copy.deepcopy(network)
    for layer in copied.modules():
        if isinstance(layer, Attention):
            layer.fused = False
    return copied


def beside_float(name: str, network: nn.Module, x: Tensor, given: argparse.Namespace) -> list[dict]:
    """The rows of one network: forward, and forward with backward."""
    labels, design, rows = torch.arange(len(x)) % CLASSES, nm.design(DESIGN), []
    for phase, run in (("forward", forward), ("forward + backward", forward_and_backward)):
        jobs = {"float": partial(run, network, x, labels), "design": partial(replaced, run, network, x, labels, design)}
        rows.append(row(name, phase, interleaved(jobs, given.rounds)))
    return rows


def forward(network: nn.Module, x: Tensor, labels: Tensor) -> None:
    with torch.no_grad():
        for _ in range(PASSES):
            F.cross_entropy(network(x), labels)


def forward_and_backward(network: nn.Module, x: Tensor, labels: Tensor) -> None:
    for _ in range(PASSES):
        network.zero_grad()
        F.cross_entropy(network(x), labels).backward()


def replaced(run: Callable, network: nn.Module, x: Tensor, labels: Tensor, design: nm.Design) -> None:
    """The passes with the design in the network; putting it there and taking it out, once, is timed as well."""
    with nm.replace(network, design):
        run(network, x, labels)


def row(name: str, phase: str, seconds: dict[str, list[float]]) -> dict:
    times = ratio(seconds["design"], seconds["float"])
    return {
        "network": name, "pass": phase, "times float": times,
        "goal": at_most(times, MOST) if phase != "forward" else None,
        "ms": spread(seconds["design"], 1e3 / PASSES), "float, ms": spread(seconds["float"], 1e3 / PASSES),
    }  # fmt: skip


if __name__ == "__main__":
    main()
