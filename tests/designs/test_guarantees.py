"""What is found by trying is what the pages say, and what is found to be false has a witness."""

from __future__ import annotations

import re

import numpy as np
import pytest

from narrowmax.designs import catalogue, design, guarantees, limits, probing


def found(text: str) -> dict:
    return guarantees(design(text))


def value(text: str, name: str):
    return found(text)[name]["value"]


@pytest.mark.parametrize("name", [n for n in catalogue() if design(n).output_rate == "element"])
def test_the_pages_section_on_order(name):
    """Claims of a row's order and of an element's own output, of the default parameters."""
    got, page = found(name), design(name).entry.sections["Order"].lower()
    if re.search(r"(^|\. )in a row a larger element never has the smaller output", page):
        assert got["order_kept"]["value"]
    else:
        assert got["order_kept"]["value"] or re.search("no order|not kept|can have half", page)
    if "never lowers its own" in page or "never with the default parameters" in page:
        assert got["monotone"]["value"]
    if fall := re.search(r"by up to \d+ codes \(([\d.]+)\) with the default", page):
        assert float(re.search(r"by ([\d.]+)", got["monotone"]["text"])[1]) == pytest.approx(float(fall[1]), abs=1e-3)
        assert not got["monotone"]["value"]


def test_where_wraps_undo_an_order_the_page_says_so():
    """Of a sum: ITA's 2,048 equal maxima and one 150 codes below; of an output: half is the lowest code."""
    step = float(design("ita").input.step)
    row = np.full((1, 2049), 127 * step)
    row[0, -1] = -23 * step
    assert design("ita").simulate(row)[0, [0, -1]].tolist() == [224, 255]
    assert "while the sum does not wrap" in design("ita").entry.sections["Order"]
    for name in ("table_divide", "table_reciprocal", "piecewise_linear", "polynomial"):
        wraps = design(f"{name}(output=Q0.8:floor:wrap)")
        assert not guarantees(wraps)["order_kept"]["value"], name
        assert re.search("unless (the output|that) wraps|the output does not wrap", wraps.entry.sections["Order"])


@pytest.mark.parametrize("name", [n for n in catalogue() if design(n).has_hardware])
def test_the_pages_section_on_limits(name):
    """Numbers that a page gives of the default parameters are those that are found."""
    got, page = limits(design(name)), design(name).entry.sections["Limits"]
    if longest := re.match(r"rows of up to ([\d,]+) elements", page):
        longest = int(longest[1].replace(",", ""))
        assert design(name).rows_up_to(longest + 9) == longest
        assert got["longest_row"]["value"] == (longest if longest < 1 << 16 else None)
    if far := re.search(r"element more than ([\d.]+) below (?:it|a single maximum) has the output 0", page):
        assert got["widest_distance"]["value"] == float(far[1])
    if "a row with nothing present gives 0" in page.lower():
        assert got["masked_row"]["value"] == 0


def test_sums():
    sums = found("table_divide(output=UQ1.8:half_up)")["sums_to_one"]
    rows = np.array([[5.0, x] for x in np.arange(-8, 8, 0.125)])
    got = design("table_divide(output=UQ1.8:half_up)")(rows).sum(axis=1)
    assert sums["least"] <= got.min()
    assert sums["greatest"] >= got.max()
    assert sums["value"] == max(1 - sums["least"], sums["greatest"] - 1)
    assert (sums["least"], sums["greatest"]) == (0, 510 / 256)  # of 1,000 equals, and of 510
    assert value("ideal", "sums_to_one") < 1e-6


def test_sums_that_read_alike_are_told_once():
    assert found("ideal")["sums_to_one"]["text"].startswith("rows sum to 1 over 65,280 rows")


def test_zeros():
    assert value("table_divide", "zeros")
    assert not value("ideal(input=Q3.1)", "zeros")
    assert found("ideal(input=Q3.1)")["zeros"]["text"].startswith("none was 0 over all rows of the largest input")


def test_a_reversal_is_found_and_true():
    got = found("hls4ml")["order_kept"]
    low, less, high = (float(n) for n in re.search(r": (\S+) had (\S+) less than (\S+)", got["text"]).groups())
    assert not got["value"]
    assert low > high
    far = design("hls4ml")(np.array([[31.99, 0.5, -0.5]]))[0]
    assert far[1] < far[2]  # differences of half of the span wrap
    assert less > 0


def test_a_fall_is_found_and_true():
    got = found("softermax")["monotone"]
    fall, start, others = (
        float(n) for n in re.search(r"by (\S+) from (\S+) on beside others of (\S+)", got["text"]).groups()
    )
    step = float(design("softermax").input.step)
    falls = []
    for count in (1, 3, 7):
        rows = np.full((2, 1 + count), others)
        rows[:, 0] = start, start + step
        before, after = design("softermax")(rows)[:, 0]
        falls.append(before - after)
    assert max(falls) == pytest.approx(fall, rel=1e-2)


def test_a_row_of_equals_and_positions():
    assert guarantees(design("argmax")) == {"first_of_equals": {"value": True, "text": "the first of equals won"}}
    assert found("ideal(input=Q3.1, output=UQ0.3)")["order_kept"]["text"].endswith(
        "5 rows of all 16 values of the input, and over rows of two of all 16 values of the input"
    )


def test_short_rows():
    """What takes few elements is tried on few."""
    got = found("hls4ml(implementation=legacy, input=Q5.2)")
    assert "1 to 100 long" in got["sums_to_one"]["text"]
    assert not got["order_kept"]["value"]


def test_an_input_beyond_what_float64_holds_is_tried_too():
    """Of 56 bits the last three are 0 in what is tried, and the highest value is not among that."""
    highest = 2.0**31 - 2.0**-21
    values, every = probing.levels(design("argmax(input=Q32.24)"), 8)
    assert (len(values), values[0], values[-1], every) == (8, -(2.0**31), highest, False)
    assert guarantees(design("argmax(input=Q32.24)"))["first_of_equals"]["value"]
    assert {rows.max() for rows, which in probing.rows(design("online(input=Q32.24)")) if "normal" not in which} == {
        highest
    }
