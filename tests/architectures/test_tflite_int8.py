"""TensorFlow Lite's 8-bit softmax against its reference kernel."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from tests.architectures import litert
from tests.architectures.against import (
    assert_engines_agree,
    assert_equal,
    assert_verilog_agrees,
    in_number,
    meant_to_break,
)
from tests.architectures.litert import KERNELS, kernel, taken
from tests.architectures.test_every_design import own_falls

from narrowmax.architectures.gemmlowp import Scaling, exp_table
from narrowmax.designs import design
from narrowmax.errors import DesignError

SCALES = [(0.0625, 1.0), (0.1308328, 1.0), (0.0471, 0.7), (0.5, 3.0), (1.0, 1.0), (0.003, 1.0), (11.0, 20.0)]
DESIGNS = [design(f"tflite_int8(kind={kind}, scale={s}, beta={b})") for kind in KERNELS for s, b in SCALES]
ELEMENTS = 60_000  # of each design: 1.2 million in all


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestKernel:
    def test_in_number(self, found):
        """60,000 elements of each of 21 designs, rows of 1 to 1,000."""
        assert assert_equal(found, kernel(found), taken(found, in_number(found, ELEMENTS))) > ELEMENTS / 2

    def test_adversarial_rows(self, found):
        assert_equal(found, kernel(found), taken(found, meant_to_break(found)))


@pytest.mark.parametrize(("kind", "elements"), [("int8", 10_000), ("int16", 1_000), ("uint8", 1_000)])
def test_the_definition(kind, elements):
    """12,000 elements on the interpreter."""
    found = design(f"tflite_int8(kind={kind})")
    assert_equal(found, kernel(found), taken(found, in_number(found, elements, (1, 5, 50, 100))), by="the definition")


@pytest.mark.long
@pytest.mark.parametrize("found", DESIGNS, ids=str)
def test_two_million_elements(found):
    assert_equal(found, kernel(found), taken(found, in_number(found, 2_000_000, seed=7)))


@pytest.mark.parametrize(
    ("network", "differ"), [("mobilenet_v1_0.25_128_quant", 7), ("mobilenet_v2_1.0_224_quant", 19)]
)
def test_outputs_of_trained_networks(network, differ, shared_data):
    """A million elements each as the kernel has them.

    What is stored comes from the optimised kernel, of which this tells a code apart in 26 of two million.
    """
    found_in = np.load(shared_data / "coral_mobilenet_imagenet1000" / f"{network}_logits_u8.npz")
    scale, zero_point = float(found_in["scale"]), int(found_in["zero_point"])
    found = design(f"tflite_int8(kind=uint8, scale={scale}, zero_point={zero_point})")
    codes = found_in["logits_q"].astype(np.int64)
    values = (codes - zero_point) * scale
    assert (found.input.quantise(values) == codes).all()
    got = found.simulate(values)
    assert (got == kernel(found)(codes, np.ones(codes.shape, bool))).all()
    optimised = litert.softmax(found_in["logits_q"], scale, zero_point, 1.0, KERNELS["uint8"], reference=False)
    assert (optimised == found_in["probs_u8"]).all()
    above = got - found_in["probs_u8"]
    assert (np.count_nonzero(above), np.abs(above).max()) == (differ, 1)
    assert (found(values) == got / 256).all()


class TestHazards:
    @pytest.mark.parametrize("n", [512, 600, 1024])
    def test_512_equal_maxima(self, n):
        """All outputs are 0 with 8 bits; 511 have their 1/256, and 16 bits know better."""
        assert not design("tflite_int8")(np.zeros((1, n))).any()
        assert (design("tflite_int8")(np.zeros((1, 511))) == 1 / 256).all()
        assert (design("tflite_int8(kind=int16)")(np.zeros((1, n))) == round(65536 / n) / 65536).all()

    def test_the_kernel_ends_the_program_there(self):
        call = "litert.softmax(np.zeros((1, 512), np.int8), 0.0625, 0, 1.0, (np.int8, 1 / 256, -128))"
        command = [sys.executable, "-c", f"import numpy as np; from tests.architectures import litert; {call}"]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
        alive = [part.replace("512", "511") for part in command]
        subprocess.run(alive, capture_output=True, check=True)

    def test_rows_as_long_as_the_sum_allows(self):
        found = design("tflite_int8(kind=int16)")
        codes, present = np.full((1, 4095), 5), np.ones((1, 4095), bool)
        assert_equal(found, kernel(found), [(codes, present)])
        with pytest.raises(DesignError, match="takes rows of up to 4,095 elements, not 4,096: overflow is forbidden"):
            found.simulate(np.zeros((1, 4096)))

    @pytest.mark.parametrize("factor", [0.0625, 0.1, 0.11, 0.124, 1.0])
    def test_far_losers_are_skipped(self, factor):
        """From 15.5 to 31 on, as the multiplier lies in its octave."""
        least, entries = Scaling.to_scaled_differences(factor).least, exp_table(factor).entries
        assert 15.5 - factor <= -least * factor <= 31
        assert not any(entries[1 - least :])
        assert entries[min(255, -least)] / 2**31 < 1.01 * math.exp(factor - 15.5) + 2**-31


class TestExponential:
    @pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.0471, 0.0625, 0.25, 1 / 3, 1.0, 7.0, 1e6])
    def test_it_never_rises_with_the_distance(self, factor):
        entries = exp_table(factor).entries
        assert list(entries) == sorted(entries, reverse=True)
        assert entries[0] == 2**31 - 1

    @pytest.mark.parametrize("factor", [0.0471, 0.0625, 0.1])
    def test_how_near_it_is(self, factor):
        """Within 4e-7 of e**-x, relative, and what the 32-bit words lose below."""
        for k, entry in enumerate(exp_table(factor).entries[:100]):
            assert abs(entry / 2**31 - math.exp(-k * factor)) < 4e-7 * math.exp(-k * factor) + 4 / 2**31


class TestDesign:
    def test_engines_agree(self):
        assert_engines_agree(design("tflite_int8(kind=int16)"))

    @pytest.mark.long
    @pytest.mark.parametrize("text", ["tflite_int8", "tflite_int8(kind=int16)", "tflite_int8(kind=uint8, scale=0.3)"])
    def test_verilog_agrees(self, text):
        """100,000 elements of each of three designs."""
        assert_verilog_agrees(text, 100_000)

    def test_raising_an_element_never_lowers_it(self):
        assert own_falls("tflite_int8") == 0
        assert "never lowers its own" in design("tflite_int8").entry.sections["Order"]

    def test_formats(self):
        found = design("tflite_int8(scale=0.1, zero_point=-7)")
        assert str(found.input) == f"int8@{float(np.float32(0.1))!r}:-7"
        assert str(found.output) == "int8@0.00390625:-128"
        assert str(design("tflite_int8(kind=uint8, zero_point=128)").input) == "uint8@0.0625:128"
        assert str(design("tflite_int8(kind=int16)").output) == f"int16@{1 / 65536!r}:-32768"

    def test_a_zero_point_is_a_code(self):
        with pytest.raises(DesignError, match="zero point at 200: it must be a code, -128 to 127"):
            design("tflite_int8(zero_point=200)")
        with pytest.raises(DesignError, match="zero point at -1: it must be a code, 0 to 255"):
            design("tflite_int8(kind=uint8, zero_point=-1)")
