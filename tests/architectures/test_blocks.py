"""The shared blocks, exhaustively at a few bits, against rationals written out here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import exp, floor

import numpy as np
import pytest

from narrowmax.architectures.cores import exp_table, exponential, quotient
from narrowmax.architectures.powers import power_of_two
from narrowmax.architectures.reciprocals import chords, normalised, reciprocal_table, scaled, tabulated
from narrowmax.datapath import draw
from narrowmax.designs import design
from narrowmax.engines import array, bounds
from narrowmax.errors import GraphError
from narrowmax.formats import parse

BYTE = parse("UQ8.0")
CODES = np.arange(256)
WORDS = ("floor", "toward_zero", "half_up", "half_away", "half_even")


def outputs(function, output) -> list[int]:
    """What a function of a byte's wire gives for each of its 256 codes, as codes of `output`."""
    return array.run(draw(function, BYTE, output, 1), CODES[:, None])[:, 0].tolist()


def rounded(value: Fraction, word: str) -> int:
    """By the textbook, for a value that is not negative."""
    if word in ("floor", "toward_zero"):
        return floor(value)
    return round(value) if word == "half_even" else floor(value + Fraction(1, 2))


def quotients(above: int, below: int, output) -> list[int]:
    """A byte's upper four bits by its lower four, 1 in place of 0, at points."""
    return outputs(
        lambda row: quotient((row.x >> 4).at_point(above), row.x.low_bits(4).maximum(1).at_point(below), output), output
    )


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("bits", [1, 3, 6])
def test_quotient(word, bits):
    """Four bits by four bits, at the same point."""
    output = parse(f"UQ4.{bits}:{word}")
    wanted = [rounded(Fraction(x >> 4, max(x & 15, 1)) * 2**bits, word) for x in range(256)]
    assert quotients(3, 3, output) == [min(code, output.highest_code) for code in wanted]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("bits", [0, 1, 2])
def test_a_quotient_with_fewer_bits_than_its_operands_extends_the_divisor(word, bits):
    """Four bits with 5 fraction bits by four bits with one."""
    output = parse(f"UQ4.{bits}:{word}")
    wanted = [rounded(Fraction(x >> 4, 16 * max(x & 15, 1)) * 2**bits, word) for x in range(256)]
    assert quotients(5, 1, output) == wanted


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["UQ4.3", "UQ1.1", "UQ-1.4", "UQ1.1:wrap", "UQ8.2:wrap"])
def test_no_quotient_exceeds_its_error(word, form):
    """The half that is added to round is no part of what a quotient means; operands with errors pass them on."""
    output = replace(parse(form), rounding=word)

    def function(row):
        return quotient((row.x >> 1).at_point(2), (row.x.low_bits(4) + 1).at_point(3), output)

    datapath = draw(function, BYTE, output, 1)
    error = bounds.errors(datapath)[datapath.output]
    wraps = form == "UQ1.1:wrap"
    assert (error is None) == wraps
    if not wraps:
        one = 2**output.fraction_bits
        meant = [min(Fraction(x, (x & 15) + 1) * one, output.highest_code) for x in range(256)]
        seen = [held - true for held, true in zip(outputs(function, output), meant, strict=True)]
        assert error[0] <= min(seen) and max(seen) <= error[1]
        assert error[1] - error[0] <= 1 + one  # rounding, and half a bit of the numerator over the least divisor


def test_a_division_that_rounds_to_nearest_errs_by_half_a_bit_and_what_its_table_does():
    datapath = design("table_divide(input=Q4.0, exp=UQ1.16, output=UQ0.8:half_up)").datapath(3)
    low, high = bounds.errors(datapath)[datapath.output]
    rows = np.array(list(product(range(-8, 8), repeat=3)))
    e = np.exp(-np.minimum(rows.max(1, keepdims=True) - rows, 12))
    seen = array.run(datapath, rows) - np.minimum(256 * e / e.sum(1, keepdims=True), 255)
    assert -0.52 < low <= seen.min() < -0.49 and 0.49 < seen.max() <= high < 0.52


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("point", "bits"), [(0, 3), (2, 2), (5, 3), (9, 4), (7, 1)])
def test_scaled(word, point, bits):
    """Five bits shifted by 0 to 7."""
    output = parse(f"UQ5.{bits}:{word}")

    def function(row):
        return scaled((row.x >> 3).at_point(point), row.x.low_bits(3), 7, output)

    wanted = [rounded(Fraction(x >> 3, 2**point * 2 ** (x & 7)) * 2**bits, word) for x in range(256)]
    assert outputs(function, output) == [min(code, output.highest_code) for code in wanted]


@pytest.mark.parametrize("bits", [0, 3, 9])
def test_normalised(bits):
    """Behind the first one of every byte, and its length; 0 is as 1.0 of length 0."""
    behind = outputs(lambda row: normalised(row.x, 8, bits)[0].at_point(0), parse("UQ9.0"))
    length = outputs(lambda row: normalised(row.x, 8, bits)[1], parse("UQ4.0"))
    assert length == [x.bit_length() for x in range(256)]
    assert behind[0] == 0
    wanted = [floor((Fraction(x, 2 ** (x.bit_length() - 1)) - 1) * 2**bits) for x in range(1, 256)]
    assert behind[1:] == wanted


@pytest.mark.parametrize("at", ["centre", "edge"])
def test_reciprocals_from_a_table_are_as_near_as_the_page_says(at):
    form = parse("UQ1.16")
    got = outputs(lambda row: tabulated(row.x.at_point(8), reciprocal_table(8, at, form)), form)
    half = Fraction(1, 2) if at == "centre" else 0
    assert got == [round(2**16 / (1 + (k + half) / Fraction(256))) for k in range(256)]
    error = Fraction(1, 2 ** (9 if at == "centre" else 8)) + Fraction(1, 2**16)
    for k, code in enumerate(got):
        for m in (1 + Fraction(k, 256), 1 + Fraction(2 * k + 1, 512), 1 + Fraction(k + 1, 256)):
            assert abs(Fraction(code, 2**16) * m - 1) <= error


@pytest.mark.parametrize(("bits", "bound"), [(0, 0.1251), (1, 0.0419), (3, 0.0036), (8, 1e-4)])
def test_reciprocals_on_chords_never_rise(bits, bound):
    """The largest error of a chord lies at its middle: (b - a)**2 / (4 a b) of the value, largest for a = 1."""
    form = parse("UQ1.16")
    got = outputs(lambda row: chords(row.x.at_point(8), bits, form), form)
    assert got == sorted(got, reverse=True)
    relative = [Fraction(code, 2**16) * (1 + Fraction(k, 256)) - 1 for k, code in enumerate(got)]
    assert max(relative) <= bound
    assert min(relative) >= -1e-4


@pytest.mark.parametrize(("segments", "error"), [(1, 0.0615), (2, 0.0151), (4, 0.0038), (256, 1e-4)])
def test_powers_of_two_on_chords_never_fall(segments, error):
    """The errors of 1 and 4 segments are those in the literature: 6.15 % and 0.38 %."""
    form = parse("UQ1.15")
    got = outputs(lambda row: power_of_two(row.x.at_point(8), segments, form), form)
    assert got == sorted(got)
    relative = [code / 2**15 / 2 ** (k / 256) - 1 for k, code in enumerate(got)]
    assert error * 0.98 - 1e-4 <= max(relative) <= error * 1.01 + 1e-4
    assert min(relative) >= -1e-4


@pytest.mark.parametrize("text", ["UQ0.8", "UQ1.8", "UQ0.4:floor", "UQ1.1:half_up", "UQ0.12"])
@pytest.mark.parametrize("step", [Fraction(1), Fraction(1, 8), Fraction(1, 64), Fraction(4)])
def test_the_table_of_exponentials_ends_at_its_first_zero(text, step):
    form = parse(text)
    table = exp_table(step, 10_000, form)
    assert list(table.entries) == sorted(table.entries, reverse=True)
    assert table.entries[-1] == 0
    assert 0 not in table.entries[:-1]
    limit = 1 if form.rounding == "floor" else 0.5
    for k, entry in enumerate(table.entries):
        assert entry == form.highest_code or abs(entry - exp(-k * step) * 2**form.fraction_bits) <= limit
        assert abs(table.function(k) - exp(-k * step)) < 1e-15


def test_the_table_of_exponentials_ends_with_the_distances():
    assert len(exp_table(Fraction(1, 8), 7, parse("UQ0.8")).entries) == 8
    with pytest.raises(GraphError, match="would have up to 194,971 entries, and 65,536 are allowed"):
        exp_table(Fraction(1, 2**14), 1 << 20, parse("UQ0.16"))


def test_beyond_its_table_an_exponential_is_zero():
    table = exp_table(Fraction(1, 8), 255, parse("UQ0.8"))
    got = outputs(lambda row: exponential(row.x.at_point(3), table), parse("UQ0.8"))
    assert got == [*table.entries, *[0] * (256 - len(table.entries))]
