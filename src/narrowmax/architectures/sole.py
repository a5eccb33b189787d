"""SOLE's E2Softmax: powers of two of four bits, a shifted sum, and a division by one of two constants.

    running = max(x) over the chunks so far;  final = that of the row
    log2exp(t) = -t*23/16 for t <= 0, as t + (t>>1) - (t>>4), made an integer by `round`, at most 15
    k = log2exp(x - running)                 four bits are stored, and the maximum they were taken against
    slice = 2**-k added over the chunk
    sum = (sum >> log2exp(running's growth)) + slice   fitted to `sum` by its overflow word
    k' = min(15, k + log2exp(running - final))
    sum = 2**w * (1 + s);  c = (1.636 - top)/2, top = 0 for s < 1/2, else 1/2:  0.818 or 0.568
    output = c / 2**(k' + w)                 rounded and fitted by the output's words

Source: W. Wang, S. Zhou, W. Sun, P. Sun, Y. Liu, "SOLE: Hardware-Software Co-design of Softmax and LayerNorm for
Efficient Transformer Inference", ICCAD 2023 (arXiv 2510.17189), from reviews and notes of it, and from memory.

Published: 8-bit inputs and outputs, the shifts for log2(e), four bits of exponent, 1.636, the order of the
steps.  Its figures: in 28 nm 2.82 times the area efficiency and 3.04 times the energy efficiency of
Softermax; no task loses more than 0.9 % without retraining (second-hand).

Knobs: where the input's point is; how log2exp is rounded (a review shows floors) and whether its shifts drop bits
(`base`); the chunk and the sum's format, of which 15 fraction bits hold every addend; the bits of c.

Limits: a sum of I integer bits holds rows of fewer than 2**I equal maxima; a single element has 0.816, not 1;
beside a maximum an element more than 4.875 below it has the output 0 with the default parameters; a row with
nothing present gives 0 everywhere.

Order: within a chunk a larger element never has the smaller output unless that wraps.  Across chunks it can
have half of it, as can an equal: rounded exponents do not add up, so that where the maximum grows an element that
came before can end an octave lower than one that comes later.

Hazards: c * (1 + s) is 18.2 % too little to 22.7 % too much, so a row sums to anything between, and rounding to
powers of two adds -50 % to 0 % with floors, -29 % to +41 % with `round=half_up`.  A maximum that grows in many small
steps, chunk by chunk, shifts the sum by an octave for each with floors, and never to nearest: where it grows
sixteen times by 1/16 the sum is 2, or 17, where 10.8 is right.  Exponents stop at 15, so that far elements count
2**-15 each, however far they are: 32,768 of them as much as the maximum.

Oracle: the steps in plain integers.
"""

from __future__ import annotations

from fractions import Fraction

from narrowmax.architectures.integers import as_written
from narrowmax.architectures.parameters import (
    DETERMINISTIC,
    KNOB,
    PUBLISHED,
    FixedFormat,
    Number,
    Real,
    Word,
    input_format,
    output_format,
)  # fmt: skip
from narrowmax.architectures.parts.octaves import octaves
from narrowmax.architectures.reciprocals import normalised, scaled
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Rate, Row, Wire, block, fit, largest, round_off, scan, total
from narrowmax.exact import round_rational
from narrowmax.formats import Fixed


@architecture(
    input_format("Q4.4"),
    Number(
        name="chunk", default="16", source=KNOB, choices=tuple(1 << k for k in range(11)),
        doc="elements whose maximum is taken together",
    ),
    Word(
        name="round", default="floor", source=KNOB, choices=DETERMINISTIC,
        doc="how a product with log2(e), which is not above 0, becomes an integer; floor makes powers smaller",
    ),
    Word(
        name="base", default="shifts", source=KNOB, choices=("shifts", "23/16"),
        doc="whether the shifts of that product drop bits, or it is exact",
    ),
    Number(
        name="exponent", default="4", source=PUBLISHED, choices=range(1, 7), turns=range(2, 6),
        doc="bits of an exponent, which stops at its largest",
    ),
    FixedFormat(
        name="sum", default="UQ10.15:floor", source=KNOB, doc="the running sum of powers of two",
        integer=range(1, 25), fraction=range(1, 25), signs=(False,), roundings=("floor",), accumulates=True,
        turns={"integer": range(1, 13), "fraction": range(1, 16)},
    ),
    Real(
        name="line", default="1.636", source=PUBLISHED, least=1.0, most=2.0,
        doc="c is half of this, or a quarter less where the sum's mantissa is 1.5 or more",
    ),
    Number(
        name="constant", default="8", source=KNOB, choices=range(2, 25), turns=range(2, 13),
        doc="fraction bits of c, rounded half up",
    ),
    output_format("UQ0.8:floor", PUBLISHED),
)  # fmt: skip
def sole(row: Row, input, round, base, exponent, sum, line, constant, output) -> Wire:
    def octaves_of(distance: Wire) -> Wire:
        return _log2exp(distance, round, base, (1 << exponent) - 1)

    local = largest(row.x, to=Rate.CHUNK).named("chunk_max")
    before, running, final = scan(lambda top, new: top.maximum(new), local, start=row.x.lo)
    k = octaves_of(running.named("running_max") - row.x).named("k")
    slice = total(row.drawing.constant(1 << sum.fraction_bits, sum.fraction_bits) >> k, to=Rate.CHUNK).named("slice")
    s = scan(lambda old, new, by: _fitted((old >> by) + new, sum), slice, octaves_of(running - before), start=(0,))[2]
    least = 0 if sum.overflow == "wrap" else 1 << sum.fraction_bits
    s = s.known(least, s.hi, "the chunk of the largest element adds 1").named("sum")

    behind, length = normalised(s, sum.bits, 1)
    c = _factor(behind, line, constant)
    late = (k + octaves_of(final.named("row_max") - running)).minimum((1 << exponent) - 1).named("late")
    shortest = least.bit_length()
    unit = c.at_point(constant + shortest - 1 - sum.fraction_bits)  # as if the sum had the shortest length
    most = output.fraction_bits + 2 + constant - unit.point  # there c, at most 1, rounds to 0
    return scaled(unit, (late + (length - shortest)).minimum(most).named("places"), most, output).named("p")


@block("log2exp")
def _log2exp(distance: Wire, round: str, base: str, most: int) -> Wire:
    """How many octaves below 1 the exponential of a distance is, as an integer."""
    t = -octaves(distance, base, 0)
    k = -round_off(t, t.point, round)
    if k.lo < 0:  # where the distance has too many bits to be enumerated
        k = k.known(0, k.hi, "a distance times log2(e) is not negative")
    return k.minimum(most)


@block("factor", approximates=lambda behind: 1 / (1 + behind))
def _factor(behind: Wire, line: float, bits: int) -> Wire:
    """1/m of a sum's mantissa 1 + behind, by one of two constants."""
    found = behind.at_point(0).select(*(_constant(line, top, bits) for top in (Fraction(1, 2), Fraction(0))))
    return found.at_point(bits)


def _constant(line: float, top: Fraction, bits: int) -> int:
    return round_rational((as_written(line) - top) / 2 * 2**bits, "half_up")


def _fitted(sum: Wire, form: Fixed) -> Wire:
    return fit(sum, 0, form.highest_code, form.overflow)
