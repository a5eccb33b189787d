"""The datapath in QPyTorch: float32 tensors whose values are rounded to fixed point after each step."""

from __future__ import annotations

import numpy as np
import torch
from benchmarks.peer.terms import Terms
from qtorch.quant import fixed_point_quantize

PACKAGE = "qtorch"
LEFT_OUT = "values are float32, rounded half to even; the cut of a table's address is left to torch"


def prepare(terms: Terms, x: np.ndarray):
    """A call from float32 (rows, n) to codes uint8."""
    tensor = torch.from_numpy(x)
    return lambda: _codes(terms, tensor)


def _codes(terms: Terms, x: torch.Tensor) -> np.ndarray:
    q = _fixed(x, terms.input_bits, terms.input_point)
    d = q.amax(dim=1, keepdim=True) - q
    e = _fixed(torch.exp(-d), terms.exp_point + 2, terms.exp_point)
    mantissa, exponent = torch.frexp(e.sum(dim=1, keepdim=True))
    cells = 1 << terms.address + 1
    cut = torch.floor(mantissa * cells) / cells  # in [1/2, 1), as frexp has it
    r = _fixed(0.5 / cut, terms.reciprocal_point + 2, terms.reciprocal_point)
    p = _fixed(torch.ldexp(e * r, 1 - exponent), terms.output_bits + 1, terms.output_bits)
    return (p * (1 << terms.output_bits)).to(torch.uint8).numpy()


def _fixed(x: torch.Tensor, bits: int, point: int) -> torch.Tensor:
    return fixed_point_quantize(x, bits, point, rounding="nearest")
