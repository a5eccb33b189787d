"""The datapath in fxpmath: arrays of fixed-point objects; maximum, tables and the place of a first bit by NumPy."""

from __future__ import annotations

import numpy as np
from benchmarks.peer.terms import Terms
from fxpmath import Fxp

PACKAGE = "fxpmath"
LEFT_OUT = "the maximum of a row, table look-ups and the sum's first bit are left to NumPy"


def prepare(terms: Terms, x: np.ndarray):
    """A call from float32 (rows, n) to codes uint8."""
    return lambda: _codes(terms, x)


def _codes(terms: Terms, x: np.ndarray) -> np.ndarray:
    q = Fxp(x, True, terms.input_bits, terms.input_point, rounding="around", overflow="saturate")
    top = Fxp(q.val.max(axis=1, keepdims=True), True, terms.input_bits, terms.input_point, raw=True)
    d = top - q
    e = _unsigned(terms.exp[np.minimum(d.val, len(terms.exp) - 1)], terms.exp_point + 1, terms.exp_point)
    product = e * _scaled(terms, np.asarray(e.sum(axis=1).val, np.int64))
    half = Fxp(2.0 ** -(terms.output_bits + 1), False, terms.output_bits + 1, terms.output_bits + 1)
    p = Fxp(product + half, False, terms.output_bits, terms.output_bits, rounding="floor", overflow="saturate")
    return p.val.astype(np.uint8)


def _scaled(terms: Terms, sums: np.ndarray) -> Fxp:
    """The reciprocals of the sums, as values (rows, 1): shifted exactly, so wide."""
    r, length = terms.reciprocals(sums)
    most = int(length.max())
    point = terms.reciprocal_point + most - 1 - terms.exp_point
    return _unsigned((r << (most - length))[:, None], point + 2, point)


def _unsigned(codes: np.ndarray, bits: int, point: int) -> Fxp:
    return Fxp(codes, False, bits, point, raw=True)
