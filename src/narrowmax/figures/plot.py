"""What every figure shares: the record `Figure`, the layout, escaped text, painted colours."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

FONT = 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


@dataclass(frozen=True)
class Figure:
    """One panel of Plotly's JSON.

    `data` is a list of traces and `layout` a dict, both plain; `alt` says in words what is to be
    seen.  Colours are names such as `"$ink"`: `painted` turns them into values.
    """

    data: list
    layout: dict
    alt: str
    legend: list = field(default_factory=list)

    def painted(self, colours: dict) -> dict:
        """`{"data", "layout"}` with every colour name replaced from `colours` (LIGHT or DARK)."""
        return {"data": _paint(self.data, colours), "layout": _paint(self.layout, colours)}


def _paint(node, colours: dict, coloured: bool = False):
    if isinstance(node, dict):
        return {k: _paint(v, colours, k.lower().endswith(("color", "colorscale"))) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_paint(v, colours, coloured) for v in node]
    if coloured and isinstance(node, str) and node.startswith("$"):
        return colours[node[1:]]
    return node


def label(text: object) -> str:
    """Text for a plot.  Plotly reads a little HTML (links too) and `%{...}`, so both are escaped."""
    return html.escape(str(text), quote=False).replace("%{", "%&#123;")


def labels(texts) -> list:
    return [label(text) for text in texts]


def axis(title: str = "", **more) -> dict:
    """One axis: thin grid, no zero line, room made for its labels."""
    return {
        "title": {"text": label(title), "standoff": 10, "font": {"size": 12.5, "color": "$muted"}},
        "gridcolor": "$grid",
        "linecolor": "$faint",
        "tickfont": {"size": 12, "color": "$muted"},
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        **more,
    }


def layout(x: dict, y: dict, height: int = 330, **more) -> dict:
    """The layout of every figure, `height` in pixels; the width is the page's."""
    return {
        "xaxis": x,
        "yaxis": y,
        "height": height,
        "margin": {"l": 12, "r": 18, "t": 14, "b": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": "$ink"},
        "hoverlabel": {
            "font": {"family": FONT, "size": 13, "color": "$ink"},
            "bgcolor": "$paper",
            "bordercolor": "$faint",
            "align": "left",
        },
        "hovermode": "closest",
        "showlegend": False,
        **more,
    }


def line(x, y, name: str, colour: str, hover: str, dash: str = "solid", **more) -> dict:
    """A line with small markers.  `hover` is a Plotly template and must hold no outside text."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(x),
        "y": list(y),
        "name": label(name),
        "line": {"color": colour, "width": 2.25, "dash": dash},
        "marker": {"color": colour, "size": 6},
        "hovertemplate": hover + "<extra></extra>",
        **more,
    }


_STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))
"""Of a decade, from coarse to fine; of the last ones any range of a factor of two holds two."""


def decades(values: Iterable[float | None]) -> dict:
    """A logarithmic scale for numbers above 0, with two of them named at least; a linear one for numbers so close
    that it is as good.  What has no logarithm (None, 0, less, infinity) is not looked at.  Plotly's own powers of ten
    are larger than all other text, and may be none at all.
    """
    known = [value for value in values if value is not None and 0 < value < math.inf]
    low, high = min(known, default=1.0), max(known, default=1.0)
    if high < 2 * low:
        return {}
    wide = math.log10(high) - math.log10(low)
    for steps in _STEPS[2 if wide < 1.2 else 1 if wide < 3 else 0 :]:
        named = _named(low, high, steps, max(1, round(wide / 6)))
        if sum(low <= tick <= high for tick in named) >= 2:
            return {"type": "log", "tickmode": "array", "tickvals": [*named], "ticktext": [*named.values()]}
    return {}


def _named(low: float, high: float, steps: tuple, each: int) -> dict[float, str]:
    """Ticks from the decade of `low` on to that of `high`, with their texts."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [(float(f"{step}e{power}"), step, power) for power in range(first, last + 1, each) for step in steps]
    return {tick: _power(tick, step, power) for tick, step, power in ticks if 0 < tick < math.inf}


def _power(tick: float, step: float, power: int) -> str:
    """`0.03`, `1`, `3,000`; from 0.001 down and ten million up with a power of ten."""
    if -3 < power < 7:
        return f"{tick:,.10g}"
    return ("" if step == 1 else f"{step}·") + f"10<sup>{power}</sup>".replace("-", "−")


def rule(
    value: float, text: str, vertical: bool = False, colour: str = "$muted", above: bool = True, beside: bool = False
) -> dict:
    """A dashed line across the whole plot with its name at its start, as layout parts.

    A horizontal line's name stands above it or below it, or `beside` the plot at its end, in the right margin; a
    vertical line's beside its upper end.
    """
    along, across = ("y", "x") if vertical else ("x", "y")
    shape = {
        "type": "line",
        f"{along}ref": "paper",
        f"{along}0": 0,
        f"{along}1": 1,
        f"{across}0": value,
        f"{across}1": value,
        "line": {"color": colour, "width": 1.25, "dash": "dash"},
        "layer": "below",
    }
    note = {
        "text": label(text),
        across: value,
        f"{along}ref": "paper",
        along: 1 if vertical or beside else 0,
        "showarrow": False,
        "font": {"size": 12, "color": colour},
        "xanchor": "left",
        "yanchor": "middle" if beside else "bottom" if above and not vertical else "top",
        "xshift": 5,
    }
    return {"shape": shape, "note": note}


def names_axis(count: int, **more) -> dict:
    """An axis of `count` names, the first on top, with room at either end."""
    return axis("", type="category", range=[count - 0.4, -0.6], showgrid=False, **more)


def with_rules(layout_: dict, rules: list) -> dict:
    """The layout with each of `rules` drawn on it."""
    shapes = [*layout_.get("shapes", []), *(r["shape"] for r in rules)]
    notes = [*layout_.get("annotations", []), *(r["note"] for r in rules)]
    return {**layout_, "shapes": shapes, "annotations": notes}


def key(name: str, colour: str, traces: list, mark: str = "line") -> dict:
    """One entry of the legend: the page draws it and switches `traces` (indices) on and off."""
    return {"name": str(name), "color": colour, "traces": list(traces), "mark": mark}
