"""Basic-Split: one table entry per group of digits, multiplied; architectures.md 2.6.

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The text leaves every width and the normalisation open, and here is:
- `groups`: the numbers of bits of d = m - x per group, lowest first; a d beyond them all takes e = 0 (`beyond`
  "zero"), or is held at the largest (`beyond` "hold").
- T_g[k] = exp(-k * 2**(bits below) * 2**-input_fraction) * 2**table_fraction, rounded half up.
- the product runs from the highest group to the lowest (`lowest_first` for the other way), each product rounded by
  `product_rounding` to `product_fraction` bits (None: the tables').  One group is rounded once, likewise.
- the product is rounded by `exp_rounding` to `exp_fraction` bits (None: as it is).
- the sum is exact; p = e * 2**output_fraction / sum by `output_rounding`, held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from tests.architectures.restated.common import e_to, greatest, quotients, right, rounded, taking_part


@cache
def tables(groups: tuple[int, ...], input_fraction: int, table_fraction: int) -> tuple[tuple[int, ...], ...]:
    made, below = [], 0
    for bits in groups:
        step = Fraction(-(1 << below), 1 << input_fraction)
        made.append(tuple(rounded(e_to(k * step) * 2**table_fraction, "half_up") for k in range(1 << bits)))
        below += bits
    return tuple(made)


def basic_split(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    groups: tuple[int, ...] = (4, 4),
    input_fraction: int = 4,
    table_fraction: int = 16,
    product_fraction: int | None = None,
    product_rounding: str = "floor",
    lowest_first: bool = False,
    beyond: str = "zero",
    exp_fraction: int | None = None,
    exp_rounding: str = "floor",
    output_fraction: int = 8,
    output_rounding: str = "floor",
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))
    roms = tables(tuple(groups), input_fraction, table_fraction)
    kept = table_fraction if product_fraction is None else product_fraction

    def exponential(x: int) -> int:
        d, largest = top - x, (1 << sum(groups)) - 1
        if d > largest and beyond == "zero":
            return 0
        d, factors = min(d, largest), []
        for bits, rom in zip(groups, roms):
            factors.append(rom[d % (1 << bits)])
            d >>= bits
        first, *others = factors if lowest_first else factors[::-1]
        product = right(first, table_fraction - kept, product_rounding)
        for factor in others:
            product = right(product * factor, table_fraction, product_rounding)
        return right(product, kept - (kept if exp_fraction is None else exp_fraction), exp_rounding)

    e = [exponential(x) if p else 0 for x, p in zip(codes, part)]
    most = 1 << output_fraction if output_most is None else output_most
    return quotients(e, sum(e), output_fraction, output_rounding, most)
