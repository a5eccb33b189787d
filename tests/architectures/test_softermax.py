"""Softermax as it was restated, the paper's and DeepWok's; how its sum ends; its published errors."""

from __future__ import annotations

import numpy as np
import pytest
from tests.architectures.against import (
    assert_engines_agree,
    assert_equal,
    assert_verilog_agrees,
    in_number,
    meant_to_break,
)
from tests.architectures.restated.softermax import softermax
from tests.architectures.rows import VARIANTS
from tests.architectures.test_as_restated import of_softermax

from narrowmax.designs import design, limits

PAPER = design("softermax(output=UQ1.7:floor)")
DEEPWOK = design("softermax(maximum=floor, pieces=8, sum=UQ10.15:floor, output=UQ1.7:floor)")
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")


def oracle(found):
    settings = of_softermax(found)
    return lambda codes, present: np.array(
        [softermax(c, p, **settings) for c, p in zip(codes.tolist(), present.tolist(), strict=True)]
    )


@pytest.mark.parametrize("found", [PAPER, DEEPWOK], ids=["paper", "DeepWok"])
class TestAsRestated:
    def test_elements(self, found):
        """20,000 elements and the adversarial rows on the fastest engine."""
        assert assert_equal(found, oracle(found), in_number(found, 20_000)) >= 20_000
        assert_equal(found, oracle(found), meant_to_break(found))

    def test_the_definition(self, found):
        """10,000 elements."""
        rows = in_number(found, 10_000, (3, 16, 40, 200), seed=2)
        assert assert_equal(found, oracle(found), rows, by="the definition") >= 10_000

    @pytest.mark.parametrize("name", TRAINED)
    def test_trained_logits(self, found, name, shared_data):
        logits = np.load(shared_data / "wasscal_logits" / name)["logits"][::50]
        codes = found.input.quantise(logits)
        assert (found.simulate(logits) == oracle(found)(codes, np.ones(codes.shape, bool))).all()


def run(text: str, row: list[float]) -> list[int]:
    return design(text).simulate(np.array(row)).tolist()


def test_vectors():
    """Worked out by hand: 2, 1 and 0.75 are 64, 32 and 26 of the sum 122 = 64 * 1.90625, whose reciprocal is 67."""
    assert run("softermax(output=UQ1.7:floor)", [2.0]) == [128]
    edges = [round(128 / (1 + k / 8)) for k in range(9)]
    r = edges[7] - ((edges[7] - edges[8]) * 4 >> 4)
    assert run("softermax(output=UQ1.7:floor)", [2.0, 1.0, 0.75]) == [
        32768 * r >> 15, 16384 * r >> 15, (55109 >> 2) * r >> 15
    ]  # fmt: skip


class TestSumsThatEnd:
    def test_1023_equal_maxima(self):
        """Each is less than half a last bit of UQ1.7; the sum holds them, and one more fills it."""
        narrow = design("softermax(output=UQ1.15:floor)")
        assert limits(narrow)["exact_row"]["value"] == 1008  # in whole chunks of 16
        held = set(narrow.simulate(np.zeros(1023)).tolist())
        wide = set(design("softermax(sum=UQ12.6:floor, output=UQ1.15:floor)").simulate(np.zeros(1023)).tolist())
        assert held == wide == {32768 // 1024}  # 1023/512 has the reciprocal 64 of 128

    @pytest.mark.parametrize("n", [1024, 1100, 4096])
    def test_1024_equal_maxima_saturate(self, n):
        """Each stays at 1/1024, where a wider sum knows better."""
        assert set(run("softermax(output=UQ1.15:floor)", [0.0] * n)) == {32}
        assert set(run("softermax(sum=UQ14.6:floor, output=UQ1.20:floor)", [0.0] * 4096)) == {2**20 // 4096}

    def test_1024_equal_maxima_wrap_to_nothing(self):
        """A sum of 0 is taken as half its last bit, and every output is at its end."""
        text = "softermax(sum=UQ10.6:floor:wrap, output=UQ1.7:floor)"
        assert set(run(text, [0.0] * 1024)) == {255}
        found = design(text)
        for n in (1023, 1024, 1025, 1100, 2048):
            codes, flags = np.zeros((1, n), int), np.ones((1, n), bool)
            assert_equal(found, oracle(found), [(codes, flags)])

    def test_what_far_terms_lose(self):
        """384 elements 2**-7 below one add up to 3; cut to 6 bits each they are nothing, in the maximum's chunk."""
        row = [0.0] + [-7.0] * 384
        for truncate, chunk, wanted in (("slice", 512, 32), ("running", 512, 32), ("addend", 512, 128)):
            assert run(f"softermax(truncate={truncate}, chunk={chunk}, output=UQ1.7:floor)", row)[0] == wanted
        assert run("softermax(truncate=addend, output=UQ1.7:floor)", row)[0] == 33  # of 3.88


def test_chords_are_up_to_0_38_percent_above():
    """2**f on 4 chords, on average 0.25 % above; in rows of a 0 and one that is f - 1."""
    found = design("softermax(input=Q2.10, reciprocal=UQ1.12, output=UQ1.24:half_up)")
    f = np.arange(1024) / 1024
    got = found(np.stack([np.zeros(1024), f - 1], axis=1))
    relative = got[:, 1] / got[:, 0] / 2 ** (f - 1) - 1
    assert relative.min() > -1e-4
    assert relative.max() == pytest.approx(0.0038, abs=1e-4)
    assert relative.mean() == pytest.approx(0.0025, abs=1e-4)


@pytest.mark.long
def test_engines():
    assert_engines_agree(DEEPWOK)


@pytest.mark.long
@pytest.mark.parametrize("text", [PAPER.text, DEEPWOK.text, *VARIANTS["softermax"][:4]])
def test_verilog(text):
    assert_verilog_agrees(text, 100_000, lanes=min(4, design(text).parameters["chunk"]), max_n=64)
