"""Rounding and fitting, drawn in the language, equal the formats' definition on every code."""

from fractions import Fraction

import pytest
from tests.datapath.drawings import free

from narrowmax.datapath import Drawing, fit, round_off
from narrowmax.datapath.grid import cone
from narrowmax.datapath.kits import INTEGERS
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed
from narrowmax.formats.rounding import ROUNDINGS, round_exact

RANGES = [(-40, 40), (0, 31), (-33, -1), (5, 6), (-1, 0)]


def at(wire, known):
    """The value of a wire where its sources have the values in `known`."""
    found = dict(known)
    for w in cone(wire):
        if w not in found:
            found[w] = w.op.evaluate(INTEGERS, *(found[a] for a in w.args))
        assert w.lo <= found[w] <= w.hi
    return found[wire]


@pytest.mark.parametrize("mode", [m for m in ROUNDINGS if m != "stochastic"])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("reach", RANGES, ids=str)
@pytest.mark.parametrize("point", [0, 2, 8])
def test_round_off_is_the_formats_rounding(mode, count, reach, point):
    (x,) = free(Drawing(), reach, point=point)
    rounded = round_off(x, count, mode)
    expected = {v: round_exact(Fraction(v, 2**count), mode) for v in range(reach[0], reach[1] + 1)}
    assert {v: at(rounded, {x: v}) for v in expected} == expected
    assert rounded.range == (min(expected.values()), max(expected.values()))
    assert rounded.point == point - count


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("point", [0, 3])
def test_stochastic_rounding_adds_the_random_bits(count, point):
    x, bits = free(Drawing(), (-20, 20), (0, 2**count - 1), point=point)
    rounded = round_off(x, count, "stochastic", bits)
    for v in range(-20, 21):
        for r in range(2**count):
            expected = round_exact(Fraction(v, 2**count), "stochastic", Fraction(r, 2**count))
            assert at(rounded, {x: v, bits: r}) == expected


def test_stochastic_rounding_at_other_binary_points():
    drawing = Drawing()
    (x,) = free(drawing, (-20, 20), point=5)
    _, bits = free(drawing, (0, 1), (0, 3), point=0)
    assert at(round_off(x, 2, "stochastic", bits), {x: 7, bits: 1}) == 2


def test_no_bits_to_drop_is_no_operation():
    (x,) = free(Drawing(), (0, 7))
    assert all(round_off(x, 0, mode) is x for mode in ROUNDINGS)


@pytest.mark.parametrize("mode", list(ROUNDINGS))
@pytest.mark.parametrize("reach", RANGES, ids=str)
def test_the_error_rule_of_the_block_is_sound_and_tight(mode, reach):
    drawing = Drawing()
    x, bits = free(drawing, reach, (0, 7))
    rounded = round_off(x, 3, mode, bits if mode == "stochastic" else None)
    (block,) = drawing.blocks
    lo, hi = block.error(lambda wire: (Fraction(0), Fraction(0)))
    randoms = range(8) if mode == "stochastic" else [0]
    found = {at(rounded, {x: v, bits: r}) - Fraction(v, 8) for v in range(reach[0], reach[1] + 1) for r in randoms}
    assert lo <= min(found) and max(found) <= hi
    if reach == (-40, 40):
        assert (lo, hi) == (min(found), max(found))


def test_the_error_rule_passes_on_what_the_wire_had():
    drawing = Drawing()
    (x,) = free(drawing, (-40, 40))
    round_off(x, 2, "half_even")
    assert drawing.blocks[0].error(lambda wire: (Fraction(-1), Fraction(2))) == (Fraction(-3, 4), Fraction(1))
    assert drawing.blocks[0].error(lambda wire: None) is None


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("word", [(True, 3), (False, 3), (True, 1)])
@pytest.mark.parametrize("reach", [*RANGES, (-3, 3), (0, 9)], ids=str)
def test_fit_is_the_formats_overflow(overflow, word, reach):
    signed, bits = word
    format = Fixed.of(signed, bits, 0, "floor", overflow)
    (x,) = free(Drawing(), reach, point=4)
    fitted = fit(x, format.lowest_code, format.highest_code, overflow)
    expected = {v: format.encode(v) for v in range(reach[0], reach[1] + 1)}
    assert {v: at(fitted, {x: v}) for v in expected} == expected
    assert fitted.range == (min(expected.values()), max(expected.values()))
    assert fitted.point == 4


def test_what_fits_is_left_alone():
    (x,) = free(Drawing(), (0, 7))
    assert all(fit(x, -8, 7, overflow) is x for overflow in ("saturate", "wrap", "forbid"))


MESSAGES = [
    (lambda x: round_off(x, 1, "nearest"),
     r"^the rounding mode is 'nearest'; floor, half_up, half_even, half_away, toward_zero, stochastic are allowed$"),
    (lambda x: round_off(x, -1, "floor"), r"^round_off needs an integer number of bits >= 0, not -1$"),
    (lambda x: round_off(x, 2, "stochastic"),
     r"^stochastic rounding of 2 bits needs a wire of random bits within 0\.\.3; pass random=$"),
    (lambda x: round_off(x, 2, "stochastic", x),
     r"^stochastic rounding of 2 bits needs a wire of random bits within 0\.\.3; pass random=$"),
    (lambda x: fit(x, 0, 3, "forbid"),
     r"^overflow is forbidden, but the wire ranges over -9\.\.9 where 0\.\.3 is allowed; give its format more "),
    (lambda x: fit(x, -99, 99, "clip"),
     r"^the overflow mode is 'clip'; saturate, wrap, forbid are allowed$"),
    (lambda x: fit(x, 3, 0, "saturate"), r"^the range to fit into is 3\.\.0; give its low end first$"),
    (lambda x: fit(x, 0, 4, "wrap"), r"^wrap needs a span that is a power of two; 0\.\.4 holds 5 integers$"),
]  # fmt: skip


@pytest.mark.parametrize("do, message", MESSAGES)
def test_messages(do, message):
    (x,) = free(Drawing(), (-9, 9))
    with pytest.raises(GraphError, match=message):
        do(x)
