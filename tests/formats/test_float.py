"""Floats: ml_dtypes judges every code and hard values between codes; gfloat judges the other rounding modes."""

from fractions import Fraction

import gfloat
import gfloat.formats
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats import ROUNDINGS, Float, parse

DTYPES = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "e5m2": ml_dtypes.float8_e5m2,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "float(4,3)": ml_dtypes.float8_e4m3,
    "float(3,4)": ml_dtypes.float8_e3m4,
}
INFOS = {
    "fp32": gfloat.formats.format_info_binary32,
    "fp16": gfloat.formats.format_info_binary16,
    "bf16": gfloat.formats.format_info_bfloat16,
    "e5m2": gfloat.formats.format_info_ocp_e5m2,
    "e4m3": gfloat.formats.format_info_ocp_e4m3,
}
MODES = {
    "floor": gfloat.RoundMode.TowardNegative,
    "half_even": gfloat.RoundMode.TiesToEven,
    "half_away": gfloat.RoundMode.TiesToAway,
    "toward_zero": gfloat.RoundMode.TowardZero,
}


def judged_values(name: str) -> np.ndarray:
    """What ml_dtypes says of every code, as float64."""
    dtype = np.dtype(DTYPES[name])
    codes = np.arange(1 << (8 * dtype.itemsize)).astype(f"u{dtype.itemsize}")
    with np.errstate(invalid="ignore"):
        return codes.view(dtype).astype(np.float64)


def judged_codes(name: str, values: np.ndarray) -> np.ndarray:
    dtype = np.dtype(DTYPES[name])
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(dtype).view(f"u{dtype.itemsize}").astype(np.int64)


def between(name: str) -> np.ndarray:
    """Every finite value, every midpoint, and their float32 neighbours: all exact in float32, as the judge needs."""
    points = np.unique(judged_values(name)[np.isfinite(judged_values(name))])
    middles = (points[1:] + points[:-1]) / 2
    end = points[-1] + (points[-1] - middles[-1])  # the midpoint to the value that would come next
    exact = np.concatenate([points, middles, [end, -end], end * np.array([1.5, -1.5, 2, -2])])
    exact = np.clip(exact, -3e38, 3e38).astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    return np.concatenate([exact, np.nextafter(exact, up), np.nextafter(exact, down), -exact * 0]).astype(np.float64)


@pytest.mark.parametrize("name", DTYPES)
def test_every_code_has_the_value_that_ml_dtypes_gives_it(name):
    expected = judged_values(name)
    values = parse(name).values(np.arange(len(expected)))
    assert np.array_equal(values, expected, equal_nan=True)
    assert np.array_equal(np.signbit(values[expected == 0]), np.signbit(expected[expected == 0]))


@pytest.mark.parametrize("name", DTYPES)
def test_every_code_is_its_own_rounding(name):
    codes = np.flatnonzero(np.isfinite(judged_values(name)))
    assert np.array_equal(parse(name).quantise(judged_values(name)[codes]), codes)


@pytest.mark.parametrize("name", DTYPES)
def test_hard_values_get_the_code_that_ml_dtypes_gives_them(name):
    values = between(name)
    expected = judged_codes(name, values)
    codes = parse(f"{name}:infinity").quantise(values)
    not_numbers = np.isnan(parse(name).values(codes))
    assert np.array_equal(not_numbers, np.isnan(judged_values(name)[expected]))
    assert np.array_equal(codes[~not_numbers], expected[~not_numbers])


@pytest.mark.parametrize("name", DTYPES)
def test_saturate_differs_from_ml_dtypes_at_the_ends_alone(name):
    values = between(name)
    saturating = parse(name)
    expected = judged_codes(name, values)
    beyond = ~np.isfinite(judged_values(name)[expected])
    expected[beyond] = np.where(values[beyond] > 0, saturating.highest_code, saturating.lowest_code)
    assert np.array_equal(saturating.quantise(values), expected)


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("name", INFOS)
@pytest.mark.parametrize("overflow", ["saturate", "infinity"])
def test_gfloat_rounds_alike(name, rounding, overflow, hard_values):
    info, fmt = INFOS[name], parse(f"{name}:{rounding}:{overflow}")
    values = hard_values([float(fmt.step), float(fmt.highest) / 3])[::3]
    # gfloat adds 0.5 to the fraction in float64, so the number below a half becomes 1 and goes up.
    values = values[np.abs(values) != np.nextafter(0.5, 0) * float(fmt.step)]
    expected = [gfloat.round_float(info, v, MODES[rounding], sat=overflow == "saturate") for v in values.tolist()]
    assert np.array_equal(fmt.round(values), expected, equal_nan=True)


@pytest.mark.parametrize("name", ["e4m3", "e5m2", "fp16"])
def test_gfloat_rounds_stochastically_alike_above_zero(name):
    """Below zero gfloat rounds the magnitude, and `stochastic` here goes up or down, as `floor(x + u)` does."""
    fmt = parse(f"{name}:stochastic")
    values = np.random.default_rng(1).uniform(0, 4 * float(fmt.step), 300).astype(np.float32).astype(float)
    values = np.append(values, np.random.default_rng(2).uniform(1, 300, 300).astype(np.float32))
    bits = np.random.default_rng(3).integers(0, 256, len(values))
    mode = gfloat.RoundMode.StochasticFastest
    pairs = zip(values.tolist(), bits.tolist())
    expected = [gfloat.round_float(INFOS[name], v, mode, srbits=b, srnumbits=8) for v, b in pairs]
    assert fmt.round(values, random=bits / 256).tolist() == expected


@pytest.mark.parametrize("rounding", [*MODES, "half_up"])
@pytest.mark.parametrize("text", ["fp32", "fp16", "bf16", "e4m3", "e5m2", "float(2,1)", "float(8,1)", "float(2,23)"])
@pytest.mark.parametrize("overflow", ["saturate", "infinity"])
def test_the_twin_equals_the_definition_on_hard_values(text, rounding, overflow, hard_values):
    fmt = parse(f"{text}:{rounding}:{overflow}")
    values = np.append(hard_values([float(fmt.step), float(fmt.highest)]), [np.inf, -np.inf, -0.0, 0.0])
    assert fmt.quantise(values).tolist() == [fmt.encode(value) for value in values.tolist()]


floats = st.builds(
    lambda e, m, finite, rounding, overflow: Float(e, m, finite, rounding, overflow),
    st.integers(2, 8),
    st.integers(1, 23),
    st.booleans(),
    st.sampled_from(ROUNDINGS),
    st.sampled_from(["saturate", "infinity"]),
)


@given(floats, st.floats(allow_nan=False), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition(fmt, value, number):
    assert fmt.quantise(np.array([value]), random=number)[0] == fmt.encode(value, random=number)


@given(floats, st.data(), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition_near_codes(fmt, data, number):
    code = data.draw(st.integers(0, fmt.highest_code))
    between_codes = fmt.values(np.array([code])) + np.array([0, 0.5, 0.25]) * float(fmt.step)
    values = np.concatenate([between_codes, np.nextafter(between_codes, np.inf), -between_codes])
    assert fmt.quantise(values, random=number).tolist() == [fmt.encode(v, random=number) for v in values.tolist()]


@given(floats, st.data())
def test_every_code_comes_back(fmt, data):
    code = data.draw(st.integers(0, fmt.highest_code))
    assert fmt.encode(fmt.decode(code), random=0.0) == code
    assert Fraction(float(fmt.values(np.array([code]))[0])) == fmt.decode(code)


def test_rounding_is_done_once():
    # Through float32 this would become 1.0, a tie, and then even: 1.0.
    above = 1 + 2.0**-8 + 2.0**-40
    assert parse("bf16").round(np.array([above]))[0] == 1 + 2.0**-7
    assert parse("bf16").decode(parse("bf16").encode(Fraction(above))) == 1 + Fraction(1, 128)


def test_the_sign_of_zero_is_kept():
    fmt = parse("fp16")
    assert fmt.quantise(np.array([0.0, -0.0, -1e-30])).tolist() == [0, 0x8000, 0x8000]
    assert [fmt.encode(value) for value in (0.0, -0.0, -1e-30, 0)] == [0, 0x8000, 0x8000, 0]


@pytest.mark.parametrize(
    ("text", "above", "below"),
    [
        ("fp16", 0x7BFF, 0xFBFF),
        ("fp16:infinity", 0x7C00, 0xFC00),
        ("fp16:toward_zero:infinity", 0x7BFF, 0xFBFF),
        ("fp16:floor:infinity", 0x7BFF, 0xFC00),
        ("e4m3", 0x7E, 0xFE),
        ("e4m3:infinity", 0x7F, 0xFF),
        ("e5m2", 0x7B, 0xFB),
        ("e5m2:infinity", 0x7C, 0xFC),
    ],
)
def test_what_overflow_does(text, above, below):
    fmt = parse(text)
    assert fmt.quantise(np.array([1e6, -1e6])).tolist() == [above, below]
    assert [fmt.encode(1e6), fmt.encode(-1e6)] == [above, below]


def test_an_infinity_is_kept_where_the_format_may_and_saturates_elsewhere():
    infinite = np.array([np.inf, -np.inf])
    assert parse("fp16:toward_zero:infinity").quantise(infinite).tolist() == [0x7C00, 0xFC00]
    assert parse("fp16").quantise(infinite).tolist() == [0x7BFF, 0xFBFF]
    assert parse("e4m3:infinity").quantise(infinite).tolist() == [0x7F, 0xFF]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: parse("fp16").decode(0x7C00),
            DataError,
            "code 0x7c00 of fp16 is an infinity or NaN, not a number: use values, or saturate",
        ),
        (lambda: parse("fp16").decode(1 << 16), RangeError, "code 65536 is outside fp16, whose codes are 0 to 65535"),
        (
            lambda: parse("fp16").values(np.array([-1])),
            RangeError,
            "code -1 is outside fp16, whose codes are 0 to 65535",
        ),
        (
            lambda: parse("fp16:forbid").quantise(np.array([65520.0])),
            FormatError,
            "65520 is outside fp16:forbid, whose range is -65504 to 65504: clip it, widen it, or saturate",
        ),
        (
            lambda: parse("fp16:forbid").encode(float("inf")),
            DataError,
            "inf has no code in fp16:forbid: give finite values, or the overflow word saturate",
        ),
        (
            lambda: parse("fp16").quantise(np.array([np.nan])),
            DataError,
            "NaN at [0] has no code in fp16: every value must be a number",
        ),
        (
            lambda: Float(9, 3),
            FormatError,
            "float(9,3) is not possible: a float has 2 to 8 exponent and 1 to 23 fraction bits",
        ),
        (
            lambda: Float(5, 10, overflow="wrap"),
            FormatError,
            "overflow 'wrap' does not fit fp16: use one of saturate, forbid, infinity",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as refused:
        call()
    assert str(refused.value) == message


def test_ml_dtypes_arrays_are_taken_at_their_value():
    values = np.array([1.5, -0.25], dtype=ml_dtypes.bfloat16)
    assert parse("fp16").round(values).tolist() == [1.5, -0.25]
