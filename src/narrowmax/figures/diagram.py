"""A block diagram as SVG from names and arrows: data flow from left to right.

Boxes stand in ranks by their longest path from a source, are ordered within a rank so that few
arrows cross, and an arrow that passes over ranks keeps a lane of its own there.  Colours are the
page's (`currentColor`), so the drawing serves light and dark.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from narrowmax.errors import DataError

_HEIGHT, _BETWEEN, _LANE, _GAP, _MARGIN = 52, 22, 14, 46, 6  # pixels: box, boxes, passing arrow, ranks, edge
_NARROWEST, _WIDEST, _LETTER = 84, 190, 7.4  # pixels: box widths, one letter of a name
_SWEEPS = 6


@dataclass(eq=False)
class _Place:
    """A box, or the lane of a passing arrow (`box` is None), with its neighbours one rank away."""

    rank: int
    box: Mapping | None = None
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)
    y: float = 0.0  # of its middle

    @property
    def height(self) -> float:
        return _LANE if self.box is None else _HEIGHT


def diagram(nodes: Sequence[Mapping], edges: Sequence[Sequence[str]], title: str = "Block diagram") -> str:
    """The SVG text of a block diagram.

    nodes: dicts of `name` (unique) and, where wanted, `note` (a second line) and `kind`
        ("source", "sink" and "row" are drawn differently: ends, and what is once per row)
    edges: pairs of names, from where to where, without a cycle

    Raises DataError for a name twice, an arrow from or to nowhere, or a cycle.
    """
    boxes = _boxes(nodes, edges)
    ranks, arrows = _ranked(boxes, edges)
    for sweep in range(_SWEEPS):
        _order(ranks, forward=sweep % 2 == 0)
    _stack(ranks)
    lefts, widths, size = _columns(ranks)
    parts = [_arrow(arrow, lefts, widths) for arrow in arrows]
    parts += [_box(place, lefts, widths) for place in boxes.values()]
    return _HEAD.format(*size, html.escape(title)) + "".join(parts) + "</svg>"


def _boxes(nodes, edges) -> dict[str, _Place]:
    names = [node["name"] for node in nodes]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the diagram has two boxes named {twice!r}; give each a name of its own")
    ranks = _ranks(names, edges)
    return {node["name"]: _Place(ranks[node["name"]], node) for node in nodes}


def _ranks(names: list, edges) -> dict[str, int]:
    """Longest path from a source, by relaxation; more rounds than boxes mean a cycle."""
    ranks = dict.fromkeys(names, 0)
    for _ in range(len(names) + 1):
        changed = False
        for start, end in edges:
            if start not in ranks or end not in ranks:
                raise DataError(
                    f"the diagram has an arrow from {start!r} to {end!r}, one of which is no box; name boxes"
                )
            if ranks[end] < ranks[start] + 1:
                ranks[end], changed = ranks[start] + 1, True
        if not changed:
            return ranks
    raise DataError("the diagram's arrows form a cycle; a row flows one way, so leave out what leads back")


def _ranked(boxes: dict, edges) -> tuple[list[list[_Place]], list[list[_Place]]]:
    """Places by rank, and each arrow as the places that it passes, lanes included."""
    ranks: list[list[_Place]] = [[] for _ in range(1 + max((b.rank for b in boxes.values()), default=0))]
    for box in boxes.values():
        ranks[box.rank].append(box)
    arrows = []
    for start, end in dict.fromkeys(map(tuple, edges)):
        lanes = [_Place(rank) for rank in range(boxes[start].rank + 1, boxes[end].rank)]
        for lane in lanes:
            ranks[lane.rank].append(lane)
        arrows.append([boxes[start], *lanes, boxes[end]])
        for one, next_ in zip(arrows[-1], arrows[-1][1:]):
            one.after.append(next_)
            next_.before.append(one)
    return ranks, arrows


def _order(ranks: list, forward: bool) -> None:
    """Sort each rank by the mean position of its neighbours in the rank before (or after)."""
    for rank in ranks if forward else reversed(ranks):
        positions = {place: at for at, place in enumerate(rank)}
        means = {p: _mean([_at(ranks, q) for q in (p.before if forward else p.after)], positions[p]) for p in rank}
        rank.sort(key=means.__getitem__)


def _at(ranks: list, place: _Place) -> float:
    """Position in its rank, as a share, so that ranks of different lengths compare."""
    rank = ranks[place.rank]
    return (rank.index(place) + 0.5) / len(rank)


def _mean(values: list, otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _stack(ranks: list) -> None:
    """Heights: start packed, then move towards the neighbours as far as the order allows."""
    for rank in ranks:
        _pack(rank, [0.0] * len(rank))
    for sweep in range(2 * _SWEEPS):
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            near = [p.before + p.after if sweep >= _SWEEPS else (p.before if sweep % 2 == 0 else p.after) for p in rank]
            _pack(rank, [_mean([q.y for q in around], p.y) for p, around in zip(rank, near)])


def _pack(rank: list, wanted: list) -> None:
    """Put places as near to the wanted heights as their order and distances allow (least squares)."""
    offsets, groups = _offsets(rank), []
    for wish, offset in zip(wanted, offsets):
        groups.append([wish - offset, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (one, many), (other, more) = groups[-2:]
            groups[-2:] = [[(one * many + other * more) / (many + more), many + more]]
    levels = [level for level, many in groups for _ in range(many)]
    for place, level, offset in zip(rank, levels, offsets):
        place.y = level + offset


def _offsets(rank: list) -> list[float]:
    """The middles of places packed tightly from 0."""
    found, at = [], 0.0
    for number, place in enumerate(rank):
        at += 0.0 if number == 0 else (rank[number - 1].height + place.height) / 2 + _BETWEEN
        found.append(at)
    return found


def _columns(ranks: list) -> tuple[list[float], list[float], tuple[float, float]]:
    """Left edge and width of each rank, and the size of the whole; heights are moved to start at the margin."""
    widths = [max((_width(p.box) for p in rank if p.box is not None), default=0.0) for rank in ranks]
    lefts, at = [], float(_MARGIN)
    for width in widths:
        lefts.append(at)
        at += width + _GAP
    places = [place for rank in ranks for place in rank]
    top = min((p.y - p.height / 2 for p in places), default=0.0)
    for place in places:
        place.y += _MARGIN - top
    bottom = max((p.y + p.height / 2 for p in places), default=0.0)
    return lefts, widths, (at - _GAP + _MARGIN, bottom + _MARGIN)


def _width(box: Mapping) -> float:
    longest = max(len(str(box["name"])), 0.85 * len(str(box.get("note") or "")))
    return min(_WIDEST, max(_NARROWEST, 26 + _LETTER * longest))


def _arrow(arrow: list, lefts: list, widths: list) -> str:
    start, *lanes, end = arrow
    path = f"M{lefts[start.rank] + widths[start.rank]:.1f} {start.y:.1f}"
    at, height = lefts[start.rank] + widths[start.rank], start.y
    for place in (*lanes, end):
        left = lefts[place.rank]
        middle = (at + left) / 2
        path += f"C{middle:.1f} {height:.1f} {middle:.1f} {place.y:.1f} {left:.1f} {place.y:.1f}"
        if place is not end:
            path += f"H{left + widths[place.rank]:.1f}"
        at, height = left + widths[place.rank], place.y
    return f'<path d="{path}" fill="none" {_STROKE} stroke-opacity="0.55" marker-end="url(#arrow)"/>'


def _box(place: _Place, lefts: list, widths: list) -> str:
    box, width, left = place.box, widths[place.rank], lefts[place.rank]
    name, note, kind = str(box["name"]), str(box.get("note") or ""), box.get("kind")
    middle, top = left + width / 2, place.y - _HEIGHT / 2
    corner = _HEIGHT / 2 if kind in ("source", "sink") else 8
    dash = ' stroke-dasharray="5 3"' if kind == "row" else ""
    shape = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{corner}" '
        f'fill="currentColor" fill-opacity="0.04" {_STROKE}{dash}/>'
    )
    title = f"<title>{html.escape(f'{name}: {note}' if note else name)}</title>"
    first = _text(name, middle, place.y + (-3 if note else 4.5), width, 13, 'font-weight="600"')
    second = _text(note, middle, place.y + 15, width, 11, 'fill-opacity="0.7"') if note else ""
    return f"<g>{title}{shape}{first}{second}</g>"


def _text(text: str, x: float, y: float, width: float, size: float, look: str) -> str:
    """One line, cut where the box ends."""
    room = int((width - 12) / (_LETTER * size / 13))
    shown = text if len(text) <= room else text[: room - 1] + "…"
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size}"'
    return f'<text {place} fill="currentColor" {look}>{html.escape(shown)}</text>'


_STROKE = 'stroke="currentColor" stroke-width="1.3"'
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" role="img" '
    'font-family="ui-sans-serif, system-ui, sans-serif"><title>{2}</title><defs>'
    '<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 1L9 5L0 9z" fill="currentColor"/></marker></defs>'
)
