"""The rounding modes: what each does, written out; then the array twin against the definition."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import FormatError
from narrowmax.formats.rounding import ROUNDINGS, check_random, round_array, round_exact

VALUES = [-2.5, -1.75, -1.5, -1.25, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5]
EXPECTED = {
    "floor": [-3, -2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 1, 1, 2],
    "half_up": [-2, -2, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2, 3],
    "half_even": [-2, -2, -2, -1, -1, 0, 0, 0, 0, 0, 1, 1, 2, 2],
    "half_away": [-3, -2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 3],
    "toward_zero": [-2, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2],
}
DETERMINISTIC = tuple(EXPECTED)


def test_the_modes_are_the_six_of_the_design():
    assert ROUNDINGS == ("floor", "half_up", "half_even", "half_away", "toward_zero", "stochastic")


@pytest.mark.parametrize("rounding", DETERMINISTIC)
def test_each_mode_as_written_out(rounding):
    assert [round_exact(Fraction(value), rounding) for value in VALUES] == EXPECTED[rounding]
    assert round_array(np.array(VALUES), rounding).tolist() == EXPECTED[rounding]


@pytest.mark.parametrize("value", [-1.75, -0.25, 0.0, 0.25, 1.0, 2.5])
def test_stochastic_goes_up_as_often_as_the_fraction_says(value):
    numbers = [k / 64 for k in range(64)]
    rounded = [round_exact(Fraction(value), "stochastic", number) for number in numbers]
    assert Fraction(sum(rounded), 64) == Fraction(value)
    assert set(rounded) <= {int(np.floor(value)), int(np.ceil(value))}


@pytest.mark.parametrize("rounding", DETERMINISTIC)
def test_the_twin_equals_the_definition_on_hard_values(rounding, hard_values):
    values = hard_values([1.0])
    assert round_array(values, rounding).tolist() == [round_exact(Fraction(v), rounding) for v in values.tolist()]


def test_the_stochastic_twin_equals_the_definition_on_hard_values(hard_values):
    values = np.repeat(hard_values([1.0])[::5], 6)
    numbers = np.resize([0.0, 0.5, 1 - 2.0**-53, 5e-324, 2.0**-53, 0.49999999999999994], values.shape)
    pairs = zip(values.tolist(), numbers.tolist())
    expected = [round_exact(Fraction(value), "stochastic", number) for value, number in pairs]
    assert round_array(values, "stochastic", numbers).tolist() == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1, exclude_max=True), st.sampled_from(ROUNDINGS))
def test_the_twin_equals_the_definition(value, number, rounding):
    twin = round_array(np.array([value]), rounding, np.array([number]))
    assert twin[0] == round_exact(Fraction(value), rounding, number)


@given(st.fractions(-8, 8), st.sampled_from(DETERMINISTIC))
def test_rounding_moves_by_less_than_one_and_the_half_modes_by_half_at_most(value, rounding):
    distance = abs(round_exact(value, rounding) - value)
    assert distance < 1
    assert distance <= Fraction(1, 2) or rounding in ("floor", "toward_zero")


@pytest.mark.parametrize("rounding", DETERMINISTIC)
def test_infinities_stay(rounding):
    assert round_array(np.array([np.inf, -np.inf]), rounding).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("random", "message"),
    [
        (None, "stochastic rounding has no random numbers: give random=, uniform in [0, 1), one a value"),
        ([1.0, 0.5], "random numbers for stochastic rounding must lie in [0, 1): divide k random bits by 2**k"),
        ([np.nan, 0.5], "random numbers for stochastic rounding must lie in [0, 1): divide k random bits by 2**k"),
        ([0.5] * 3, "random numbers of shape (3,) do not fit values of shape (2,): give one a value"),
    ],
)
def test_random_numbers_that_cannot_be_used(random, message):
    with pytest.raises(FormatError) as refused:
        check_random(random, (2,))
    assert str(refused.value) == message
