"""Any exp core under a running maximum: one pass for maximum and sum, which is scaled when the maximum grows.

    local = max(x) of a chunk;  running = max(local) so far;  final = that of the row    all exact
    u = exp(running - x)                    the core that `exp` names
    s = u added over the chunk              exact
    sum = sum * exp(growth) + s             growth of the running maximum; the product is rounded by `round` to
                                            `guard` more fraction bits than u has; where nothing grew, sum + s
    e = exp(final - x)                      `numerator=again`: the core once more, on stored elements
    e = u * exp(final - running)            `rescaled`: stored u, rounded to u's fraction bits; u where both are equal
    output = e / sum in `output`            as `normalise` says

Source: M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867, 2018, which
the FlashAttention units build on.

Published: the recurrence, exact in real arithmetic, with an element for a chunk.

Knobs: the core, the chunk, every width, how the sum is rounded, where numerators come from, the normaliser.

Limits: rows of up to 2**20 elements; a row with nothing present gives 0 everywhere.  A unit has as many lanes as
divide the chunk: with the published chunk of 1, one.

Order: in a row a larger element never has the smaller output with `numerator=again` and a core that falls with the
distance, since the divisor is common, unless the output wraps.  Not so with `rescaled`: elements of different chunks
were rounded twice, and each against another maximum, so that a larger one can end below (by one
code of UQ0.8 with `exp=table`, by 16 of UQ0.12 with `exp=table(UQ1.8), chunk=1`: sampled).

Hazards: the output depends on the order of elements and on the chunk.  Every time the maximum grows the sum loses up
to a last bit, and takes on the error of an exponential: n rising maxima add up n of them.  A core whose exponential
of 0 is not 1 would scale a sum whose maximum stands still; so nothing is scaled then.

Oracle: the steps in integers, chunk by chunk.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, PUBLISHED, Number, Word, input_format, output_format
from narrowmax.architectures.parts import Chosen, exponential, normaliser
from narrowmax.architectures.parts.composition import least_of
from narrowmax.architectures.parts.sums import GROWTH
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Rate, Row, Wire, largest, round_off, scan, total


@architecture(
    input_format(),
    Number(
        name="chunk", default="16", source=KNOB, choices=tuple(1 << k for k in range(11)),
        doc="elements whose maximum is taken together; published with 1",
    ),
    exponential("polynomial(degree=2)"),
    Number(
        name="guard", default="2", source=KNOB, choices=range(17), turns=range(9),
        doc="fraction bits that the sum has more than an exponential",
    ),
    Word(name="round", default="floor", source=KNOB, choices=("floor", "half_up", "half_even"), doc="of a scaled sum"),
    Word(
        name="numerator", default="again", source=PUBLISHED, choices=("again", "rescaled"),
        doc="the core once more on stored elements, or stored exponentials scaled",
    ),
    normaliser("divide"),
    output_format("UQ0.8:half_up"),
)  # fmt: skip
def online(row: Row, input, exp: Chosen, guard, round, numerator, normalise, output) -> Wire:
    local = largest(row.x, to=Rate.CHUNK).named("chunk_max")
    before, running, final = scan(lambda top, new: top.maximum(new), local, start=input.lowest_code)
    d = (running.named("running_max") - row.x).named("d")
    u = exp(d).named("u")
    growth = (running - before).named("growth")

    def accumulated(sum: Wire, new: Wire, factor: Wire, grew: Wire) -> Wire:
        return _scaled(sum, factor, grew, round) + new

    new = total(u, to=Rate.CHUNK).named("s").extend(guard)
    factor = exp(growth).named("factor")
    _, _, sum = scan(accumulated, new, factor, growth > 0, start=0)
    least = least_of(exp, d) << guard
    why = "the row's maximum contributes its exponential, which is not scaled any more"
    sum = sum.known(min(least, sum.hi), sum.hi, why)

    left = final.named("row_max") - running
    e = exp(final - row.x) if numerator == "again" else _scaled(u, exp(left), left > 0, round)
    return normalise(e.named("e"), sum.named("sum"), least, u.hi.bit_length() + guard + GROWTH, output).named("p")


def _scaled(wire: Wire, factor: Wire, wanted: Wire, rounding: str) -> Wire:
    """The wire times an exponential, at the wire's point; as it is where that is not wanted."""
    return wanted.select(round_off(wire * factor, factor.point, rounding), wire)
