"""Exponentials by a polynomial of degree 1 to 4 on each octave, a reciprocal by Newton's steps.

    d = max(x) - x                           exact
    t = d * log2(e) = whole + fraction       log2(e) with argument + 4 fraction bits, the product cut to `argument`;
                                             `base=2`: t = d; `base=23/16`: t = d * 23/16, exact
    m = c0 + f (c1 + f (c2 + ...))           2**-fraction; coefficients, and every product cut down, with
                                             `coefficients` fraction bits; kept in [1/2, 1]
    e = m / 2**whole in `exp`                rounded once; from exp.fraction + 2 octaves on 0
    sum = e added over the row               as `sum` says
    output = e * r / 2**(L-1)                `normalise`: the sum is m * 2**(L-1) last bits, 1 <= m < 2, cut;
                                             newton: r from a table or a line, then r (2 - r m), each product cut

The coefficients are those of least largest relative error, in the arithmetic above at the multiples
of 1/256, that steps of one unit reach from the minimax polynomial with its coefficients rounded one by one.

Source: the common form of such units, as EFSHA's (Hussain, Tsai, AICAS 2021: minimax, degree 4, base 2, a divider;
second-hand), gemmlowp's (Taylor, degree 4, three Newton steps), or the public `poly2softmax` (1 + 1.0151 r +
0.5038 r**2 around an octave's middle, 14 fraction bits).

Published: the structure, and degrees 2 and 4; coefficients here are our own, as EFSHA's
were not published and gemmlowp's are Taylor's.

Knobs: degree, coefficient bits, base, every width, the normaliser: Newton's steps, a table, chords, a division.

Limits: rows of up to 2**20 elements with an exact sum; a distance of exp.fraction + 2 octaves has the exponential
0; a row with nothing present gives 0 everywhere.

Order: in a row a larger element never has the smaller output where e never rises with the distance and the output
does not wrap, as with the default parameters (by exhaustion): the polynomial stays in [1/2, 1], so octaves meet
in order, but inside one a product cut down can put one last bit of m out of order, where `coefficients` are hardly
finer than `exp`.

Hazards: base 2 is softmax at temperature 1/ln 2 = 1.44.  With few coefficient bits a higher degree is no better:
the products that are cut down add up.

Oracle: the steps in integers, with the coefficients' error judged apart.
"""

from __future__ import annotations

from narrowmax.architectures import parts
from narrowmax.architectures.parameters import input_format, output_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire


@architecture(
    input_format(),
    *parts.polynomial.parameters,
    parts.sum_of(),
    parts.normaliser("newton(steps=1, address=3, reciprocal=UQ1.10)"),
    output_format("UQ0.8:half_up"),
)
def polynomial(row: Row, input, sum, normalise, output, **core) -> Wire:
    return parts.softmax(row, parts.polynomial.given(core), "exact", sum, normalise, output)
