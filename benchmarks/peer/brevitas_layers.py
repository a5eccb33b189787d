"""Brevitas: a float softmax between two quantisers of constant scale, its layers in evaluation mode."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from benchmarks.peer.terms import Terms
from brevitas.inject.enum import ScalingImplType
from brevitas.nn import QuantIdentity
from brevitas.quant import Int8ActPerTensorFixedPoint, Uint8ActPerTensorFixedPoint

PACKAGE = "brevitas"
LEFT_OUT = "not the datapath: a float softmax between two quantisers, without table, accumulator or reciprocal"


def prepare(terms: Terms, x: np.ndarray):
    """A call from float32 (rows, n) to codes uint8."""
    into = _quantiser(Int8ActPerTensorFixedPoint, terms.input_bits, 2.0 ** (terms.input_bits - 1 - terms.input_point))
    out_of = _quantiser(Uint8ActPerTensorFixedPoint, terms.output_bits, 1.0)
    tensor, scale = torch.from_numpy(x), 1 << terms.output_bits

    @torch.no_grad()
    def run() -> np.ndarray:
        return (out_of(torch.softmax(into(tensor), -1)) * scale).to(torch.uint8).numpy()

    return run


def _quantiser(kind, bits: int, threshold: float) -> QuantIdentity:
    """A quantiser that holds values up to `threshold`, a power of two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return QuantIdentity(
            act_quant=kind, bit_width=bits, scaling_impl_type=ScalingImplType.CONST, scaling_init=threshold
        ).eval()
