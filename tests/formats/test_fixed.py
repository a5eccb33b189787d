"""Fixed point: the array twin against the definition, and apytypes as an outside judge of both."""

import dataclasses
from fractions import Fraction

import apytypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats import Fixed, parse

DETERMINISTIC = ("floor", "half_up", "half_even", "half_away", "toward_zero")
JUDGES_ROUNDING = {
    "floor": "TO_NEG",
    "half_up": "TIES_POS",
    "half_even": "TIES_EVEN",
    "half_away": "TIES_AWAY",
    "toward_zero": "TO_ZERO",
}
JUDGES_OVERFLOW = {"saturate": "SAT", "wrap": "WRAP"}


@pytest.mark.parametrize("overflow", JUDGES_OVERFLOW)
@pytest.mark.parametrize("rounding", JUDGES_ROUNDING)
@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (4, 0), (2, -1), (0, 2), (-1, 4), (5, 3)])
def test_apytypes_rounds_every_code_of_a_wider_word_to_the_same_code(shape, rounding, overflow):
    integer_bits, fraction_bits = shape
    fixed = Fixed(integer_bits, fraction_bits, rounding=rounding, overflow=overflow)
    wide = np.arange(-512, 512)  # Q5.5: ties and values beyond the ends of most of these words
    judge = apytypes.APyFixedArray(wide.tolist(), int_bits=5, frac_bits=5).cast(
        int_bits=integer_bits,
        frac_bits=fraction_bits,
        quantization=getattr(apytypes.QuantizationMode, JUDGES_ROUNDING[rounding]),
        overflow=getattr(apytypes.OverflowMode, JUDGES_OVERFLOW[overflow]),
    )
    word = 1 << fixed.bits
    expected = [code - word if code >= word // 2 else code for code in judge.to_bits()]
    assert fixed.quantise(wide / 32).tolist() == expected
    assert [fixed.encode(Fraction(int(code), 32)) for code in wide] == expected


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("rounding", DETERMINISTIC)
@pytest.mark.parametrize(
    "text", ["Q5.3", "UQ0.8", "Q1.0", "UQ1.0", "Q-2.10", "Q10.-2", "Q200.-190", "Q-240.250", "Q3.60", "UQ63.0", "Q63.0"]
)
def test_the_twin_equals_the_definition_on_hard_values(text, rounding, overflow, hard_values):
    fixed = dataclasses.replace(parse(text), rounding=rounding, overflow=overflow)
    values = hard_values([float(fixed.step), float(fixed.highest)])
    assert fixed.quantise(values).tolist() == [fixed.encode(value) for value in values.tolist()]


fixeds = st.builds(
    lambda bits, fraction_bits, signed, rounding, overflow: Fixed(
        bits - fraction_bits, fraction_bits, signed, rounding, overflow
    ),
    st.integers(1, 63),
    st.integers(-80, 80),
    st.booleans(),
    st.sampled_from([*DETERMINISTIC, "stochastic"]),
    st.sampled_from(["saturate", "wrap"]),
)


@given(fixeds, st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition(fixed, value, number):
    assert fixed.quantise(np.array([value]), random=number)[0] == fixed.encode(value, random=number)


@given(fixeds, st.floats(-4, 4), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition_near_the_word(fixed, units, number):
    value = float(units * fixed.highest) if fixed.highest else units
    assert fixed.quantise(np.array([value]), random=number)[0] == fixed.encode(value, random=number)


@given(fixeds, st.data())
def test_every_code_comes_back(fixed, data):
    code = data.draw(st.integers(fixed.lowest_code, fixed.highest_code))
    assert fixed.encode(fixed.decode(code), random=0.0) == code
    if fixed.bits <= 53:
        value = fixed.values(np.array([code]))
        assert Fraction(float(value[0])) == fixed.decode(code)
        assert fixed.quantise(value, random=0.0)[0] == code


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "int64", "uint16"])
def test_every_kind_of_array_is_taken_at_its_value(dtype):
    values = np.array([[0, 1, 2], [3, 100, 101]]).astype(dtype)
    assert parse("Q5.3").quantise(values).tolist() == [[0, 8, 16], [24, 127, 127]]


def test_float32_is_rounded_from_its_own_value():
    tie = np.float32(0.0625)  # half a step of Q5.3
    assert parse("Q5.3:half_up").quantise(np.array([tie, np.nextafter(tie, np.float32(0))])).tolist() == [1, 0]


def test_shapes_are_kept():
    fixed = parse("Q5.3")
    assert fixed.quantise(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert fixed.quantise(1.5).shape == () and int(fixed.quantise(1.5)) == 12
    assert fixed.round(np.array([[0.3]])).tolist() == [[0.25]]
    assert fixed.quantise(np.asfortranarray([[0.0, 1.0], [2.0, 3.0]])).tolist() == [[0, 8], [16, 24]]


def test_infinities_saturate():
    assert parse("Q5.3").quantise(np.array([np.inf, -np.inf])).tolist() == [127, -128]
    assert (parse("UQ0.8").encode(float("inf")), parse("UQ0.8").encode(-float("inf"))) == (255, 0)


def test_forbid_takes_what_fits_once_it_is_rounded():
    fixed = parse("Q5.3:floor:forbid")
    assert fixed.quantise(np.array([15.99, -16.0])).tolist() == [127, -128]
    assert fixed.encode(15.99) == 127


REFUSED = [
    ("Q5.3", [0.0, np.nan], DataError, "NaN at [1] has no code in Q5.3: every value must be a number"),
    (
        "Q5.3:wrap",
        [[0.0, -np.inf]],
        DataError,
        "-inf at [0, 1] has no code in Q5.3:wrap: give finite values, or the overflow word saturate",
    ),
    (
        "Q5.3:forbid",
        [15.95],
        FormatError,
        "15.95 is outside Q5.3:forbid, whose range is -16 to 15.875: clip it, widen it, or saturate",
    ),
    (
        "Q5.3",
        [2**53 + 1],
        DataError,
        "9007199254740993 at [0] is beyond 2**53, where float64 is not exact: scale it down",
    ),
    ("Q5.3", ["a"], DataError, "values of type <U1 are not real numbers in float64: give floats or integers"),
    ("Q5.3", [True], DataError, "values of type bool are not real numbers in float64: give floats or integers"),
    ("Q5.3", [1j], DataError, "values of type complex128 are not real numbers in float64: give floats or integers"),
    (
        "Q4.60",
        [0.0],
        RangeError,
        "Q4.60 has 64 bits, and arrays hold words up to 63; take fewer, or encode",
    ),
]


@pytest.mark.parametrize(("text", "values", "error", "message"), REFUSED)
def test_arrays_that_are_refused(text, values, error, message):
    with pytest.raises(error) as refused:
        parse(text).quantise(np.array(values))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "value", "error", "message"),
    [
        ("Q5.3", float("nan"), DataError, "NaN has no code in Q5.3: every value must be a number"),
        (
            "Q5.3:wrap",
            float("inf"),
            DataError,
            "inf has no code in Q5.3:wrap: give finite values, or the overflow word saturate",
        ),
        (
            "UQ0.8:forbid",
            1,
            FormatError,
            "1 is outside UQ0.8:forbid, whose range is 0 to 0.99609375: clip it, widen it, or saturate",
        ),
    ],
)
def test_single_values_that_are_refused(text, value, error, message):
    with pytest.raises(error) as refused:
        parse(text).encode(value)
    assert str(refused.value) == message


@pytest.mark.parametrize("bits", [5.0, "5", None])
def test_fields_are_whole_numbers(bits):
    assert Fixed(np.int64(5), np.uint8(3)) == Fixed(5, 3)
    assert type(Fixed(np.int64(63), 0).bits) is int
    with pytest.raises(FormatError) as refused:
        Fixed(bits, 3)
    assert str(refused.value) == f"integer_bits of Fixed is {bits!r}: it must be a whole number"


@pytest.mark.parametrize("value", [1.5, Fraction(3, 2), np.float32(1.5), np.float64(1.5), np.array(1.5)])
def test_every_kind_of_number_is_encoded(value):
    assert parse("Q5.3").encode(value) == 12


def test_large_numpy_integers_lose_nothing():
    assert parse("Q64.0").encode(np.int64(2**62 + 1)) == 2**62 + 1


def test_a_text_is_no_value():
    with pytest.raises(DataError) as refused:
        parse("Q5.3").encode("1.5")
    assert str(refused.value) == "'1.5' has no code in Q5.3: give a number, not a text"


def test_codes_outside_the_word_are_refused():
    message = "code 128 is outside Q5.3, whose codes are -128 to 127"
    for call in (lambda: parse("Q5.3").decode(128), lambda: parse("Q5.3").values(np.array([0, 128]))):
        with pytest.raises(RangeError) as refused:
            call()
        assert str(refused.value) == message
    with pytest.raises(DataError) as refused:
        parse("Q5.3").values(np.array([0.5]))
    assert str(refused.value) == "codes of Q5.3 are integers, and these are float64: quantise the values first"


def test_values_that_float64_cannot_hold_are_refused():
    wide = parse("UQ60.0")
    assert wide.values(np.array([2**59])).tolist() == [2.0**59]
    with pytest.raises(RangeError) as refused:
        wide.values(np.array([2**59 + 1]))
    assert (
        str(refused.value) == "a code of UQ60.0 needs more than the 53 bits that float64 holds; take fewer, or decode"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((0, 0), "Q0.0 is not possible, with 0 bits: a word has 1 to 256 bits, at most 256 of them behind the point"),
        (
            (300, 0),
            "Q300.0 is not possible, with 300 bits: a word has 1 to 256 bits, at most 256 of them behind the point",
        ),
        (
            (-300, 301),
            "Q-300.301 is not possible, with 1 bits: a word has 1 to 256 bits, at most 256 of them behind the point",
        ),
        (
            (5, 3, True, "ceil"),
            "rounding 'ceil' is not known: use one of floor, half_up, half_even, half_away, toward_zero, stochastic",
        ),
        ((5, 3, True, "floor", "infinity"), "overflow 'infinity' does not fit Q5.3: use one of saturate, wrap, forbid"),
    ],
)
def test_impossible_records_are_refused(fields, message):
    with pytest.raises(FormatError) as refused:
        Fixed(*fields)
    assert str(refused.value) == message


def test_one_wire_can_move_and_keep_its_words():
    fixed = parse("Q5.3:floor:wrap")
    assert str(dataclasses.replace(fixed, fraction_bits=2)) == "Q5.2:floor:wrap"
    assert Fixed.of(True, 5, 2, "floor", "wrap") == dataclasses.replace(fixed, fraction_bits=2)
    assert (fixed.point, fixed.bits, fixed.lowest, fixed.highest, fixed.step) == (
        3,
        8,
        -16,
        Fraction(127, 8),
        Fraction(1, 8),
    )
