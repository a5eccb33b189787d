"""Decimal digits: Python's own decimal arithmetic is the judge, and it is exact."""

import decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats import ROUNDINGS, Decimal, parse

JUDGES_WORDS = {
    "floor": decimal.ROUND_FLOOR,
    "half_even": decimal.ROUND_HALF_EVEN,
    "half_away": decimal.ROUND_HALF_UP,  # Python's word for away from zero
    "toward_zero": decimal.ROUND_DOWN,
}


def judged(value: float, digits: int, rounding: str) -> float:
    with decimal.localcontext(prec=1200, rounding=JUDGES_WORDS[rounding]):
        return float(decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-digits)))


@pytest.mark.parametrize("rounding", JUDGES_WORDS)
@pytest.mark.parametrize("digits", [0, 1, 3, 10, 20, 22, 30, 100])
def test_python_rounds_alike(digits, rounding, hard_values):
    values = hard_values([10.0**-digits, 0.7])
    expected = [judged(value, digits, rounding) for value in values.tolist()]
    assert Decimal(digits, rounding).round(values).tolist() == expected


@given(st.floats(-1e6, 1e6), st.integers(0, 9), st.sampled_from(list(JUDGES_WORDS)))
def test_python_rounds_ordinary_numbers_alike(value, digits, rounding):
    assert Decimal(digits, rounding).round(np.array([value]))[0] == judged(value, digits, rounding)


@given(st.floats(-1e12, 1e12), st.integers(0, 6), st.sampled_from(ROUNDINGS), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition(value, digits, rounding, number):
    fmt = Decimal(digits, rounding)
    code = fmt.encode(value, random=number)
    assert fmt.quantise(np.array([value]), random=number)[0] == code
    assert fmt.values(np.array([code]))[0] == float(fmt.decode(code))
    assert fmt.round(np.array([value]), random=number)[0] == float(fmt.decode(code))


@given(st.floats(1e-40, 1e-4), st.integers(15, 40), st.sampled_from(list(JUDGES_WORDS)))
def test_python_rounds_tiny_numbers_alike(value, digits, rounding):
    assert Decimal(digits, rounding).round(np.array([value, -value])).tolist() == [
        judged(value, digits, rounding),
        judged(-value, digits, rounding),
    ]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 100), st.sampled_from(ROUNDINGS))
def test_rounding_has_no_end(value, digits, rounding):
    fmt = Decimal(digits, rounding)
    assert fmt.round(np.array([value]), random=0.5)[0] == float(fmt.decode(fmt.encode(value, random=0.5)))


def test_a_number_that_rounding_in_float64_gets_wrong():
    assert Fraction(2.675) < Fraction(2675, 1000)
    assert np.round(2.675, 2) == 2.68
    assert parse("decimal(2)").round(np.array([2.675])).tolist() == [2.67]


def test_the_text_and_its_answer():
    assert str(parse("decimal(10):half_away")) == "decimal(10):half_away"
    assert (
        parse("decimal(3)").describe()
        == "decimal(3): decimal numbers without ends, in steps of 0.001; rounded half_even."
    )
    assert (parse("decimal(3)").bits, parse("decimal(3)").highest, parse("decimal(3)").lowest) == (None, None, None)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Decimal(101), FormatError, "decimal(101) is not possible: it takes 0 to 100 digits after the point"),
        (lambda: Decimal(3).encode(float("inf")), DataError, "inf has no code in decimal(3): give finite values"),
        (lambda: Decimal(3).round([-np.inf]), DataError, "-inf at [0] has no code in decimal(3): give finite values"),
        (
            lambda: Decimal(3).round([np.nan]),
            DataError,
            "NaN at [0] has no code in decimal(3): every value must be a number",
        ),
        (
            lambda: Decimal(3).quantise([1e17]),
            RangeError,
            "1e+17 has a code in decimal(3) beyond 63 bits: use round, or fewer digits",
        ),
        (
            lambda: Decimal(3).values([0.5]),
            DataError,
            "codes of decimal(3) are integers, and these are float64: quantise the values first",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as refused:
        call()
    assert str(refused.value) == message
