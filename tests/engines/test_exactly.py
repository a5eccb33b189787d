"""A drawing that is exact from some place on."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.datapath import (
    Magnitude,
    Packed,
    Rate,
    SignMagnitude,
    Table,
    block,
    draw,
    fit,
    fold,
    largest,
    round_off,
    scan,
    total,
)
from narrowmax.engines import array
from narrowmax.engines.exactly import Exactly
from narrowmax.errors import DataError
from narrowmax.formats import parse

INPUT, WIDE = parse("Q5.3"), parse("Q40.12")
CODES = np.array([[3, -5, 100, 17, 0, -128, 127, 64]])


def exactly(function, codes=CODES, output=WIDE, **how) -> Exactly:
    return Exactly(draw(lambda r: function(r), INPUT, output, 8, **how), codes)


def outputs(found: Exactly) -> tuple[list[str], list[float]]:
    """The kinds of departures, and the exact output in units."""
    return [d.kind for d in found.departures], (found.output(None)[0] / 2**12).tolist()


def values() -> np.ndarray:
    return CODES[0] / 8


def test_rounding_is_no_change_of_value():
    kinds, got = outputs(exactly(lambda r: round_off(r.x, 2, "half_even").extend(11)))
    assert kinds == ["rounding"]
    assert got == values().tolist()


def test_clips_and_wraps_let_all_through():
    for word, kind in (("saturate", "clip"), ("wrap", "wrap")):
        kinds, got = outputs(exactly(lambda r, word=word: fit(r.x, -16, 15, word).extend(9)))
        assert kinds == [kind]
        assert got == values().tolist()
    kinds, got = outputs(exactly(lambda r: r.x.minimum(5).maximum(-5).extend(9)))
    assert kinds == ["clip", "clip"]
    assert got == values().tolist()


def test_dropped_bits_and_divisions_are_quotients():
    kinds, got = outputs(exactly(lambda r: (r.x.extend(9) >> 5) + r.x.extend(9)))
    assert kinds == ["dropped bits"]
    assert got == (values() * (1 + 1 / 32)).tolist()
    kinds, got = outputs(exactly(lambda r: (r.x.at_point(12) + 200).divide(r.x + 130, by_zero=7).extend(3)))
    assert kinds == ["division"]
    assert np.array(got) * 2**9 == pytest.approx((CODES[0] + 200) / (CODES[0] + 130))


def test_shifts_by_a_wire_are_powers_of_two():
    def drawn(r):
        amount = round_off(r.x - r.x.drawing.constant(-128, 3), 3, "half_up").at_point(0)
        return r.drawing.constant(1 << 30, 12) >> amount

    kinds, got = outputs(exactly(drawn))
    assert kinds == ["rounding", "dropped bits"]
    assert np.array(got) == pytest.approx(2.0 ** (18 - (CODES[0] + 128) / 8))


def test_a_number_that_is_split_loses_nothing():
    """Its whole part and its fraction, which are put together again."""
    kinds, got = outputs(exactly(lambda r: r.x.drop(3).extend(12) + r.x.low_bits(3).extend(9)))
    assert kinds == []
    assert got == values().tolist()


def test_tables_are_their_functions():
    table = Table("square", tuple(k * k for k in range(8)), 12, "k*k", "exactly", lambda k: k * k / 4096)
    kinds, got = outputs(exactly(lambda r: (r.x >> 5).maximum(0).lookup(table)))
    assert kinds == ["dropped bits", "clip", "table"]
    assert np.array(got) * 4096 == pytest.approx((CODES[0] / 32) ** 2)
    unknown = Table("some", tuple(range(8)), 12, "some", "by hand")
    kinds, got = outputs(exactly(lambda r: (r.x >> 5).maximum(0).lookup(unknown), CODES[:, :5]))
    assert kinds == ["dropped bits", "clip"]  # a table without a function stays as it is


def test_tables_of_integers_alone_are_read_at_the_cell():
    entries = (1, 2, 4, 8)
    table = Table("power", entries, 12, "2**k", "exactly", lambda k: entries[k] / 4096)
    _, got = outputs(exactly(lambda r: (r.x.maximum(0) >> 5).lookup(table), np.array([[33, 64, 127]])))
    assert (np.array(got) * 4096).tolist() == [2, 4, 8]


def test_a_block_with_a_function_is_one_departure():
    @block("half", approximates=lambda value: value / 2)
    def half(wire):
        """Half of a wire, badly."""
        return round_off(wire, 3, "floor").extend(2).at_point(3)

    found = exactly(lambda r: half(r.x).extend(9))
    assert outputs(found) == (["half"], (values() / 2).tolist())
    assert found.output(found.departures[0]).tolist() == array.run(found.datapath, CODES).tolist()


def test_a_block_of_floats_works_on_what_its_codes_stand_for():
    """Two floats multiplied badly: exact, the output is the code, between two codes too, of the product."""
    code = parse("float(4,3)")

    @block(
        "product", approximates=lambda a, b: a * b,
        scales=lambda sign, a, b, format: (SignMagnitude(format), Magnitude(format), SignMagnitude(format)),
    )  # fmt: skip
    def product(sign, a, b, format):
        """Nothing like a product, on two wires."""
        return sign.minimum(1), a.minimum(b)

    def drawn(r):
        sign, magnitude = product(r.x >> 7, r.x.low_bits(7), r.drawing.constant(code.encode(1.25)), code)
        return (sign << 7) + magnitude

    codes = np.array([[code.encode(v) for v in (0.0, 1.0, 1.125, -3.0, 2.0**-9, -1.75)]])
    found = Exactly(draw(drawn, parse("UQ8.0"), parse("UQ8.0"), 8), codes)
    assert [d.kind for d in found.departures] == ["product"]
    got = Packed(code).value(found.output(None))[0]
    assert got.tolist() == [0, 1.25, 1.25 * 1.125, -3.75, 1.25 * 2.0**-9, -1.75 * 1.25]
    assert found.output(found.departures[0]).tolist() == array.run(found.datapath, codes).tolist()


def test_folds_and_scans_whose_steps_round():
    def rounded(r):
        return fold(lambda a, b: fit(a + b, -20, 20, "saturate"), r.x, order="serial").extend(9)

    kinds, got = outputs(exactly(rounded))
    assert kinds == ["steps"]
    assert got == [values().sum()]

    def halved(r):
        s = total(r.x, to=Rate.CHUNK)
        return scan(lambda state, new: (state >> 1) + new, s, start=0)[2].extend(9)

    kinds, got = outputs(exactly(halved, chunk=2))
    parts = values().reshape(4, 2).sum(axis=1)
    assert kinds == ["steps"]
    assert got == [parts @ 0.5 ** np.arange(3, -1, -1)]
    kinds, got = outputs(exactly(lambda r: (largest(r.x) + total(r.x)).extend(9)))
    assert (kinds, got) == ([], [values().max() + values().sum()])


def test_behind_the_last_departure_it_is_the_hardware_and_masks_hold():
    def drawn(r):
        e = round_off(r.x, 2, "half_up")
        return (e.extend(4) - (total(e).extend(4) >> 3)).extend(7)

    datapath, random = draw(drawn, INPUT, WIDE, 8), np.random.default_rng(0)
    codes = random.integers(-128, 128, (20, 8))
    present = random.random(codes.shape) < 0.7
    for mask in (None, present):
        found = Exactly(datapath, codes, mask)
        assert (found.output(found.departures[-1]) == array.run(datapath, codes, mask)).all()
    x = np.where(present, codes / 8, 0)
    assert (Exactly(datapath, codes, present).output(None) / 2**12)[present] == pytest.approx(
        (x - x.sum(axis=1, keepdims=True) / 8)[present]
    )


def test_what_int64_does_not_hold_is_interpreted():
    def drawn(r):
        return ((r.x * (1 << 70)) >> 69).at_point(3).extend(9)

    found = exactly(drawn, np.vstack([CODES, CODES[:, ::-1]]))
    assert not array.holds(found.datapath)
    assert found.output(found.departures[-1])[1].tolist() == (CODES[0, ::-1] * 2 << 9).tolist()


def test_codes_that_are_none_are_refused():
    with pytest.raises(DataError, match="codes range over"):
        exactly(lambda r: r.x.extend(9), np.array([[1000]]))


def test_a_block_of_which_every_argument_is_constant():
    twice = block("exp", approximates=lambda d: 2.5 * d)(lambda d: d << 1)
    found = exactly(lambda r: (r.x + twice(r.drawing.constant(8, 3))).extend(9))
    assert (found.output(None) == (CODES + 20) * 2.0**9).all()
