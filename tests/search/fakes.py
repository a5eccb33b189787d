"""A space of designs and an evaluator that need nothing of the rooms above and below.

The designs are a table of exponentials and a divider, in a few lines of NumPy; the samples are
random logits with labels drawn from them, so that float is right on most and sure of few.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from narrowmax.errors import DesignError

CEILING = 12.0


@dataclass(frozen=True)
class Table:
    """exp(x - max) in `exp` bits, divided, in `output` bits; x in `integer` and `fraction` bits."""

    integer: int = 6
    fraction: int = 6
    exp: int = 10
    output: int = 14
    most: int = 99  # integer + fraction beyond this cannot be built
    knobs: dict = field(
        default_factory=lambda: {
            "input.integer": range(2, 7),
            "input.fraction": range(2, 7),
            "exp.fraction": range(6, 11),
            "output.fraction": range(7, 15),
        },
        compare=False,
    )

    @property
    def knob_values(self) -> dict[str, int]:
        values = (self.integer, self.fraction, self.exp, self.output)
        return dict(zip(("input.integer", "input.fraction", "exp.fraction", "output.fraction"), values))

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "input": f"Q{self.integer}.{self.fraction}",
            "exp": f"UQ0.{self.exp}",
            "output": f"UQ0.{self.output}",
        }

    @property
    def text(self) -> str:
        return "table(" + ", ".join(f"{name}={value}" for name, value in self.parameters.items()) + ")"

    def moved(self, values: dict[str, int]) -> Table:
        short = {"input.integer": "integer", "input.fraction": "fraction"}
        moved = replace(self, **{short.get(name, name.split(".")[0]): value for name, value in values.items()})
        if moved.integer + moved.fraction > self.most:
            raise DesignError(f"{moved.text} has a table too large")
        return moved

    def __call__(self, x: np.ndarray) -> np.ndarray:
        top = 2 ** (self.integer + self.fraction - 1)
        codes = np.clip(np.round(x * 2**self.fraction), -top, top - 1)
        small = np.round(np.exp((codes - codes.max(-1, keepdims=True)) / 2**self.fraction) * 2**self.exp)
        return np.floor(small * 2**self.output / small.sum(-1, keepdims=True)) / 2**self.output


class Samples:
    """An evaluator on random logits; `calls` counts the designs and rows it was asked about."""

    metrics = ("top1", "nll")
    ceilings: ClassVar = {"nll": CEILING}

    def __init__(self, selected=2000, judged=2000, n=10, seed=0, scale=4.0, groups=None):
        random = np.random.default_rng(seed)
        self.x = random.normal(size=(selected + judged, n)) * scale
        self.labels = (self.x + random.gumbel(size=self.x.shape)).argmax(-1)
        self.selection, self.judgement = np.split(np.arange(selected + judged), [selected])
        self.groups, self.digest = groups, f"samples {selected} {judged} {n} {seed} {scale}"
        self.calls: list[tuple[str, int]] = []

    def float_outcomes(self, indices):
        x = np.exp(self.x[indices] - self.x[indices].max(-1, keepdims=True))
        return self._scored(x / x.sum(-1, keepdims=True), indices, 0)

    def outcomes(self, design, indices):
        self.calls.append((design.text, len(indices)))
        return self._scored(design(self.x[indices]), indices, np.exp(-CEILING))

    def _scored(self, probabilities, indices, floor):
        of_label = probabilities[np.arange(len(indices)), self.labels[indices]]
        right = (probabilities >= of_label[:, None]).sum(-1) == 1
        return {"top1": right, "nll": -np.log(np.maximum(of_label, floor))}
