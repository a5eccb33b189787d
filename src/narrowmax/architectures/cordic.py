"""Exponentials by hyperbolic CORDIC, a division by linear CORDIC: adders and shifts alone.

    d = max(x) - x                          exact; bits beyond the words' are cut
    whole = d * log2(e), to nearest         constants and words have exp.fraction + guard fraction bits
    z = whole * ln(2) - d                   what is left, half an octave at most; `base=2`: whole - d, in octaves
    x, y = 1/K, 0                           K = sqrt(1 - 1/4) sqrt(1 - 1/16) ... of the rotations made, near 0.82816
    for i = 1, 2, 3, 4, 4, 5, ... 13, 13    `iterations` in all; 4, 13 and 40 twice
        x, y, z = x + y/2**i, y + x/2**i, z - atanh(2**-i)    z < 0: the other way round; shifts round as `shifts` says
    e = (x + y) / 2**whole in `exp`         rounded once, kept in [0, 1]; from exp.fraction + 3 octaves on 0
    sum = e added over the row              as `sum` says
    output = e / sum in `output`            `normalise`; cordic: X = sum, Y = e, Z = 0, and for i = 0, 1, ...
        Y, Z = Y - X/2**i, Z + 1/2**i       Y < 0: the other way round; `align=leading`: e and sum are first shifted
                                            until the sum's first one stands at 1, bits behind the words' are cut

Source: the common form of CORDIC units, J. S. Walther, "A unified algorithm for elementary functions", SJCC 1971; in
softmax: Zhang et al., TCAS-I 2023, in base 2, for training.

Published: the rotations, which of them are repeated, that n give about n bits, and the division; shifts are
cut.  Zhang's figures, in base 2: 1 GHz, 98,787 square micrometres and 24.72 mW in 28 nm.

Knobs: iterations, guard bits (the text has log2 n), base, every width, the normaliser.

Limits: rows of up to 2**20 elements with an exact sum; what is left is an angle of 0.35, of the 1.118 that
rotations can turn by; quotients of steps lie in (-2, 2), of which [0, 1] is used; a row with nothing present gives 0
everywhere.

Order: in a row a larger element never has the smaller output with the default parameters (by exhaustion).  The
division keeps every order (proven: signs of steps are ordered as what is divided).  Rotations do not in their last
bits, so that with few iterations or guard bits an exponential can rise with the distance.

Hazards: the quotient is an odd multiple of its last bit, never 0: with iterations that give hardly more bits than the
output has, far elements get the last code.  A sum that is rounded down can be less than an exponential; the quotient
then passes 1, and saturates.

Oracle: the steps once more in integers, by another author.
"""

from __future__ import annotations

from narrowmax.architectures import parts
from narrowmax.architectures.parameters import input_format, output_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire


@architecture(
    input_format(),
    *parts.cordic.parameters,
    parts.sum_of(),
    parts.normaliser("cordic"),
    output_format("UQ0.8:half_up"),
)
def cordic(row: Row, input, sum, normalise, output, **core) -> Wire:
    return parts.softmax(row, parts.cordic.given(core), "exact", sum, normalise, output)
