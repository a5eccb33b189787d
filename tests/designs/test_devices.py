"""Designs on tensors of any device: here a processor's, handed to the functions that serve the others."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from narrowmax.designs import design, devices
from narrowmax.engines import compiled
from narrowmax.errors import DataError

X = torch.tensor(np.random.default_rng(0).normal(0, 4, (3, 4, 5)), dtype=torch.float32)
DIVIDE = design("table_divide")
MASKS = {
    "none": None,
    "all": torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)) < 0.6,
    "array": np.random.default_rng(1).random((4, 5)) < 0.6,
    "column": torch.tensor([[True], [False], [True], [True]]),
    "one": torch.tensor(True),
}


def both(found, x, axis=-1, mask=None):
    """Codes and probabilities, in lists."""
    codes = devices.simulate(found, x, axis, mask)
    return codes.tolist(), devices.probabilities(found, codes, x.shape[axis], axis, torch.float32).tolist()


@pytest.mark.parametrize("name", ["table_reciprocal", "table_divide", "softermax", "argmax"])
@pytest.mark.parametrize("mask", MASKS)
def test_equals_the_processors(name, mask, monkeypatch):
    found, mask = design(name), MASKS[mask]
    infinite = X.clone()
    infinite[0, 1, 2], infinite[2] = -math.inf, -math.inf
    cases = [(x, axis) for x in (X, infinite, X.double(), X.half(), X.bfloat16()) for axis in (0, 1, -1)]
    wanted = [(found.simulate(x, axis, mask).tolist(), found(x, axis, mask).tolist()) for x, axis in cases]
    for name in ("cpu", "numpy", "__array__"):
        monkeypatch.setattr(torch.Tensor, name, None)  # from here on nothing may leave its device
    for case, expected in zip(cases, wanted, strict=True):
        assert both(found, *case, mask) == expected


@pytest.mark.parametrize("form", ["Q5.3", "UQ3.5:floor", "Q3.2:half_up:wrap", "Q8.0:half_away"])
def test_any_fixed_point_input(form):
    found = design(f"table_divide(input={form})")
    x = X.abs() * 5
    assert devices.simulate(found, x, -1, None).equal(found.simulate(x))


def test_one_row_and_a_gradient():
    found = design("table_divide")
    codes = devices.simulate(found, X[0, 0].clone().requires_grad_(), -1, None)
    assert codes.equal(found.simulate(X[0, 0])) and not codes.requires_grad


@pytest.mark.parametrize("name, x, axis, mask", [
    ("ideal", X, -1, None),
    ("ideal(input=fp16)", X, -1, None),
    ("table_divide(input=Q5.3:forbid)", X, -1, None),
    ("table_reciprocal(input=Q5.3, exp=UQ0.24, reciprocal=UQ1.24, output=UQ0.24)", X, -1, None),
    ("table_divide", X.to(torch.int32), -1, None),
    ("table_divide", X > 0, -1, None),
    ("table_divide", torch.zeros(3, 0), -1, None),
    ("table_divide", torch.tensor(1.0), -1, None),
    ("table_divide", X, 3, None),
    ("table_divide", X, -1, torch.ones(5)),
    ("table_divide", X, -1, np.ones((2, 5), bool)),
    ("table_divide", X, -1, np.ones((1, 3, 4, 5), bool)),
    ("table_divide", torch.tensor([1.0, math.nan]), -1, None),
    ("table_divide", torch.tensor([1.0, math.inf]), -1, None),
    ("table_divide", torch.tensor([1.0, math.nan, -math.inf]), -1, torch.tensor([False, True, True])),
    ("table_divide", torch.zeros(2, 3, device="meta"), -1, None),
])  # fmt: skip
def test_what_is_left_to_the_processor(name, x, axis, mask):
    assert devices.simulate(design(name), x, axis, mask) is None


def test_what_is_masked_may_be_anything():
    x = torch.tensor([1.0, math.nan, math.inf, 0.5])
    found, mask = design("table_divide"), torch.tensor([True, False, False, True])
    assert devices.simulate(found, x, -1, mask).equal(found.simulate(x, mask=mask))


def test_probabilities_are_exact_or_left_to_the_processor():
    codes = torch.tensor([[3, 255]])
    assert devices.probabilities(design("table_divide"), codes, 2, -1, torch.float32).dtype == torch.float32
    assert devices.probabilities(design("table_divide(output=UQ8.20)"), codes, 2, -1, torch.float32) is None
    wide = devices.probabilities(design("table_divide(output=UQ8.20)"), codes, 2, -1, torch.float64)
    assert wide.tolist() == [[3 * 2.0**-20, 255 * 2.0**-20]]
    assert codes.tolist() == [[3, 255]]


class TestAllAtOnce:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32])
    @pytest.mark.parametrize("name", ["table_divide", "softermax", "argmax", "ideal(output=UQ0.8)"])
    @pytest.mark.parametrize("mask", ["none", "all", "array"])
    def test_is_what_the_codes_stand_for(self, name, dtype, mask):
        found, x = design(name), X.to(dtype)
        narrow = dtype in (torch.float16, torch.bfloat16, torch.float32)
        for axis in (0, 1, -1, 2):
            got = found(x, axis, MASKS[mask])
            assert got.dtype == (torch.float32 if narrow else torch.float64)
            codes = found.simulate(x, axis, MASKS[mask])
            assert got.tolist() == found.probabilities(codes, x.shape[axis], axis).tolist()

    @pytest.mark.parametrize("name", ["table_divide(output=UQ8.20)", "ideal(output=fp16)", "ideal(output=uint8@1/255)"])
    def test_outputs_that_float32_might_not_hold_are_float64(self, name):
        got = design(name)(X)
        assert got.dtype == torch.float64 and got.tolist() == design(name)(X.numpy()).tolist()

    def test_no_elements(self):
        for name in ("table_divide", "argmax", "ideal"):
            assert design(name)(torch.zeros(0, 5)).shape == (0, 5)
            assert design(name)(torch.zeros(3, 0)).shape == (3, 0)

    @pytest.mark.skipif(not compiled.available(), reason="the compiled engine is not built")
    def test_its_memory_is_torchs_and_the_input_is_read_where_it_lies(self, monkeypatch):
        seen = []
        direct = compiled.simulate
        monkeypatch.setattr(
            compiled,
            "simulate",
            lambda d, v, f, p, out, b: seen.append((v, out)) or direct(d, v, f, p, out, b),
        )
        got = design("table_divide")(X)
        (values, room), address = seen[0], lambda a: a.__array_interface__["data"][0]
        assert address(values) == X.data_ptr() and address(room) == got.data_ptr()

    @pytest.mark.parametrize(("x", "axis"), [(X, 3), (torch.tensor(1.0), -1), (X > 0, -1), (X * 1j, -1)])
    def test_what_is_refused_is_refused_as_always(self, x, axis):
        with pytest.raises(DataError) as wanted:
            DIVIDE.simulate(x.numpy(), axis)
        with pytest.raises(DataError, match=f"^{re.escape(str(wanted.value))}$"):
            DIVIDE(x, axis)


class TestElsewhere:
    """That what lies elsewhere is served here, shown with tensors that have a device and no values."""

    @pytest.fixture(autouse=True)
    def served(self, monkeypatch):
        """The answer of `devices.simulate`, for tensors that it could not read."""
        self.codes = torch.zeros(2, 3, dtype=torch.int64, device="meta")
        monkeypatch.setattr(devices, "simulate", lambda *given: self.codes)

    def test_codes(self):
        assert DIVIDE.simulate(torch.zeros(2, 3, device="meta")) is self.codes

    def test_probabilities(self):
        got = DIVIDE(torch.zeros(2, 3, device="meta"))
        assert (got.device.type, got.dtype, got.shape) == ("meta", torch.float32, (2, 3))

    def test_not_where_there_is_room_on_the_processor(self):
        with pytest.raises(NotImplementedError, match="meta"):
            DIVIDE.simulate(torch.zeros(2, 3, device="meta"), out=torch.zeros(2, 3))


@pytest.mark.parametrize("room", [torch.zeros(3, dtype=torch.bfloat16), torch.zeros(3, device="meta")])
def test_room_that_numpy_cannot_write_into_is_refused(room):
    message = f"^out is {room.dtype} on {room.device}: give a tensor on cpu of a dtype that NumPy has$"
    with pytest.raises(DataError, match=message):
        DIVIDE.simulate(torch.zeros(3), out=room)
