"""I-BERT's softmax against the module of its authors in float64, and against its published steps in plain integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.architectures.against import (
    assert_engines_agree,
    assert_equal,
    assert_verilog_agrees,
    in_number,
    meant_to_break,
)
from tests.architectures.restated.ibert import ibert as restated
from transformers.models.ibert.quant_modules import IntSoftmax

from narrowmax.architectures.ibert import LARGEST, Constants
from narrowmax.designs import design
from narrowmax.errors import DesignError

DESIGNS = [
    design(text)
    for text in (
        "ibert",
        "ibert(bits=20, scale=0.0003, ratio=38, output_bits=12)",
        "ibert(bits=5, scale=0.7, output_bits=5)",
        "ibert(bits=10, scale=0.0213, range=0.7)",
        "ibert(bits=9, scale=0.05, range=2.0, ratio=50, output_bits=9)",
    )
]
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")
FAR = -(1 << 26)  # where a mask puts an element


def constants(found) -> Constants:
    return Constants.of(*(found.parameters[name] for name in ("scale", "range", "ratio")))


def scale_of_exponentials(found) -> float:
    """What a checkpoint stores for one step of the 16 bits: its range over 32,767, in float32."""
    return float(np.float32(found.parameters["range"] * constants(found).c * 2.0**30) / np.float32(LARGEST))


def module(found, dtype=torch.float64):
    """IntSoftmax with the range that a checkpoint holds.

    In float64 it computes all but one product without rounding: a code times a scale of 24 bits, over that scale, is
    the code again, and so are the 16 bits.
    """
    scale = float(found.input.step)
    softmax = IntSoftmax(found.parameters["output_bits"], quant_mode=True).eval()
    softmax.act.x_max = torch.tensor([scale_of_exponentials(found) * LARGEST], dtype=dtype)
    softmax.act.x_min = torch.zeros(1, dtype=dtype)

    def run(codes, present):
        x = torch.tensor(np.where(present, codes, FAR), dtype=dtype) * scale
        y = softmax(x[None], torch.tensor([scale], dtype=dtype))[0][0]
        return np.where(present, (y.numpy() * 2.0 ** found.parameters["output_bits"]).astype(np.int64), 0)

    return run


def in_integers(found):
    """The restated steps, with the requantisation that the module's code has."""
    p = found.parameters
    bound = Fraction(scale_of_exponentials(found)) * LARGEST

    def run(codes, present):
        rows = [
            restated(c, m, scale=found.input.step, output_bits=p["output_bits"], requantise="dyadic",
                     stored_range=bound)
            for c, m in zip(codes.tolist(), present.tolist(), strict=True)
        ]  # fmt: skip
        return np.array(rows)

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps:
    def test_a_million_elements(self, found):
        """1,000,000 elements and the adversarial rows on the fastest engine, with the module."""
        assert assert_equal(found, module(found), in_number(found, 1_000_000)) >= 1_000_000
        assert_equal(found, module(found), meant_to_break(found))

    def test_the_definition(self, found):
        """10,000 elements, with the module."""
        rows = in_number(found, 10_000, (3, 16, 40, 200), seed=2)
        assert assert_equal(found, module(found), rows, by="the definition") >= 10_000

    def test_restated(self, found):
        """10,000 elements, with the plain integers."""
        assert assert_equal(found, in_integers(found), in_number(found, 10_000, seed=3)) >= 10_000

    @pytest.mark.long
    def test_a_million_elements_restated(self, found):
        """1,000,000 elements and the adversarial rows, with the plain integers."""
        assert assert_equal(found, in_integers(found), in_number(found, 1_000_000, seed=4)) >= 1_000_000
        assert_equal(found, in_integers(found), meant_to_break(found))

    @pytest.mark.parametrize("name", TRAINED)
    def test_trained_logits(self, found, name, shared_data):
        logits = np.load(shared_data / "wasscal_logits" / name)["logits"]
        codes = found.input.quantise(logits)
        assert (found.simulate(logits) == module(found)(codes, np.ones(codes.shape, bool))).all()

    def test_every_difference(self, found):
        """Two elements: every difference of the input, as far as the exponentials are not 0."""
        high = found.input.highest_code
        codes = np.arange(high, max(found.input.lowest_code, high - 60_000) - 1, -1)
        codes = np.stack([np.full(len(codes), high), codes], axis=1)
        assert_equal(found, module(found), [(codes, np.ones(codes.shape, bool))])

    def test_engines(self, found):
        assert_engines_agree(found)

    @pytest.mark.long
    def test_verilog(self, found):
        assert_verilog_agrees(found.text, 100_000)


def run(row: list[float], text: str = "ibert") -> list[float]:
    return design(text)(np.array(row)).tolist()


def test_vectors():
    """Worked out by hand with the scale 1/16: unit 12, b 43, c 714; five steps down 714 - 5 * 38 = 524."""
    k = Constants.of(0.0625, 1.0, 40)
    assert (k.unit, k.b, k.c, k.largest) == (12, 43, 714, LARGEST)
    below = round(524 * LARGEST / 714)
    factor = 2**32 // (LARGEST + below)
    assert run([3.0, 3.0 - 5 / 16]) == [(LARGEST * factor >> 24) / 256, (below * factor >> 24) / 256]
    assert run([3.0, 3.0 - 30 * 12 / 16]) == [255 / 256, 0]


def test_the_parabola_is_as_close_as_published():
    """1.9e-3 of the largest at most."""
    k, p = Constants.of(1e-4, 1.0, 40), np.arange(6931)
    error = (k.c - p * (k.b - p)) / k.c - np.exp(-p * 1e-4)
    assert 1.85e-3 < np.abs(error).max() < 1.95e-3


def test_exponentials_never_rise():
    """The order of the page, by all distances with the default parameters and with 300 scales."""
    for scale in [0.0625, *np.exp(np.linspace(np.log(1e-4), np.log(1.6), 300)).tolist()]:
        k = Constants.of(scale, 1.0, 40)
        r = np.arange(k.unit + 1)
        inside = np.append((k.c - r * (k.b - r))[:-1], k.c / 2)
        assert (np.diff(inside) <= 0).all(), scale
        assert inside.min() > 0


def test_limits_of_the_page():
    k, d = Constants.of(1 / 1024, 1.0, 40), np.arange(20_000)
    z, r = np.divmod(d, k.unit)
    held = (k.c - r * (k.b - r)) * k.multiplier / 2.0**k.point / 2.0**z
    assert 11.05 < d[held >= 0.5].max() / 1024 < 11.1
    assert design("ibert(scale=1.67)")
    with pytest.raises(DesignError, match="ibert takes scales up to 1.67, beyond which c is 0"):
        design("ibert(scale=1.68)")


def test_floors_leave_little_of_flat_rows():
    assert [run([0.5] * n)[0] * 256 for n in (1, 2, 4, 128, 255, 256)] == [255, 127, 63, 1, 1, 0]


def test_the_module_in_float32_is_not_in_integers():
    """One that stands alone: 32,767 * 131,076 / 2**24 is 255.9999997, and 256 in float32."""
    alone, flag = np.array([[5]]), np.ones((1, 1), bool)
    assert module(design("ibert"), torch.float32)(alone, flag).tolist() == [[256]]
    assert module(design("ibert"))(alone, flag).tolist() == [[255]]
    assert 2.792 / 0.0004**2 > 2**24 > 2.792 / 0.00041**2


def test_an_exponential_that_is_a_power_of_two():
    """A range of two makes a maximum's exponential 16,384, and what stands alone has all."""
    assert str(design("ibert(range=2.0)").output) == "UQ1.8"
    assert run([1.0], "ibert(range=2.0)") == [1.0]
    assert run([1.0], "ibert(range=1.9)") == [255 / 256]
