"""The scale that a unit on integers is told: its input holds what it is to hold, and hardly more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax import designs
from narrowmax.designs import design
from narrowmax.designs.calibrating import Reach, calibrated
from narrowmax.formats import Affine

SCALED = [name for name in designs.catalogue() if isinstance(design(name).input, Affine)]


@pytest.mark.parametrize("name", SCALED)
@given(ends=st.tuples(st.floats(-90, 90), st.floats(-90, 90)))
def test_the_ends_fit(name, ends):
    low, high = sorted(ends)
    found, settings = calibrated(design(name), Reach(low, high))
    if not settings:
        assert found == design(name)
        return
    form, half = found.input, float(found.input.step) * 0.500001
    assert float(form.lowest) - half <= low and high <= float(form.highest) + half
    assert {k: found.parameters[k] for k in settings} == settings


def test_hardly_more_than_needed():
    found, settings = calibrated(design("tflite_int8"), Reach(-15.4, 26.6))
    assert settings == {"scale": 0.1648, "zero_point": -35} and found.input.scale == np.float32(0.1648)
    assert calibrated(design("ivit_shiftmax"), Reach(-15.4, 26.6))[1] == {"scale": 0.2095}
    assert calibrated(design("ita"), Reach(-15.4, 26.6))[1] == {"shift": 1}
    assert calibrated(design("ita"), Reach(-1e-3, 2.5))[1] == {"shift": 5}


def test_zero_is_always_held():
    assert calibrated(design("tflite_int8"), Reach(10.0, 20.0))[1] == {"scale": 0.07844, "zero_point": -128}
    assert calibrated(design("tflite_int8"), Reach(0.0, 0.0))[1]["scale"] == 1.0


def test_stored_integers_are_taken_as_they_are():
    stored = Affine(8, 0.1308, 96, signed=False)
    assert calibrated(design("tflite_int8"), Reach(-12.5, 20.8, stored))[1] == {"scale": 0.1308, "zero_point": -32}
    assert calibrated(design("tflite_int8(kind=uint8)"), Reach(-12.5, 20.8, stored))[1]["zero_point"] == 96
    assert calibrated(design("tflite_int16"), Reach(-12.5, 20.8, stored))[1] == {"scale": 0.1308}
    narrow = calibrated(design("ivit_shiftmax"), Reach(-12.5, 20.8, stored))[1]
    assert narrow == {"scale": 0.1638}  # 159 steps above 0 are more than 8 bits with a sign hold


@pytest.mark.parametrize("text", ["table_divide", "softermax", "hls4ml", "ideal(input=fp16)", "ideal(input=int8@0.5)"])
def test_others_are_left_alone(text):
    assert calibrated(design(text), Reach(-1000, 1000)) == (design(text), {})


def test_points_move_as_far_as_they_need():
    moved = lambda text, *ends: calibrated(design(text), Reach(*ends), points=True)[1]  # noqa: E731
    assert {k: str(v) for k, v in moved("table_divide", -15.4, 26.6).items()} == {"input": "Q6.2"}
    assert str(moved("table_divide(input=Q5.3:floor:wrap)", -15.4, 99.0)["input"]) == "Q8.0:floor:wrap"
    assert moved("table_divide", -16.0, 15.875) == {} and moved("table_divide", -1.0, 1.0) == {}
    assert moved("table_divide", 0.0, 1000.0) == {}  # 8 bits hold no such value
    assert moved("softermax", -99.0, 99.0) == {} and moved("hls4ml", -99.0, 99.0) == {}  # published


def test_points_stay_for_a_search_to_move():
    assert calibrated(design("table_divide"), Reach(-99.0, 99.0)) == (design("table_divide"), {})
