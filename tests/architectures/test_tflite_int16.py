"""TensorFlow Lite's 16-bit softmax against its reference kernel."""

from __future__ import annotations

import math

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

from narrowmax.architectures.tflite_int16 import entries
from narrowmax.designs import design
from narrowmax.engines import array
from narrowmax.errors import DesignError

SCALES = [
    (0.000244140625, 1.0),
    (0.001, 1.0),
    (0.0001, 0.7),
    (0.0000305, 1.0),
    (0.00471, 2.3),
    (0.0003, 5.5),
    (1.0, 4.0),
]
DESIGNS = [design(f"tflite_int16(scale={scale}, beta={beta})") for scale, beta in SCALES]


def kernel(found):
    """The oracle: TensorFlow Lite's reference kernel on the elements that are present."""
    return litert.on_present(
        lambda rows: litert.softmax(
            rows.astype(np.int16), found.input.scale, 0, found.parameters["beta"], (np.int16, 1 / 32768, 0)
        )
    )


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestKernel:
    def test_in_number(self, found):
        """160,000 elements of each of seven designs, rows of 1 to 1,000."""
        assert assert_equal(found, kernel(found), in_number(found, 160_000)) >= 160_000

    def test_adversarial_rows(self, found):
        assert_equal(found, kernel(found), meant_to_break(found))

    def test_every_distance(self, found):
        """From a maximum, in rows of two."""
        codes = np.stack([np.full(65536, 32767), np.arange(-32768, 32768)], axis=1)
        assert_equal(found, kernel(found), [(codes, np.ones(codes.shape, bool))])


@pytest.mark.long
@pytest.mark.parametrize("found", DESIGNS, ids=str)
def test_two_million_elements(found):
    assert_equal(found, kernel(found), in_number(found, 2_000_000, seed=7))


def test_the_definition():
    """10,000 elements on the interpreter."""
    found = design("tflite_int16")
    assert_equal(found, kernel(found), in_number(found, 10_000, (1, 5, 50, 100)), by="the definition")


def test_trained_logits(shared_data):
    logits = np.load(shared_data / "wasscal_logits" / "logits_cifar100_vgg16_bn_pretrainedcy.npz")["logits"]
    found = design("tflite_int16(scale=0.001)")
    codes = found.input.quantise(logits)
    assert (found.simulate(logits) == kernel(found)(codes, np.ones(codes.shape, bool))).all()


class TestTables:
    def test_ends(self):
        """As they are published."""
        for kind in ("float64", "float32"):
            exp, reciprocal = entries("exp", kind), entries("reciprocal", kind)
            assert (len(exp), exp[:2], exp[-2:]) == (513, (2, 2), (0x7D85, 0x7FFF))
            assert (len(reciprocal), reciprocal[:2], reciprocal[-2:]) == (513, (0x7FFF, 0x7FC0), (0x4010, 0x4000))

    def test_what_the_float_changes(self):
        """Two entries of the reciprocal, by one; both lie next to a half."""
        assert entries("exp", "float64") == entries("exp", "float32")
        pairs = enumerate(zip(entries("reciprocal", "float64"), entries("reciprocal", "float32"), strict=True))
        assert [(k, a - b) for k, (a, b) in pairs if a != b] == [(160, 1), (294, -1)]
        codes, _ = next(in_number(design("tflite_int16"), 100_000, (50,)))
        values = codes / 4096
        wide, narrow = (design(f"tflite_int16(tables={kind})").simulate(values) for kind in ("float64", "float32"))
        assert 0 < np.count_nonzero(wide != narrow) < 1000

    def test_error(self):
        for k, entry in enumerate(entries("exp")[:-1]):
            assert abs(entry - 32768 * math.exp(10 * k / 512 - 10)) <= 2.2
        for k, entry in enumerate(entries("reciprocal")[:-1]):
            assert abs(entry - min(32767, 32768 / (1 + k / 512))) <= 1


class TestHazards:
    def test_far_losers_are_not_nothing(self):
        """A thousand classes 10 or more below the winner take 6 % of the sum."""
        row = np.full((1, 1001), -8.0)
        row[0, 0] = 7.9
        winner = design("tflite_int16")(row)[0, 0]
        assert 0.94 < winner < 0.95
        assert design("tflite_int16")(row)[0, 1:].sum() > 0.055

    def test_a_sum_that_rounds_up_to_a_power_of_two(self):
        """Eight maxima, 22 far losers and one e**-9.3 add up to 2**18 - 1: CMSIS-NN's cast takes it for half."""
        row = np.array([[7.9] * 8 + [-8.0] * 22 + [7.9 - 9.3]])
        found = design("tflite_int16")
        named = {w.name: w for w in found.datapath(64).wires if w.name}
        traced = array.trace(found.datapath(64), found.input.quantise(row), None)
        assert (traced[named["sum"]].item(), traced[named["m"]].item()) == (2**18 - 1, 2**17)
        assert abs(found(row).sum() - 1) < 0.001
        assert abs(design("tflite_int16(index=wrap)")(row).sum() - 2) < 0.001
        assert_equal(found, kernel(found), [(found.input.quantise(row), np.ones(row.shape, bool))])


class TestDesign:
    def test_engines_agree(self):
        assert_engines_agree(design("tflite_int16(scale=0.001)"))

    def test_verilog_agrees(self):
        assert_verilog_agrees("tflite_int16", 4_000, lanes=1)

    @pytest.mark.long
    @pytest.mark.parametrize("text", ["tflite_int16", "tflite_int16(scale=0.0000305, index=wrap)"])
    def test_verilog_agrees_at_length(self, text):
        """100,000 elements of each of two designs."""
        assert_verilog_agrees(text, 100_000)

    def test_exponentials_never_fall(self):
        """Along all 65,536 codes of the table's lines."""
        found = design("tflite_int16(scale=0.0000305)")
        codes = np.concatenate([[32767], np.arange(-32768, 32768)])[None]
        assert (np.diff(found.simulate(found.input.values(codes))[0, 1:]) >= 0).all()
        assert (np.diff(entries("exp")) >= 0).all()

    def test_raising_an_element_never_lowers_it(self):
        """All differences to 1, 3 and 7 equal others, on which alone it depends."""
        found = design("tflite_int16")
        for others in (1, 3, 7):
            for at in (-32768, 32767):
                rows = np.full((65536, 1 + others), at)
                rows[:, 0] = np.arange(-32768, 32768)
                got = found.simulate(found.input.values(rows))[:, 0]
                assert (np.diff(got) >= 0).all()
        assert "never lowers its own output" in found.entry.sections["Order"]

    def test_a_difference_beyond_32_bits_is_refused(self):
        assert design("tflite_int16(scale=1.0, beta=4.9)")(np.zeros(3)).shape == (3,)
        with pytest.raises(DesignError, match="^tflite_int16.* is not possible: overflow is forbidden"):
            design("tflite_int16(scale=1.0, beta=5.1)")

    def test_formats(self):
        found = design("tflite_int16(scale=0.001)")
        assert str(found.input) == f"int16@{float(np.float32(0.001))!r}"
        assert str(found.output) == f"int16@{1 / 32768!r}"
