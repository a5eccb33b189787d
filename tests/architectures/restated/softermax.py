"""Softermax, architectures.md 2.12: the paper's rule, and MASE's by parameters.

Inputs are signed codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

The text does NOT give the reciprocal's segment count and coefficients (nor how S is brought into their range), nor
for MASE the pow2's segment count, the rounding of its constants and the widths of its normaliser.  So those are
parameters without a published default:
- `pieces`: the reciprocal of u in [1, 2), uniform segments chosen by u's leading fraction bits, (constant, slope) of
  `line_fraction` fraction bits each: constant + slope * (u - segment's left edge), cut to `reciprocal_fraction` bits.
  S = u * 2**w, u exact.  The output is floor(numerator * reciprocal * 2**-w).  `over_zero` stands for the
  reciprocal's code when S is 0 (MASE: all ones; w is then 0).
- `lines`: the power's (constant, slope) per segment of the fraction, of `power_fraction` and `slope_fraction` fraction
  bits.  None takes `segments` constants 2**(k/segments), rounded half up, which needs no slope as long as
  2**input_fraction <= segments.

The text leaves open, and here is:
- `maximum`: "ceil" (paper) or "floor" (MASE).  The ceiling of 31.75 is 32, which Q(6,2) does not hold; it is kept.
- `against`: powers are taken against the "running" maximum that includes the slice, or the slice's "local" one; then a
  slice whose maximum is below the running one has its sum shifted right, as the text has it, and its numerators are
  stored with the local maximum.
- `truncate`, where the sum is cut to `sum_fraction` bits: "addend" (each power), "slice" (its sum), "accumulation"
  (old sum >> k plus the slice's, exact, cut once).  The old sum's own shift always cuts.
- the sum wraps in sum_integer + sum_fraction bits; `saturate=True` holds it at all ones.
- shifts of powers and numerators cut.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from tests.architectures.restated.common import rounded, taking_part, two_to


def softermax(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    pieces: list[tuple[int, int]],
    line_fraction: int = 7,
    lines: list[tuple[int, int]] | None = None,
    slope_fraction: int = 15,
    segments: int = 4,
    maximum: str = "ceil",
    against: str = "running",
    truncate: str = "slice",
    saturate: bool = False,
    chunk: int = 16,
    input_fraction: int = 2,
    power_fraction: int = 15,
    sum_integer: int = 10,
    sum_fraction: int = 6,
    reciprocal_fraction: int = 7,
    output_fraction: int = 7,
    over_zero: int = 255,
) -> list[int]:
    part = taking_part(codes, present)
    if lines is None:
        lines = [(rounded(two_to(Fraction(k, segments)) * 2**power_fraction, "half_up"), 0) for k in range(segments)]
        if 1 << input_fraction > segments:
            raise ValueError(f"{input_fraction} fraction bits need slopes over {segments} segments")
    drop, room = power_fraction - sum_fraction, 1 << (sum_integer + sum_fraction)

    def whole(x: int) -> int:
        return x >> input_fraction if maximum == "floor" else -(-x >> input_fraction)

    def power(x: int, top: int) -> int:
        t = x - (top << input_fraction)
        fraction = t % (1 << input_fraction)
        segment = fraction * len(lines) >> input_fraction
        constant, slope = lines[segment]
        beyond = Fraction(fraction, 1 << input_fraction) - Fraction(segment, len(lines))
        value = constant + floor(slope * beyond * 2**power_fraction / 2**slope_fraction)
        return shift(value, -(t >> input_fraction))

    def shift(value: int, places: int) -> int:
        return value >> places if places >= 0 else value << -places

    top, total, stored = None, 0, []
    for start in range(0, len(codes), chunk):
        here = [x if p else None for x, p in zip(codes[start : start + chunk], part[start : start + chunk])]
        there = [whole(x) for x in here if x is not None]
        if not there:
            stored += [(0, 0)] * len(here)
            continue
        new = max(there) if top is None else max(top, *there)
        base = new if against == "running" else max(there)
        powers = [0 if x is None else power(x, base) for x in here]
        stored += [(v, base) for v in powers]
        if truncate == "accumulation":
            old = Fraction(total, 1 << (0 if top is None else new - top))
            total = floor(old + Fraction(sum(powers), 1 << drop) / 2 ** (new - base))
        else:
            add = sum(v >> drop for v in powers) if truncate == "addend" else sum(powers) >> drop
            total = (0 if top is None else total >> (new - top)) + (add >> (new - base))
        top, total = new, min(total, room - 1) if saturate else total % room
    if top is None:
        return [0] * len(codes)
    reciprocal, exponent = over_zero, 0
    if total:
        exponent = total.bit_length() - 1 - sum_fraction
        u = Fraction(total, 1 << (total.bit_length() - 1)) - 1
        segment = floor(u * len(pieces))
        constant, slope = pieces[segment]
        value = constant + slope * (u - Fraction(segment, len(pieces)))
        reciprocal = floor(value * 2**reciprocal_fraction / 2**line_fraction)
    scale = Fraction(2) ** (output_fraction - power_fraction - reciprocal_fraction - exponent)
    return [floor((v >> (top - base)) * reciprocal * scale) if p else 0 for (v, base), p in zip(stored, part)]
