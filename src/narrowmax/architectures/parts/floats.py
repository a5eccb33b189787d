"""Floating point in integers: numbers as sign and magnitude, their sums, products and quotients rounded once.

A magnitude is the code without its sign: exponent field and fraction.  `formats.Float` says what codes stand
for, and its words how a result is rounded and what becomes of one beyond the largest:

    saturate   nothing is infinite: codes beyond the largest number are read as that number, and what lies
               beyond becomes it too, a division by 0 included
    infinity   as in IEEE 754, with one NaN; a format without infinities has NaN, of either sign, in their place

Subnormals are numbers like the others.  Two numbers that enter one operation have one format, but for products.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

from narrowmax.datapath import Magnitude, SignMagnitude, Wire, block
from narrowmax.formats import Float

NARROW = 62  # bits of a word that is shifted at once, so that engines of 63 bits hold it; a wider one is in steps


@dataclass(frozen=True, eq=False)
class Number:
    """A float on two wires: its sign (1: negative) and its magnitude."""

    sign: Wire
    magnitude: Wire
    format: Float

    @property
    def code(self) -> Wire:
        """The packed word."""
        return (self.sign << (self.format.bits - 1)) + self.magnitude

    @property
    def key(self) -> Wire:
        """An integer that rises with the number, and is 0 for both zeros."""
        return self.sign.select(-self.magnitude, self.magnitude)

    def __neg__(self) -> Number:
        return Number(1 - self.sign, self.magnitude, self.format)


def number(code: Wire, format: Float) -> Number:
    """The number that a packed word stands for."""
    magnitude = code.low_bits(format.bits - 1)
    if format.overflow == "saturate":
        magnitude = magnitude.minimum(format.highest_code)
    return Number(code >> (format.bits - 1), magnitude, format)


def positive(magnitude: Wire, format: Float) -> Number:
    """The number of that magnitude."""
    return Number(magnitude.drawing.constant(0), magnitude, format)


def from_key(key: Wire, format: Float) -> Number:
    """The number with that key."""
    return Number(key < 0, key.maximum(-key).maximum(0), format)


def one(format: Float) -> int:
    """The magnitude of 1.0."""
    return format.encode(1)


def not_a_number(format: Float) -> int:
    """The magnitude of the NaN that operations give: quiet, that is with the first fraction bit set."""
    return format.highest_code + 1 if format.finite else format.highest_code + 1 | 1 << format.fraction_bits >> 1


def add(a: Number, b: Number) -> Number:
    """a + b."""
    return Number(*_add(a.sign, a.magnitude, b.sign, b.magnitude, a.format), a.format)


def subtract(a: Number, b: Number) -> Number:
    """a - b."""
    return add(a, -b)


def multiply(a: Number, b: Number, into: Float | None = None) -> Number:
    """a * b, in the format of a, or another."""
    into = into or a.format
    return Number(*_multiply(a.sign, a.magnitude, b.sign, b.magnitude, a.format, b.format, into), into)


def multiply_add(a: Number, b: Number, c: Number) -> Number:
    """a * b + c, rounded once, in the format of c."""
    wires = (a.sign, a.magnitude, b.sign, b.magnitude, c.sign, c.magnitude)
    return Number(*_multiply_add(*wires, a.format, b.format, c.format), c.format)


def divide(a: Number, b: Number) -> Number:
    """a / b."""
    return Number(*_divide(a.sign, a.magnitude, b.sign, b.magnitude, a.format), a.format)


def reciprocal(b: Number) -> Number:
    """1 / b."""
    return divide(positive(b.magnitude.drawing.constant(one(b.format)), b.format), b)


def larger(a: Number, b: Number) -> Number:
    """The larger of two; NaN where one is, and +0 of two zeros."""
    key = a.key.maximum(b.key)
    if a.format.overflow == "saturate":
        return from_key(key, a.format)
    nan = either(is_nan(a), is_nan(b)).select(not_a_number(a.format), key)
    return from_key(nan, a.format)


def convert(a: Number, into: Float) -> Number:
    """The number rounded to another format."""
    if into == a.format:
        return a
    return Number(a.sign, _convert(a.sign, a.magnitude, a.format, into), into)


# -- the special codes --------------------------------------------------------------------------
def is_nan(a: Number) -> Wire:
    """1 where the number is NaN."""
    return a.magnitude > a.format.highest_code + (not a.format.finite)


def is_infinite(a: Number) -> Wire:
    """1 where the number is an infinity."""
    return a.magnitude.equals(a.format.highest_code + 1) if not a.format.finite else a.magnitude.drawing.constant(0)


def either(a: Wire, b: Wire) -> Wire:
    """1 where one of two flags is."""
    return a.maximum(b)


def both(a: Wire, b: Wire) -> Wire:
    """1 where both flags are."""
    return a.minimum(b)


def _special(format: Float, nan: Wire, infinite: Wire, sign: Wire, magnitude: Wire) -> tuple[Wire, Wire]:
    """The result, unless it is NaN or infinite."""
    found = infinite.select(format.highest_code + 1, magnitude)
    return nan.select(0, sign), nan.select(not_a_number(format), found)


# -- the operations -----------------------------------------------------------------------------
def _signed(*operands: int):
    """The scales of a block drawn with the signs and magnitudes of some floats, and last with formats.

    `operands` says of each float, and then of the result, which of those formats it has.
    """
    count = max(operands) + 1
    return lambda *drawn: [SignMagnitude(drawn[-count:][which]) for which in operands]


@block("float_add", operator.add, scales=_signed(0, 0, 0))
def _add(a_sign: Wire, a: Wire, b_sign: Wire, b: Wire, format: Float) -> tuple[Wire, Wire]:
    """The sum of two floats, rounded once."""
    unlike = 1 - a_sign.equals(b_sign)
    sign = (a < b).select(b_sign, a_sign)
    exponent, large = split(a.maximum(b), format)
    lower, small = split(a.minimum(b), format)
    distance = (exponent - lower).low_bits(format.exponent_bits)  # which is not negative
    word, width = _summed(large, small, distance, unlike, format.fraction_bits)
    if not unlike.hi:  # nothing can cancel
        carry = word >> (width - 1)
        magnitude = packed(sign, carry.select(sticky(word, 2), sticky(word, 1)), exponent + carry, format)
        return _with_specials(a_sign, a, b_sign, b, format, unlike, sign, magnitude)
    # an exact 0 is positive, unless results are rounded down
    sign = both(unlike, word.equals(0)).select(int(format.rounding == "floor"), sign)
    magnitude = rounded(sign, word, width, exponent + 1, format)
    return _with_specials(a_sign, a, b_sign, b, format, unlike, sign, magnitude)


def _with_specials(a_sign, a, b_sign, b, format: Float, unlike: Wire, sign: Wire, magnitude: Wire) -> tuple[Wire, Wire]:
    """The sum, or what IEEE 754 says where an operand is not finite."""
    if format.overflow == "saturate":
        return sign, magnitude
    first, second = Number(a_sign, a, format), Number(b_sign, b, format)
    opposed = both(both(is_infinite(first), is_infinite(second)), unlike)
    nan = either(either(is_nan(first), is_nan(second)), opposed)
    return _special(format, nan, either(is_infinite(first), is_infinite(second)), sign, magnitude)


def _summed(large: Wire, small: Wire, distance: Wire, unlike: Wire, fraction: int) -> tuple[Wire, int]:
    """large +- small / 2**distance as a word and its width: two more bits, one that stands for all that is dropped."""
    small = _shifted(small << 3, fraction + 4, distance)
    large = large << 3
    word = unlike.select((large - small).low_bits(fraction + 5), large + small)  # the difference is not negative
    return word, fraction + 5


@block("float_multiply", operator.mul, scales=_signed(0, 1, 2))
def _multiply(a_sign, a, b_sign, b, a_format: Float, b_format: Float, into: Float) -> tuple[Wire, Wire]:
    """The product of two floats, rounded once."""
    sign = 1 - a_sign.equals(b_sign)
    (a_exponent, x), (b_exponent, y) = split(a, a_format), split(b, b_format)
    least = a_format.smallest_exponent + b_format.smallest_exponent - into.smallest_exponent
    width = a_format.fraction_bits + b_format.fraction_bits + 2
    magnitude = rounded(sign, x * y, width, a_exponent + b_exponent + (least + 1), into)
    if into.overflow == "saturate":
        return sign, magnitude
    first, second = Number(a_sign, a, a_format), Number(b_sign, b, b_format)
    infinite = either(is_infinite(first), is_infinite(second))
    nothing = both(infinite, either(a.equals(0), b.equals(0)))
    return _special(into, either(either(is_nan(first), is_nan(second)), nothing), infinite, sign, magnitude)


@block("float_multiply_add", lambda a, b, c: a * b + c, scales=_signed(0, 1, 2, 2))
def _multiply_add(a_sign, a, b_sign, b, c_sign, c, a_format: Float, b_format: Float, into: Float) -> tuple[Wire, Wire]:
    """The product of two floats and a third added to it, rounded once."""
    product_sign = 1 - a_sign.equals(b_sign)
    unlike = 1 - product_sign.equals(c_sign)
    (a_exponent, x), (b_exponent, y), (c_exponent, z) = split(a, a_format), split(b, b_format), split(c, into)
    wide, narrow = a_format.fraction_bits + b_format.fraction_bits + 2, into.fraction_bits + 1
    width, product = max(wide, narrow), x * y
    least = a_format.smallest_exponent + b_format.smallest_exponent - into.smallest_exponent
    p = a_exponent + b_exponent + (least + 1) - product.leading_zeros(wide)
    q = c_exponent - z.leading_zeros(narrow)
    lowest = min(p.lo, q.lo) - 1  # what a 0 has for an exponent
    p = _ranked(p - lowest, product.normalise(wide) << (width - wide), width)
    q = _ranked(q - lowest, z.normalise(narrow) << (width - narrow), width)
    large, small = p.maximum(q), p.minimum(q)
    exponent = large >> width
    distance = (exponent - (small >> width)).low_bits(exponent.hi.bit_length())  # which is not negative
    word, longer = _summed(large.low_bits(width), small.low_bits(width), distance, unlike, width - 1)
    sign = both(unlike, word.equals(0)).select(int(into.rounding == "floor"), (p < q).select(c_sign, product_sign))
    magnitude = rounded(sign, word, longer, exponent + (lowest + 1), into)
    if into.overflow == "saturate":
        return sign, magnitude
    first, second, third = Number(a_sign, a, a_format), Number(b_sign, b, b_format), Number(c_sign, c, into)
    beyond = either(is_infinite(first), is_infinite(second))
    nothing = both(beyond, either(a.equals(0), b.equals(0)))
    opposed = both(both(beyond, is_infinite(third)), unlike)
    nan = either(either(is_nan(first), is_nan(second)), either(is_nan(third), either(nothing, opposed)))
    sign = beyond.select(product_sign, is_infinite(third).select(c_sign, sign))
    return _special(into, nan, either(beyond, is_infinite(third)), sign, magnitude)


def _ranked(exponent: Wire, significand: Wire, width: int) -> Wire:
    """A word that rises with the number, of an exponent above 0 and a significand of `width` bits; 0 for 0."""
    return (significand.equals(0).select(0, exponent) << width) + significand


@block("float_divide", operator.truediv, scales=_signed(0, 0, 0))
def _divide(a_sign: Wire, a: Wire, b_sign: Wire, b: Wire, format: Float) -> tuple[Wire, Wire]:
    """The quotient of two floats, rounded once."""
    fraction, sign = format.fraction_bits, 1 - a_sign.equals(b_sign)
    (a_exponent, x), (b_exponent, y) = _normal(a, format), _normal(b, format)
    # a quotient of two such integers that goes on at all has a one among the fraction + 1 bits behind any place
    word = (x << (2 * fraction + 3)).divide(y.maximum(1 << fraction), 0)
    magnitude = rounded(sign, word, 2 * fraction + 4, a_exponent - b_exponent - format.smallest_exponent, format)
    nothing = b.equals(0)
    if format.overflow == "saturate":
        return sign, nothing.select(format.highest_code, magnitude)
    first, second = Number(a_sign, a, format), Number(b_sign, b, format)
    magnitude = is_infinite(second).select(0, magnitude)
    undefined = either(both(is_infinite(first), is_infinite(second)), both(a.equals(0), nothing))
    nan = either(either(is_nan(first), is_nan(second)), undefined)
    return _special(format, nan, either(is_infinite(first), nothing), sign, magnitude)


@block("float_convert", lambda value: value, scales=lambda _, a, source, into: (SignMagnitude(source), Magnitude(into)))
def _convert(sign: Wire, a: Wire, source: Float, into: Float) -> Wire:
    """A float rounded to another format."""
    exponent, significand = split(a, source)
    least = source.smallest_exponent - into.smallest_exponent
    magnitude = rounded(sign, significand, source.fraction_bits + 1, exponent + least, into)
    if source.overflow == "saturate":
        return magnitude
    given = Number(sign, a, source)
    magnitude = is_infinite(given).select(_past_the_end(sign, into), magnitude)
    return is_nan(given).select(not_a_number(into) if into.overflow == "infinity" else into.highest_code, magnitude)


# -- their steps --------------------------------------------------------------------------------
def split(magnitude: Wire, format: Float) -> tuple[Wire, Wire]:
    """The exponent above that of the smallest normal number, and the significand in units of its last place."""
    field = magnitude >> format.fraction_bits
    normal = field.minimum(1)
    return field - normal, magnitude.low_bits(format.fraction_bits) + (normal << format.fraction_bits)


def _normal(magnitude: Wire, format: Float) -> tuple[Wire, Wire]:
    """The same with the first bit of the significand set, so that the exponent may be negative."""
    exponent, significand = split(magnitude, format)
    width = format.fraction_bits + 1
    return exponent - significand.leading_zeros(width), significand.normalise(width)


def sticky(word: Wire, count: int) -> Wire:
    """Without the `count` last bits; the last bit that stays is one where one of them was."""
    return ((word >> (count + 1)) << 1) + word.low_bits(count + 1).minimum(1)


def _shifted(word: Wire, width: int, amount: Wire) -> Wire:
    """A word of `width` bits shifted right; its last bit is one where one that was dropped was."""
    if 2 * width <= NARROW:
        return sticky((word << width) >> amount.minimum(width), width)
    amount = amount.minimum((1 << width.bit_length()) - 1)
    for place in range(amount.hi.bit_length()):
        word = (amount >> place).low_bits(1).select(sticky(word, min(1 << place, width)), word)
    return word


def _zeros(word: Wire, width: int) -> Wire:
    """The leading zeros of a word of `width` bits, of which a normal product has one at most."""
    return 1 - (word >> (width - 1)) if word.lo >> (width - 2) else word.leading_zeros(width)


def _raised(word: Wire, width: int, amount: Wire, zeros: Wire) -> Wire:
    """A word of `width` bits shifted left by no more than its leading zeros."""
    if width + amount.hi <= NARROW:
        return (word << amount).low_bits(width)
    return word.normalise(width) >> (zeros - amount)


def rounded(sign: Wire, word: Wire, width: int, exponent: Wire, format: Float) -> Wire:
    """The magnitude of a word of `width` bits whose first bit, where it is set, has that exponent above the smallest.

    The exponent may be negative; the last bit of the word may stand for all that was dropped.
    """
    wanted = format.fraction_bits + 3  # the significand, the bit behind it, and one for all the others
    word, width = word << max(0, wanted - width), max(wanted, width)
    room = exponent.maximum(0)
    zeros = _zeros(word, width)
    left = zeros.minimum(room)
    word = _raised(word, width, left, zeros)
    if width > wanted:
        word = sticky(word, width - wanted)
    if exponent.lo < 0:
        below = (-exponent).maximum(0).minimum(wanted - 1)
        word = sticky((word << (wanted - 1)) >> below, wanted - 1)
    field = (word >> (wanted - 1)).select(room - left, 0)  # without a first bit the number is subnormal, or 0
    return packed(sign, word, field, format)


def packed(sign: Wire, word: Wire, field: Wire, format: Float) -> Wire:
    """The magnitude of a significand with two more bits, and its exponent above the smallest: 0 without a first bit."""
    magnitude = (word >> 2) + (field << format.fraction_bits)
    return _within(magnitude + _up(sign, word, format.rounding), sign, format)


def _up(sign: Wire, word: Wire, rounding: str) -> Wire:
    """1 where a magnitude is rounded up for the last two bits of the word."""
    half, rest = (word >> 1).low_bits(1), word.low_bits(1)
    return {
        "half_even": lambda: both(half, either(rest, (word >> 2).low_bits(1))),
        "half_away": lambda: half,
        "half_up": lambda: both(half, either(rest, 1 - sign)),
        "toward_zero": lambda: half.drawing.constant(0),
        "floor": lambda: both(sign, either(half, rest)),
    }[rounding]()


def _within(magnitude: Wire, sign: Wire, format: Float) -> Wire:
    """The magnitude, or what its format has for all that lie beyond its largest number."""
    last = _past_the_end(sign, format)
    return (
        magnitude.minimum(last) if isinstance(last, int) else (magnitude > format.highest_code).select(last, magnitude)
    )


def _past_the_end(sign: Wire, format: Float) -> Wire | int:
    if format.overflow == "saturate" or format.rounding == "toward_zero":
        return format.highest_code
    return sign + format.highest_code if format.rounding == "floor" else format.highest_code + 1
