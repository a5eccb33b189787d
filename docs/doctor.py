"""Writes docs/doctor.md: each trap that `narrowmax doctor` knows, met in an experiment that is run here.

python -m docs.doctor
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from narrowmax.models.doctor import TRAPS, doctor
from narrowmax.store import atomic_write

PAGE = Path(__file__).resolve().parent / "doctor.md"
COMMAND = "python -m docs.doctor"
SAMPLES, FEATURES, CLASSES = 60, 8, 5
STEPS = 3

HEAD = """# The traps of an experiment

`narrowmax doctor SOURCE` runs a network on its data and names what would make an experiment with its softmax lie,
each with its evidence and what to do. In Python it watches any block of code, training included:

```python
with nm.doctor(network) as seen:
    loss = F.cross_entropy(network(inputs), labels)
    loss.backward()
    optimiser.step()
seen.findings()
```

A clean network gives no finding; the command then ends with 0, else with 1. Each experiment below is a network of two
layers with one line between or behind them, trained for {steps} steps; `python -m docs.doctor` runs them and writes
this page, and a test compares the two.

A softmax that is written out is known in PyTorch by its exponentials, masked or not: over their sum (with a guard
against 0 or without), times the inverse of it, through `F.normalize(p=1)`, or as `exp(x - logsumexp(x))`.
"""


class Line(nn.Module):
    """One line of code in a network."""

    def __init__(self, code: str):
        super().__init__()
        self.code = code

    def forward(self, x):
        return eval(self.code, {"torch": torch, "F": F, "mask": _mask()}, {"x": x})


def _mask() -> torch.Tensor:
    return torch.zeros(CLASSES).index_fill(0, torch.tensor([1]), -1e9)


def _network(between: str, behind: str) -> nn.Module:
    layers = nn.Sequential()
    layers.add_module("first", nn.Linear(FEATURES, FEATURES))
    layers.add_module("between", Line(between))
    layers.add_module("last", nn.Linear(FEATURES, CLASSES))
    layers.add_module("behind", Line(behind))
    for parameter in layers.parameters():
        parameter.data = _numbers(parameter.shape) / 4
    return layers


def _numbers(shape) -> torch.Tensor:
    """Multiples of 1/64 within +-1, the same on every machine."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 37 + 11) % 129 - 64).reshape(shape) / 64


# trap: (the line, where it stands, the loss of output x and labels y)
CROSS_ENTROPY, NLL = "F.cross_entropy(x, y)", "F.nll_loss(x, y)"
EXPERIMENTS = {
    "rounding-without-effect": ("torch.round(x * 1e10) / 1e10", "between", CROSS_ENTROPY),
    "rounding-blocks-gradient": ("torch.round(x * 16) / 16", "between", CROSS_ENTROPY),
    "softmax-twice": ("torch.softmax(x, -1)", "behind", CROSS_ENTROPY),
    "logits-for-probabilities": ("x", "behind", NLL),
    "quantised-after-mask": ("((x + mask) * 8).clamp(-128, 127) / 8", "behind", CROSS_ENTROPY),
    "fp16-overflow": ("(x.half() * 500000).float().nan_to_num()", "between", CROSS_ENTROPY),
    "not-finite": ("x / torch.zeros_like(x)", "behind", CROSS_ENTROPY),
    "ties": ("x + (torch.round(x) - x).detach()", "behind", CROSS_ENTROPY),
    "does-not-learn": ("x.detach()", "between", CROSS_ENTROPY),
    "softmax-unseen": ("torch.exp(x) / torch.exp(x).sum(-1, keepdim=True)", "behind", "F.nll_loss(x.log(), y)"),
}


def met(trap: str):
    """The finding of `trap` in its experiment."""
    code, place, loss = EXPERIMENTS[trap]
    network = _network(**{"between": "x", "behind": "x", place: code})
    inputs, labels = _numbers((SAMPLES, FEATURES)), torch.arange(SAMPLES) % CLASSES
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    with doctor(network) as seen:
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = eval(loss, {"F": F}, {"x": network(inputs), "y": labels})
            value.backward()
            optimiser.step()
    return next(one for one in seen.findings() if one.trap == trap)


def page() -> str:
    """The text of docs/doctor.md."""
    parts = [HEAD.format(steps=STEPS)]
    for name, trap in TRAPS.items():
        code, place, loss = EXPERIMENTS[name]
        found = met(name)
        parts.append(
            f"## {name}\n\n{trap.meaning}\n\n"
            f"| | |\n|---|---|\n| {place} the layers | `{code}` |\n| the loss | `{loss}` |\n"
            f"| found in | `{found.where}` |\n| evidence | {_cell(found.evidence)} |\n"
            f"| remedy | {_cell(found.remedy)} |\n"
        )
    return "\n".join(parts)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


if __name__ == "__main__":
    with atomic_write(PAGE, "w") as file:
        file.write(page())
