"""Affine integers: the array twin against the definition, and against what quantised networks do."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError, FormatError, RangeError
from narrowmax.formats import ROUNDINGS, Affine, parse

DETERMINISTIC = [word for word in ROUNDINGS if word != "stochastic"]


def test_the_definition_in_numbers():
    fmt = parse("int8@0.0471")
    assert [fmt.encode(x) for x in (0, 0.0235, 0.0236, -1, 100, -100)] == [0, 0, 1, -21, 127, -128]
    assert fmt.decode(-128) == -128 * Fraction(0.0471)
    assert parse("uint8@0.5:128").quantise(np.array([0, 0.25, 0.75, -64, -70, 63.5])).tolist() == [
        128,
        128,
        130,
        0,
        0,
        255,
    ]


def test_the_zero_point_is_added_after_rounding():
    """To even in steps, so a tie beside an odd zero point gives an odd code: the order of ONNX."""
    values = np.array([0.5, 1.5, 2.5])
    assert parse("uint8@1:1").quantise(values).tolist() == [1, 3, 3]


@pytest.mark.parametrize("zero_point", [0, 7, 128])
def test_torch_quantises_alike(zero_point):
    scale = 0.0625  # torch multiplies by the reciprocal in float32, so a power of two
    values = np.random.default_rng(0).normal(scale=4, size=2000).astype(np.float32)
    values = np.append(values, np.arange(-200, 200, dtype=np.float32) * np.float32(scale / 2))
    judge = torch.fake_quantize_per_tensor_affine(torch.from_numpy(values), scale, zero_point, 0, 255).numpy()
    assert parse(f"uint8@{scale}:{zero_point}").round(values).tolist() == judge.tolist()


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("rounding", DETERMINISTIC)
@pytest.mark.parametrize(
    "text",
    [
        "int8@0.0471",
        "uint8@0.1:128",
        "int8@1/256:-128",
        "int32@1e-60",
        "uint2@1e60:3",
        "int16@3",
        "int8@1.5692754338466702e+57",
    ],
)
def test_the_twin_equals_the_definition_on_hard_values(text, rounding, overflow, hard_values):
    fmt = dataclasses.replace(parse(text), rounding=rounding, overflow=overflow)
    values = hard_values([fmt.scale, fmt.scale * 97])
    assert fmt.quantise(values).tolist() == [fmt.encode(value) for value in values.tolist()]


affines = st.builds(
    lambda bits, scale, zero, signed, rounding, overflow: Affine(
        bits, scale, zero % (1 << bits) - (1 << (bits - 1) if signed else 0), signed, rounding, overflow
    ),
    st.integers(2, 32),
    st.floats(1e-9, 1e9) | st.floats(1e-60, 1e60),
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from(ROUNDINGS),
    st.sampled_from(["saturate", "wrap"]),
)


@given(affines, st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1, exclude_max=True))
def test_the_twin_equals_the_definition(fmt, value, number):
    assert fmt.quantise(np.array([value]), random=number)[0] == fmt.encode(value, random=number)


@given(affines, st.integers(-300, 300), st.sampled_from([0.0, 0.25, 0.5, 1 - 2.0**-53]))
def test_the_twin_equals_the_definition_at_ties(fmt, halves, number):
    tie = halves * fmt.scale / 2
    values = np.array([tie, np.nextafter(tie, np.inf), np.nextafter(tie, -np.inf)])
    assert fmt.quantise(values, random=number).tolist() == [fmt.encode(v, random=number) for v in values.tolist()]


@given(affines, st.data())
def test_every_code_comes_back(fmt, data):
    code = data.draw(st.integers(fmt.lowest_code, fmt.highest_code))
    assert fmt.encode(fmt.decode(code), random=0.0) == code
    assert fmt.values(np.array([code]))[0] == float(fmt.decode(code))


def test_forbid_is_decided_exactly():
    fmt = parse("int8@0.1:half_up:forbid")
    fits = np.nextafter(12.75, 0)
    assert fmt.quantise(np.array([fits])).tolist() == [fmt.encode(fits)] == [127]
    assert 12.75 < Fraction(0.1) * Fraction(255, 2)  # 0.1 in float64 is a little more than a tenth
    assert fmt.quantise(np.array([12.75])).tolist() == [127]
    with pytest.raises(FormatError) as refused:
        fmt.quantise(np.array([0.0, 12.8]))
    ends = "-12.8 to 12.7"
    assert str(refused.value) == f"12.8 is outside {fmt}, whose range is {ends}: clip it, widen it, or saturate"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Affine(1, 0.5), FormatError, "int1@0.5 has 1 bits: an affine integer has 2 to 32"),
        (lambda: Affine(8, 0.0), FormatError, "int8@0.0 has the scale 0.0: a scale lies between 1e-60 and 1e60"),
        (
            lambda: Affine(8, float("nan")),
            FormatError,
            "int8@nan has the scale nan: a scale lies between 1e-60 and 1e60",
        ),
        (
            lambda: Affine(8, 0.5, 128),
            FormatError,
            "int8@0.5:128 has its zero point at 128: it must be a code, -128 to 127",
        ),
        (
            lambda: parse("int8@0.5").decode(128),
            RangeError,
            "code 128 is outside int8@0.5, whose codes are -128 to 127",
        ),
        (
            lambda: parse("int8@0.5").quantise([float("nan")]),
            DataError,
            "NaN at [0] has no code in int8@0.5: every value must be a number",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as refused:
        call()
    assert str(refused.value) == message
