"""Operating limits are what happens."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.designs import design, limits
from narrowmax.designs.record import longest


def values(text: str) -> dict:
    return {name: limit["value"] for name, limit in limits(design(text)).items()}


def test_table_divide():
    assert values("table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)") == {
        "longest_row": None,
        "largest_probability": 255 / 256,
        "widest_distance": 6.125,
        "smallest_probability": 1 / 256,
        "masked_row": 0.0,
    }


def test_ideal_and_argmax():
    assert values("ideal") == {"longest_row": None}
    assert values("argmax(output=UQ5.0)") == {"longest_row": 31, "masked_row": 31}


def test_sentences():
    assert [limit["text"] for limit in limits(design("argmax(output=UQ12.0)")).values()] == [
        "rows of up to 4,095 elements; longer ones are refused",
        "a row with nothing present gives 4,095",
    ]
    assert limits(design("ideal"))["longest_row"]["text"] == "rows of 65,536 elements and more"
    assert limits(design("softermax"))["masked_row"]["text"] == "a row with nothing present gives 0 everywhere"


def test_where_no_distance_is_too_wide():
    """Table entries of which the last is not 0; the range's end has a probability."""
    for text in ("table_divide(input=Q1.3, output=UQ0.8)", "tflite_int16(scale=0.001)"):
        found = limits(design(text))
        assert found["widest_distance"]["value"] is None
        assert found["widest_distance"]["text"] == "beside a maximum, no element of the input's range has probability 0"
        assert found["smallest_probability"]["value"] > 0


def test_affine_integers():
    """The lowest code is the probability 0."""
    found = values("tflite_int8(scale=0.1)")
    assert found["longest_row"] == 4095
    assert (found["largest_probability"], found["smallest_probability"], found["masked_row"]) == (255 / 256, 1 / 256, 0)


@pytest.mark.parametrize(
    "text", ["table_divide", "table_reciprocal", "softermax", "softermax(base=e, output=UQ0.10)", "tflite_int8"]
)
def test_widest_distance(text):
    """Of all rows (top, x): those up to the distance have an output, those beyond have none."""
    found, limit = design(text), values(text)
    top = float(found.input.highest)
    x = found.input.values(np.arange(found.input.lowest_code, found.input.highest_code + 1))
    got = found(np.stack([np.full(len(x), top), x], axis=1))[:, 1]
    near = top - x <= limit["widest_distance"]
    assert (got[near] > 0).all()
    assert not got[~near].any()
    assert got[near].min() == limit["smallest_probability"]
    assert found(np.array([top])) == limit["largest_probability"]


@pytest.mark.parametrize("text", ["softermax(sum=UQ4.6)", "softermax(sum=UQ5.6:floor, chunk=4)"])
def test_a_sum_within_its_limit_is_exact(text):
    """Rows of equal maxima: as with a wide sum up to the limit, and not at twice that."""
    found, exact_row = design(text), values(text)["exact_row"]
    wide = found.moved({"sum.integer": 12})
    for n, equal in ((exact_row, True), (2 * exact_row + 16, False)):
        codes = [d.simulate(np.ones((1, n))).tolist() for d in (found, wide)]
        assert (codes[0] == codes[1]) == equal


def test_a_forbidding_sum_refuses_longer_rows():
    found = design("softermax(sum=UQ6.6:floor:forbid, chunk=4)")
    limit = values(found.text)
    assert limit["exact_row"] == 60  # 15 chunks of 4; with 16 the sum could be 64.0
    assert 48 <= limit["longest_row"] <= limit["exact_row"]


def test_the_published_sum():
    assert values("softermax")["exact_row"] == 1008  # 63 chunks of 16 maxima; with 64 the sum could be 1024.0
    assert values("softermax(sum=UQ22.6)")["exact_row"] is None


@pytest.mark.parametrize("end", [0, 1, 2, 3, 7, 8, 9, 99, 100])
def test_longest(end):
    asked = []
    assert longest(lambda n: asked.append(n) or n <= end, 100) == end
    assert max(asked) <= max(1, 2 * end)
