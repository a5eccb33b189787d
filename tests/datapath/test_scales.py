"""Scales give back every number that they hold, and read real codes between those of a format."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.datapath import Linear, Magnitude, Packed, Scientific, SignMagnitude
from narrowmax.formats import parse

FORMATS = [parse(text) for text in ("e4m3", "e5m2", "bf16", "fp16", "float(2,1)")]


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_all_codes_of_a_float_are_its_values(form):
    codes = np.arange(form.highest_code + 1)
    values = form.values(codes)
    assert Magnitude(form).value(codes).tolist() == values.tolist()
    assert Magnitude(form).codes(values)[0].tolist() == codes.tolist()
    negative = codes + (1 << (form.bits - 1))
    assert Packed(form).value(negative).tolist() == (-values).tolist()
    assert Packed(form).codes(-values[1:])[0].tolist() == negative[1:].tolist()  # there is one 0


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_real_codes_rise_with_values_and_give_them_back(form):
    """Subnormals, octaves, and beyond the largest number; halfway between codes lies the mean of their values."""
    top = float(form.highest)
    values = np.concatenate([[0.0], np.geomspace(float(form.step) / 8, top * 100, 1000)])
    (codes,) = Magnitude(form).codes(values)
    assert (np.diff(codes) > 0).all() and codes[-1] > form.highest_code
    assert Magnitude(form).value(codes) == pytest.approx(values, rel=1e-12)
    between = Magnitude(form).value(np.arange(form.highest_code) + 0.5)
    held = form.values(np.arange(form.highest_code + 1))
    assert between.tolist() == ((held[1:] + held[:-1]) / 2).tolist()


def test_signs_are_apart():
    scale = SignMagnitude(parse("bf16"))
    sign, code = scale.codes([-1.5, 1.5, 0.0])
    assert sign.tolist() == [1, 0, 0] and code.tolist() == [0x3FC0, 0x3FC0, 0]
    assert scale.value(sign, code).tolist() == [-1.5, 1.5, 0]


def test_mantissas_and_exponents():
    mantissa, exponent = Scientific(8).codes([1.0, 0.75, 10.0])
    assert (mantissa.tolist(), exponent.tolist()) == ([256, 384, 320], [0, -1, 3])
    assert Scientific(8).value(mantissa, exponent).tolist() == [1.0, 0.75, 10.0]
    assert Scientific(8).value(256, 0.5) == pytest.approx(2**0.5)


def test_points():
    assert Linear(3).value(20) == 2.5
    assert Linear(3).codes(2.5)[0] == 20


def test_what_is_no_number_stays_none():
    assert np.isnan(Magnitude(parse("bf16")).value(np.nan))
