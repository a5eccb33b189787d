"""Softmax in small floats against NumPy and ml_dtypes, step by step."""

from __future__ import annotations

from functools import reduce

import ml_dtypes
import numpy as np
import pytest
from tests.architectures.against import (
    assert_engines_agree,
    assert_equal,
    assert_verilog_agrees,
    in_number,
    meant_to_break,
)

from narrowmax.architectures.parts import floats
from narrowmax.designs import design, limits
from narrowmax.engines import interpret

TYPES = {
    (4, 3): ml_dtypes.float8_e4m3fn,
    (5, 2): ml_dtypes.float8_e5m2,
    (5, 10): np.float16,
    (8, 7): ml_dtypes.bfloat16,
    (8, 23): np.float32,
}
TEXTS = [
    "float_softmax",
    "float_softmax(order=tree)",
    "float_softmax(input=fp16, exp=fp16, sum=fp16, output=fp16)",
    "float_softmax(input=fp16, exp=fp16, sum=fp32, order=tree, normalise=reciprocal, output=fp16)",
    "float_softmax(input=bf16:infinity, exp=bf16:infinity, sum=fp32:infinity, output=bf16:infinity)",
    "float_softmax(input=e4m3, exp=e4m3, sum=e4m3, output=e4m3)",
    "float_softmax(input=fp16, exp=e4m3, sum=e5m2, order=tree, normalise=reciprocal, output=e4m3)",
    "float_softmax(order=interleaved(4), normalise=reciprocal)",
    "float_softmax(input=e5m2:infinity, exp=e5m2:infinity, sum=fp16:infinity, normalise=reciprocal, "
    "output=e5m2:infinity)",
]  # fmt: skip
DESIGNS = [design(text) for text in TEXTS]
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")


def kind(form) -> type:
    return TYPES[form.exponent_bits, form.fraction_bits]


def into(values: np.ndarray, form) -> np.ndarray:
    """Values in the type of a format; beyond its end by its overflow word."""
    with np.errstate(all="ignore"):
        found = values.astype(kind(form))
        if form.overflow == "saturate":
            beyond = ~np.isfinite(found.astype(np.float64))
            found[beyond] = np.copysign(float(form.highest), values[beyond].astype(np.float64)).astype(kind(form))
    return found


def numbers(codes: np.ndarray, form) -> np.ndarray:
    if form.overflow == "saturate":  # codes beyond the largest number are read as that
        codes = np.minimum(codes & form._sign - 1, form.highest_code) | codes & form._sign
    return codes.astype(f"u{form.bits // 8}").view(kind(form))


def exponential(d: np.ndarray, form) -> np.ndarray:
    """float64's, rounded once, where ml_dtypes would round to float32 first; the tables are tested on their own."""
    with np.errstate(all="ignore"):
        real = np.exp(d.astype(np.float64))
    nan = np.isnan(real)
    codes = np.where(nan, floats.not_a_number(form), form.quantise(np.where(nan, 0.0, real)))
    return codes.astype(f"u{form.bits // 8}").view(kind(form))


def added(e: np.ndarray, present: np.ndarray, form, order: str) -> np.ndarray:
    """(rows,) sums of what is present, in an order; nothing is left of a row where nothing is."""
    columns = [(e[:, i], present[:, i]) for i in range(e.shape[1])]
    ways = int(order[12:-1]) if order.startswith("interleaved") else 1

    def pair(a, b):
        with np.errstate(all="ignore"):
            both = into(a[0] + b[0], form)
        return np.where(a[1], np.where(b[1], both, a[0]), b[0]).astype(kind(form)), a[1] | b[1]

    while order == "tree" and len(columns) > 1:
        odd = columns[-1:] if len(columns) % 2 else []
        columns = [pair(a, b) for a, b in zip(columns[::2], columns[1::2], strict=False)] + odd
    return reduce(pair, [reduce(pair, columns[i::ways]) for i in range(min(ways, len(columns)))])[0]


def oracle(found):
    """Each operation by the type of its format, rows at once."""
    p = found.parameters

    def run(codes, present):
        x = numbers(codes, p["input"])
        with np.errstate(all="ignore"):
            lowest = np.array(
                -np.inf if p["input"].overflow == "infinity" and not p["input"].finite else float(p["input"].lowest),
                kind(p["input"]),
            )
            masked = np.where(present, x, lowest).astype(kind(p["input"]))
            top = masked.astype(np.float64).max(axis=1, keepdims=True).astype(kind(p["input"]))
            e = exponential(into(x - top, p["input"]), p["exp"])
            s = added(into(e, p["sum"]), present, p["sum"], p["order"])[:, None]
            e, s = into(e, p["output"]), into(s, p["output"])
            if p["normalise"] == "divide":
                result = into(e / s, p["output"])
            else:
                one = np.ones((), kind(p["output"]))
                result = into(e * into(one / s, p["output"]), p["output"])
        return _codes(result, p["output"])

    return run


def _codes(values: np.ndarray, form) -> np.ndarray:
    """Bit patterns, all NaN as one."""
    codes = values.view(f"u{form.bits // 8}").astype(np.int64)
    return np.where(np.isnan(values.astype(np.float64)), floats.not_a_number(form), codes)


def like_logits(found, elements: int, seed: int = 5):
    """Rows whose exponentials differ, of every length, a third of them masked."""
    random = np.random.default_rng(seed)
    for n in (1, 2, 3, 10, 33, 100, 400):
        rows = -(-elements // (7 * n))
        x = random.normal(size=(rows, n)) * random.choice([0.1, 1, 3, 10], (rows, 1)) + random.normal(size=(rows, 1))
        present = random.random((rows, n)) < np.where(random.random((rows, 1)) < 1 / 3, random.random((rows, 1)), 1)
        yield found.input.quantise(x), present


@pytest.mark.parametrize("found", DESIGNS, ids=TEXTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestSteps:
    def test_many_elements(self, found):
        """300,000 elements, half of them like logits, and the adversarial rows on the fastest engine."""
        assert assert_equal(found, oracle(found), like_logits(found, 150_000)) >= 150_000
        assert_equal(found, oracle(found), in_number(found, 150_000, (1, 3, 16, 100, 197)))
        assert_equal(found, oracle(found), meant_to_break(found))

    @pytest.mark.long
    def test_millions_of_elements(self, found):
        """2,000,000 elements."""
        assert_equal(found, oracle(found), like_logits(found, 1_000_000, seed=6))
        assert_equal(found, oracle(found), in_number(found, 1_000_000, seed=6))

    def test_the_definition(self, found):
        """1,000 elements."""
        assert assert_equal(found, oracle(found), like_logits(found, 1_000, seed=7), by="the definition") >= 1_000

    @pytest.mark.long
    def test_the_definition_at_length(self, found):
        """10,000 elements."""
        assert assert_equal(found, oracle(found), like_logits(found, 10_000, seed=8), by="the definition") >= 10_000

    @pytest.mark.parametrize("name", TRAINED)
    def test_trained_logits(self, found, name, shared_data):
        logits = np.load(shared_data / "wasscal_logits" / name)["logits"][:2000]
        codes = found.input.quantise(logits)
        assert (found.simulate(logits) == oracle(found)(codes, np.ones(codes.shape, bool))).all()

    @pytest.mark.long
    def test_engines(self, found):
        assert_engines_agree(found)

    @pytest.mark.long
    def test_verilog(self, found):
        assert_verilog_agrees(found.text, 100_000, lanes=16 if "tree" in found.text else 4)


def probabilities(text: str, row: list[float]) -> list[float]:
    return design(text)(np.array([row], dtype=float))[0].tolist()


def test_sums_that_stall():
    """256 ones in bf16 and 16 in e4m3 are the last that a serial sum counts; a tree and a wide sum go on."""
    assert set(probabilities("float_softmax", [3.0] * 256)) == {1 / 256}
    assert set(probabilities("float_softmax", [3.0] * 1000)) == {1 / 256}
    assert set(probabilities("float_softmax(order=tree)", [3.0] * 512)) == {1 / 512}
    assert set(probabilities("float_softmax(sum=fp32)", [3.0] * 512)) == {1 / 512}
    assert set(probabilities(TEXTS[5], [3.0] * 100)) == {1 / 16}


def test_bf16_inputs_near_100_lie_half_a_unit_apart():
    """A quarter of a unit is lost before any step: 12 points of a probability of a half."""
    two = probabilities("float_softmax", [100.0, 100.25])
    assert two == [0.5, 0.5]
    assert probabilities("float_softmax", [100.0, 100.5])[1] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=2**-8)


def test_where_exponentials_of_fp16_end():
    """Subnormal below -9.70, 0 below about -17.3; the limits say so."""
    entries = TEXTS[2]
    assert probabilities(entries, [0.0, -17.0])[1] == 2**-24
    assert probabilities(entries, [0.0, -17.5])[1] == 0
    found = limits(design(entries))
    assert 17.3 < found["widest_distance"]["value"] < 17.35
    assert found["smallest_probability"]["value"] == 2**-24
    assert found["largest_probability"]["value"] == 1


def test_fp8_behind_the_difference():
    """Taking the maximum off first keeps what fp8 inputs lose."""
    row = [20.0, 20.5, 21.0, 21.5]
    exact = np.exp(row) / np.exp(row).sum()
    before, after = (
        np.abs(probabilities(f"float_softmax(input={form}, exp=e4m3, sum=fp16, output=e4m3)", row) - exact).max()
        for form in ("e4m3", "fp16")
    )
    assert after < 0.03 < 0.1 < before


def test_infinite_and_nothing():
    text = TEXTS[4]
    found, datapath = design(text), design(text).datapath(4)
    infinite, minus, nan = 0x7F80, 0xFF80, 0x7FC0
    assert interpret.run(datapath, [0, minus]) == [0x3F80, 0]
    assert interpret.run(datapath, [infinite, 0]) == [nan, nan]
    assert interpret.run(datapath, [0, nan | 0x8000, 5]) == [nan] * 3
    assert found.simulate(np.array([[-np.inf, -np.inf]])).tolist() == [[0, 0]]  # nothing is present
    assert interpret.run(datapath, [minus, minus]) == [nan, nan]


def test_rows_sum_to_about_one():
    x = np.random.default_rng(8).normal(size=(200, 30)) * 3
    for text, most in ((TEXTS[0], 0.02), (TEXTS[2], 0.004), ("float_softmax(sum=fp32)", 0.012)):
        assert np.abs(design(text)(x).sum(axis=1) - 1).max() < most
