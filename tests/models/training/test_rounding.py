"""Formats on tensors: equal to the formats' own quantisation, value by value, random numbers included."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import FormatError
from narrowmax.formats import ROUNDINGS, parse
from narrowmax.models.training.grids import beyond, ends
from narrowmax.models.training.rounding import rounded, spacing

FIXED = ("Q2.6", "Q-2.10", "UQ0.8", "Q5.11", "Q8.-2", "Q1.0", "Q20.20", "Q1.30", "UQ24.0")
FLOATS = ("fp16", "bf16", "e4m3", "e5m2", "fp32", "float(5,1)", "float(2,3)", "float(4,3)", "float(8,10)")
AFFINE = ("int8@0.0471", "uint8@0.1:128", "int8@1/256", "int4@0.3:-3", "int16@1e-5")
OTHER = ("decimal(3)", "Q2.6:wrap", "fp16:infinity", "e4m3:infinity", "float(5,1):infinity")
RANDOM = np.random.default_rng(5)


def values(text: str, dtype: type) -> np.ndarray:
    """Finite numbers of every size, and the ties and ends of the format."""
    form = parse(text)
    step = float(form.step)
    sizes = np.repeat(2.0 ** np.arange(-30.0, 20.0, 2), 30)
    low, high = (max(e, -1e30) if e < 0 else min(e, 1e30) for e in ends(form))
    edges = [high, low, high + step / 2, high * 1.04, low * 1.04, 0.0, -0.0, 1e-40, -1e-40]
    ties = (RANDOM.integers(-300, 300, 200) + 0.5) * step
    return np.concatenate([RANDOM.normal(size=len(sizes)) * sizes, ties, edges]).astype(dtype)


def agrees(text: str, x: np.ndarray, random: np.ndarray | None = None) -> None:
    form = parse(text)
    expected = form.round(x, random)
    found = rounded(form, torch.from_numpy(x), None if random is None else torch.from_numpy(random))
    with np.errstate(over="ignore"):
        assert np.array_equal(found.numpy(), expected.astype(x.dtype), equal_nan=True), text
    assert found.dtype == torch.from_numpy(x).dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rounding", [word for word in ROUNDINGS if word != "stochastic"])
@pytest.mark.parametrize("text", FIXED + FLOATS + AFFINE + OTHER)
def test_deterministic(text, rounding, dtype):
    agrees(f"{text}:{rounding}", values(text, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", FIXED + FLOATS + AFFINE + OTHER)
def test_stochastic_with_the_same_random_numbers(text, dtype):
    x = values(text, dtype)
    for width in (np.float32, np.float64):
        random = RANDOM.random(x.shape).astype(width)
        random[random == 1] = 0
        random[::7] = 0
        random[1::7] = 0.5
        random[2::7] = np.nextafter(width(1), width(0))
        agrees(f"{text}:stochastic", x, random)


def test_every_float16_in_every_float_format():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)].astype(np.float32)
    for text, rounding in product(FLOATS, ("half_even", "floor", "half_away")):
        agrees(f"{text}:{rounding}", every)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=8), st.sampled_from(FIXED + FLOATS + AFFINE))
def test_as_hypothesis_draws_them_infinities_included(numbers, text):
    agrees(text, np.array(numbers, np.float32))


def test_infinities_meet_the_overflow_word():
    x = np.array([np.inf, -np.inf, 70000.0, -70000.0], np.float32)
    for text in ("fp16", "fp16:infinity", "fp16:toward_zero:infinity", "fp16:floor:infinity", "e4m3:infinity", "Q2.6"):
        agrees(text, x)


def test_nan_stays_nan_in_every_format():
    x = torch.tensor([float("nan"), 1.0])
    for text in FIXED + FLOATS + AFFINE + OTHER:
        found = rounded(parse(text), x)
        assert found.isnan().tolist() == [True, False] or text == "e4m3:infinity"


def test_half_precision_is_rounded_as_float32():
    x = torch.tensor([0.3, -7.9, 100.0], dtype=torch.bfloat16)
    found = rounded(parse("Q5.3"), x)
    assert found.dtype == torch.bfloat16
    assert found.tolist() == parse("Q5.3").round(x.double().numpy()).tolist()


def test_the_input_is_left_as_it_is():
    for text in FIXED + FLOATS + AFFINE + OTHER:
        x = torch.tensor([1.3, -2.7, 99.0])
        rounded(parse(text), x).add_(1)
        assert x.equal(torch.tensor([1.3, -2.7, 99.0]))


@pytest.mark.parametrize("text", FIXED + FLOATS + AFFINE)
def test_stochastic_rounding_is_right_on_average(text):
    form = parse(f"{text}:stochastic")
    x = torch.full((40_000,), min(0.3, 0.77 * float(form.highest)) if form.highest else -0.3)
    generator = torch.Generator().manual_seed(1)
    found = rounded(form, x, torch.rand(x.shape, generator=generator)).double()
    step = float(torch.as_tensor(spacing(form, x)).max())
    assert abs(found.mean() - x.double().mean()) < 5 * step / np.sqrt(len(x))


def test_what_a_format_refuses_is_refused():
    with pytest.raises(FormatError, match="^100 is outside Q5.3:forbid"):
        rounded(parse("Q5.3:forbid"), torch.tensor([1.0, 100.0]))
    for text in ("Q5.3:stochastic", "fp16:stochastic", "int8@0.1:stochastic"):
        with pytest.raises(FormatError, match="^stochastic rounding has no random numbers"):
            rounded(parse(text), torch.tensor([1.0]))


def test_spacing_is_the_distance_to_the_next_value():
    x = torch.tensor([0.0, 1.0, 1.5, 3.0, -100.0, 1e-9])
    for text in ("fp16", "bf16", "e5m2"):
        form = parse(text)
        at = rounded(form, x)
        gap = torch.as_tensor(spacing(form, at))
        assert rounded(form, at + gap).equal(at + gap)
        assert rounded(parse(f"{text}:toward_zero"), (at.abs() + gap * 0.99) * 1).equal(at.abs())
    assert spacing(parse("Q2.6"), x) == 2**-6


def test_beyond_the_ends():
    assert beyond(parse("Q2.6"), torch.tensor([-2.1, -2.0, 0.0, 1.984375, 1.99])).tolist() == [1, 0, 0, 0, 1]
    assert not beyond(parse("decimal(2)"), torch.tensor([1e30])).any()
