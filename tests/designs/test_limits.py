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
    none = "no element of the input's range has probability 0"
    for text, said in (
        ("table_divide(input=Q1.3, output=UQ0.8)", f"beside a maximum, {none}"),
        ("tflite_int16(scale=0.001)", f"beside any of the 16 maxima tried, {none} where tried"),
    ):
        found = limits(design(text))
        assert found["widest_distance"]["value"] is None
        assert found["widest_distance"]["text"] == said
        assert found["smallest_probability"]["value"] > 0


def test_affine_integers():
    """The lowest code is the probability 0."""
    found = values("tflite_int8(scale=0.1)")
    assert found["longest_row"] == 4095
    assert (found["largest_probability"], found["smallest_probability"], found["masked_row"]) == (255 / 256, 1 / 256, 0)


@pytest.mark.parametrize(
    "text",
    [
        "table_divide",
        "table_reciprocal",
        "softermax",
        "softermax(base=e, output=UQ0.10)",
        "tflite_int8",
        "composed(input=Q5.3, maximum=ceil)",
        "online(input=Q5.2, numerator=rescaled, normalise=power_of_two(to=above))",
    ],
)
def test_widest_distance(text):
    """Of all rows of two: beyond the distance there is no output, at it there is one; and all rows of one."""
    found, limit = design(text), values(text)
    x = found.input.values(np.arange(found.input.lowest_code, found.input.highest_code + 1))
    high, low = (grid.ravel() for grid in np.meshgrid(x, x, indexing="ij"))
    rows = np.stack([high, low], axis=1)[high >= low]
    got, apart = found(rows)[:, 1], rows[:, 0] - rows[:, 1]
    assert apart[got > 0].max() == limit["widest_distance"]
    assert got[got > 0].min() == limit["smallest_probability"]
    assert found(x[:, None]).max() == limit["largest_probability"]


def test_a_row_of_one_element_by_its_value():
    """Softermax's maximum is rounded up to an integer: what the row is divided by goes with the fraction."""
    text = limits(design("softermax"))["largest_probability"]["text"]
    one = design("softermax")(np.array([[-32.0], [-31.75], [-31.5], [-31.25]]))
    assert text == f"a row of one element gives {one.min():g} to {one.max():g}" and one.min() == 1


def test_an_input_of_which_not_all_rows_are_tried_says_so():
    text = limits(design("table_divide(input=Q8.8)"))["widest_distance"]["text"]
    assert (
        text == "beside any of the 16 maxima tried, elements more than 6.23828 below it have probability 0 where tried"
    )
    assert limits(design("table_divide(input=Q32.2)"))["widest_distance"]["value"] == 6.0
    assert limits(design("float_softmax"))["widest_distance"]["text"].startswith("beside a maximum of 0, elements")


def test_where_zeros_lie_nearer_than_outputs():
    """Differences of half of the span wrap in hls4ml: the farthest has an output again."""
    found = design("hls4ml(input=Q3.1, output=UQ0.2:floor:wrap)")
    got = found(np.array([[3.5, 2.5], [3.5, -4.0]]))[:, 1]
    assert got[0] == 0 < got[1]
    limit = limits(found)["widest_distance"]
    assert limit["value"] is None and limit["text"].endswith(
        "as far below it as the input reaches can have more than 0"
    )


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
