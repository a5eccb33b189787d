"""simulate's `out`: every dtype, any memory, also that of the values; and simulation without the extension."""

# ruff: noqa: E501  (cases stand one to a line)

from __future__ import annotations

import re
import sys
import warnings

import numpy as np
import pytest
import torch

from narrowmax.designs import design, simulation
from narrowmax.engines import compiled
from narrowmax.errors import DataError

DIVIDE = design("table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)")
FLOATS = design("ideal(input=fp32, output=fp16)")
INDEX = design("argmax(output=UQ16.0)")
ROWS = np.random.default_rng(0).normal(0, 4, (60, 7))
HIDDEN = np.where(np.random.default_rng(1).random(ROWS.shape) < 0.3, -np.inf, ROWS)
INTEGERS = ["u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u2"]
REALS = ["f2", "f4", "f8", "g", ">f4", ">f8"]


@pytest.fixture(params=["compiled", "array"], autouse=True)
def engine(request, monkeypatch):
    if request.param == "array":
        monkeypatch.setattr(compiled, "available", lambda: False)
    elif not compiled.available():
        pytest.skip("the compiled engine is not built")


@pytest.mark.parametrize("values", [ROWS, HIDDEN], ids=["all", "some hidden"])
@pytest.mark.parametrize("dtype", [*INTEGERS, *REALS])
def test_every_dtype(dtype, values):
    out = np.zeros(values.shape, dtype)
    codes = DIVIDE.simulate(values)
    assert DIVIDE.simulate(values, out=out) is out
    assert np.array_equal(out, codes if out.dtype.kind != "f" else (codes / 256).astype(dtype))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64, torch.float16, torch.float32, torch.float64])
def test_tensors(dtype):
    out, codes = torch.zeros(ROWS.T.shape, dtype=dtype).T, DIVIDE.simulate(ROWS)
    assert DIVIDE.simulate(torch.tensor(ROWS), out=out) is out
    assert out.tolist() == (codes / 256 if dtype.is_floating_point else codes).tolist()


@pytest.mark.parametrize("values", [ROWS, HIDDEN], ids=["all", "some hidden"])
@pytest.mark.parametrize("shift", [-8, -1, 0, 1, 7, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_out_may_lie_where_the_values_lie(dtype, shift, values):
    """Values are read twice where some take no part, and rows are written while others wait."""
    start = max(0, -shift)
    memory = np.zeros(values.size + abs(shift), dtype)
    x = memory[start : start + values.size].reshape(values.shape)
    out = memory[start + shift :][: values.size].reshape(values.shape)
    x[:] = values
    expected = DIVIDE(x)
    assert np.array_equal(DIVIDE.simulate(x, out=out), expected)


def test_out_may_lie_where_the_mask_lies():
    mask = np.random.default_rng(2).random(ROWS.shape) < 0.5
    expected = DIVIDE.simulate(ROWS, mask=mask)
    assert np.array_equal(DIVIDE.simulate(ROWS, mask=mask, out=mask.view(np.uint8)), expected)


def test_any_memory(tmp_path):
    expected = DIVIDE.simulate(ROWS)
    for out in (np.zeros((60, 14), int)[:, ::2], np.zeros((60, 7), int)[::-1, ::-1], np.zeros((7, 60), int).T):
        assert np.array_equal(DIVIDE.simulate(ROWS, out=out), expected)
    x = np.memmap(tmp_path / "x", "f8", "w+", shape=ROWS.shape)
    x[:] = ROWS
    x.flush()
    x = np.memmap(tmp_path / "x", "f8", "r", shape=ROWS.shape)
    out = np.memmap(tmp_path / "out", "u1", "w+", shape=ROWS.shape)
    DIVIDE.simulate(x, out=out)
    assert np.array_equal(out, expected)
    assert np.array_equal(DIVIDE.simulate(ROWS[::-1, ::-1]), DIVIDE.simulate(ROWS[::-1, ::-1].copy()))
    assert np.array_equal(DIVIDE.simulate(ROWS.astype(">f4")), DIVIDE.simulate(ROWS.astype("f4")))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis(axis):
    out = np.zeros(ROWS.shape, np.uint8)
    assert np.array_equal(DIVIDE.simulate(ROWS, axis=axis, out=out), DIVIDE.simulate(ROWS, axis=axis))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (1, 1), (60, 1), (1, 7), (60, 7)])
def test_masks_of_every_shape_that_broadcasts(shape):
    mask = np.random.default_rng(3).random(shape) < 0.5
    expected = DIVIDE.simulate(np.where(mask, ROWS, -np.inf))
    assert np.array_equal(DIVIDE.simulate(ROWS, mask=mask), expected)
    assert np.array_equal(DIVIDE.simulate(np.where(mask, ROWS, np.nan), mask=mask), expected)


def test_indices():
    x = np.zeros((4, 300))
    x[:3, -1] = 1
    x[3] = -np.inf
    for dtype in (np.uint16, np.int32, np.int64):
        out = np.zeros((4, 1), dtype)
        assert INDEX.simulate(x, out=out).ravel().tolist() == [299, 299, 299, 65535]
    out = np.zeros((3, 1), np.uint16)
    assert INDEX.simulate(np.zeros((3, 0)), out=out).tolist() == [[65535]] * 3


def test_designs_without_hardware():
    codes = FLOATS.simulate(ROWS)
    for dtype in (np.uint16, np.int64):
        assert np.array_equal(FLOATS.simulate(ROWS, out=np.zeros(ROWS.shape, dtype)), codes)
    assert np.array_equal(FLOATS.simulate(ROWS, out=np.zeros(ROWS.shape)), FLOATS(ROWS))


@pytest.mark.parametrize(
    ("found", "out", "message"),
    [
        (DIVIDE, np.zeros((60, 7), np.int8), "out is int8, and codes of UQ0.8 are 0 to 255: give a wider one"),
        (INDEX, np.zeros((60, 1), np.int16), "out is int16, and codes of UQ16.0 are 0 to 65535: give a wider one"),
        (FLOATS, np.zeros((60, 7), np.int16), "out is int16, and codes of fp16 are 0 to 65535: give a wider one"),
        (DIVIDE, np.broadcast_to(np.zeros(7), (60, 7)), "out is read-only: give an array or a tensor that can be written to"),
        (DIVIDE, [[0] * 7] * 60, "out is a list: give an array or a tensor that can be written to"),
        (DIVIDE, np.zeros((7, 60)), "out is float64 of shape (7, 60), and the result is (60, 7): give integers for codes, floats for probabilities"),
        (DIVIDE, np.zeros((60, 7), bool), "out is bool of shape (60, 7), and the result is (60, 7): give integers for codes, floats for probabilities"),
    ],
)  # fmt: skip
def test_what_is_refused(found, out, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        found.simulate(ROWS, out=out)


class TestWithoutTheExtension:
    def test_it_is_told_once_where_simulation_is_long(self, monkeypatch):
        monkeypatch.setattr(compiled, "available", lambda: False)
        monkeypatch.setattr(simulation, "_LONG", 100)
        compiled.tell.cache_clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            DIVIDE.simulate(ROWS[:3])
            assert not caught
            for _ in range(3):
                DIVIDE.simulate(ROWS)
        compiled.tell.cache_clear()
        assert [str(w.message) for w in caught] == [compiled.WHY]

    def test_it_is_found_missing_when_it_cannot_be_imported(self, monkeypatch):
        monkeypatch.undo()
        monkeypatch.setitem(sys.modules, "narrowmax.engines.compiled._native", None)
        monkeypatch.delattr(compiled, "_native", raising=False)
        compiled.available.cache_clear()
        try:
            assert not compiled.available() and compiled.instruction_set() is None
            assert np.array_equal(DIVIDE.simulate(ROWS[:2], out=np.zeros((2, 7))), DIVIDE(ROWS[:2]))
        finally:
            monkeypatch.undo()
            compiled.available.cache_clear()
