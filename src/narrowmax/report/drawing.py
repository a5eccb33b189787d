"""An SVG from a record, made safe to stand in a page.

Only what draws is let through: elements and attributes from two short lists, links only to parts
of the same drawing, no style sheets, no scripts, no entities.  The rest is left out, not repaired.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from narrowmax.errors import DataError

_LARGEST = 4 * 2**20  # characters
_PREFIX = "drawing-"
_ELEMENTS = frozenset(
    "svg g path rect circle ellipse line polyline polygon text tspan title desc defs marker use symbol "
    "linearGradient radialGradient stop clipPath".split()
)
_ATTRIBUTES = frozenset(
    "x y x1 y1 x2 y2 cx cy r rx ry dx dy d points width height viewBox transform id role href "
    "fill fill-opacity fill-rule stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity "
    "opacity visibility font-family font-size font-weight font-style letter-spacing text-anchor dominant-baseline "
    "alignment-baseline marker-start marker-mid marker-end markerWidth markerHeight markerUnits refX refY orient "
    "offset stop-color stop-opacity gradientUnits gradientTransform clip-path preserveAspectRatio "
    "aria-label aria-hidden vector-effect paint-order".split()
)
_OUTSIDE = re.compile(r"url\s*\(\s*(?!\s*#)|javascript:|data:|//|\\", re.IGNORECASE)


def clean(svg: str) -> Markup:
    """The drawing, safe to stand in HTML, as wide as its place allows.

    Raises DataError for text that is too large, declares entities, or is not one SVG element.
    """
    if len(svg) > _LARGEST:
        raise DataError(
            f"the drawing has {len(svg)} characters, more than the {_LARGEST} that a page may hold; draw fewer blocks"
        )
    if "<!DOCTYPE" in svg.upper() or "<!ENTITY" in svg.upper():
        raise DataError(
            "the drawing declares a document type or entities, which a drawing never needs; write plain SVG"
        )
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise DataError(f"the drawing is not well-formed SVG ({error}); write plain SVG") from None
    if _name(root.tag) != "svg":
        raise DataError(f"the drawing's outer element is {_name(root.tag)!r} where 'svg' is expected; write plain SVG")
    _strip(root)
    _fit(root)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _name(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _strip(element) -> None:
    element.tag = _name(element.tag)
    kept = {_name(key): value for key, value in element.attrib.items() if _allowed(_name(key), value)}
    element.attrib.clear()
    element.attrib.update({key: _own(key, value) for key, value in kept.items()})
    for child in list(element):
        if _name(child.tag) in _ELEMENTS:
            _strip(child)
        else:
            _drop(element, child)


def _own(key: str, value: str) -> str:
    """Names and links within the drawing, kept apart from those of the page."""
    if key == "id":
        return _PREFIX + value
    if key == "href":
        return "#" + _PREFIX + value[1:]
    return re.sub(r"url\(\s*#", f"url(#{_PREFIX}", value)


def _drop(parent, child) -> None:
    """Remove the element but not the text after it."""
    children = list(parent)
    place = children.index(child)
    if child.tail and place:
        children[place - 1].tail = (children[place - 1].tail or "") + child.tail
    elif child.tail:
        parent.text = (parent.text or "") + child.tail
    parent.remove(child)


def _allowed(name: str, value: str) -> bool:
    if name not in _ATTRIBUTES:
        return False
    if name == "href":
        return value.startswith("#")
    return not _OUTSIDE.search(value)


def _fit(root) -> None:
    """Sizes give way to a viewBox, so that the drawing scales with the page, and scrolls before it is too small."""
    width, height = (re.match(r"[\d.]+", root.attrib.pop(key, "")) for key in ("width", "height"))
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {width.group()} {height.group()}")
    natural = re.fullmatch(r"\s*\S+\s+\S+\s+(\d{1,5}(?:\.\d+)?)\s+\d{1,5}(?:\.\d+)?\s*", root.get("viewBox", ""))
    if natural:
        width = float(natural.group(1))
        root.set("style", f"width:{width:.0f}px;min-width:{0.72 * width:.0f}px")
    root.set("role", "img")
