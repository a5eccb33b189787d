"""The page: what it holds, that it asks for nothing, and that nothing in a record can hurt it."""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrowmax import report
from narrowmax.errors import DataError, StoreError
from narrowmax.report import ranges

SAMPLE = Path(__file__).parent / "sample.json"
RECORD = json.loads(SAMPLE.read_text(encoding="utf-8"))
SECTIONS = ("range", "inputs", "narrowest", "compare", "hardware", "repeat", "limits")
PARTS = {
    "measure": "range",
    "formats_sweep": "inputs",
    "narrow": "narrowest",
    "compare": "compare",
    "hardware": "hardware",
}
PLOTS = 21
EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'&"


class Seen(HTMLParser):
    """Every element with its attributes, the text of each script and of all else."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.scripts: list[tuple[dict, str]] = []
        self.text = ""
        self._script: dict | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else self._script

    def handle_endtag(self, tag):
        self._script = None if tag == "script" else self._script

    def handle_data(self, data):
        if self._script is not None:
            self.scripts.append((self._script, data))
        else:
            self.text += data + " "

    def with_class(self, name: str) -> list[dict]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


@pytest.fixture(scope="module")
def page() -> str:
    return report.html(RECORD)


@pytest.fixture(scope="module")
def seen(page) -> Seen:
    return Seen(page)


def changed(**parts) -> dict:
    return {**copy.deepcopy(RECORD), **parts}


def without_library(page: str) -> str:
    return re.sub(r'(<script type="text/plain" id="library">)[^<]*', r"\1", page)


def test_page_is_written_whole(tmp_path, page):
    out = report.page(SAMPLE, tmp_path / "new" / "report.html")
    assert out.read_text(encoding="utf-8") == page


def test_page_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"^.*file/report.html cannot be made, because .*file cannot be written to; "):
        report.page(SAMPLE, tmp_path / "file" / "report.html")


def test_same_record_same_page(page):
    assert report.html(json.loads(SAMPLE.read_text(encoding="utf-8"))) == page


# What it holds.


def test_sections_in_order_each_with_its_heading_and_link(seen):
    ids = [attrs["id"] for tag, attrs in seen.elements if tag == "section"]
    links = [attrs["href"] for tag, attrs in seen.elements if tag == "a"]
    assert tuple(ids) == SECTIONS
    assert links == ["#answer", *(f"#{name}" for name in SECTIONS)]


def test_structure():
    """Each section's blocks in order: a change here is a change of the page, to be made knowingly."""
    shape = {s.slug: [(b.kind, getattr(b, "title", "")) for b in s.blocks] for s in report.sections(RECORD)}
    assert shape == {
        "range": [
            ("plot", "How wide must the input be?"),
            ("plot", "Rows inside ±R, epoch by epoch"),
            ("plot", "Distance to the maximum, max − x"),
            ("plot", "Gap between the first two"),
            ("plot", "Extremes and spread"),
            ("plot", "Probability beyond a distance"),
            ("numbers", "What a number format would clip, flush or round, as shares of the elements"),
            ("fold", "Everything measured, as a table"),
        ],
        "inputs": [
            ("plot", "Top-1 accuracy against bits"),
            ("plot", "Negative log-likelihood against bits"),
            ("plot", "Range against step"),
            ("plot", "Top-1 accuracy against decimal digits"),
            ("plot", "Negative log-likelihood against decimal digits"),
            ("fold", "Every format tried, as a table"),
        ],
        "narrowest": [
            ("facts", ""),
            ("plot", "Loss in top-1 and its bound"),
            ("plot", "Loss in NLL and its bound"),
            ("plot", "Bits on each wire"),
            ("numbers", "Each wire, and why it could not lose one more bit"),
            ("plot", "One bit less: top-1 lost"),
            ("plot", "One bit less: NLL lost"),
            ("plot", "What less top-1 lost would cost"),
            ("plot", "What less NLL lost would cost"),
            ("fold", "The designs judged, in the order that selection fixed"),
            ("fold", "The architectures it was chosen among"),
        ],
        "compare": [
            ("plot", "Loss in top-1 against synthesised cost"),
            ("plot", "Loss in NLL against synthesised cost"),
            ("numbers", "All designs"),
            ("fold", "Where each design works, and where not"),
            ("numbers", "Where the error of the chosen table_divide comes from"),
        ],
        "hardware": [
            ("facts", ""),
            ("drawing", "Block diagram"),
            ("numbers", "Verification"),
            ("numbers", "Cost, from synthesis"),
            ("fold", "The folder: 10 files"),
        ],
        "repeat": [
            ("items", "Reused from the cache"),
            ("plot", "Time for each step"),
            ("facts", "Settings"),
            ("facts", "Task"),
            ("facts", "Seeds"),
            ("facts", "Versions"),
            ("facts", "Machine"),
        ],
        "limits": [("items", "")],
    }


def test_answer_is_two_sentences_with_numbers(page):
    sentences = re.findall(r'<p class="answer">(.*?)</p>', page)
    plain = [re.sub("<[^>]+>", "", text) for text in sentences]
    assert plain == [
        "For digits-cnn, the narrowest softmax found, a table_divide, reads 6 bits (Q5.1) for each logit "
        "and loses less than 0.50 points of top-1 and less than 0.0200 of NLL "
        "with 95\u202f% confidence, on 1,000 judged samples.",
        "Its Verilog costs 861 NAND2-equivalents and 118 flip-flops "
        "(in all, 41\u202f% of the cost that the search began with), takes a row of 10 every 10 cycles "
        "and equals the simulation bit for bit on 1,004,112 elements.",
    ]


def test_every_plot_has_words_numbers_and_data(page, seen):
    canvases = seen.with_class("canvas")
    data = json.loads(next(text for attrs, text in seen.scripts if attrs.get("id") == "data"))
    assert len(canvases) == len(data["figures"]) == PLOTS
    assert [int(c["data-plot"]) for c in canvases] == list(range(PLOTS))
    assert all(c["role"] == "img" and len(c["aria-label"]) > 20 for c in canvases)
    assert page.count('<details class="data">') == PLOTS


def test_every_wire_stands_with_its_reason(seen):
    for wire in RECORD["narrow"]["wires"]:
        assert wire["name"] in seen.text and wire["reason"] in seen.text


def test_reused_settings_seeds_versions_machine_stand_there(seen):
    for text in (
        *RECORD["reused"],
        *RECORD["versions"],
        *RECORD["machine"]["system"].split(),
        "0.5 points",
        "verification",
    ):
        assert text in seen.text


def test_two_elements_never_share_an_id(seen):
    ids = [attrs["id"] for _, attrs in seen.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


# That it asks for nothing.


def test_nothing_points_outside(page, seen):
    for tag, attrs in seen.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img", "image", "video", "audio")
        for key in ("src", "href", "xlink:href", "action", "data", "srcset", "poster", "formaction"):
            assert attrs.get(key, "#").startswith("#"), (tag, attrs)
        assert not any(key.startswith("on") for key in attrs), (tag, attrs)
    assert not re.search(r"@import|url\((?!#)|https?:|wss?:", without_library(page))


def test_policy_names_both_scripts_and_allows_no_connection(page, seen):
    policy = next(
        a["content"] for t, a in seen.elements if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "data:"
    assert rules.pop("style-src") == "'unsafe-inline'"
    library, own = rules.pop("script-src").split()
    assert not rules
    packed = next(text for attrs, text in seen.scripts if attrs.get("id") == "library")
    code = gzip.decompress(base64.b64decode(packed))
    assert library == f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode()}'"
    [script] = [text for attrs, text in seen.scripts if "type" not in attrs]
    assert own == f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    assert b"plotly.js" in code[:200]


def test_page_is_small_enough_to_send(page):
    assert len(page.encode()) < 3 * 2**20


# What is not there, and why.


@pytest.mark.parametrize("part", PARTS)
def test_missing_part_is_said_with_its_reason(part):
    text = report.html(changed(**{part: None, f"{part}_reason": f"the {part} was not asked for"}))
    section = re.search(rf'<section id="{PARTS[part]}".*?</section>', text, re.DOTALL).group()
    assert f"Not available: the {part} was not asked for" in section
    assert 'class="canvas"' not in section
    assert f"in this study: the {part} was not asked for" in Seen(text).text


def test_everything_missing_is_still_a_page():
    gone = {name: value for part in PARTS for name, value in ((part, None), (f"{part}_reason", "stopped"))}
    seen = Seen(report.html(changed(**gone)))
    assert "no narrow softmax is claimed: stopped." in seen.text
    assert "No hardware was made: stopped." in seen.text
    assert not seen.with_class("tiles")


def test_unverified_hardware_is_never_called_equal():
    record = copy.deepcopy(RECORD)
    record["hardware"] |= {"verify": None, "verify_reason": "no C++ compiler was found"}
    text = Seen(report.html(record)).text
    assert "was not verified: no C++ compiler was found" in text
    assert "equals the simulation" not in text


def test_mismatches_are_shouted():
    record = copy.deepcopy(RECORD)
    record["hardware"]["verify"] |= {
        "mismatches": 3,
        "findings": ["row 4: wire sum differs"],
        "repeat": "narrowmax verify rtl/",
    }
    seen = Seen(report.html(record))
    assert "disagrees" in seen.text and "with 3 mismatches: this hardware is not the design" in seen.text
    assert "row 4: wire sum differs" in seen.text and "narrowmax verify rtl/" in seen.text
    assert seen.with_class("bad")


def test_diagram_that_is_no_drawing_is_said():
    record = copy.deepcopy(RECORD)
    record["hardware"]["diagram"]["svg"] = "<svg><g></svg>"
    assert "No block diagram: the drawing is not well-formed SVG" in Seen(report.html(record)).text


def test_one_state_of_one_softmax_has_no_lines_over_epochs():
    record = copy.deepcopy(RECORD)
    record["measure"]["softmaxes"] = [{**record["measure"]["softmaxes"][-1], "epoch": None}]
    section = report.sections(record)[0]
    titles = [block.title for block in section.blocks]
    assert titles[0] == "How wide must the input be?" and "Extremes and spread" not in titles


def test_several_softmaxes_are_shown_side_by_side_and_in_folds():
    record = copy.deepcopy(RECORD)
    attention = [{**row, "name": "layer.0.attention", "kind": "attention"} for row in record["measure"]["softmaxes"]]
    record["measure"]["softmaxes"] += attention
    blocks = report.sections(record)[0].blocks
    assert [b.title for b in blocks if b.kind == "fold"] == [
        "Epoch by epoch: layer.0.attention",
        "Everything measured, as a table",
    ]
    assert "Every softmax of the network" in [b.title for b in blocks]


def test_heads_are_kept_apart_and_the_present_state_comes_last():
    rows = RECORD["measure"]["softmaxes"][:3]
    mixed = [{**rows[0], "epoch": None}, *({**row, "head": head} for row in rows[1:] for head in (0, 1)), rows[1]]
    grouped = ranges.grouped(mixed)
    assert {name: [row["epoch"] for row in found] for name, found in grouped.items()} == {
        "classifier": [1, None],
        "classifier, head 0": [1, 2],
        "classifier, head 1": [1, 2],
    }


def test_measure_record_has_a_page_of_its_own():
    keys = ("narrowmax", "created", "source", "versions", "machine")
    record = {"schema": report.MEASURE, **{k: RECORD[k] for k in keys}, **RECORD["measure"]}
    seen = Seen(report.html(record))
    assert [a["id"] for t, a in seen.elements if t == "section"] == ["range", "repeat"]
    assert "holds 99" in seen.text


# That nothing in a record can hurt it.


def evil(node):
    """The record with every text but those of its schema made hostile."""
    if isinstance(node, dict):
        return {key: value if key == "schema" else evil(value) for key, value in node.items()}
    if isinstance(node, list):
        return [evil(item) for item in node]
    return EVIL if isinstance(node, str) else node


def test_hostile_texts_are_shown_and_not_run():
    seen = Seen(report.html(evil(RECORD)))
    assert not [t for t, _ in seen.elements if t == "img"]
    assert len(seen.scripts) == 3
    assert not any(key.startswith("on") for _, attrs in seen.elements for key in attrs)
    assert EVIL in seen.text


def test_hostile_text_cannot_end_the_data(page):
    record = copy.deepcopy(RECORD)
    record["narrow"]["front"][0]["design"] = "</script><script>alert(1)</script>"
    assert len(Seen(report.html(record)).scripts) == 3


def test_hostile_text_is_no_link_in_a_plot():
    record = copy.deepcopy(RECORD)
    record["compare"]["rows"][3]["design"] = '<a href="https://example.org">x</a>'
    data = json.loads(next(t for a, t in Seen(report.html(record)).scripts if a.get("id") == "data"))
    assert "<a href" not in json.dumps(data["figures"])


def places(node, path=()):
    yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


PLACES = [path for path in places(RECORD) if path]
STRANGE = st.sampled_from(
    [None, "", "x", -1, 0, 1, 10**30, 10**400, 0.5, -1e300, True, [], {}, [None], {"x": "y"}, [[1]], {"a": {}}]
)


@settings(max_examples=250)
@given(st.sampled_from(PLACES), st.one_of(st.just("gone"), STRANGE))
def test_any_change_of_a_record_is_drawn_or_refused(path, value):
    record = copy.deepcopy(RECORD)
    node = record
    for step in path[:-1]:
        node = node[step]
    if value == "gone":
        del node[path[-1]]
    else:
        node[path[-1]] = value
    try:
        report.html(record)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(("reach", "said"), [(12.0, False), (1e100, True), (1e-42, True), (0.0, False)])
def test_the_precision_of_a_range_is_said_as_it_is(reach, said):
    assert ("many times too large" in ranges._precision([5.0, reach])) is said
