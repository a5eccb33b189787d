"""The datapath in APyTypes: fixed-point arrays of any width; tables and the place of a first bit by NumPy."""

from __future__ import annotations

import numpy as np
from apytypes import APyFixedArray, OverflowMode, QuantizationMode
from benchmarks.peer.terms import Terms

PACKAGE = "apytypes"
LEFT_OUT = "table look-ups and the sum's first bit are left to NumPy"


def prepare(terms: Terms, x: np.ndarray):
    """A call from float32 (rows, n) to codes uint8."""
    return lambda: _codes(terms, x)


def _codes(terms: Terms, x: np.ndarray) -> np.ndarray:
    wide = APyFixedArray.from_array(x, int_bits=12, frac_bits=40)  # float32 as it is, but for what is below 2**-40
    q = wide.cast(
        bits=terms.input_bits, frac_bits=terms.input_point,
        quantization=QuantizationMode.RND_CONV, overflow=OverflowMode.SAT,
    )  # fmt: skip
    d = q.max(axis=1).reshape((-1, 1)) - q
    entries = terms.exp.astype(np.uint32)[np.minimum(d.to_bits(numpy=True), len(terms.exp) - 1)]
    e = _array(entries, terms.exp_point + 2, terms.exp_point)
    p = e * _scaled(terms, e.sum(axis=1).to_bits(numpy=True).astype(np.int64))
    return p.cast(
        bits=terms.output_bits + 1, frac_bits=terms.output_bits,
        quantization=QuantizationMode.RND, overflow=OverflowMode.SAT,
    ).to_bits(numpy=True).astype(np.uint8)  # fmt: skip


def _scaled(terms: Terms, sums: np.ndarray) -> APyFixedArray:
    """The reciprocals of the sums, as values (rows, 1): shifted exactly, so wide."""
    r, length = terms.reciprocals(sums)
    most = int(length.max())
    point = terms.reciprocal_point + most - 1 - terms.exp_point
    return _array((r << (most - length))[:, None], point + 3, point)


def _array(codes: np.ndarray, bits: int, point: int) -> APyFixedArray:
    return APyFixedArray(codes, bits=bits, frac_bits=point)
