"""Values to codes on tensors: equal to the formats, in float32 and in float64."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.engines.tensors.quantising import quantise, rounded, rounded_somewhere
from narrowmax.errors import FormatError
from narrowmax.formats import Fixed, parse

MODES = ("half_even", "floor", "toward_zero", "half_up", "half_away")
WORDS = [(i, f) for i, f in product((-3, 1, 4, 9, 20, 40), (-6, -1, 0, 3, 11, 20)) if 1 <= i + f <= 53]
EDGES = (0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 0.49999997, -0.49999997, 1e-45, -1e-45, 3.4e38, -3.4e38)


def values(form: Fixed, dtype: type) -> np.ndarray:
    """Finite floats of every size, ties of the format among them."""
    random = np.random.default_rng(form.bits)
    sizes = np.repeat(2.0 ** np.array([-140, -40, -8, -1, 0, 3, 8, 20, 60, 120]), 20)
    ties = (random.integers(-1000, 1000, 100) + 0.5) * 2.0**-form.fraction_bits
    tiny = (5e-324, -5e-324, 1e-310, -1e-200, 1e300, -1e300) if dtype is np.float64 else ()
    return np.concatenate([random.normal(size=200) * sizes, ties, EDGES, tiny]).astype(dtype)


def agrees(form: Fixed, x: np.ndarray) -> None:
    codes = form.quantise(x)
    found = quantise(form, torch.from_numpy(x))
    assert found.dtype == torch.int64 and np.array_equal(found.numpy(), codes), form
    back = rounded(form, torch.from_numpy(x)).numpy()
    assert back.dtype == x.dtype and np.array_equal(back, form.values(codes).astype(x.dtype)), form
    somewhere = rounded_somewhere(form, torch.from_numpy(x)).numpy()
    assert somewhere.dtype == x.dtype and np.array_equal(somewhere - somewhere[0], back - back[0]), form


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("mode", MODES)
def test_fixed_point_of_every_mode_and_size(mode, overflow, dtype):
    for (integer, fraction), signed in product(WORDS, (True, False)):
        form = Fixed(integer, fraction, signed, mode, overflow)
        agrees(form, values(form, dtype))


@pytest.mark.parametrize("mode", MODES)
def test_every_float16(mode):
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)]
    form = parse(f"Q5.3:{mode}")
    found = quantise(form, torch.from_numpy(every))
    assert np.array_equal(found.numpy(), form.quantise(every))
    assert np.array_equal(rounded(form, torch.from_numpy(every)).numpy(), form.round(every).astype(np.float16))


def test_bfloat16_is_taken():
    x = torch.tensor([0.3, -7.9, 100.0], dtype=torch.bfloat16)
    assert quantise(parse("Q5.3"), x).tolist() == parse("Q5.3").quantise(x.double().numpy()).tolist()
    assert rounded(parse("Q5.3"), x).dtype == torch.bfloat16


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8),
    st.integers(-3, 20),
    st.integers(-6, 20),
    st.booleans(),
    st.sampled_from(MODES),
    st.sampled_from(["saturate", "wrap"]),
)
def test_as_hypothesis_draws_them(numbers, integer, fraction, signed, mode, overflow):
    if integer + fraction >= 1:
        agrees(Fixed(integer, fraction, signed, mode, overflow), np.array(numbers))


@pytest.mark.parametrize("text", ["e4m3", "fp16", "int8@0.0471", "decimal(2)", "Q40.20", "Q-150.160", "UQ30.0"])
def test_formats_without_a_twin_go_through_numpy_and_wide_words_through_float64(text):
    x, form = np.array([0.3, -1.7, 2.5, 1e-5]), parse(text)
    codes = form.quantise(x)
    assert quantise(form, torch.from_numpy(x)).tolist() == codes.tolist()
    assert rounded(form, torch.from_numpy(x)).tolist() == form.values(codes).tolist()
    assert quantise(form, torch.from_numpy(x).float()).tolist() == form.quantise(x.astype(np.float32)).tolist()


def test_what_the_format_refuses_is_refused():
    with pytest.raises(FormatError, match="^100 is outside Q5.3:forbid"):
        quantise(parse("Q5.3:forbid"), torch.tensor([1.0, 100.0]))
    assert quantise(parse("Q5.3:forbid"), torch.tensor([1.0])).tolist() == [8]
    with pytest.raises(FormatError, match="^stochastic rounding has no random numbers"):
        quantise(parse("Q5.3:stochastic"), torch.tensor([1.0]))


def test_nothing_is_read_and_the_input_is_left_as_it_is():
    for text in ("Q5.3", "Q5.3:floor:wrap", "Q8.-2:floor", "UQ4.4:half_away", "Q5.20:half_up"):
        assert quantise(parse(text), torch.empty(3, 4, device="meta")).device.type == "meta"
        assert rounded(parse(text), torch.empty(3, 4, device="meta")).device.type == "meta"
        x = torch.tensor([1.3, -2.7, 99.0])
        quantise(parse(text), x)
        assert x.equal(torch.tensor([1.3, -2.7, 99.0]))
