"""A drawing keeps what draws and loses what could do anything else."""

from __future__ import annotations

import pytest

from narrowmax.errors import DataError
from narrowmax.report.drawing import clean

HOSTILE = [
    "<svg><script>alert(1)</script></svg>",
    '<svg onload="alert(1)"></svg>',
    '<svg><rect onclick="alert(1)"/></svg>',
    '<svg><a href="javascript:alert(1)"><text>x</text></a></svg>',
    '<svg><use href="https://example.org/x.svg#y"/></svg>',
    '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="data:image/svg+xml,x"/></svg>',
    '<svg><image href="https://example.org/x.png"/></svg>',
    '<svg><foreignObject><iframe src="https://example.org"/></foreignObject></svg>',
    "<svg><style>@import url(https://example.org/x.css)</style></svg>",
    '<svg><rect fill="url(https://example.org/x#y)"/></svg>',
    '<svg><rect fill="u\\72l(https://example.org/x)"/></svg>',
    '<svg><rect style="background:url(//example.org)"/></svg>',
    '<svg><animate attributeName="href" to="javascript:alert(1)"/></svg>',
    '<svg><set attributeName="onload" to="alert(1)"/></svg>',
    '<h:svg xmlns:h="x"><h:script>alert(1)</h:script></h:svg>',
    "<svg><text>&lt;script&gt;alert(1)&lt;/script&gt;</text></svg>",
    "<svg><desc>]]&gt;<![CDATA[<script>alert(1)</script>]]></desc></svg>",
]
OUT = (
    "<script",
    "onload",
    "onclick",
    "javascript:",
    "example.org",
    "data:",
    "<style",
    "<a",
    "iframe",
    "<image",
    "foreign",
)


@pytest.mark.parametrize("svg", HOSTILE)
def test_hostile_parts_are_left_out(svg):
    cleaned = clean(svg)
    assert not [bad for bad in OUT if bad in cleaned]
    assert cleaned.startswith("<svg") and cleaned.endswith(("</svg>", "/>"))


def test_what_draws_is_kept():
    kept = clean(
        '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><g fill="none">'
        '<path d="M0 0L1 1" stroke="currentColor"/><text x="1">a&amp;b<tspan>c</tspan></text></g></svg>'
    )
    assert kept == (
        '<svg viewBox="0 0 30 20" style="width:30px;min-width:22px" role="img"><g fill="none">'
        '<path d="M0 0L1 1" stroke="currentColor" />'
        '<text x="1">a&amp;b<tspan>c</tspan></text></g></svg>'
    )


def test_names_are_kept_apart_from_the_page_and_links_follow():
    kept = clean('<svg><defs><marker id="answer"/></defs><path marker-end="url(#answer)"/><use href="#answer"/></svg>')
    assert kept.count("drawing-answer") == 3 and '"answer"' not in kept


def test_text_after_what_is_left_out_stays():
    assert "before after" in clean("<svg><text>before <b>gone</b>after</text></svg>")
    assert "gone" not in clean("<svg><text><tspan>x</tspan><b>gone</b>after</text></svg>")


@pytest.mark.parametrize(
    ("svg", "told"),
    [
        ("<svg>", "the drawing is not well-formed SVG (no element found: line 1, column 5); write plain SVG"),
        ("<div/>", "the drawing's outer element is 'div' where 'svg' is expected; write plain SVG"),
        (
            "<!DOCTYPE svg><svg/>",
            "the drawing declares a document type or entities, which a drawing never needs; write plain SVG",
        ),
        (
            " " * (4 * 2**20 + 1),
            "the drawing has 4194305 characters, more than the 4194304 that a page may hold; draw fewer blocks",
        ),
    ],
)
def test_what_is_no_drawing_is_refused(svg, told):
    with pytest.raises(DataError) as caught:
        clean(svg)
    assert str(caught.value) == told
