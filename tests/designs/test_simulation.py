"""Values in, codes out: shapes, kinds, masks, and what is refused."""

from __future__ import annotations

import re

import ml_dtypes
import numpy as np
import pytest
import torch

from narrowmax import reference
from narrowmax.designs import design
from narrowmax.engines import array, interpret
from narrowmax.errors import DataError, DesignError

DIVIDE = design("table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)")
WIDE = design("table_divide(input=Q5.3, exp=UQ0.24, output=UQ0.24)")
ROWS = np.random.default_rng(0).normal(0, 4, (6, 7))


def expected(found, row, mask=None) -> list[int]:
    """One row of values by the definition."""
    here = [True] * len(row) if mask is None else list(mask)
    codes = [found.input.encode(float(v)) if takes_part else 0 for v, takes_part in zip(row, here, strict=True)]
    return interpret.run(found.datapath(len(row)), codes, here)


def test_equals_the_definition_row_by_row():
    assert DIVIDE.simulate(ROWS).tolist() == [expected(DIVIDE, row) for row in ROWS]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_any_axis(axis):
    x = np.random.default_rng(1).normal(0, 4, (3, 4, 5))
    moved = np.moveaxis(x, axis, -1)
    assert (np.moveaxis(DIVIDE.simulate(x, axis=axis), axis, -1) == DIVIDE.simulate(moved)).all()
    assert np.moveaxis(DIVIDE.simulate(moved), -1, axis).shape == x.shape


def test_one_row_without_other_axes():
    assert DIVIDE.simulate(ROWS[0]).tolist() == expected(DIVIDE, ROWS[0])


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0,), (2, 0, 4)])
@pytest.mark.parametrize("name", ["table_divide", "softermax", "ideal"])
def test_empty_arrays(shape, name):
    assert design(name).simulate(np.zeros(shape)).shape == shape


def test_masks_and_infinities_are_one():
    mask = np.random.default_rng(2).random(ROWS.shape) < 0.6
    mask[2] = False
    wanted = [expected(DIVIDE, row, here) for row, here in zip(ROWS, mask, strict=True)]
    assert DIVIDE.simulate(ROWS, mask=mask).tolist() == wanted
    assert DIVIDE.simulate(np.where(mask, ROWS, -np.inf)).tolist() == wanted
    assert DIVIDE.simulate(np.where(mask, ROWS, np.nan), mask=mask).tolist() == wanted
    assert not DIVIDE(ROWS, mask=mask)[2].any()


def test_a_mask_broadcasts():
    mask = np.array([True, False, True, True, True, False, True])
    assert (DIVIDE.simulate(ROWS, mask=mask) == DIVIDE.simulate(ROWS, mask=np.tile(mask, (6, 1)))).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int8, np.int64, np.uint8, ml_dtypes.bfloat16])
def test_numbers_of_any_type_are_values(kind):
    if kind is ml_dtypes.bfloat16:
        with pytest.raises(DataError, match="^values of type bfloat16 are not real numbers: give floats or integers$"):
            DIVIDE.simulate(ROWS.astype(kind))
        return
    x = np.abs(ROWS).astype(kind)
    assert (DIVIDE.simulate(x) == DIVIDE.simulate(x.astype(np.float64))).all()


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.int32])
def test_tensors(kind):
    x = torch.tensor(ROWS, dtype=kind)
    codes = DIVIDE.simulate(x, mask=torch.ones(7, dtype=torch.bool))
    assert isinstance(codes, torch.Tensor)
    assert codes.dtype == torch.int64
    assert codes.tolist() == DIVIDE.simulate(x.double().numpy()).tolist()
    probabilities = DIVIDE(x)
    assert isinstance(probabilities, torch.Tensor)
    assert probabilities.tolist() == (codes.double() / 256).tolist()


def test_a_tensor_with_a_gradient():
    assert DIVIDE.simulate(torch.tensor(ROWS, requires_grad=True)).tolist() == DIVIDE.simulate(ROWS).tolist()


@pytest.mark.parametrize(
    ("x", "given", "message"),
    [
        (np.array([1.0, np.nan]), {}, "nan at [1] has no softmax: give finite values, or mask it"),
        (np.array([[1.0], [np.inf]]), {}, "inf at [1, 0] has no softmax: give finite values, or mask it"),
        (np.float64(3), {}, "values of shape () have no axis -1: a row lies along one of their axes"),
        (np.zeros((2, 3)), {"axis": 2}, "values of shape (2, 3) have no axis 2: a row lies along one of their axes"),
        (np.array([True]), {}, "values of type bool are not real numbers: give floats or integers"),
        (np.array([1j]), {}, "values of type complex128 are not real numbers: give floats or integers"),
        (np.array(["a"]), {}, "values of type <U1 are not real numbers: give floats or integers"),
        (
            np.zeros(2),
            {"mask": np.zeros(2)},
            "a mask of type float64 is refused: give booleans, true where an element takes part",
        ),
        (
            np.zeros(2),
            {"mask": np.zeros(3, bool)},
            "a mask of shape (3,) does not fit values of shape (2,): give one that does",
        ),
    ],
)
@pytest.mark.parametrize("name", ["table_divide", "ideal"])
def test_what_is_refused(x, given, message, name):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        design(name).simulate(x, **given)


def test_a_row_too_long_for_the_design_is_refused():
    with pytest.raises(DesignError, match="takes rows of up to 15 elements, not 16"):
        design("argmax(output=UQ4.0)").simulate(np.zeros((2, 16)))
    assert design("argmax(output=UQ4.0)").simulate(np.zeros((2, 15))).tolist() == [[0], [0]]


def test_wires_too_wide_for_arrays_are_held_elsewhere():
    """Half-even division of 24-bit words multiplies beyond 62 bits, which arrays refuse."""
    found = design("table_divide(input=Q5.3, exp=UQ0.24, output=UQ0.24)")
    assert array.holds(DIVIDE.datapath(8))
    assert not array.holds(found.datapath(1 << 20))
    wide = design("table_reciprocal(input=Q5.3, exp=UQ0.24, reciprocal=UQ1.24, output=UQ0.24)")
    assert not array.holds(wide.datapath(8))
    mask = np.random.default_rng(3).random(ROWS.shape) < 0.7
    wanted = [expected(wide, row, here) for row, here in zip(ROWS, mask, strict=True)]
    assert wide.simulate(ROWS, mask=mask).tolist() == wanted
    assert wide.simulate(np.zeros((0, 3))).shape == (0, 3)


class TestIdeal:
    @pytest.mark.parametrize("form", ["fp32", "fp16", "bf16", "e4m3", "Q5.3", "int8@0.0625", "decimal(1)"])
    def test_is_the_reference_between_two_formats(self, form):
        found = design(f"ideal(input={form}, output=UQ0.12)")
        wanted = reference.codes(found.input.round(ROWS), found.output)
        assert (found.simulate(ROWS) == wanted).all()
        assert (found(ROWS) == found.output.values(wanted)).all()

    @pytest.mark.parametrize("form", ["fp16", "UQ0.8", "uint8@1/255", "decimal(3)"])
    def test_any_output(self, form):
        got = design(f"ideal(input=fp32, output={form})")(ROWS)
        assert np.abs(got - reference.softmax(ROWS.astype(np.float32))).max() <= 0.003

    def test_masks(self):
        found, mask = design("ideal(input=Q5.3:half_even:forbid, output=UQ0.8)"), np.arange(42).reshape(6, 7) % 3 > 0
        codes = found.simulate(np.where(mask, ROWS, -np.inf))
        assert (codes == found.simulate(ROWS, mask=mask)).all()
        assert not codes[~mask].any()

    def test_tensors(self):
        codes = design("ideal").simulate(torch.tensor(ROWS))
        assert codes.tolist() == design("ideal").simulate(ROWS).tolist()


class TestArgmax:
    found = design("argmax(input=Q5.3)")

    def test_the_axis_is_kept_with_length_one(self):
        assert self.found.simulate(ROWS).tolist() == self.found.input.quantise(ROWS).argmax(axis=1)[:, None].tolist()
        assert self.found.simulate(ROWS, axis=0).shape == (1, 7)
        assert self.found.simulate(np.zeros((3, 0))).tolist() == [[65535]] * 3

    def test_its_probabilities_are_one_hot(self):
        got = self.found(ROWS)
        assert got.shape == ROWS.shape
        assert (got.sum(axis=1) == 1).all()
        assert (got.argmax(axis=1) == self.found.input.quantise(ROWS).argmax(axis=1)).all()
        across = self.found(ROWS, axis=0)
        assert across.shape == ROWS.shape
        assert (across.sum(axis=0) == 1).all()

    def test_nothing_present_is_a_row_of_zeros(self):
        mask = np.ones(ROWS.shape, bool)
        mask[3] = False
        assert self.found.simulate(ROWS, mask=mask)[3].tolist() == [65535]
        assert self.found(ROWS, mask=mask)[3].tolist() == [0] * 7

    def test_tensors(self):
        got = self.found(torch.tensor(ROWS))
        assert isinstance(got, torch.Tensor)
        assert got.tolist() == self.found(ROWS).tolist()

    def test_what_is_refused(self):
        with pytest.raises(DataError, match="gives one index for each row: say of how many elements with n=$"):
            self.found.probabilities(np.zeros((2, 1), int))
        message = (
            "^indices of argmax are integers with the axis kept at length 1, and these are int64 of shape "
            r"\(2, 3\): give what simulate returned$"
        )
        with pytest.raises(DataError, match=message):
            self.found.probabilities(np.zeros((2, 3), int), n=3)
