"""The datapath that every peer is asked for, in numbers: `table_reciprocal` with tables as lists of integers.

q = round_half_even(x * 2**f), saturated      d = max(q) - q
e = exp[min(d, last)]                         S = sum of e, L bits long
r = reciprocal[the `address` bits behind the first bit of S]
y = min((e*r + half) >> (point + L - 1 - bits), 2**bits - 1)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import narrowmax as nm
from narrowmax.datapath import Lookup

DESIGN = nm.design("table_reciprocal(input=Q5.3, exp=UQ1.15, address=8, at=edge, reciprocal=UQ1.15)")


@dataclass(frozen=True)
class Terms:
    """What a peer needs to know of the design; points are numbers of fraction bits."""

    input_bits: int
    input_point: int
    exp: np.ndarray
    exp_point: int
    address: int
    reciprocal: np.ndarray
    reciprocal_point: int
    output_bits: int

    @property
    def input_ends(self) -> tuple[int, int]:
        return -(1 << self.input_bits - 1), (1 << self.input_bits - 1) - 1

    def shift(self, length):
        """By how much e * r is shifted when the sum has `length` bits."""
        return self.reciprocal_point + length - 1 - self.output_bits

    def reciprocals(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(r, length) for int64 sums, never shorter than exp(0): what a library without tables leaves to NumPy."""
        length = np.frexp(sums.astype(np.float64))[1]
        behind = sums >> (length - 1 - self.address)
        return self.reciprocal[behind & ((1 << self.address) - 1)], length


def terms(design: nm.Design = DESIGN) -> Terms:
    """The numbers of a `table_reciprocal`, from its drawing."""
    exp, reciprocal = _tables(design)
    words = design.parameters
    return Terms(
        design.input.bits, design.input.fraction_bits, np.array(exp.entries), exp.point,
        words["address"], np.array(reciprocal.entries), reciprocal.point, design.output.bits,
    )  # fmt: skip


def _tables(design: nm.Design):
    looked_up = [wire.op for wire in design.datapath(4).wires if isinstance(wire.op, Lookup)]
    return [op.table for op in looked_up]
