"""Division by linear CORDIC: the quotient is what has to be added so that nothing is left."""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, Number, Word
from narrowmax.architectures.parts.record import part
from narrowmax.architectures.parts.rotation import SHIFTS, shifted
from narrowmax.datapath import Wire, block, fit, round_off
from narrowmax.formats import Fixed


@part(
    Number(
        name="iterations", default="11", source=KNOB, choices=range(2, 33), turns=range(4, 21),
        doc="steps, by 1, 1/2, 1/4, ... times the sum",
    ),
    Word(
        name="align", default="leading", source=KNOB, choices=("leading", "none"),
        doc="both shifted until the sum's first one stands at 1, or both as they are",
    ),
    Number(
        name="guard", default="2", source=KNOB, choices=range(17), turns=range(9),
        doc="fraction bits of what is left: with align=leading beside those of the quotient, which has a bit for each "
        "halving, else beside those of exponentials and sum",
    ),
    SHIFTS,
)  # fmt: skip
def cordic(
    e: Wire, sum: Wire, least: int, word: int, output: Fixed, iterations: int, align: str, guard: int, shifts: str
) -> Wire:
    """Steps towards e, each half of the one before, that add up to the quotient."""
    if align == "leading":
        y, x = _aligned(e, sum, least, word, iterations - 1 + guard)
    else:
        bits = max(e.point, sum.point) + guard
        y, x = e.extend(bits - e.point), sum.extend(bits - sum.point)
    z = _vectored(y, x, iterations, shifts).named("quotient")
    more = output.fraction_bits - z.point
    rounded = z.extend(more) if more >= 0 else round_off(z, -more, output.rounding)
    return fit(rounded, max(0, output.lowest_code), output.highest_code, output.overflow)


@block("align")
def _aligned(e: Wire, sum: Wire, least: int, word: int, bits: int) -> tuple[Wire, Wire]:
    """Both shifted by as much as puts the sum's first one at 1.0, with `bits` fraction bits; what is behind is cut."""
    shortest = max(1, least.bit_length())
    length = (word - sum.leading_zeros(word)).maximum(shortest)
    more = bits + 1 - word
    x = sum.at_point(0).normalise(word)
    x = x << more if more >= 0 else x >> -more
    up = bits + 1 - shortest + sum.point - e.point  # where the sum has the shortest length
    y = e.at_point(0)
    y = (y << up if up >= 0 else y >> -up) >> (length - shortest)
    return y.at_point(bits), x.at_point(bits)


@block("divide", approximates=lambda y, x: y / x)
def _vectored(y: Wire, x: Wire, iterations: int, shifts: str) -> Wire:
    """y / x by steps of x, x/2, x/4, ..., with as many fraction bits as there are halvings."""
    z = y.drawing.constant(0, iterations - 1)
    for shift in range(iterations):
        y, z = step(y, shifted(x, shift, shifts), z, 1 << iterations - 1 - shift)
    return z


@block("step")
def step(y: Wire, x: Wire, z: Wire, amount: int) -> tuple[Wire, Wire]:
    """One step: away from what is left below 0, towards what is left above."""
    below = y < 0
    return below.select(y + x, y - x), below.select(z - amount, z + amount)
