"""ITA's streaming softmax, architectures.md 2.18.

Inputs are signed codes of `bits` bits, outputs unsigned codes of `output_bits`; an absent element gives 0.

The text leaves open, and here is:
- `shift`: 5 in the published text, 0 in the repository; 5 by default.
- an absent element: skipped, and keeps its place in its chunk; a chunk of absent elements changes nothing.
- an accumulator of 0 (2048 equal elements): `over_zero`, the inverse then; None refuses the row.
- an inverse wider than an output, which only a wrapped accumulator can give: its low bits are output.
- the accumulator wraps at the end of a chunk; within a chunk it makes no difference.
- other numbers of bits: 256 is 2**bits, 65280 is (2**output_bits - 1) * 2**bits; None: outputs have `bits` bits.
"""

from __future__ import annotations

from tests.architectures.restated.common import taking_part, wrapped


def ita(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    bits: int = 8,
    shift: int = 5,
    chunk: int = 16,
    accumulator: int = 19,
    over_zero: int | None = None,
    output_bits: int | None = None,
) -> list[int]:
    part = taking_part(codes, present)

    def places(difference: int) -> int:
        half = (difference >> (shift - 1)) & 1 if shift else 0
        return (difference >> shift) + half

    one = 1 << bits
    top, total = -(one >> 1), 0
    for start in range(0, len(codes), chunk):
        here = [x for x, p in zip(codes[start : start + chunk], part[start : start + chunk]) if p]
        new = max([top, *here])
        total = (total >> places(new - top)) + sum(one >> places(new - x) for x in here)
        top, total = new, wrapped(total, accumulator)
    if not any(part):
        return [0] * len(codes)
    if total == 0 and over_zero is None:
        raise ZeroDivisionError("the accumulator wrapped to 0")
    out = bits if output_bits is None else output_bits
    inverse = ((1 << out) - 1) * one // total if total else over_zero
    return [wrapped(inverse >> places(top - x), out) if p else 0 for x, p in zip(codes, part)]
