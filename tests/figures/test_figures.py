"""Figures: what they show, judged by Plotly's own list of properties; colours; hostile text."""

from __future__ import annotations

import json
import math
import re

import plotly.graph_objects as go
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from narrowmax import figures
from narrowmax.figures.palette import DARK, LIGHT, SERIES, STEPS, series, step
from narrowmax.figures.plot import decades

EPOCHS = [0, 1, 2]
EVIL = '<a href="javascript:alert(1)">%{evil}</a>'
SWEEP = [
    {"family": "fixed", "label": "Q2.1", "bits": 3, "value": 0.5, "low": 0.4, "high": 0.6},
    {"family": "fixed", "label": "Q3.0", "bits": 3, "value": 0.7, "low": 0.6, "high": 0.8},
    {"family": "fixed", "label": "Q3.1", "bits": 4, "value": 0.9, "low": 0.8, "high": 0.95},
    {"family": "float", "label": "e4m3", "bits": 8, "value": 0.9},
    {"family": "float", "label": "e5m2", "bits": 8, "value": 0.8},
]
DESIGNS = [
    {"label": "a(x=1)", "group": "a", "cost": 100.0, "loss": 0.001, "chosen": True},
    {"label": "b(x=1)", "group": "b", "cost": 900.0, "loss": 0.9, "chosen": False},
]
LOSSES = [
    {"label": "in", "estimate": 0.0, "low": -0.001, "high": 0.003, "tone": "good"},
    {"label": "out", "estimate": 0.02, "low": 0.01, "high": None, "tone": "bad"},
]
ALL = {
    "shares": figures.shares(EPOCHS, {10.0: [1, 0.9, None], 5.0: [1, 0.5, 0.25]}),
    "coverage": figures.coverage({"epoch 0": [(1.0, 0.5), (2.0, 1.0)], "epoch 2": [(5.0, 0.5)]}),
    "spread": figures.spread(EPOCHS, [-1, -2, -3], [1, 2, 3], [0, 0, 0.5], [1, 1, 1]),
    "distances": figures.distances(EPOCHS, {"p50": [1, 2, 3], "max": [4, 5, 6]}),
    "gaps": figures.gaps(EPOCHS, {"p01": [0.1, 0.2, 0.1], "p50": [1, 2, 3]}),
    "tail": figures.tail({"n = 10": [(2.0, 0.1), (4.0, 0.001), (8.0, 0.0)]}),
    "layers": figures.layers(["a", "b"], [-1.0, -2.0], [3.0, 4.0], [2.5, None]),
    "against": figures.against(SWEEP, "bits", "accuracy", 0.95, 0.94, window=(0.6, 1.0)),
    "grid": figures.grid([2, 3], [0, 1], [[0.1, None], [0.2, 0.9]], "accuracy", 0.5),
    "wire_widths": figures.wire_widths(["input", "exp"], [10, None], [6, 8]),
    "margins": figures.margins(LOSSES, 0.005, "points", 100.0),
    "trade": figures.trade(DESIGNS, "loss", 0.005, 100.0),
    "by_epoch": figures.by_epoch(EPOCHS, {"float": [1, 0.5, 0.25], "weights=Q2.6": [1, None, 2]}, "loss", log=True),
    "steps": figures.steps({"train": 60.0, "verify": 2.5}),
}


def texts(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def test_every_figure_is_tried():
    assert set(ALL) == {name for name in figures.__all__ if name[0].islower()} - {"diagram", "label"}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ALL)
def test_plotly_knows_every_property(name, colours):
    painted = ALL[name].painted(colours)
    go.Figure(painted)
    assert not [text for text in texts(painted) if text.startswith("$")]
    json.dumps(painted, allow_nan=False)


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_said_in_words_and_has_a_height(name):
    assert ALL[name].alt.endswith(".") and len(ALL[name].alt) > 30
    assert 120 <= ALL[name].layout["height"] <= 500


@pytest.mark.parametrize("name", ALL)
def test_legend_names_traces_that_are_there(name):
    figure = ALL[name]
    for entry in figure.legend:
        assert entry["color"][1:] in LIGHT
        assert entry["traces"] and all(0 <= place < len(figure.data) for place in entry["traces"])


def test_values_are_shown_as_given():
    first, second = ALL["shares"].data
    assert (first["name"], first["y"], first["x"]) == ("±5", [1, 0.5, 0.25], EPOCHS)
    assert (second["name"], second["y"]) == ("±10", [1, 0.9, None])


def test_the_best_of_a_width_is_joined_and_the_rest_stay_dots():
    line, dots, floats, _ = ALL["against"].data
    assert (line["x"], line["y"], line["mode"]) == ([3, 4], [0.7, 0.9], "lines+markers")
    assert (dots["x"], dots["y"], dots["mode"]) == ([3], [0.5], "markers")
    assert line["error_y"]["array"] == pytest.approx([0.1, 0.05])
    assert "error_y" not in floats


def test_names_of_points_stand_beyond_all_that_is_drawn_and_go_with_their_points():
    """The unrounded network's line, and the bars; what is tolerated lies on the other side."""
    points = [*SWEEP, {"family": "float", "label": "fp16", "bits": 16, "value": 0.94, "low": 0.93, "high": 0.97}]
    figure = figures.against(points, "bits", "accuracy", 0.95, 0.94)
    names = figure.data[-1]
    assert (names["x"], names["y"], names["text"]) == ([8, 16], [0.95, 0.97], ["e4m3<br>e5m2", "fp16"])
    assert names["textposition"] == "top center" and figure.legend[-1]["traces"] == [2, 3]
    names = figures.against(points, "bits", "NLL", 0.85, 0.95, percent=False).data[-1]
    assert (names["y"], names["text"], names["textposition"]) == (
        [0.8, 0.85],
        ["e5m2<br>e4m3", "fp16"],
        "bottom center",
    )


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([0.2, None, 3], ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"]),
        ([900, 60000], ["100", "300", "1,000", "3,000", "10,000", "30,000", "100,000", "300,000"]),
        ([2e-5, 4e-3], ["10<sup>−5</sup>", "3·10<sup>−5</sup>", "10<sup>−4</sup>", "3·10<sup>−4</sup>",
                        "10<sup>−3</sup>", "3·10<sup>−3</sup>", "0.01", "0.03"]),
        ([1e-20, 1e4], ["10<sup>−20</sup>", "10<sup>−16</sup>", "10<sup>−12</sup>", "10<sup>−8</sup>",
                        "10<sup>−4</sup>", "1", "10,000"]),
        ([2.2, 4.6], ["1", "1.5", "2", "3", "4", "5", "6", "8", "10", "15", "20", "30", "40", "50", "60", "80"]),
        ([0.0, -3.0, math.inf, -math.inf, math.nan, 0.2, 3], ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"]),
    ],
)  # fmt: skip
def test_a_logarithmic_scale_has_numbers_of_the_common_size(values, named):
    found = decades(values)
    known = [value for value in values if value is not None and 0 < value < math.inf]
    assert found["ticktext"] == named and "exponentformat" not in found
    assert sum(min(known) <= tick <= max(known) for tick in found["tickvals"]) >= 2


def test_numbers_close_to_each_other_have_a_linear_scale():
    assert decades([2.6, 4.4]) == decades([1.0, None]) == decades([]) == {}


ABOVE_ZERO = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(ABOVE_ZERO, st.floats(1, 1e3) | ABOVE_ZERO)
@example(0.21, 0.45 / 0.21)
@example(31.0, 69 / 31)
@example(5.1, 10.3 / 5.1)
@example(5e-324, 2.0)
@example(1.0, 1.7e308)
def test_a_logarithmic_scale_names_two_numbers_of_the_data_at_least(low, times):
    high = low * times
    low, high = min(low, high), max(low, high)
    if not 0 < low <= high < math.inf:
        return
    found = decades([low, high])
    inside = [tick for tick in found.get("tickvals", ()) if low <= tick <= high]
    if found:
        assert len(inside) >= 2 and len(found["tickvals"]) == len(set(found["ticktext"]))
        assert min(found["tickvals"]) > 0 and max(found["tickvals"]) < math.inf
    else:
        assert high < 2 * low or low < 1e-300


def test_what_has_no_logarithm_stops_no_figure():
    shown = figures.by_epoch([0, 1], {"a": [0.0, 1.0], "b": [math.inf, -3.0], "c": [None, 5.0]}, "t", log=True)
    assert shown.layout["yaxis"]["type"] == "log" and shown.data[0]["y"] == [0.0, 1.0]
    assert "type" not in figures.by_epoch([0], {"a": [0.0]}, "t", log=True).layout["yaxis"]
    assert figures.gaps([0, 1], {"p50": [math.inf, 0.1], "p99": [2.0, 3.0]}).layout["yaxis"]["type"] == "log"
    far = figures.trade([DESIGNS[0], {**DESIGNS[1], "cost": math.inf}], "loss").layout["xaxis"]
    assert far["tickformat"] == ",d"


def test_every_series_has_a_look_of_its_own_and_no_verdict_is_told_by_colour_alone():
    assert len({tuple(series(place).values()) for place in range(36)}) == 36
    figure = figures.by_epoch(EPOCHS, {str(k): [1, 2, 3] for k in range(9)}, "loss")
    looks = [(one["line"]["color"], one["marker"]["symbol"]) for one in figure.data]
    assert len(set(looks)) == 9 and [(one["color"], one["mark"]) for one in figure.legend] == looks
    assert len({one["marker"]["symbol"] for one in ALL["margins"].data}) == 3
    assert len({one["marker"]["symbol"] for one in ALL["gaps"].data}) == 2


def test_smaller_is_better_where_values_are_no_shares():
    line, dots, *_ = figures.against(SWEEP[:3], "bits", "NLL", 0.4, 0.5, percent=False).data
    assert (line["y"], dots["y"]) == ([0.5, 0.9], [0.7])


def test_the_upper_line_is_named_above_itself():
    notes = {n["text"]: n["yanchor"] for n in ALL["against"].layout["annotations"]}
    assert notes == {"unrounded network": "bottom", "tolerated": "top"}
    upside = figures.against(SWEEP, "bits", "NLL", 0.4, 0.5, percent=False).layout["annotations"]
    assert {n["text"]: n["yanchor"] for n in upside} == {"unrounded network": "top", "tolerated": "bottom"}


def test_a_far_loss_stands_on_the_edge_and_tells_its_value():
    near, far, ring = ALL["trade"].data
    assert near["y"] == [0.1] and ring["y"] == [0.1]
    assert far["y"] == [pytest.approx(3.0)] and far["customdata"] == [["b(x=1)", 90.0]]


def test_costs_far_apart_have_a_logarithmic_axis():
    assert ALL["trade"].layout["xaxis"]["type"] == "log"
    close = figures.trade([DESIGNS[0], {**DESIGNS[1], "cost": 300.0}], "loss")
    assert "type" not in close.layout["xaxis"]


def test_losses_have_the_colour_of_their_verdict_and_their_bounds():
    good, bad, unsure = ALL["margins"].data
    assert (good["marker"]["color"], bad["marker"]["color"]) == ("$good", "$bad") and unsure["x"] == []
    assert good["error_x"]["array"] == pytest.approx([0.3]) and bad["error_x"]["array"] == [0.0]
    assert bad["customdata"] == [["1.0000", "not given"]]


def test_mass_of_zero_is_left_out_of_a_logarithmic_plot():
    assert ALL["tail"].data[0]["x"] == [2.0, 4.0]


def test_gaps_of_zero_make_the_axis_linear():
    assert figures.gaps(EPOCHS, {"p01": [0.1, 0.2, 0.1], "p50": [1, 2, 3]}).layout["yaxis"]["type"] == "log"
    assert "type" not in figures.gaps(EPOCHS, {"p01": [0, 0.2, 0.1]}).layout["yaxis"]


@pytest.mark.parametrize(
    "figure",
    [
        figures.coverage({EVIL: [(1.0, 0.5)]}),
        figures.distances(EPOCHS, {EVIL: [1, 2, 3]}),
        figures.tail({EVIL: [(1.0, 0.5)]}),
        figures.layers([EVIL], [0.0], [1.0], [1.0]),
        figures.against([{**SWEEP[0], "label": EVIL, "family": EVIL}], "bits", EVIL),
        figures.grid([1, 2], [1], [[0.1], [0.2]], EVIL),
        figures.wire_widths([EVIL], [9], [8]),
        figures.margins([{**LOSSES[0], "label": EVIL}], 0.005, EVIL),
        figures.trade([{**DESIGNS[0], "label": EVIL, "group": EVIL}], EVIL),
        figures.steps({EVIL: 1.0}),
    ],
)
def test_outside_text_is_neither_a_link_nor_a_template(figure):
    shown = [*texts(figure.data), *texts(figure.layout)]
    assert not [text for text in shown if "<a" in text or "%{evil}" in text]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_read(colours):
    assert contrast(colours["ink"], colours["paper"]) >= 12
    assert contrast(colours["muted"], colours["paper"]) >= 4.5
    for name in (*SERIES, "good", "bad"):
        assert contrast(colours[name], colours["paper"]) >= 3.0, name


def test_both_palettes_name_the_same_colours():
    assert LIGHT.keys() == DARK.keys()
    assert all(re.fullmatch(r"#[0-9a-f]{6}|rgba\([\d.,]+\)", value) for value in (*LIGHT.values(), *DARK.values()))


def test_ordered_series_go_from_pale_to_strong():
    assert [step(place, 4) for place in range(4)] == ["$" + name for name in STEPS]
    assert step(0, 1) == "$step4" and [step(0, 2), step(1, 2)] == ["$step1", "$step4"]


def test_a_name_without_numbers_has_no_line_and_leaves_the_others_their_colours():
    with_all = figures.by_epoch(EPOCHS, {"a": [0, 0.5, 1], "b": [1, 0.5, 0]}, "share", percent=True)
    without = figures.by_epoch(EPOCHS, {"a": [None] * 3, "b": [1, 0.5, 0]}, "share", percent=True)
    assert [one["line"]["color"] for one in without.data] == [with_all.data[1]["line"]["color"]]
    assert without.layout["yaxis"]["range"][0] < 0 < 1 < without.layout["yaxis"]["range"][1]
