"""I-ViT's Shiftmax: a chord for each power of e's inverse, by shifts, and one reciprocal for each row.

    q = x - max(x);  q = q + floor(q/2) - floor(q/16)     1.4375 q, near log2(e) q
    unit = ceil(1/scale);  q not below -15 unit
    whole = floor(-q / unit);  rest = -q - whole unit
    e = floor((unit - rest/2) * 2**(15 - whole))          2**-f as 1 - f/2
    sum = e added over the row, at most 2**31 - 1
    factor = floor((2**31 - 1) / sum)
    output = floor(e * factor / 2**(32 - output_bits))    output_bits - 1 fraction bits

Source: Z. Li, Q. Gu, "I-ViT: Integer-only Quantization for Efficient Vision Transformer Inference", ICCV
2023; its repository, zkkli/I-ViT (models/quantization_utils/quant_modules.py).

Published: every step and constant; 15 octaves; 8 bits of output, of which the sign takes one.

Knobs: the input's bits and its scale, which come with the network.  The repository holds integers in
float32, which cannot hold all of these products; here they are exact, and unit is that of the exact scale.

Limits: a sum reaches 2**31 - 1 in rows of 65,536/unit equal maxima (4,096 with scale 1/16), beyond which
it stays there.  From 15 unit / 1.4375 steps below the maximum on (10.4 in value) exponentials do not fall any
more: they are 2**-15 of the largest, not 0.  A row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output (proven: 1.4375 q falls with q in spite
of its floors, the chord of one octave ends where the next begins, and the factor is common).

Hazards: the factor has few bits in long rows: with scale 1/16 and 1,500 equal maxima it is 2 where 2.73
is right, and every output 27 % low; with finer scales that comes earlier.  The output has 7 fraction
bits, so what is below 1/128 vanishes.

Oracle: the published steps in plain integers.
"""

from __future__ import annotations

import math

from narrowmax.architectures.integers import BITS, SCALE, as_written, whole_and_rest
from narrowmax.architectures.parameters import PUBLISHED, Number
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, block, largest, total
from narrowmax.formats import Affine, Fixed, parse

OCTAVES, WORD = 15, 31


def formats(parameters) -> tuple[Affine, Fixed]:
    """The formats of input and output."""
    return Affine(parameters["bits"], parameters["scale"]), parse(f"Q1.{parameters['output_bits'] - 1}")


@architecture(
    BITS,
    SCALE,
    Number(
        name="output_bits", default="8", source=PUBLISHED, choices=range(2, 17), turns=range(3, 13),
        doc="the output's width, one bit more than its fraction",
    ),
    formats=formats,
)  # fmt: skip
def ivit_shiftmax(row: Row, bits: int, scale: float, output_bits: int) -> Wire:
    e = _exponential((largest(row.x).named("top") - row.x).named("d"), scale).named("e")
    sum, least = total(e), math.ceil(1 / as_written(scale)) << OCTAVES
    sum = sum.known(least, sum.hi, "the largest element contributes unit * 2**15").minimum((1 << WORD) - 1).named("sum")
    factor = row.drawing.constant((1 << WORD) - 1).divide(sum, by_zero=0).named("factor")
    p = ((e * factor) >> (WORD + 1 - output_bits)).at_point(output_bits - 1)
    return p.known(0, (1 << (output_bits - 1)) - 1, "an exponential is at most the sum").named("p")


def _exponential(d: Wire, scale: float) -> Wire:
    """unit * 2**15 * exp(-d * scale)."""
    unit = math.ceil(1 / as_written(scale))

    @block("exp", approximates=lambda d: unit * 2**OCTAVES * math.exp(-d * scale))
    def shifted(d: Wire) -> Wire:
        """exp(-d) times the unit and 2**15: chords of powers of two."""
        q = (0 - d).named("q")
        t = 0 - (q + (q >> 1) - (q >> 4))
        if t.lo < 0:  # where d has too many bits to be enumerated
            t = t.known(0, t.hi, "d + d/2 - d/16, of floors, is not negative where d is not")
        whole, rest = whole_and_rest(t, unit, OCTAVES)
        return ((2 * unit - rest) << OCTAVES) >> (whole + 1)

    return shifted(d)
