"""Tables: mpmath is the judge, also where a value lies so near a rounding boundary that float64 cannot tell."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax import exact
from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.exact.tables import ROUNDINGS

JUDGES = {
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x),
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
}


def real(x: Fraction) -> mpmath.mpf:
    return mpmath.mpf(x.numerator) / x.denominator


def judged(name: str, x: Fraction, fraction_bits: int, rounding: str) -> int:
    """By mpmath with 600 bits; only for values that are no ties."""
    with mpmath.workprec(600):
        value = mpmath.ldexp(JUDGES[name](real(x)), fraction_bits)
        if rounding == "toward_zero":
            return int(value)
        return int(mpmath.floor(value + (0 if rounding == "floor" else mpmath.mpf(1) / 2)))


irrational = st.fractions(Fraction(1, 1000), 90, max_denominator=10**7).filter(
    lambda x: x.denominator & (x.denominator - 1)
)


@given(st.sampled_from(list(JUDGES)), irrational, st.integers(-4, 80), st.sampled_from(ROUNDINGS))
def test_mpmath_gives_the_same_entries(name, x, fraction_bits, rounding):
    assert exact.tabulate(name, [x], fraction_bits, rounding) == [judged(name, x, fraction_bits, rounding)]


@given(st.fractions(Fraction(1, 1000), 90), st.integers(-4, 80))
def test_reciprocals_are_integer_division(x, fraction_bits):
    scaled = Fraction(2) ** fraction_bits * x.denominator
    assert exact.tabulate("reciprocal", [x, -x], fraction_bits, "floor") == [
        scaled // x.numerator,
        -scaled // x.numerator,
    ]


@given(st.sampled_from(["exp", "exp2"]), irrational, st.integers(-4, 40), st.sampled_from(ROUNDINGS))
def test_mpmath_gives_the_same_entries_below_zero(name, x, fraction_bits, rounding):
    assert exact.tabulate(name, [-x], fraction_bits, rounding) == [judged(name, -x, fraction_bits, rounding)]


@pytest.mark.parametrize(("name", "fraction_bits"), [("exp", 8), ("exp", 16), ("exp", 40), ("exp2", 15), ("exp2", 1)])
def test_the_quick_way_equals_the_slow_one_on_a_whole_table(name, fraction_bits):
    arguments = [Fraction(-code, 64) for code in range(700)] + [Fraction(-code, 3) for code in range(0, 3000, 7)]
    quick = exact.tabulate(name, arguments, fraction_bits)
    assert quick == [exact.rounded(name, argument, fraction_bits) for argument in arguments]


numerators = st.lists(st.integers(-5000, 5000), max_size=20)


@given(
    st.sampled_from(["exp", "exp2"]), numerators, st.integers(1, 999), st.integers(-4, 44), st.sampled_from(ROUNDINGS)
)
def test_ratios_equal_the_slow_way(name, above, below, fraction_bits, rounding):
    ratios = exact.Ratios(np.array(above, np.int64), below)
    assert list(ratios) == [Fraction(one, below) for one in above]
    slow = [exact.rounded(name, Fraction(one, below), fraction_bits, rounding) for one in above]
    assert exact.tabulate(name, ratios, fraction_bits, rounding) == slow
    assert exact.tabulate(name, list(ratios), fraction_bits, rounding) == slow


@given(
    st.lists(st.integers(-3000, 3000).filter(bool)), st.integers(1, 4096), st.integers(-4, 50),
    st.sampled_from(ROUNDINGS),
)  # fmt: skip
def test_reciprocals_of_ratios_equal_the_slow_way(above, below, fraction_bits, rounding):
    for signed in (above, [abs(one) for one in above]):
        slow = [exact.rounded("reciprocal", Fraction(one, below), fraction_bits, rounding) for one in signed]
        assert (
            exact.tabulate("reciprocal", exact.Ratios(np.array(signed, np.int64), below), fraction_bits, rounding)
            == slow
        )


far_apart = st.fractions(-750, 750, max_denominator=10**6)


@given(
    st.sampled_from(["exp", "exp2"]), st.lists(far_apart, max_size=5), st.integers(-60, 90),
    st.sampled_from(ROUNDINGS), st.fractions(0, 1000, max_denominator=999).filter(bool),
)  # fmt: skip
def test_a_multiple_of_a_function_anywhere(name, arguments, fraction_bits, rounding, times):
    slow = [exact.rounded(name, x, fraction_bits, rounding, times) for x in arguments]
    assert exact.tabulate(name, arguments, fraction_bits, rounding, times) == slow
    scaled = exact.Function(
        "times", lambda x: (v := exact.FUNCTIONS[name].rational(x)) and v * times,
        lambda x, digits: tuple(times * end for end in exact.FUNCTIONS[name].enclose(x, digits)),
    )  # fmt: skip
    assert exact.tabulate(scaled, arguments, fraction_bits, rounding) == slow


def test_ratios_of_a_multiple():
    ratios = exact.Ratios.multiples(Fraction(1, 7), 5)
    assert exact.tabulate("exp2", ratios, 8, times=3) == [768, 848, 936, 1034, 1141]
    one_on = exact.Ratios(ratios.numerators + 1, 7)
    assert exact.tabulate("reciprocal", one_on, 8, times=Fraction(1, 3)) == [597, 299, 199, 149, 119]


@given(st.sampled_from(["exp", "exp2"]), st.lists(st.floats(-700, 90), max_size=9), st.integers(-4, 200))
def test_floats_are_what_they_are_exactly(name, reals, fraction_bits):
    slow = [exact.rounded(name, Fraction(x), fraction_bits) for x in reals]
    assert exact.tabulate(name, np.array(reals, np.float64), fraction_bits) == slow


@given(st.sampled_from(["exp", "exp2"]), st.lists(st.floats(-700, 700), min_size=1, max_size=9))
def test_values_lie_between(name, reals):
    below, above = exact.between(name, np.array(reals))
    with mpmath.workprec(120):
        for x, low, high in zip(reals, below.tolist(), above.tolist()):
            assert (low != low) == (abs(x) > 600)
            assert low != low or low < JUDGES[name](mpmath.mpf(x)) < high < low * (1 + 2.0**-40)


@pytest.mark.parametrize("step", [Fraction(-1, 8), Fraction(3, 7), Fraction(-(2**70), 3), Fraction(1, 2**80)])
def test_multiples(step):
    ratios = exact.Ratios.multiples(step, 9)
    assert [ratios[k] for k in range(9)] == [k * step for k in range(9)] == list(ratios)
    assert ratios.floats().tolist() == [float(k * step) for k in range(9)]


def test_entries_beyond_int64_are_python_integers():
    assert exact.table("exp", [0, -1], 4).dtype == np.int64
    assert exact.table("exp2", [70, -1], 4).tolist() == [2**74, 8]
    assert exact.table("exp", [], 4).tolist() == []


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("half", [1, 3, 255, 400, 511])
@pytest.mark.parametrize("distance", [40, 60, 200])
def test_values_beside_a_rounding_boundary(half, side, distance):
    """exp(x) * 2**8 is half/2 up to a few times 10**-distance, above or below."""
    with mpmath.workdps(distance + 20):
        scaled = int(mpmath.floor(mpmath.log(mpmath.mpf(half) / 512) * mpmath.mpf(10) ** distance)) + (side > 0)
    x = Fraction(scaled, 10**distance)
    down = half // 2
    boundary_up = down + (side > 0) if half % 2 else down
    assert exact.tabulate("exp", [x], 8, "half_up") == [boundary_up]
    assert exact.tabulate("exp", [x], 8, "floor") == [down - (half % 2 == 0 and side < 0)]


def test_values_that_are_rational():
    assert exact.tabulate("exp", [0], 4) == [16]
    assert exact.tabulate("exp2", [0, -1, 3, -4, -5], 4) == [16, 8, 128, 1, 1]
    assert exact.tabulate("log", [1], 4) == [0]
    assert exact.tabulate("log2", [1, 8, Fraction(1, 4)], 4) == [0, 48, -32]
    assert exact.tabulate("reciprocal", [1, 3, -3, Fraction(2, 5)], 4) == [16, 5, -5, 40]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("floor", [0, 1, -1, -2]),
        ("half_up", [1, 2, 0, -1]),
        ("half_even", [0, 2, 0, -2]),
        ("half_away", [1, 2, -1, -2]),
        ("toward_zero", [0, 1, 0, -1]),
    ],
)
def test_ties(rounding, expected):
    ties = [Fraction(1, 2), Fraction(3, 2), Fraction(-1, 2), Fraction(-3, 2)]
    assert [exact.round_rational(tie, rounding) for tie in ties] == expected
    assert exact.tabulate("reciprocal", [1 / tie for tie in ties], 0, rounding) == expected


@given(st.fractions(-20, 20), st.sampled_from(ROUNDINGS))
def test_rounding_a_rational_is_rounding(value, rounding):
    below = value.numerator // value.denominator
    rounded = exact.round_rational(value, rounding)
    assert rounded in (below, below + (value != below))
    if rounding.startswith("half") and abs(value - rounded) != Fraction(1, 2):
        assert rounded == round(value)


def test_far_and_near_arguments():
    assert exact.tabulate("exp", [-(10**400), Fraction(-1, 10**400)], 8, "floor") == [0, 255]
    assert exact.tabulate("exp2", [Fraction(-(10**9), 3), -(10**9)], 4096) == [0, 0]
    assert exact.tabulate("log2", [Fraction(10**400 + 1, 10**400)], 8, "floor") == [0]
    assert exact.tabulate("log2", [Fraction(10**400 - 1, 10**400)], 8, "floor") == [-1]


def test_a_function_of_your_own():
    half_life = exact.Function("1/(1+x)", rational=lambda x: 1 / (1 + x))
    assert exact.tabulate(half_life, [0, 1, Fraction(1, 2)], 8) == [256, 128, 171]
    shifted = exact.Function("exp(x - 1)", enclose=lambda x, digits: exact.FUNCTIONS["exp"].enclose(x - 1, digits))
    assert exact.tabulate(shifted, [0, 2], 8) == [94, 696]


def test_a_table_of_a_name_of_ours_but_another_function_is_that_function():
    impostor = exact.Function("exp", rational=lambda x: Fraction(7))
    assert exact.tabulate(impostor, [-1], 0) == [7]


def test_a_table_of_65536_entries():
    table = exact.tabulate("exp", [Fraction(-code, 4096) for code in range(1 << 16)], 16)
    assert table[0] == 65536 and table[4096] == 24109


undecidable = exact.Function(
    "half", enclose=lambda x, digits: (Fraction(1, 2) - Fraction(1, 10**digits), Fraction(1, 2))
)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: exact.tabulate("sin", [1], 8),
            DataError,
            "function 'sin' is not known: use exp exp2 reciprocal log log2, or a Function of yours",
        ),
        (lambda: exact.tabulate("log", [0], 8), DataError, "log is not defined at 0: give arguments above 0"),
        (
            lambda: exact.tabulate("log2", [Fraction(-1, 2)], 8),
            DataError,
            "log2 is not defined at -0.5: give arguments above 0",
        ),
        (
            lambda: exact.tabulate("reciprocal", [0], 8),
            DataError,
            "reciprocal is not defined at 0: leave 0 out of the table, or state its entry",
        ),
        (
            lambda: exact.tabulate("exp", [10**6], 8),
            RangeError,
            "exp(1E+6) has more than 47,000 bits: give an argument up to 32768",
        ),
        (
            lambda: exact.tabulate("exp2", [10**400], 8),
            RangeError,
            "exp2(1E+400) has more than 32,768 bits: give an argument up to 32768",
        ),
        (
            lambda: exact.tabulate("exp", [1], 8, "stochastic"),
            FormatError,
            "rounding 'stochastic' does not fit a table: use one of floor, half_up, half_even, half_away, toward_zero",
        ),
        (
            lambda: exact.tabulate("exp", [1], 8, times=0),
            DataError,
            "a table of 0 times a function is refused: give a factor above 0",
        ),
        (
            lambda: exact.tabulate("exp", [1], 5000),
            FormatError,
            "a table with 5000 fraction bits is refused: use at most 4096",
        ),
        (
            lambda: exact.tabulate(exact.Function("nothing"), [1], 8),
            DataError,
            "nothing has no value at 1: give its Function `enclose` or a rational",
        ),
        (
            lambda: exact.tabulate(undecidable, [1], 0),
            DataError,
            "half(1) is not told from a rounding boundary by 100000 digits: "
            "if it is a rational number there, its Function must say so",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as refused:
        call()
    assert str(refused.value) == message
