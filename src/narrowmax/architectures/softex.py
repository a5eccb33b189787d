"""bf16 in chunks: corrected Schraudolph exponentials, a running sum in fp32, a reciprocal by Newton's steps.

    local = max(x) of the chunk;  running = max(local) so far;  final = that of the row
    e = exp(x - running)                  the difference rounded to bf16, the exponential below, in bf16
    slice = e added over the chunk        in `sum`; `order`: neighbours first, then pairs of neighbours and so on
    sum = sum * exp(before - running) + slice    in `sum`, rounded once; the factor is in bf16, 1 where the
                                          maximum has not grown
    r = 1 / sum                           in `sum`: the sum's exponent mirrored, the first 7 bits of its fraction
                                          squared from the other end, then r = r * (2 - r * sum), `iterations`
                                          times, each product and each difference rounded once
    output = exp(x - final) * r           r brought to bf16, the product rounded to it

    exp(x):  t = |x| * 23637 / 2**14 in units of 2**-7, cut at 14 bits behind, rounded, a half upwards; with x's
             sign its integer is the exponent, its fraction f the fraction, corrected by `constants`:
             alpha f (f + gamma1) for f < 1/2, else 1 - beta (1 - f) (f + gamma2), as 7 bits.  Below the normal
             numbers 0.

Rounding is to nearest even, in bf16 and fp32, subnormals included; codes beyond the largest number are read as it.

Source: A. Belano, Y. Tortorella, A. Garofalo, L. Benini, D. Rossi, F. Conti, "A Flexible Template for Edge
Generative AI with High-Accuracy Accelerated Softmax & GELU", arXiv 2412.06321, and its public hardware; N. N.
Schraudolph, Neural Computation 11, 1999.  `constants=vexp`: R. Wang et al., "VEXP", ARITH 2025.

Published: all of it, 8 lanes of bf16, alpha 1/4, beta 7/16, gamma1 363/128, gamma2 278/128, two steps of
Newton.  Its figures: the exponential 0.14 % off in the mean (here 0.20 % over [-87, 0], 0.71 % at most), 310 GOPS
and 1.34 TOPS/W at 0.55 V of the whole cluster in 12 nm.

Knobs: `sum` narrower than fp32; `constants=none`, Schraudolph's own.  VEXP's (7/32, 7/16, 422/128, 278/128) are
not read in its text.  The published adder holds three partial sums, which meet in an order that depends on its
timing; here there is one.

Limits: rows of any length; x more than about 87 below the maximum is 0; a row with nothing present gives 0.

Order: the running sum depends on chunks and their order.  In a row a larger element never has the smaller
output, since no exponential falls with x (by exhaustion).  Raising one element can lower its own output by a last
place, where the sum's reciprocal falls by more than the exponential rises.

Hazards: a factor of the running sum is wrong by up to 0.7 %, so maxima that rise in many steps leave the sum off
by more (3.7 % after 64 chunks that rise by 3/32 each), while the outputs of a common row sum to 1 within 1 %.

Oracle: the exponential restated, all codes; the rest step by step in float32 and bfloat16.
"""

from __future__ import annotations

from fractions import Fraction

from narrowmax.architectures.parameters import PUBLISHED, FloatFormat, Number, Word
from narrowmax.architectures.parts import floats
from narrowmax.architectures.parts.schraudolph import BF16, CONSTANTS, exponential
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Magnitude, Rate, Row, Wire, block, fold, largest, scan
from narrowmax.formats import Float

_BIAS, _LOOKED_AT = 127, 7


@architecture(
    Number(
        name="chunk", default="8", source=PUBLISHED, choices=tuple(1 << k for k in range(5)),
        doc="elements that are added together; the published unit has 8 lanes",
    ),
    Word(
        name="constants", default="softex", source=PUBLISHED, choices=tuple(CONSTANTS),
        doc="what corrects the exponential's fraction",
    ),
    FloatFormat(
        name="sum", default="fp32", source=PUBLISHED, exponents=range(8, 9), fractions=range(7, 24),
        turns={"fraction": range(7, 24)}, doc="the sum and its reciprocal",
    ),
    Word(
        name="order", default="tree", source=PUBLISHED, choices=("tree", "serial"),
        doc="how a chunk is added: neighbours first, then pairs of neighbours, or one after the other",
    ),
    Number(name="iterations", default="2", source=PUBLISHED, choices=range(4), doc="Newton's steps"),
    formats=lambda parameters: (BF16, BF16),
)  # fmt: skip
def softex(row: Row, constants: str, sum: Float, order: str, iterations: int) -> Wire:
    x = floats.number(row.x, BF16)
    local = largest(x.key.named("key"), to=Rate.CHUNK).named("slice_max")
    lowest = -BF16.highest_code
    before, running, final = scan(lambda top, new: top.maximum(new), local, start=lowest)

    e = _below(x, floats.from_key(running.named("running_max"), BF16), constants)
    addend = floats.convert(e, sum).magnitude.named("e")
    slice = _slice(row, addend, sum, order).named("slice")
    old, new = floats.from_key(before, BF16), floats.from_key(running, BF16)
    factor = _below(old, new, constants).magnitude.named("factor")
    s = scan(lambda *state: _accumulated(*state, sum), slice, factor, start=((0, 0),))[2]
    most = 2 << row.drawing.max_n.bit_length()  # an element adds 1 at most, which rounding at most doubles
    s = s.known(floats.one(sum), sum.encode(most), "the largest element adds 1, and none more").named("sum")

    r = floats.convert(_reciprocal(s, sum, iterations, most), BF16)
    r.magnitude.named("r")
    numerator = _below(x, floats.from_key(final.named("row_max"), BF16), constants)
    numerator.magnitude.named("numerator")
    return floats.multiply(numerator, r).code.named("p")


def _below(x: floats.Number, top: floats.Number, constants: str) -> floats.Number:
    """exp(x - top), where x is not above the top."""
    magnitude = floats.subtract(x, top).magnitude
    negative = magnitude.drawing.constant(1)
    return floats.positive(exponential(negative, magnitude, CONSTANTS[constants]), BF16)


def _slice(row: Row, addend: Wire, sum: Float, order: str) -> Wire:
    """The sum of a chunk.  A tree is drawn over places of the chunk, so that it can be built on fewer lanes."""
    chunk = row.drawing.chunk
    if order == "serial" or chunk == 1:
        return fold(lambda a, b: _added(a, b, sum), addend, order="serial", to=Rate.CHUNK, empty=0)
    place = row.position.low_bits(chunk.bit_length() - 1)
    parts = [largest(place.equals(k).select(addend, 0), to=Rate.CHUNK) for k in range(chunk)]
    while len(parts) > 1:
        parts = [_added(a, b, sum) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _added(a: Wire, b: Wire, sum: Float) -> Wire:
    return floats.add(floats.positive(a, sum), floats.positive(b, sum)).magnitude


def _accumulated(acc: Wire, slice: Wire, factor: Wire, sum: Float) -> Wire:
    """The sum with one more chunk."""
    old, scale = floats.positive(acc, sum), floats.positive(factor, BF16)
    return floats.multiply_add(old, scale, floats.positive(slice, sum)).magnitude


def _reciprocal(s: Wire, sum: Float, iterations: int, most: int) -> floats.Number:
    """1 / sum by Newton's steps, of which the first has short factors."""
    r = floats.positive(_seed(s, sum).named("seed"), BF16)
    for step in range(1, iterations + 1):
        rest = _rest(r.magnitude, r.format, s, sum).named(f"rest{step}")
        r = floats.multiply(r, floats.positive(rest, sum), sum)
        low, high = sum.encode(Fraction(1, 4 * most)), sum.encode(Fraction(5, 4))
        r = floats.positive(r.magnitude.known(low, high, "about the reciprocal of 1 and more").named(f"r{step}"), sum)
    return r


@block(
    "rest", lambda r, s: 2 - r * s,
    scales=lambda r, r_format, s, sum: (Magnitude(r_format), Magnitude(sum), Magnitude(sum)),
)  # fmt: skip
def _rest(r: Wire, r_format: Float, s: Wire, sum: Float) -> Wire:
    """2 - r * s for r near 1 / s, rounded once: the product in fixed point needs no more than two bits' shift."""
    (i, x), (j, y) = floats.split(r, r_format), floats.split(s, sum)
    point = r_format.fraction_bits + sum.fraction_bits + 3
    place = (i + j + (3 + 2 * sum.smallest_exponent)).known(0, 3, "their exponents cancel but for 2")
    word = ((2 << point) - ((x * y) << place)).known(1 << (point - 1), 3 << (point - 1), "r is near 1 / s")
    whole = word >> point
    kept = point - (sum.fraction_bits + 3)
    word = whole.select(floats.sticky(word, kept + 1), floats.sticky(word, kept))
    return floats.packed(whole.drawing.constant(0), word, whole - (sum.smallest_exponent + 1), sum)


@block("seed", lambda s: 1 / s, scales=lambda s, sum: (Magnitude(sum), Magnitude(BF16)))
def _seed(s: Wire, sum: Float) -> Wire:
    """A first reciprocal in bf16: of a power of two, as far as the bits looked at tell, it is exact."""
    field, looked = s >> sum.fraction_bits, (s >> (sum.fraction_bits - _LOOKED_AT)).low_bits(_LOOKED_AT)
    whole, mirrored = looked.equals(0), (1 << _LOOKED_AT) - 1 - looked
    fraction = whole.select(0, ((mirrored >> 1) * mirrored) >> (_LOOKED_AT - 1))
    return ((whole + (2 * _BIAS - 1) - field) << _LOOKED_AT) + fraction
