"""The block diagram as SVG: one colour, the page's own, so that it reads on light and dark."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from xml.sax.saxutils import escape

from narrowmax.datapath import Datapath
from narrowmax.engines.diagram import Edge, Node, diagram
from narrowmax.engines.layout import LINE, MARGIN, SMALL_CHARACTER, Layout, Slot, lay_out

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
ROUND = {"source": 14, "output": 14, "fold": 3, "scan": 3, "block": 3, "expression": 3}
FILL = {"source": 0.04, "output": 0.04, "fold": 0.13, "scan": 0.13, "block": 0.07, "expression": 0.0}
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0.8 L8 4 L0 7.2 z" fill="currentColor"/></marker></defs>'
)
# What a file of its own is drawn in: dark on light, or light on dark where that is preferred.
COLOURS = (
    "<style>svg{color:#1f2328;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}</style>"
)
ARROW_ROOM = 14  # before a box, for the head of an arrow


def svg(datapath: Datapath) -> str:
    """The block diagram of a datapath: inline SVG in `currentColor`, left to right, passes side by side."""
    return picture(lay_out(diagram(datapath)))


def picture(layout: Layout) -> str:
    """A layout as SVG."""
    width, height = round(layout.width), round(layout.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" fill="none" stroke="none" font-family="{FONT}" font-size="11">',
        "<title>Block diagram</title>", ARROW,
        *(_band(i, band, layout) for i, band in enumerate(layout.bands)),
        *_wires(layout),
        *_labels(layout),
        *(_box(node, slot) for node, slot in layout.boxes.items()),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts)


def strips(layout: Layout, widest: float) -> str:
    """A layout as an SVG file: cut between its columns into strips, one below the other, where it is wider.

    A wire that leaves a strip on its right comes back in the next one.
    """
    ends, parts, down = _cuts(layout, widest), [], 0
    for left, right in pairwise(ends):
        top, bottom = _reach(layout, left, right)
        titles = [(title, x) for title, x, _ in layout.bands if left <= x < right]
        head = 24 if titles else 8
        parts += [_text(x - left, down + 14, title, 'fill-opacity="0.65"') for title, x in titles]
        parts.append(
            f'<svg x="0" y="{down + head}" width="{right - left}" height="{bottom - top}" '
            f'viewBox="{left} {top} {right - left} {bottom - top}">'
            f'<use href="#whole" width="{ends[-1]}" height="{round(layout.height)}"/></svg>'
        )
        down += head + bottom - top + 8
    width = max(b - a for a, b in pairwise(ends))
    inside = picture(replace(layout, bands=())).replace("<svg ", '<symbol id="whole" ', 1)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {down}" width="{width}" height="{down}" '
        f'font-family="{FONT}" font-size="11">',
        COLOURS, "<defs>", inside.removesuffix("</svg>") + "</symbol>", "</defs>", *parts, "</svg>",
    ]) + "\n"  # fmt: skip


def _reach(layout: Layout, left: float, right: float) -> tuple[int, int]:
    """Between which heights there is something to see from left to right."""
    inside = [
        slot
        for route in layout.routes.values()
        for before, slot, after in zip([None, *route], route, [*route[1:], None], strict=False)
        if any(s is not None and left <= s.left < right for s in (before, slot, after))
    ]
    return math.floor(min(s.top for s in inside)) - LINE, math.ceil(max(s.y + s.height / 2 for s in inside)) + LINE


def _cuts(layout: Layout, widest: float) -> list[int]:
    """From 0 to the width, and where to cut: before a column, as late as `widest` allows."""
    lefts: dict[int, float] = {}
    for slot in layout.boxes.values():
        lefts[slot.column] = min(slot.left, lefts.get(slot.column, slot.left))
    ends = [0]
    for here, following in pairwise([*sorted(lefts.values()), layout.width + ARROW_ROOM]):
        if following - ARROW_ROOM - ends[-1] > widest and here - ARROW_ROOM > ends[-1]:
            ends.append(round(here - ARROW_ROOM))
    return [*ends, round(layout.width)]


def _band(index: int, band: tuple[str, float, float], layout: Layout) -> str:
    """The title of a pass, and a line that parts it from the one before."""
    title, left, right = band
    line = ""
    if index:
        x = (layout.bands[index - 1][2] + left) / 2
        path = f"M{x:.0f} 8 V{layout.height - 8:.0f}"
        line = f'<path d="{path}" stroke="currentColor" stroke-opacity="0.35" stroke-dasharray="2 5"/>'
    return line + _text((left + right) / 2, MARGIN - 10, title, 'text-anchor="middle" fill-opacity="0.65"')


def _wires(layout: Layout) -> list[str]:
    """Every stretch of every wire once: branches of one wire share their way until they part."""
    drawn: dict[tuple, str] = {}
    for edge, route in layout.routes.items():
        for a, b in pairwise(route):
            drawn.setdefault((a, b, edge.label), _stretch(edge, a, b))
    return list(drawn.values())


def _stretch(edge: Edge, a: Slot, b: Slot) -> str:
    """From a slot to the next: straight below its label or past the boxes of a column, then a bend."""
    y = a.y if a.node is None else a.top + a.ports[edge.label]
    left = a.left if a.node is None else a.right
    x = a.right if a.node is None else a.right + _run(edge.label)
    bend = (b.left - x) / 2
    path = f"M{left:.1f} {y:.1f} H{x:.1f} C{x + bend:.1f} {y:.1f} {b.left - bend:.1f} {b.y:.1f} {b.left:.1f} {b.y:.1f}"
    dash = ' stroke-dasharray="6 3"' if edge.rate in ("row", "chunk") else ""
    arrow = ' marker-end="url(#arrow)"' if b.node is not None else ""
    return (
        f'<path d="{path}" stroke="currentColor" stroke-opacity="0.8" stroke-width="1.1"{dash}{arrow}>'
        f"<title>{escape(f'{edge.label}, once per {edge.rate}')}</title></path>"
    )


def _run(label: str) -> float:
    """How far a wire runs straight, for its label to stand on it."""
    return len(label) * SMALL_CHARACTER + 8


def _labels(layout: Layout) -> list[str]:
    """Each wire's name and format once, where it leaves its box."""
    return [
        _text(slot.right + 5, slot.top + down - 4, label, 'font-size="9.5" fill-opacity="0.85"')
        for slot in layout.boxes.values() for label, down in slot.ports.items()
    ]  # fmt: skip


def _box(node: Node, slot: Slot) -> str:
    heavy = 1.6 if node.kind in ("fold", "scan", "block") else 1.1
    shape = (
        f'<rect x="{slot.left:.1f}" y="{slot.top:.1f}" width="{slot.width:.1f}" height="{slot.height:.1f}" '
        f'rx="{ROUND[node.kind]}" '
        f'fill="currentColor" fill-opacity="{FILL[node.kind]}" stroke="currentColor" stroke-width="{heavy}"/>'
    )
    texts = [(node.title, 'font-weight="bold"')] if node.title else []
    texts += [(line, 'fill-opacity="0.9"') for line in node.lines]
    middle, first = slot.left + slot.width / 2, slot.y - (len(texts) - 1) * LINE / 2 + 4
    lines = [
        _text(middle, first + i * LINE, text, f'text-anchor="middle" {style}') for i, (text, style) in enumerate(texts)
    ]
    return f"<g><title>{escape(node.about or node.title)}</title>{shape}{''.join(lines)}</g>"


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="currentColor" {style}>{escape(text)}</text>'
