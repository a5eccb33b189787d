"""Numbers as words."""

from __future__ import annotations

import pytest

from narrowmax.report import text


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.97453, "97.45"),
        (1, "100"),
        (1.0, "100"),
        (0, "0"),
        (0.999999, "> 99.99"),
        (0.000001, "< 0.01"),
        (0.9999, "99.99"),
        (-0.25, "−25.00"),
    ],
)
def test_shares_keep_their_side_of_zero_and_one(share, told):
    assert text.percent(share) == f"{told}\u202f%"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1234567, "1,234,567"),
        (12.0, "12"),
        (-3.25, "−3.25"),
        (0.0123456, "0.01235"),
        (1.2e-7, "1.2e−07"),
        (None, "—"),
        (1611.4, "1,611"),
    ],
)
def test_real(number, told):
    assert text.real(number) == told


def test_amounts_and_seconds():
    assert text.amount("top1", 0.00299) == "0.30 points"
    assert text.amount("nll", 0.012345) == "0.0123"
    assert text.amount("top1", -1e300) == "−1e+302 points"
    assert text.amount("top1", 1.7e308) == "inf points"
    assert text.seconds(0.4217) == "0.42\u202fs"
    assert text.seconds(41.72) == "41.7\u202fs"
    assert text.seconds(200) == "3\u202fmin 20\u202fs"
    assert text.plural(1, "lane") == "1 lane" and text.plural(4, "mismatch", "mismatches") == "4 mismatches"


def test_a_loss_is_positive_where_the_design_is_worse():
    assert text.lost("top1", {"float": 0.9, "design": 0.8}) == pytest.approx(0.1)
    assert text.lost("nll", {"float": 0.2, "design": 0.3}) == pytest.approx(0.1)
    assert text.lost("nll", {"difference": 0.3}) == 0.3
    assert text.lost("nll", {}) is None


def test_rates_are_plotted_in_the_points_they_are_told_in():
    for metric in text.RATES:
        told, scale = text.unit(metric)
        assert (
            told == f"points of {text.metric_name(metric)}"
            and text.amount(metric, 0.01) == f"{0.01 * scale:.2f} points"
        )
    assert text.unit("nll") == ("NLL", 1.0) and text.unit("mine") == ("mine", 1.0)


def test_parameters_and_bits():
    assert text.parameters("softermax(input=Q6.2:floor:wrap, chunk=16)") == {"input": "Q6.2:floor:wrap", "chunk": "16"}
    assert text.parameters("ideal(input=decimal(3))") == {"input": "decimal(3)"}
    assert text.parameters("argmax") == {}
    assert [text.bits(t) for t in ("Q5.3", "fp16", "decimal(3)", "no format", None)] == [8, 16, None, None, None]


def test_paragraphs_go_on_below_themselves():
    lines = text.wrapped("  " + "a word-by-word " * 20, "    ").splitlines()
    assert len(lines) == 4 and max(map(len, lines)) <= 100
    assert lines[0].startswith("  a") and all(line.startswith("    ") for line in lines[1:])
    assert "-" not in {line[-1] for line in lines}  # a hyphen is no place to break
    assert text.wrapped("x " * 60, width=200) == ("x " * 60).strip()


@pytest.mark.parametrize(
    ("metric", "loss", "tolerance", "told"),
    [
        ("top1", {"high": 0.0029, "tolerance": 0.005}, None, "less than 0.50 points"),
        ("top1", {"high": 0.0029}, 0.00333, "less than 0.34 points"),  # never shown tighter than it is
        ("nll", {"high": 0.04, "tolerance": 0.05}, 0.01, "less than 0.0500"),
        ("nll", {"high": 0.05, "tolerance": 0.05}, None, None),
        ("nll", {"high": 0.04}, None, None),
        ("nll", {"tolerance": 0.05}, None, None),
    ],
)
def test_what_is_claimed_is_the_tolerance_and_not_the_bound(metric, loss, tolerance, told):
    """The bound of a design that the judged samples picked has not the claim's confidence."""
    assert text.claimed(metric, loss, tolerance) == told


@pytest.mark.parametrize(
    ("reach", "told"),
    [
        (15.0065, "±15.1"), (15.0, "±15"), (15.1, "±15.1"), (0.0, "±0"), (999.5, "±1,000"), (1234.5, "±1,235"),
        (0.012311, "±0.0124"), (1.2345e-40, "±1.24e−40"), (3.4028e38, "±3.41e+38"), (None, "—"),
    ],
)  # fmt: skip
def test_a_range_is_never_told_smaller_than_it_is(reach, told):
    assert text.reaches(reach) == told
    assert reach is None or float(told[1:].replace("−", "-").replace(",", "")) >= reach


def test_ends_are_told_outwards():
    assert text.beyond(-12.3412, text.ROUND_FLOOR, 4) == "−12.35" and text.beyond(12.3412, text.ROUND_CEILING) == "12.4"


def test_what_is_no_number_is_a_dash():
    assert [text.real(number) for number in (float("nan"), None)] == ["—"] * 2
