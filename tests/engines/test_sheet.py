"""The page of a drawing: its diagram as data and as SVG, its tables, to the letter for a small one."""

# ruff: noqa: E501  (cases stand one to a line)

import json
import re
from fractions import Fraction
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from tests.datapath.drawings import drawn
from tests.engines.graphs import random_graph

from narrowmax.datapath import Rate, Table, block, largest, scan, total
from narrowmax.datapath.operations import Constant
from narrowmax.engines import sheet
from narrowmax.engines.diagram import LONGEST_LINE, diagram
from narrowmax.engines.layout import lay_out
from narrowmax.engines.picture import svg

EXP = Table("exp", (16, 8, 4, 2, 1, 0), 4, "2**-k", "nearest, ties down", lambda k: Fraction(1, 2**k))


@block("power")
def power(d):
    """Two to the power of minus d, from a table."""
    return d.minimum(5).lookup(EXP)


def quotient(r):
    d = (largest(r.x).named("top") - r.x).named("d")
    e = power(d).named("e")
    s = total(e).known(16, 64, "the largest contributes 1").named("s")
    return e.extend(8).divide(s, 0).at_point(4).named("p")


def chunked(r):
    top = largest(r.x, to=Rate.CHUNK)
    before, at, after = scan(lambda m, c: m.maximum(c), top, start=-8)
    return (after - r.x) + (at - before)


@pytest.fixture
def small():
    return drawn(quotient, input="Q3.0", output="UQ5.4")


class TestDiagram:
    def test_boxes_and_wires(self, small):
        said = diagram(small).data()
        assert [(n["kind"], n["title"], n["lines"], n["pass"]) for n in said["nodes"]] == [
            ("source", "x", [], 0),
            ("fold", "max", ["over the row"], 0),
            ("expression", "d", ["top − x"], 1),
            ("block", "power", [], 1),
            ("fold", "sum", ["over the row"], 1),
            ("expression", "p", ["(e ≪ 8) ÷ s"], 2),
            ("output", "output", ["UQ5.4"], 2),
        ]
        titles = {n["key"]: n["title"] for n in said["nodes"]}
        assert [(titles[e["from"]], titles[e["to"]], e["label"], e["rate"]) for e in said["edges"]] == [
            ("x", "max", "Q3.0", "element"),
            ("max", "d", "top Q3.0", "row"),
            ("x", "d", "Q3.0", "element"),
            ("d", "power", "UQ3.0", "element"),
            ("power", "sum", "e UQ1.4", "element"),
            ("power", "p", "e UQ1.4", "element"),
            ("sum", "p", "s UQ3.4", "row"),
            ("p", "output", "UQ5.4", "element"),
        ]
        assert said["nodes"][3]["about"] == "Two to the power of minus d, from a table."

    def test_a_scan_is_one_box_with_three_moments(self):
        found = diagram(drawn(chunked, max_n=6, chunk=2))
        (box,) = (n for n in found.nodes if n.kind == "scan")
        assert sorted(e.name for e in found.edges if e.start is box) == ["after", "at", "before"]
        assert max(n.step for n in found.nodes) == 1

    def test_blocks_of_one_name_are_numbered(self):
        found = diagram(drawn(lambda r: power(r.x.maximum(0)).at_point(0) + power(r.position).at_point(0)))
        assert sorted(n.title for n in found.nodes if n.kind == "block") == ["power 1", "power 2"]

    def test_an_output_that_is_a_source(self):
        said = diagram(drawn(lambda r: r.x)).data()
        assert [(n["kind"], n["title"]) for n in said["nodes"]] == [("source", "x"), ("output", "output")]
        assert len(said["edges"]) == 1

    def test_an_output_that_is_a_constant(self):
        said = diagram(drawn(lambda r: r.x * 0 + 3)).data()
        assert [n["title"] for n in said["nodes"]] == ["3", "output"]

    def test_long_expressions_are_wrapped(self):
        def long(r):
            a, b = (r.x + 1).named("rather_a_long_name"), (r.position + 2).named("another_long_name")
            return (a * b + (a < b)).named("y")

        (node,) = (n for n in diagram(drawn(long)).nodes if n.title == "y")
        assert len(node.lines) > 1 and all(len(line) <= LONGEST_LINE for line in node.lines)

    @pytest.mark.parametrize("seed", range(60))
    def test_every_wire_stands_in_one_box_and_every_box_is_reached(self, seed):
        datapath = random_graph(seed)
        found = diagram(datapath)
        homes = [w for n in found.nodes for w in n.wires]
        assert len(homes) == len(set(homes))
        moving = {w for w in datapath.wires if not isinstance(w.op, Constant)}
        views = moving - set(homes)
        assert all(len(w.args) == 1 and w.range[0] >= w.args[0].lo for w in views)  # another point, or an assertion
        place = {n: i for i, n in enumerate(found.nodes)}
        assert all(place[e.start] < place[e.end] and e.start.step <= e.end.step for e in found.edges)
        assert {n for n in found.nodes if n.kind != "output"} == {e.start for e in found.edges}
        json.dumps(found.data(), allow_nan=False)


class TestLayout:
    @pytest.mark.parametrize("seed", range(60))
    def test_boxes_keep_apart_and_wires_run_to_the_right(self, seed):
        layout = lay_out(diagram(random_graph(seed)))
        slots = list(layout.boxes.values())
        for a, b in combinations(slots, 2):
            beside = a.right < b.left or b.right < a.left
            below = a.top + a.height < b.top or b.top + b.height < a.top
            assert beside or below
        for slot in slots:
            assert (
                0 < slot.left and slot.right < layout.width and 0 < slot.top and slot.top + slot.height < layout.height
            )
        for route in layout.routes.values():
            assert all(a.right < b.left for a, b in pairwise(route))
            for passing in route[1:-1]:
                assert all(abs(passing.y - s.y) >= s.height / 2 for s in slots if s.column == passing.column)

    def test_passes_do_not_overlap(self, small):
        bands = lay_out(diagram(small)).bands
        assert [b[0] for b in bands] == ["first pass", "second pass", "third pass"]
        assert all(a[2] < b[1] for a, b in pairwise(bands))


class TestPicture:
    def test_it_is_one_colour_and_needs_nothing_from_outside(self, small):
        text = svg(small)
        root = ElementTree.fromstring(text)
        for element in root.iter():
            for key in ("fill", "stroke"):
                assert element.get(key, "none") in ("none", "currentColor")
        assert not re.search(r"(href|style|class|on\w+)=", text)
        assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
        assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#arrow"}

    def test_the_report_lets_all_of_it_through(self, small):
        from narrowmax.report.drawing import clean

        text = svg(small)
        kept = ElementTree.fromstring(str(clean(text)))
        assert len(list(kept.iter())) == len(list(ElementTree.fromstring(text).iter()))

    def test_every_box_and_label_is_written(self, small):
        written = [t.text for t in ElementTree.fromstring(svg(small)).iter("{http://www.w3.org/2000/svg}text")]
        for expected in (
            "x",
            "max",
            "over the row",
            "d",
            "top − x",
            "power",
            "sum",
            "output",
            "UQ5.4",
            "e UQ1.4",
            "s UQ3.4",
        ):
            assert expected in written
        assert written.count("e UQ1.4") == 1  # once for both of its branches

    def test_text_of_a_format_is_escaped(self):
        table = Table("a<b", (0, 1), 0, "<script>", "by hand")
        text = svg(drawn(lambda r: r.present.lookup(table)))
        assert "a&lt;b[present]" in text and "<script>" not in text
        ElementTree.fromstring(text)


class TestPage:
    def test_to_the_letter(self, small):
        assert sheet.page(small, "A small softmax", svg=False) == PAGE

    def test_the_diagram_stands_in_it(self, small):
        page = sheet.page(small, "A small softmax")
        inside = page.split('<div style="overflow-x:auto">\n')[1].split("\n</div>")[0]
        assert inside == svg(small) and "\n\n" not in inside

    def test_sampled_assertions_are_run(self):
        page = sheet.page(
            drawn(lambda r: (r.n - r.position).known(1, 4, "within its row").named("k")), "t", rows=50, svg=False
        )
        assert "| `k` | 1..4 | within its row | sampled on 50 rows |" in page

    @pytest.mark.parametrize("seed", range(25))
    def test_any_graph_has_a_page_and_data_for_json(self, seed):
        datapath = random_graph(seed)
        said = sheet.data(datapath, rows=20)
        assert json.loads(json.dumps(said, allow_nan=False)) == said
        assert set(said) == {"diagram", "wires", "blocks", "tables", "known", "budget", "limits"}
        assert sheet.page(datapath, "Random").startswith("# Random\n\n<div")


PAGE = """\
# A small softmax

## Limits

- Rows of 1 to 4 elements.
- Input codes -4 to 3, Q3.0.
- Output codes 0 to 256 occur, UQ5.4 holds 0 to 511.
- An absent element gives the code 0.
- The widest wire is w8, 13 bits.

## Wires

The integers that flow, and the format that holds each; a value is the integer times 2 to the power of minus the fraction bits.

| wire | per | integers | values | format | what it is | error |
| --- | --- | --- | --- | --- | --- | --- |
| `x` | element | -4..3 | -4..3 | Q3.0 | the code of the element | exact |
| `top` | row | -4..3 | -4..3 | Q3.0 | the largest of x over the row (exact) | exact |
| `d` | element | 0..7 | 0..7 | UQ3.0 | top minus x | exact |
| `w4` | element | 0..5 | 0..5 | UQ3.0 | the smaller of d and 5 | exact |
| `e` | element | 0..16 | 0..1 | UQ1.4 | 2**-k at w4, from a table of 6 entries | -0.5 to 0 last bits |
| `w6` | row | 0..64 | 0..4 | UQ3.4 | the sum of e over the row (exact) | -2 to 0 last bits |
| `s` | row | 16..64 | 1..4 | UQ3.4 | w6, known to lie in 16..64 because the largest contributes 1 (proven by exhaustion) | -2 to 0 last bits |
| `w8` | element | 0..4096 | 0..1 | UQ1.12 | e shifted left by 8 | -128 to 0 last bits |
| `w9` | element | 0..256 | 0..1 | UQ1.8 | w8 divided by s, rounded down (0 where s is 0) | -8.985 to +32 last bits |
| `p` | element | 0..256 | 0..16 | UQ5.4 | w9, read at another binary point | -8.985 to +32 last bits |

## Blocks

| block | uses | what it does |
| --- | --- | --- |
| power | 1 | Two to the power of minus d, from a table. |

## Tables

| table | function | read | holds | made | error |
| --- | --- | --- | --- | --- | --- |
| `exp` | 2**-k | 0..5 of 6 | 0..16, 4 fraction bits | nearest, ties down | -0.5 to 0 last bits |

## What is known

| wire | lies in | because | shown |
| --- | --- | --- | --- |
| `s` | 16..64 | the largest contributes 1 | proven by exhaustion |

## What rounding costs

| rounded at | at the output |
| --- | --- |
| `e` | -8 to +32 last bits |
| `w9` | -0.985 to 0 last bits |
"""
