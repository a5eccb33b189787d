"""Powers of two of a fraction, as a named block."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from narrowmax import exact
from narrowmax.datapath import Table, Wire, block
from narrowmax.formats import Fixed


def falling(base: str) -> Callable[[float], float]:
    """base**-d as a function of d; every base but 2 stands for e."""
    return (lambda d: 2.0**-d) if base == "2" else (lambda d: math.exp(-d))


@lru_cache(maxsize=256)
def _tables(segments: int, power: Fixed) -> tuple[Table, Table]:
    """The heights of 2**f at the left edges of the segments of [0, 1), and what each gains."""
    arguments = exact.Ratios.multiples(Fraction(1, segments), segments)
    rounded = exact.tabulate("exp2", arguments, power.fraction_bits, power.rounding)
    heights = [min(height, power.highest_code) for height in rounded]
    ends = [*heights[1:], 2 << power.fraction_bits]
    gains = tuple(end - height for height, end in zip(heights, ends, strict=True))
    made = f"correctly rounded, {power.rounding}"
    return (
        Table(
            "power_edge", tuple(heights), power.fraction_bits, f"2**(k/{segments})", made, lambda k: 2 ** (k / segments)
        ),
        Table("power_slope", gains, power.fraction_bits, "what 2**f gains in segment k", "differences of the edges"),
    )


@block("power", approximates=lambda fraction: 2**fraction)
def power_of_two(fraction: Wire, segments: int, power: Fixed) -> Wire:
    """2**fraction on the chords of equal segments of [0, 1); what the slope adds is rounded down."""
    bits = min(fraction.point, segments.bit_length() - 1)
    heights, slopes = _tables(1 << bits, power)
    rest = fraction.point - bits
    segment = fraction.at_point(0) >> rest
    gain = segment.lookup(slopes).at_point(0) * fraction.at_point(0).low_bits(rest)
    return segment.lookup(heights) + (gain >> rest).at_point(power.fraction_bits)
