"""Block diagrams: every box and arrow is there, none lies on another, nothing leaves the picture."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError
from narrowmax.figures import diagram

NODES = [
    {"name": "x", "kind": "source"},
    {"name": "max", "kind": "row", "note": "fold"},
    {"name": "d"},
    {"name": "exp"},
]
EDGES = [("x", "max"), ("x", "d"), ("max", "d"), ("d", "exp")]
NUMBER = r"(-?[\d.]+)"


def boxes(svg: str) -> list[tuple[float, ...]]:
    """x, y, width, height of each box."""
    found = re.findall(rf'<rect x="{NUMBER}" y="{NUMBER}" width="{NUMBER}" height="{NUMBER}"', svg)
    return [tuple(map(float, box)) for box in found]


def size(svg: str) -> tuple[float, float]:
    return tuple(map(float, re.search(rf'viewBox="0 0 {NUMBER} {NUMBER}"', svg).groups()))


def overlap(a, b) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def test_every_box_and_arrow_is_drawn():
    svg = diagram(NODES, EDGES)
    assert len(boxes(svg)) == 4
    assert svg.count("marker-end") == 4
    assert svg.count("stroke-dasharray") == 1
    for text in ("<title>max: fold</title>", ">x</text>", ">fold</text>", "<title>Block diagram</title>"):
        assert text in svg


def test_flow_is_from_left_to_right():
    x, largest, d, exp = boxes(diagram(NODES, EDGES))
    assert x[0] < largest[0] < d[0] < exp[0]


def test_an_arrow_over_a_rank_passes_beside_its_box():
    svg = diagram(NODES, EDGES)
    largest = boxes(svg)[1]
    over = next(path for path in re.findall(r'<path d="(M[^"]*H[^"]*)"', svg))
    height = float(re.search(rf"{NUMBER}H", over).group(1))
    assert not largest[1] <= height <= largest[1] + largest[3]


def test_long_names_are_cut_and_kept_whole_in_the_title():
    name = "a_very_long_name_of_a_block_that_no_box_holds"
    svg = diagram([{"name": name}], [])
    assert f"<title>{name}</title>" in svg and "…</text>" in svg


def test_hostile_names_are_text():
    svg = diagram([{"name": "<script>", "note": '"><x>'}], [], title="</title><y>")
    assert "<script" not in svg and "<x>" not in svg and "<y>" not in svg


def test_nothing_is_an_empty_picture():
    assert boxes(diagram([], [])) == []


@pytest.mark.parametrize(
    ("nodes", "edges", "told"),
    [
        ([{"name": "a"}, {"name": "a"}], [], "the diagram has two boxes named 'a'; give each a name of its own"),
        ([{"name": "a"}], [("a", "b")], "the diagram has an arrow from 'a' to 'b', one of which is no box; name boxes"),
        (
            [{"name": "a"}, {"name": "b"}],
            [("a", "b"), ("b", "a")],
            "the diagram's arrows form a cycle; a row flows one way, so leave out what leads back",
        ),
    ],
)
def test_refusals(nodes, edges, told):
    with pytest.raises(DataError) as caught:
        diagram(nodes, edges)
    assert str(caught.value) == told


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 14))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, max_size=30)) if count > 1 else []
    return count, edges


@given(graphs())
def test_boxes_never_lie_on_each_other_and_stay_inside(graph):
    count, edges = graph
    svg = diagram([{"name": f"n{i}"} for i in range(count)], [(f"n{a}", f"n{b}") for a, b in edges])
    found, (width, height) = boxes(svg), size(svg)
    assert len(found) == count and svg.count("marker-end") == len(set(edges))
    assert all(x >= 0 and y >= 0 and x + w <= width + 1 and y + h <= height + 1 for x, y, w, h in found)
    assert not [(a, b) for i, a in enumerate(found) for b in found[:i] if overlap(a, b)]
    assert all(found[a][0] < found[b][0] for a, b in edges)
