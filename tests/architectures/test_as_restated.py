"""Drawings against units that another author restated from their description alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from tests.architectures import assembling, models
from tests.architectures.against import assert_equal, in_number, meant_to_break
from tests.architectures.restated.index_softmax import index_softmax
from tests.architectures.restated.ita import ita
from tests.architectures.restated.ivit_shiftmax import ivit_shiftmax
from tests.architectures.restated.mitchell import mitchell
from tests.architectures.restated.piecewise_linear import piecewise_linear
from tests.architectures.restated.polynomial import polynomial
from tests.architectures.restated.power_of_two import power_of_two, power_of_two_division
from tests.architectures.restated.softermax import softermax
from tests.architectures.restated.tflite_int8 import tflite_int8
from tests.architectures.restated.tflite_int16 import tflite_int16

from narrowmax.architectures.parts.minimax import coefficients_of
from narrowmax.architectures.parts.octaves import log2_e
from narrowmax.architectures.parts.segments import fitted, public
from narrowmax.designs import Design, design

LENGTHS = (1, 2, 3, 10, 17, 64, 200, 1000)
TRAINED = "logits_cifar100_vgg16_bn_pretrainedcy.npz"


@dataclass(frozen=True)
class Case:
    """A design, and what a row of codes and flags gives."""

    text: str
    told: Callable[[Design], Callable[[list[int], list[bool]], list[int]]]

    def __str__(self):
        return self.text


def stated(function, settings: Callable[[Design], dict]) -> Callable:
    def told(found: Design):
        given = settings(found)
        return lambda row, present: function(row, present, **given)

    return told


def decimal(number: float) -> Fraction:
    return Fraction(str(number))


def output(found: Design) -> dict:
    form = found.output
    return {"output_fraction": form.fraction_bits, "output_rounding": form.rounding, "output_most": form.highest_code}


# -- units with constants of their own ------------------------------------------------------------------------------
def of_ita(found: Design) -> dict:
    p, width = found.parameters, found.parameters["sum"].bits
    return {
        "bits": p["bits"], "shift": p["shift"], "chunk": p["chunk"], "accumulator": width,
        "over_zero": (1 << width) - 1, "output_bits": 8,
    }  # fmt: skip


def of_ivit(found: Design) -> dict:
    return {"scale": decimal(found.parameters["scale"]), "output_bits": found.parameters["output_bits"]}


def of_index(found: Design) -> dict:
    p = found.parameters
    return {
        "scale": decimal(p["scale"]), "clip": decimal(p["clip"]), "entries": 1 << p["index_bits"],
        "rounding": p["divide"], "whole": True,
    }  # fmt: skip


def of_int8(found: Design) -> dict:
    p = found.parameters
    return {"scale": Fraction(found.input.scale), "beta": single(p["beta"]), "kind": p["kind"]}


def of_int16(found: Design) -> dict:
    p = found.parameters
    return {"scale": Fraction(found.input.scale), "beta": single(p["beta"]), "cast": p["index"] == "wrap"}


def single(number: float) -> Fraction:
    return Fraction(float(np.float32(number)))


# -- Softermax: the paper's, and DeepWok's --------------------------------------------------------------------------
def of_softermax(found: Design) -> dict:
    """The reciprocal as it is at every code of its argument: chords, or the middles of cells."""
    p = found.parameters
    power, sum, fine, pieces = p["power"], p["sum"], p["reciprocal"].fraction_bits, p["pieces"]
    edges = [models.encoded(models.real(models.mpmath.mpf(2) ** (models.mpmath.mpf(k) / p["segments"])), power)
             for k in range(p["segments"])]  # fmt: skip
    edges.append(2 << power.fraction_bits)
    lines = [(a, (b - a) * p["segments"]) for a, b in pairwise(edges)]
    if p["normaliser"] == "table":
        heights = [models.encoded(1 / (1 + (k + Fraction(1, 2)) / pieces), p["reciprocal"]) for k in range(pieces)]
        codes = [(h, 0) for h in heights]
    else:
        ends = [models.encoded(1 / (1 + Fraction(k, pieces)), p["reciprocal"]) for k in range(pieces + 1)]
        each = (1 << fine) // pieces
        codes = [
            (ends[k // each] - (ends[k // each] - ends[k // each + 1]) * (k % each) // each, 0)
            for k in range(1 << fine)
        ]
    return {
        "pieces": codes, "line_fraction": fine, "lines": lines, "slope_fraction": power.fraction_bits,
        "maximum": p["maximum"], "against": "local", "saturate": sum.overflow == "saturate",
        "truncate": {"running": "accumulation"}.get(p["truncate"], p["truncate"]), "chunk": p["chunk"],
        "input_fraction": p["input"].fraction_bits, "power_fraction": power.fraction_bits,
        "sum_integer": sum.integer_bits, "sum_fraction": sum.fraction_bits, "reciprocal_fraction": fine,
        "output_fraction": p["output"].fraction_bits,
    }  # fmt: skip


# -- cores and divisions --------------------------------------------------------------------------------------------
def of_polynomial(found: Design) -> dict:
    """Of the distance; its logarithm cut, its Horner products cut, its mantissa kept between 1/2 and 1."""
    p = found.parameters
    guard = p["argument"] + 4
    base = {"e": (log2_e(guard), guard, p["argument"]), "2": (1, 0, p["input"].fraction_bits)}[p["base"]]
    return output(found) | {
        "coefficients": list(coefficients_of(p["degree"], p["coefficients"])),
        "coefficient_fraction": p["coefficients"], "input_fraction": p["input"].fraction_bits,
        "log2_code": base[0], "log2_fraction": base[1], "argument_fraction": base[2], "argument_rounding": "floor",
        "distance": True, "mantissa": (1 << p["coefficients"] - 1, 1 << p["coefficients"]),
        "exp_fraction": p["exp"].fraction_bits, "exp_rounding": p["exp"].rounding, "exp_most": p["exp"].highest_code,
    }  # fmt: skip


def of_lines(found: Design) -> dict:
    """Cuts are just above the distances from which the next segment counts, but not in the public table."""
    p = found.parameters
    bits, fine, is_public = p["coefficients"], 60, p["fit"] == "public"
    lines = public(bits) if is_public else fitted(p["segments"], p["fit"], bits, p["exp"].fraction_bits)
    cuts = [-round(end * 2**fine) + (not is_public) for end in lines.ends[::-1]]
    return output(found) | {
        "cuts": cuts, "cut_fraction": fine, "slopes": [0, *lines.falls[::-1]], "slope_fraction": bits,
        "intercepts": [0, *lines.biases[::-1]], "intercept_fraction": bits,
        "input_fraction": p["input"].fraction_bits, "exp_fraction": p["exp"].fraction_bits,
        "exp_rounding": p["exp"].rounding, "exp_most": min(p["exp"].highest_code, 1 << p["exp"].fraction_bits),
    }  # fmt: skip


def divided(function, settings: Callable[[Design], dict]) -> Callable:
    """The restated division of exponentials as `assembling` has them."""

    def told(found: Design):
        p, given = found.parameters, settings(found)
        core = assembling.core_of(p["exp"].settings, p["exp"].part.name)

        def row(codes, present):
            top = max((x for x, here in zip(codes, present, strict=True) if here), default=0)
            distances = np.array([top - x if here else 0 for x, here in zip(codes, present, strict=True)])
            return function(core(distances, found.input.fraction_bits)[0].tolist(), present, **given)

        return row

    return told


def of_mitchell(found: Design) -> dict:
    return output(found) | {"mantissa": found.parameters["normalise"].settings["fraction"]}


LOG2 = {"below": "floor", "nearest": "half"}


def of_division(found: Design) -> dict:
    to = found.parameters["normalise"].settings["to"]
    return {"log2": LOG2[to], "output_fraction": found.output.fraction_bits, "output_most": found.output.highest_code}


def of_powers(found: Design) -> dict:
    exp = found.parameters["exp"].settings
    how = {"down": "floor", "nearest": "half_up"}[exp["round"]]
    return of_division(found) | {
        "input_fraction": found.input.fraction_bits, "difference": how, "sum_fraction": exp["exp"].fraction_bits,
    }  # fmt: skip


INT8 = stated(tflite_int8, of_int8)
PAPER, DEEPWOK = "output=UQ1.7:floor", "maximum=floor, pieces=8, output=UQ1.7:floor"
CASES = [
    Case("ita", stated(ita, of_ita)),
    Case("ita(shift=0)", stated(ita, of_ita)),
    Case("ita(bits=6, shift=3, chunk=4, sum=UQ4.6:floor:wrap)", stated(ita, of_ita)),
    Case("ivit_shiftmax", stated(ivit_shiftmax, of_ivit)),
    Case("ivit_shiftmax(bits=16, scale=0.0009765625, output_bits=12)", stated(ivit_shiftmax, of_ivit)),
    Case("ivit_shiftmax(bits=5, scale=1.7, output_bits=5)", stated(ivit_shiftmax, of_ivit)),
    Case("index_softmax", stated(index_softmax, of_index)),
    Case("index_softmax(bits=20, scale=0.00021, divide=half_up)", stated(index_softmax, of_index)),
    Case("index_softmax(bits=6, scale=0.3, clip=9, index_bits=3, divide=floor)", stated(index_softmax, of_index)),
    Case("tflite_int8", INT8),
    Case("tflite_int8(kind=int16, scale=0.11)", INT8),
    Case("tflite_int8(kind=uint8, scale=0.5, zero_point=128, beta=3.0)", INT8),
    Case("tflite_int16(tables=float32)", stated(tflite_int16, of_int16)),
    Case("tflite_int16(tables=float32, scale=0.001, index=wrap)", stated(tflite_int16, of_int16)),
    Case(f"softermax({PAPER})", stated(softermax, of_softermax)),
    Case(f"softermax({PAPER}, chunk=32, truncate=addend, sum=UQ10.6:floor:wrap)", stated(softermax, of_softermax)),
    Case(f"softermax({PAPER}, chunk=4, truncate=running)", stated(softermax, of_softermax)),
    Case(f"softermax({DEEPWOK}, sum=UQ10.15:floor)", stated(softermax, of_softermax)),
    Case(
        f"softermax({DEEPWOK}, input=Q4.4, chunk=8, normaliser=table, sum=UQ4.8:floor)", stated(softermax, of_softermax)
    ),
    Case("polynomial(normalise=divide, output=UQ0.8:floor)", stated(polynomial, of_polynomial)),
    Case(
        "polynomial(degree=4, coefficients=18, exp=UQ1.14, argument=14, normalise=divide, output=UQ0.12:half_up)",
        stated(polynomial, of_polynomial),
    ),
    Case(
        "polynomial(degree=1, base=2, coefficients=8, exp=UQ0.6, normalise=divide, output=UQ0.8)",
        stated(polynomial, of_polynomial),
    ),
    Case("piecewise_linear", stated(piecewise_linear, of_lines)),
    Case("piecewise_linear(segments=2, coefficients=5, exp=UQ0.5, input=Q3.0)", stated(piecewise_linear, of_lines)),
    Case("piecewise_linear(fit=public, input=Q4.8, output=UQ0.12:half_up)", stated(piecewise_linear, of_lines)),
    Case("composed", divided(mitchell, of_mitchell)),
    Case("composed(exp=table(UQ1.12), normalise=mitchell(5), output=UQ0.10:floor)", divided(mitchell, of_mitchell)),
    Case(
        "composed(exp=power_of_two(down, 2, exp=UQ1.8:floor), normalise=power_of_two, output=UQ1.8:floor)",
        stated(power_of_two, of_powers),
    ),
    Case(
        "composed(exp=power_of_two(nearest, 2, exp=UQ1.8:floor), normalise=power_of_two(nearest), output=UQ0.8:floor)",
        stated(power_of_two, of_powers),
    ),
    Case(
        "composed(exp=table(UQ1.10), normalise=power_of_two(nearest), output=UQ1.9:floor)",
        divided(power_of_two_division, of_division),
    ),
]


def oracle(case: Case, found: Design):
    row = case.told(found)
    return lambda codes, present: np.array(
        [row(*both) for both in zip(codes.tolist(), present.tolist(), strict=True)]
    ).reshape(codes.shape)


@pytest.mark.parametrize("case", CASES, ids=str)
class TestAsRestated:
    def test_elements(self, case):
        """10,000 elements on the fastest engine."""
        found = design(case.text)
        assert assert_equal(found, oracle(case, found), in_number(found, 10_000, LENGTHS, seed=8)) >= 10_000

    def test_the_definition(self, case):
        """1,000 elements on the interpreter."""
        found = design(case.text)
        rows = in_number(found, 1_000, (3, 40), seed=9)
        assert assert_equal(found, oracle(case, found), rows, by="the definition") >= 1_000

    @pytest.mark.long
    def test_more_by_the_definition(self, case):
        found = design(case.text)
        rows = in_number(found, 10_000, (3, 40, 100), seed=10)
        assert assert_equal(found, oracle(case, found), rows, by="the definition") >= 10_000

    @pytest.mark.long
    def test_a_million_elements(self, case):
        """And the adversarial rows."""
        found = design(case.text)
        assert assert_equal(found, oracle(case, found), in_number(found, 1_000_000, LENGTHS, seed=11)) >= 1_000_000
        assert_equal(found, oracle(case, found), meant_to_break(found))

    def test_trained_logits(self, case, shared_data):
        """40 rows of a network of 100 classes."""
        found = design(case.text)
        logits = np.load(shared_data / "wasscal_logits" / TRAINED)["logits"][::250]
        codes = found.input.quantise(logits)
        assert (found.simulate(logits) == oracle(case, found)(codes, np.ones(codes.shape, bool))).all()


@pytest.mark.parametrize(
    ("case", "lengths"),
    [
        (Case("tflite_int8", INT8), (511, 512, 600, 1024, 4095)),  # where the published kernel ends its program
        (Case("tflite_int8(kind=uint8)", INT8), (511, 512, 513, 2000)),
        (Case("ita", stated(ita, of_ita)), (2047, 2048, 2049, 4096)),
        (Case("tflite_int16(tables=float32)", stated(tflite_int16, of_int16)), (511, 1001, 4096, 20_000)),
        (Case("ivit_shiftmax(output_bits=16)", stated(ivit_shiftmax, of_ivit)), (4095, 4096, 5000)),
        (Case("index_softmax", stated(index_softmax, of_index)), (257, 258, 509, 510)),
        (Case(f"softermax({PAPER})", stated(softermax, of_softermax)), (1023, 1024, 1025, 5000)),
    ],
    ids=str,
)
def test_long_rows_of_equals(case, lengths):
    """At the lengths where a sum ends: all equal, all but the first and last element far below, half of them near."""
    found = design(case.text)
    low, high = found.datapath(1).input_range
    for n in lengths:
        codes = np.full((4, n), high)
        codes[1, 1:-1] = low
        codes[2, ::2] = high - 3
        codes[3, 0] = low
        assert_equal(found, oracle(case, found), [(codes, np.ones(codes.shape, bool))])


def test_newton_is_within_a_code_of_that_restated():
    """There the sum is not cut to the reciprocal's bits, and the reciprocal not rounded: 10,000 elements, 3 steps."""
    found = design("polynomial(degree=3, normalise=newton(3, line, reciprocal=UQ1.14), output=UQ0.10:floor)")
    settings, apart = of_polynomial(found) | {"steps": 3, "reciprocal_fraction": 16}, set()
    for codes, present in in_number(found, 10_000, LENGTHS, seed=12):
        wanted = [polynomial(*row, **settings) for row in zip(codes.tolist(), present.tolist(), strict=True)]
        got = found.simulate(found.input.values(codes), mask=present)
        apart |= set(np.unique((got - np.array(wanted)) * present).tolist())
    assert 0 in apart <= {-1, 0, 1}
