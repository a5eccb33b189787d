"""The reference: mpmath judges it, also where a probability lies next to a rounding boundary."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from narrowmax import reference
from narrowmax.errors import DataError, FormatError
from narrowmax.formats import parse

OUTPUTS = [
    "UQ0.8",
    "UQ1.7:floor",
    "Q1.15:half_up",
    "UQ0.4:toward_zero",
    "UQ0.30:half_away",
    "UQ1.62:floor",
    "fp16",
    "bf16:floor",
    "e4m3:toward_zero",
    "fp32",
    "int8@0.00390625:-128",
    "uint8@0.0039",
    "int8@0.3333333333333333:floor",
    "decimal(3)",
    "decimal(10):floor",
    "UQ-2.8:wrap",
]


def judged(row) -> list[Fraction]:
    """Probabilities of one row to 500 digits or so, as rationals."""
    with mpmath.workprec(2000):
        top = max(row)
        weights = [mpmath.exp(mpmath.mpf(value) - top) for value in row]
        total = mpmath.fsum(weights)
        return [_rational(weight / total) for weight in weights]


def _rational(value: mpmath.mpf) -> Fraction:
    return Fraction(int(value.man)) * Fraction(2) ** int(value.exp)


def judged_codes(row, output) -> list[int]:
    return [output.encode(p) for p in judged(row)]


rows = hnp.arrays(np.float64, st.integers(1, 6), elements=st.floats(-60, 60) | st.integers(-3, 3).map(float))


@given(rows)
def test_softmax_is_within_its_stated_error(row):
    for found, true in zip(reference.softmax(row).tolist(), judged(row)):
        assert abs(Fraction(found) - true) <= true / 2**48


@given(rows, st.sampled_from(OUTPUTS))
def test_codes_are_rounded_once_from_the_real_number(row, text):
    output = parse(text)
    if len(set(row.tolist())) > 1:  # equal elements give rationals, perhaps ties: tested apart
        assert reference.codes(row, output).tolist() == judged_codes(row.tolist(), output)


@pytest.mark.parametrize("text", OUTPUTS)
def test_probabilities_next_to_a_boundary(text):
    """softmax([d, 0])[0] = 1/(1 + exp(-d)): d is the float64 next to where that is a rounding boundary."""
    output = parse(text)
    boundaries = [Fraction(k, 512) for k in range(1, 512, 17)] + [Fraction(k, 2000) for k in range(1, 2000, 111)]
    with mpmath.workprec(200):
        middle = [float(mpmath.log(mpmath.mpf(b.numerator) / (b.denominator - b.numerator))) for b in boundaries]
    distances = np.array(middle)
    distances = np.concatenate([distances, np.nextafter(distances, np.inf), np.nextafter(distances, -np.inf)])
    pairs = np.stack([distances, np.zeros_like(distances)], axis=1)
    assert reference.codes(pairs, output).tolist() == [judged_codes(pair, output) for pair in pairs.tolist()]


@pytest.mark.parametrize("text", OUTPUTS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 128])
def test_equal_elements_have_the_code_of_one_over_n(text, n):
    output = parse(text)
    assert reference.codes(np.full((2, n), -3.7), output).tolist() == [[output.encode(Fraction(1, n))] * n] * 2


@pytest.mark.parametrize(
    "text", ["UQ1.7:floor", "UQ1.62:floor", "int8@0.3333333333333333:floor", "UQ1.7", "UQ0.8:floor:forbid"]
)
@pytest.mark.parametrize("gap", [40.0, 700.0, 1e5, 1e308])
def test_a_winner_stays_below_one(text, gap):
    output = parse(text)
    just_below = 1 - Fraction(1, 2**2000)
    winner, loser = judged([gap, 0]) if gap == 40 else (just_below, 1 - just_below)
    assert reference.codes(np.array([gap, 0.0]), output).tolist() == [output.encode(winner), output.encode(loser)]


def test_one_element_alone_is_one():
    assert reference.softmax(np.array([[-1e308]])).tolist() == [[1.0]]
    assert reference.codes(np.array([[5.0]]), parse("UQ1.7:floor")).tolist() == [[128]]


def test_far_apart_and_huge():
    x = np.array([[1e308, -1e308, 0.0], [-1e308, -1e308, -1.7e308], [5e-324, -5e-324, 0.0]])
    assert reference.softmax(x).tolist() == [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3]


@pytest.mark.parametrize("far", [-50.0, -2199.0, -2201.0, -1e9, -1e36])
@pytest.mark.parametrize(
    "text, most", [("UQ0.8:floor", 127), ("Q0.8:floor:wrap", 127), ("UQ0.1:floor", 0), ("UQ0.8", 128)]
)
def test_two_equal_maxima_stay_below_a_half_however_far_the_rest_is(text, most, far):
    """Masks of -1e9 are far: no number of digits would tell 1 / (2 + exp(far)) from a half."""
    assert reference.codes(np.array([[0.0, 0.0, far], [1.0, far, 1.0]]), parse(text)).max(axis=1).tolist() == [
        most,
        most,
    ]


def test_the_rounding_of_the_difference_is_made_good():
    row = np.array([1e8 + 1, 1e8 - 600, 1e8, 1e8 + 1 - 2.0**-24])
    for found, true in zip(reference.softmax(row).tolist(), judged(row.tolist())):
        assert abs(Fraction(found) - true) <= true / 2**48 + Fraction(1, 10**300)


MASK = np.array([[True, False, True], [False, False, False], [False, True, False]])


def test_masked_elements_take_no_part():
    x = np.array([[1.0, np.nan, 1.0], [np.inf, np.nan, 0.0], [7.0, -300.0, 9.0]])
    assert reference.softmax(x, mask=MASK).tolist() == [[0.5, 0, 0.5], [0, 0, 0], [0, 1, 0]]
    assert reference.codes(x, parse("UQ1.7"), mask=MASK).tolist() == [[64, 0, 64], [0, 0, 0], [0, 128, 0]]
    assert reference.codes(x, parse("int8@1/128:-128"), mask=MASK).tolist() == [
        [-64, -128, -64],
        [-128] * 3,
        [-128, 0, -128],
    ]


def test_minus_infinity_takes_no_part():
    assert reference.softmax(np.array([[-np.inf, 2.0], [-np.inf, -np.inf]])).tolist() == [[0, 1], [0, 0]]


@given(rows, st.data())
def test_a_mask_is_as_if_the_elements_were_not_there(row, data):
    present = data.draw(hnp.arrays(bool, row.shape))
    found = reference.softmax(row, mask=present)
    assert np.all(found[~present] == 0)
    if present.any():
        assert found[present].tolist() == reference.softmax(row[present]).tolist()


def test_axes_and_shapes():
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    for axis in (0, 1, 2, -2):
        moved = np.moveaxis(reference.softmax(np.moveaxis(x, axis, -1)), -1, axis)
        assert np.array_equal(reference.softmax(x, axis=axis), moved)
        codes = reference.codes(x, parse("UQ0.8"), axis=axis)
        assert np.array_equal(codes, parse("UQ0.8").quantise(moved))
    assert reference.softmax(np.zeros((0, 4))).shape == (0, 4)
    mask = np.array([True, False, True, True, False])
    assert np.array_equal(reference.softmax(x, mask=mask), reference.softmax(x, mask=np.broadcast_to(mask, x.shape)))


def test_integers_and_small_floats_are_values():
    assert np.array_equal(reference.softmax(np.array([1, 2, 3])), reference.softmax(np.array([1.0, 2.0, 3.0])))
    row = np.array([0.1, 0.2], dtype=np.float16)
    assert np.array_equal(reference.softmax(row), reference.softmax(row.astype(float)))


def test_stochastic_codes_take_their_random_numbers():
    output, random = parse("UQ0.2:stochastic"), np.random.default_rng(0)
    rows, numbers = random.normal(size=(50, 4)), random.random((50, 4))
    expected = [
        [output.encode(p, u) for p, u in zip(judged(row), row_numbers)]
        for row, row_numbers in zip(rows.tolist(), numbers.tolist())
    ]
    assert reference.codes(rows, output, random=numbers).tolist() == expected
    assert reference.codes(rows.T, output, axis=0, random=numbers.T).T.tolist() == expected


def test_stochastic_codes_at_the_boundary_itself():
    output = parse("UQ0.1:stochastic")  # p = 1/4 is half a step: up from u = 1/2 on
    numbers = np.array([[0.5, np.nextafter(0.5, 0), 0.75, 0.0]])
    assert reference.codes(np.zeros((1, 4)), output, random=numbers).tolist() == [[1, 0, 1, 0]]


def test_forbid_is_decided_from_the_real_number():
    assert reference.codes(np.array([100.0, 0.0]), parse("UQ0.8:floor:forbid")).tolist() == [255, 0]
    with pytest.raises(FormatError) as refused:
        reference.codes(np.array([100.0, 0.0]), parse("UQ0.8:forbid"))
    message = "1 is outside UQ0.8:forbid, whose range is 0 to 0.99609375: clip it, widen it, or saturate"
    assert str(refused.value) == message


def test_the_same_bits_on_every_machine():
    row = np.array([1.5, -0.3, 0.1, 7.25, -20.0, 7.0])
    assert [p.hex() for p in reference.softmax(row).tolist()] == PINNED


PINNED = [
    "0x1.d3de456caf94fp-10",
    "0x1.355a3728708a8p-12",
    "0x1.cd7fe2f3f1281p-12",
    "0x1.1f1beaacd73d1p-1",
    "0x1.ce15d0e1d41d8p-41",
    "0x1.bf3395da5a21cp-2",
]


@pytest.mark.parametrize(
    ("x", "keywords", "message"),
    [
        ([0.0, np.nan], {}, "nan at element 1 of row 0 has no softmax: give finite values"),
        ([[0.0, 1.0], [np.inf, 0.0]], {}, "inf at element 0 of row 1 has no softmax: give finite values"),
        (3.0, {}, "softmax needs at least one axis, and this is a single number: give an array (..., n)"),
        (
            np.zeros((3, 0)),
            {},
            "values of shape (3, 0) have rows without elements: give at least one element a row",
        ),
        (["a"], {}, "values of type <U1 are not real numbers in float64: give floats or integers"),
        (
            [0.0, 1.0],
            {"mask": [1, 0]},
            "a mask of type int64 is refused: give booleans, true where an element takes part",
        ),
        (
            [0.0, 1.0],
            {"mask": [True] * 3},
            "a mask of shape (3,) does not fit values of shape (2,): give one flag an element",
        ),
    ],
)
def test_what_is_refused(x, keywords, message):
    for call in (reference.softmax, lambda x, **k: reference.codes(x, parse("UQ0.8"), **k)):
        with pytest.raises(DataError) as refused:
            call(np.array(x), **keywords)
        assert str(refused.value) == message
