"""What each departure adds to a design's error adds up to the error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.architectures.rows import DESIGNS, DRAWN

from narrowmax.designs import catalogue, design, error_budget, probing
from narrowmax.engines.exactly import Exactly
from narrowmax.errors import DesignError
from narrowmax.reference import softmax

WITH_ELEMENTS = [d for d in DRAWN if d.output_rate == "element"]

# What is a constant or a function of the drawing, so that being exact does not undo it.
CONSTANTS = {
    "index_softmax": 0.02,  # a clip of a whole number of steps
    "softermax": 0.01,  # 23/16 for log2(e)
    "sole": 0.01,  # the same
}
KNOWN = ["address=0"]


def asked(found) -> list[str]:
    return [word for word in KNOWN if word in found.text]


@pytest.mark.parametrize("found", [d for d in WITH_ELEMENTS if not asked(d)], ids=str)
def test_an_exact_drawing_is_softmax(found):
    """Where nothing is rounded, tabulated or clipped the drawing computes what it is for."""
    codes = found.input.quantise(probing.logits(10, 12))
    got = probing.value(found, Exactly(found.datapath(12), codes).output(None))
    values, base = found.input.values(codes), 2.0 if "base=2," in found.text or "base=2)" in found.text else math.e
    wanted = softmax(values * math.log(base) * found.parameters.get("beta", 1.0))
    assert np.abs(got - wanted).max() <= CONSTANTS.get(found.architecture, 1e-6)


@pytest.mark.parametrize("name", catalogue())
def test_parts_add_up_to_the_whole(name):
    """The bias and the shares; sizes are at least the whole's."""
    found = error_budget(design(name))
    if "reason" in found:
        assert design(name).output_rate == "row"
        return
    logits = probing.normal(design(name), 40, 16)
    error = design(name)(logits) - softmax(logits)
    assert found["whole"]["mean"] == pytest.approx(np.abs(error).mean(), abs=1e-15)
    assert found["whole"]["max"] == pytest.approx(np.abs(error).max(), abs=1e-15)
    assert sum(part["bias"] for part in found["parts"]) == pytest.approx(error.mean(), abs=1e-12)
    assert sum(part["share"] for part in found["parts"]) == pytest.approx(1, abs=1e-6)
    assert found["added"] == pytest.approx(sum(part["mean"] for part in found["parts"]))
    assert found["added"] >= found["whole"]["mean"] * (1 - 1e-9)


def test_one_rounding_is_the_whole_error():
    """`table_divide` with exponentials so fine that only the division is left."""
    found = error_budget(design("table_divide(exp=UQ1.24, output=UQ0.8:half_up)"))
    (fine, only) = found["parts"]
    assert (fine["part"], only["part"], only["kind"]) == ("e", "p", "divide")
    assert fine["max"] < 1e-6
    assert only["mean"] == pytest.approx(found["whole"]["mean"], rel=1e-4)
    assert only["share"] == pytest.approx(1, abs=1e-4)


def test_ideal_has_its_formats_alone():
    logits = np.random.default_rng(2).normal(size=(30, 7))
    found = error_budget(design("ideal(input=Q4.1, output=UQ0.4)"), logits)
    assert [(part["part"], part["kind"]) for part in found["parts"]] == [("input", "rounding"), ("output", "rounding")]
    assert error_budget(design("ideal(input=Q4.1, output=UQ0.4)"))["parts"][0]["part"] == "output"
    fine = error_budget(design("ideal(input=Q4.40, output=UQ1.40)"), logits)
    assert fine["whole"]["max"] < 1e-9


def test_given_logits_and_masks():
    random, found = np.random.default_rng(4), design("softermax")
    logits = random.normal(size=(3, 11, 40)) * 2
    mask = random.random(logits.shape) < 0.6
    mask[..., 0] = True
    got = error_budget(found, logits, mask)
    error = (found(logits, mask=mask) - softmax(logits, mask))[mask]
    assert (got["rows"], got["n"], got["over"]) == (33, 40, "33 rows")
    assert got["whole"]["mean"] == pytest.approx(np.abs(error).mean())
    assert got["parts"][0]["part"] == "input"
    assert sum(part["bias"] for part in got["parts"]) == pytest.approx(error.mean())
    infinite = error_budget(found, np.where(mask, logits, -np.inf))
    assert infinite["whole"] == pytest.approx(got["whole"])


def test_many_rows_are_sampled_and_that_is_said():
    got = error_budget(design("table_divide"), np.random.default_rng(5).normal(size=(5000, 100)))
    assert got["rows"] == 163
    assert got["over"] == "163 of 5,000 rows of 100"


def test_what_has_no_budget_says_why():
    assert error_budget(design("argmax"))["reason"] == "it gives a position, not probabilities"
    with pytest.raises(DesignError, match="takes rows of up to 4,095 elements, not 5,000"):
        error_budget(design("tflite_int8"), np.zeros((1, 5000)))


def test_the_base_of_softermax_is_its_largest_part():
    found = error_budget(design("softermax"))
    largest = max(found["parts"], key=lambda part: part["share"])
    assert (largest["part"], largest["kind"]) == ("drawing", "function")
    assert largest["share"] > 0.9


def test_parts_of_a_float_unit():
    """Every part of bf16 steps; with fp32 added in a tree the sum, the largest of them, is as good as exact."""
    found = error_budget(design("float_softmax"))
    assert [(p["part"], p["kind"]) for p in found["parts"][:2]] == [("d", "addition"), ("e", "exp")]
    largest = max(found["parts"], key=lambda part: part["share"])
    assert (largest["part"], largest["kind"]) == ("on the way to sum", "steps") and largest["share"] > 0.8
    wide = error_budget(design("float_softmax(sum=fp32, order=tree)"))
    (steps,) = [p for p in wide["parts"] if p["kind"] == "steps"]
    assert steps["max"] < 1e-6 and wide["whole"]["max"] < found["whole"]["max"] / 2


def test_the_reciprocal_of_pseudo_softmax_is_its_error():
    """On lines that are 1/32 off at 1, as published, and at the worst elements nothing else is."""
    found = error_budget(design("pseudo_softmax(order=tree)"))
    (reciprocal,) = [p for p in found["parts"] if p["kind"] == "reciprocal"]
    assert 1 / 33 < reciprocal["max"] <= 1 / 32 and reciprocal["share"] > 0.95


def test_what_lies_beyond_a_float():
    """Differences beyond the largest number are no NaN where they are exact; infinities have no budget."""
    found = design("float_softmax(input=fp16:infinity, exp=fp16:infinity, sum=fp16:infinity, output=fp16:infinity)")
    logits = np.array([[60_000.0, -60_000.0, 59_900.0], [1.0, 2.0, 3.0]])
    assert sum(part["share"] for part in error_budget(found, logits)["parts"]) == pytest.approx(1)
    assert "infinities have no softmax" in error_budget(found, np.array([[70_000.0, 1.0]]))["reason"]


def test_newtons_steps_of_softex():
    """Each squares what the seed is wrong by: without any the seed is the largest part, with two it is none."""
    (seed,) = [p for p in error_budget(design("softex(iterations=0)"))["parts"] if p["kind"] == "seed"]
    kept = [p for p in error_budget(design("softex"))["parts"] if p["kind"] == "seed"]
    assert seed["share"] > 0.8 and all(p["max"] < 1e-4 for p in kept)


def test_all_designs_are_asked():
    assert {d.architecture for d in DESIGNS} == set(catalogue())
