"""A design for the tests of networks that is a few lines of its own, and nothing of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from narrowmax.errors import DataError
from narrowmax.formats import Format, parse


@dataclass(frozen=True)
class Plain:
    """Softmax in float64 between a rounded input and a rounded output, as `designs` promises it."""

    input: Format
    output: Format
    base: float = float(np.e)
    has_hardware = False
    output_rate = "element"

    def simulate(self, x, axis=-1, mask=None):
        if isinstance(x, torch.Tensor):
            seen = None if mask is None else mask.cpu().numpy()
            return torch.as_tensor(self.simulate(x.detach().cpu().numpy(), axis, seen))
        if np.isposinf(x).any():
            raise DataError("inf has no softmax")
        q = self.input.round(x)
        present = np.ones(q.shape, bool) if mask is None else np.broadcast_to(mask, q.shape)
        top = q.max(axis=axis, keepdims=True, where=present, initial=-1e9)
        e = np.where(present, self.base ** np.minimum(q - top, 0.0), 0.0)
        total = e.sum(axis=axis, keepdims=True)
        return self.output.quantise(np.divide(e, total, out=np.zeros_like(e), where=total > 0))

    def probabilities(self, codes, n=None):
        plain = codes.numpy() if isinstance(codes, torch.Tensor) else codes
        values = self.output.values(plain)
        return torch.as_tensor(values) if isinstance(codes, torch.Tensor) else values

    def __call__(self, x, axis=-1, mask=None):
        return self.probabilities(self.simulate(x, axis, mask))


@pytest.fixture
def plain():
    """A function that makes a design: `plain("Q4.2", "UQ0.8")`."""
    return lambda input="Q4.2", output="UQ0.16", base=float(np.e): Plain(parse(input), parse(output), base)


@pytest.fixture
def tiny():
    """A function that makes a tiny network of Transformers: `tiny("bert", "sdpa")`."""
    from tests.models import transformers_networks

    return transformers_networks.tiny
