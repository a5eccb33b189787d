"""What formats would clip, flush and round, against rounding every value."""

from __future__ import annotations

import re

import ml_dtypes
import numpy as np
import pytest

from narrowmax.errors import DataError
from narrowmax.formats import parse
from narrowmax.rows import RowStatistics
from narrowmax.rows.limits import Digits, digits, limits

JUDGES = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
}


def hard_values(name):
    """Every value of the format as a float64, their midpoints, and the neighbours of both as float32; both signs."""
    bits = np.arange(2 ** (8 * np.dtype(JUDGES[name]).itemsize - 1))
    values = bits.astype(f"u{np.dtype(JUDGES[name]).itemsize}").view(JUDGES[name]).astype(np.float64)
    values = np.sort(values[np.isfinite(values)])
    if len(values) > 4000:  # the ends and every 37th
        values = np.unique(np.concatenate([values[:300], values[::37], values[-300:]]))
    beyond = values[-1] + (values[-1] - values[-2]) * np.array([0.5, 1.0, 4.0])
    points = np.concatenate([values, (values[1:] + values[:-1]) / 2, beyond]).astype(np.float32)
    near = [points, np.nextafter(points, np.float32(np.inf)), np.nextafter(points, np.float32(0))]
    magnitudes = np.unique(np.concatenate(near))
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    return np.concatenate([magnitudes, -magnitudes])


@pytest.mark.filterwarnings("ignore:.*encountered in cast")
@pytest.mark.parametrize("name", JUDGES)
def test_counts_equal_those_of_rounding_each_value(name):
    values = hard_values(name)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = values.astype(JUDGES[name]).astype(np.float64)
    statistics = RowStatistics(formats=(name,))
    statistics.update(values.reshape(-1, 1))
    got = statistics.report()["formats"][name]
    assert round(got["overflow"] * len(values)) == (~np.isfinite(rounded)).sum() > 0
    assert round(got["underflow"] * len(values)) == (rounded == 0).sum() > 0
    assert round(got["inexact"] * len(values)) == (rounded != values).sum() > 0


@pytest.mark.parametrize("name", ["Q5.3", "UQ3.2", "Q2.0", "Q-1.6", "UQ0.8"])
def test_fixed_formats_too(name):
    fmt = parse(name)
    values = np.arange(-70, 70, 1 / 128)
    values = np.concatenate([values, values * fmt.bits, np.nextafter(values, np.inf)])
    unlimited = parse(f"Q40.{fmt.fraction_bits}") if fmt.fraction_bits >= 0 else None
    code = np.round(values * 2.0**fmt.fraction_bits) if unlimited is None else unlimited.quantise(values)
    clipped = (code < fmt.lowest_code) | (code > fmt.highest_code)
    statistics = RowStatistics(formats=(name,))
    statistics.update(values.reshape(-1, 1))
    got = statistics.report()["formats"][name]
    assert round(got["overflow"] * len(values)) == clipped.sum() > 0
    assert round(got["underflow"] * len(values)) == ((code == 0) & (values != 0)).sum()
    assert round(got["inexact"] * len(values)) == (fmt.round(values) != values).sum()


def test_digits_of_values():
    values = np.array([1.0, 1.5, -1.25, 3.0, 2.0**-126, 2.0**-149, 1 / 3, np.float32(1 / 3)])
    exponent, significant = digits(values)
    assert exponent.tolist() == [0, 0, 0, 1, -126, -126, -2, -2]
    assert significant.tolist() == [1, 2, 3, 2, 1, 24, 25, 24]


@pytest.mark.parametrize(
    ("values", "name", "bits"),
    [
        ([0.0], "fp16", 0),
        ([1.0], "fp16", 1),  # one exponent beside zero
        ([1.0, 1.5], "fp16", 2),
        ([1.0, 1.5, -2.0], "fp16", 4),  # sign, two binades and zero, one fraction bit
        ([0.25, 0.5, 1.0], "fp16", 2),
        ([1 + 2**-20], "fp16", 11),
        ([0.125, 1.0], "Q5.3", 4),
        ([1.0, 2.0], "Q5.3", 2),
        ([-1.0, 1.0], "Q5.3", 2),
        ([-16.0], "Q5.3", 1),
        ([100.0, 0.001], "Q5.3", 2),  # clipped: the highest bits, down to the last that 100 has; flushed: none
        ([3.0, 0.5], "UQ2.2", 3),
    ],
)
def test_bits_that_are_used(values, name, bits):
    statistics = RowStatistics(formats=(name,))
    statistics.update(np.array(values).reshape(-1, 1))
    assert statistics.report()["formats"][name]["bits_used"] == bits


def test_nothing_seen_uses_nothing():
    assert Digits().bits_used(limits("fp16"), 0.0, 0.0) == 0


def test_a_format_without_a_grid_is_refused():
    message = (
        "format decimal(3) has no power-of-two grid to compare with; give fixed or float formats such as Q5.3 or fp16"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        RowStatistics(formats=("decimal(3)",))
