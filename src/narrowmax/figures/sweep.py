"""Accuracy against the format at the softmax's input."""

from __future__ import annotations

from narrowmax.figures.palette import series
from narrowmax.figures.plot import Figure, axis, key, label, labels, layout, rule, with_rules

_NAMES = {"fixed": "fixed point", "float": "floating point", "decimal": "decimal rounding"}


def _errors(points: list) -> dict:
    """Asymmetric bars from `low` and `high` where every point has them."""
    if any(p.get("low") is None or p.get("high") is None for p in points):
        return {}
    up = [max(0.0, p["high"] - p["value"]) for p in points]
    down = [max(0.0, p["value"] - p["low"]) for p in points]
    return {"error_y": {"type": "data", "array": up, "arrayminus": down, "thickness": 1, "width": 3, "color": "$faint"}}


def _trace(points: list, key_: str, name: str, place: int, value: str, **more) -> dict:
    look, name = series(place), label(name)
    what = "bits" if key_ == "bits" else "digits"
    return {
        "type": "scatter",
        "x": [p[key_] for p in points],
        "y": [p["value"] for p in points],
        "customdata": labels(p["label"] for p in points),
        "name": name,
        "mode": "markers",
        "marker": {**look, "size": 10},
        "line": {"color": look["color"], "width": 2},
        "hovertemplate": f"<b>%{{customdata}}</b><br>{name}, %{{x}} {what}<br>{value}<extra></extra>",
        **more,
    }


def _best(points: list, key_: str, largest: bool) -> list:
    """The best point at each width, in order of width."""
    chosen: dict = {}
    for p in points:
        held = chosen.get(p[key_])
        if held is None or (p["value"] > held["value"] if largest else p["value"] < held["value"]):
            chosen[p[key_]] = p
    return [chosen[width] for width in sorted(chosen)]


def _family(points: list, key_: str, family: str, place: int, value: str, largest: bool) -> list:
    name = _NAMES.get(family, family)
    best = _best(points, key_, largest)
    rest = [p for p in points if p not in best]
    if family == "float":
        return [_trace(points, key_, name, place, value, **_errors(points))]
    traces = [
        _trace(
            best, key_, name, place, value, mode="lines+markers", marker={**series(place), "size": 7}, **_errors(best)
        )
    ]
    if rest:
        dim = {**series(place), "size": 5, "opacity": 0.4}
        traces.append(_trace(rest, key_, name, place, value, marker=dim))
    return traces


def _names(points: list, key_: str, place: int, reference: float | None, largest: bool) -> dict:
    """One name for all points of a width, best first, for they may lie too close for a name each; one below the other,
    for the next width's may lie close as well.

    It stands where nothing else is drawn: on the good side of the points, their bars and the unrounded network, while
    what is tolerated lies on the other side.
    """
    best, good = (max, "high") if largest else (min, "low")
    widths = sorted({p[key_] for p in points})
    levels = [sorted((p for p in points if p[key_] == w), key=lambda p: p["value"], reverse=largest) for w in widths]
    ends = [[best(p["value"], p.get(good) or p["value"]) for p in level] for level in levels]
    return {
        "type": "scatter",
        "mode": "text",
        "x": widths,
        "y": [best([*level, reference] if reference is not None else level) for level in ends],
        "text": ["<br>".join(label(p["label"]) for p in level) for level in levels],
        "textposition": "top center" if largest else "bottom center",
        "textfont": {"size": 12, "color": series(place)["color"]},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def against(
    points: list,
    key_: str,
    title: str,
    reference: float | None = None,
    tolerated: float | None = None,
    percent: bool = True,
    window: tuple[float, float] | None = None,
) -> Figure:
    """Accuracy (or loss) against input bits or decimal digits, one series for each family.

    `points`: dicts of family, label, value, and `key_` ("bits" or "digits"), with low and high
    where an interval is known.  The best of a width is joined by a line, the others stay as dots.
    `reference` is the unrounded network's value, `tolerated` the worst value still accepted.
    `percent` says that values are shares, larger being better; otherwise smaller is better.
    `window` limits the value axis; what lies outside is not drawn.
    """
    value = "<b>%{y:.2%}</b>" if percent else "<b>%{y:.5f}</b>"
    data, legend = [], []
    for family in dict.fromkeys(p["family"] for p in points):
        place = list(_NAMES).index(family) if family in _NAMES else 3
        traces = _family([p for p in points if p["family"] == family], key_, family, place, value, percent)
        if family == "float":
            named = [p for p in points if p["family"] == family]
            traces.append(_names(named, key_, place, reference, percent))
        look, every = series(place), range(len(data), len(data) + len(traces))
        legend.append(key(_NAMES.get(family, family), look["color"], every, look["symbol"]))
        data += traces
    rules = _rules(reference, tolerated)
    what = "input bits" if key_ == "bits" else "decimal digits"
    x = axis(f"{what} at the softmax", **_widths([p[key_] for p in points], key_))
    y = axis(title, **({"tickformat": ".1~%"} if percent else {}), **({"range": list(window)} if window else {}))
    alt = f"{title} against {what}, for " + ", ".join(entry["name"] for entry in legend) + "."
    room = {"margin": {"l": 12, "r": 18, "t": 28, "b": 12}}  # above, for names in two lines
    return Figure(data, with_rules(layout(x, y, height=360, **room), rules), alt, legend)


def _widths(widths: list, key_: str) -> dict:
    """Bits on a logarithmic axis, where 4 to 8 matters as much as 16 to 32; digits one beside the other."""
    if key_ == "digits":
        return {"type": "category", "categoryorder": "array", "categoryarray": sorted(set(widths))}
    ticks = [tick for tick in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64) if tick <= max(widths)]
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "ticktext": [str(tick) for tick in ticks]}


def _rules(reference: float | None, tolerated: float | None) -> list:
    """The two lines, the upper one named above itself and the lower one below."""
    given = [(reference, "unrounded network", "$muted"), (tolerated, "tolerated", "$bad")]
    known = [entry for entry in given if entry[0] is not None]
    top = max((value for value, _, _ in known), default=0.0)
    return [rule(value, name, colour=colour, above=value == top) for value, name, colour in known]


def grid(integer_bits: list, fraction_bits: list, values: list, title: str, worst: float = 0.0) -> Figure:
    """Heat map over fixed-point formats: `values[i][f]` in 0..1 or None where not measured.

    Values of `worst` and below have the palest tile, so that the better ones can be told apart.
    """
    tiles = {
        "type": "heatmap",
        "x": [str(f) for f in fraction_bits],
        "y": [str(i) for i in integer_bits],
        "z": values,
        "zmin": worst,
        "zmax": max((v for line in values for v in line if v is not None), default=1.0),
        "xgap": 2,
        "ygap": 2,
        "texttemplate": "%{z:.1%}",
        "textfont": {"size": 11},
        "hoverongaps": False,
        "showscale": False,
        "colorscale": [[0, "$tile1"], [0.5, "$tile2"], [1, "$tile3"]],
        "hovertemplate": "integer bits %{y} (sign included), fraction bits %{x}<br><b>%{z:.2%}</b><extra></extra>",
    }
    x = axis("fraction bits: the step", type="category", showgrid=False)
    y = axis("integer bits: the range", type="category", showgrid=False)
    alt = f"Heat map: {title} for every pair of integer and fraction bits of a fixed-point input."
    return Figure([tiles], layout(x, y, height=120 + 34 * len(integer_bits)), alt)
