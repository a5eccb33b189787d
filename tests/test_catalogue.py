"""The pages of docs/architectures are what the code writes from the catalogue and from what was measured of it."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from docs import catalogue
from docs.catalogue import COMMAND, FOLDER, MEASURED
from docs.curves import Line, plot

from narrowmax import designs, store

LARGEST = 150_000  # characters of the files of one architecture


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return catalogue.files(store.load(FOLDER / MEASURED))


def test_the_pages_are_up_to_date(made):
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir() if path.name != MEASURED}
    stale = sorted(name for name in made.keys() | written.keys() if made.get(name) != written.get(name))
    assert not stale, f"run `{COMMAND}`: it would change {', '.join(stale)}"


def test_every_design_was_measured_as_it_is_now():
    measured = store.load(FOLDER / MEASURED)
    stale = [name for name in designs.catalogue() if measured.get(name, {}).get("design") != designs.design(name).text]
    assert not stale and set(measured) == set(designs.catalogue()), f"run `{COMMAND}`: it measures {', '.join(stale)}"


@pytest.mark.parametrize("name", ["table_divide", "softermax"])
def test_what_was_measured_can_be_measured_again(name):
    kept = store.load(FOLDER / MEASURED)[name]
    again = store.plain(catalogue.measure(designs.design(name), costs=False))
    assert kept["limits"] == again["limits"] and kept["card"].keys() == again["card"].keys()
    for part in kept["card"]:
        assert kept["card"][part] == {
            key: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            for key, value in again["card"][part].items()
        }


@pytest.mark.long
def test_all_that_was_measured_can_be_measured_again():
    for name in designs.catalogue():
        test_what_was_measured_can_be_measured_again(name)


def test_pages_are_of_readable_size_and_name_only_files_that_are_there(made):
    for name in designs.catalogue():
        own = {file: text for file, text in made.items() if file in (f"{name}.md", f"{name}.svg", f"{name}_error.svg")}
        assert sum(map(len, own.values())) < LARGEST
        assert set(re.findall(r"\]\((\w+\.svg)\)", own[f"{name}.md"])) == set(own) - {f"{name}.md"}
        for section in (
            "**Source.**",
            "**Published.**",
            "**Knobs.**",
            "## Limits",
            "## Order",
            "## Hazards",
            "## Oracle",
        ):
            assert own[f"{name}.md"].count(section) == 1
    assert set(re.findall(r"\]\((\w+)\.md\)", made["index.md"])) == set(designs.catalogue())


def test_pictures_are_xml_and_lie_within_their_frames(made):
    for file, text in made.items():
        if file.endswith(".svg"):
            root = ElementTree.fromstring(text)
            width, height = map(float, root.attrib["viewBox"].split()[2:])
            for inner in root.findall("{*}svg"):
                assert float(inner.attrib["y"]) + float(inner.attrib["height"]) <= height
                assert float(inner.attrib["width"]) <= width <= 2 * catalogue.WIDEST


def test_a_diagram_in_strips_shows_all_of_it_once():
    text = catalogue.strips(catalogue.lay_out(catalogue.diagram(designs.design("softermax").datapath(64))), 600)
    root = ElementTree.fromstring(text)
    views = [tuple(map(float, inner.attrib["viewBox"].split())) for inner in root.findall("{*}svg")]
    whole = root.find("{*}defs/{*}symbol")
    assert len(views) > 3 and views[0][0] == 0
    assert all(a[0] + a[2] == b[0] for a, b in pairwise(views))
    assert views[-1][0] + views[-1][2] == float(whole.attrib["viewBox"].split()[2])
    for box in whole.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, width, height = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        (held,) = [view for view in views if view[0] <= x < view[0] + view[2]]
        assert x + width <= held[0] + held[2] and held[1] <= y and y + height <= held[1] + held[3]


def test_a_plot_puts_its_points_where_they_belong():
    text = plot([Line("a <b>", np.array([0.0, 10.0]), np.array([-1.0, 1.0]))], "x", "y")
    (line,) = ElementTree.fromstring(text).findall("{*}polyline")
    assert line.attrib["points"] == "78.0,254.0 704.0,34.0" and "a &lt;b&gt;" in text
    assert ">−1<" in text and ">10<" in text


def test_the_error_that_is_plotted_is_the_outputs():
    """Of table_divide: at distance 0 the two of a row of two share; the 8-bit output says 0.5 exactly."""
    line = ElementTree.fromstring(catalogue.error_plot(designs.design("table_divide"))).findall("{*}polyline")[0]
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    zero = heights[-1]
    assert heights[0] == pytest.approx(zero, abs=0.2) and len(heights) == 129 and max(heights) != min(heights)


def test_the_index_has_years_and_ideas():
    rows = catalogue.index(designs.catalogue().values()).splitlines()
    assert "| [ita](ita.md) | 2023 | Powers of two by shifts alone" in "\n".join(rows)
    assert any(row.startswith("| [argmax](argmax.md) | — |") for row in rows)
