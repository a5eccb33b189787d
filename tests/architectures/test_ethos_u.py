"""The Ethos-U's softmax against TensorFlow Lite's reference kernel, and against `tflite_int8`."""

from __future__ import annotations

import pytest
from tests.architectures.against import (
    assert_engines_agree,
    assert_equal,
    assert_verilog_agrees,
    in_number,
    meant_to_break,
)
from tests.architectures.litert import kernel, taken

from narrowmax.designs import design
from narrowmax.errors import DesignError


@pytest.mark.parametrize("text", ["(scale=0.0471)", "(scale=0.5, beta=3.0)", "(kind=uint8, scale=0.1308)"])
def test_it_is_the_kernel(text):
    """400,000 elements of each of three designs, and rows meant to break."""
    found = design(f"ethos_u{text}")
    assert_equal(found, kernel(found), taken(found, in_number(found, 400_000, seed=3)))
    assert_equal(found, kernel(found), taken(found, meant_to_break(found)))


@pytest.mark.parametrize("scale", [0.0001, 0.0625, 0.2, 5.0])
def test_it_is_the_function_of_tflite_int8(scale):
    """Also where the kernel ends the program, and so in all that the other's page says."""
    by_table, by_steps = design(f"ethos_u(scale={scale})"), design(f"tflite_int8(scale={scale})")
    for codes, present in in_number(by_table, 50_000):
        values = by_table.input.values(codes)
        assert (by_table.simulate(values, mask=present) == by_steps.simulate(values, mask=present)).all()
    assert "the same function as `tflite_int8`" in by_table.entry.sections["Order"]


def test_engines_agree():
    assert_engines_agree(design("ethos_u(kind=uint8, scale=0.11)"))


def test_verilog_agrees():
    assert_verilog_agrees("ethos_u(kind=uint8)", 4_000, lanes=1)


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_verilog_agrees_at_length(lanes):
    assert_verilog_agrees("ethos_u", 100_000, lanes=lanes)


def test_a_zero_point_is_a_code():
    with pytest.raises(DesignError, match="^ethos_u.* is not possible: .*zero point at -1: it must be a code"):
        design("ethos_u(kind=uint8, zero_point=-1)")
