"""Designs and their wires: how many bits, how much loss against what cost."""

from __future__ import annotations

from narrowmax.figures.palette import series
from narrowmax.figures.plot import Figure, axis, decades, key, label, labels, layout, names_axis, rule, with_rules


def wire_widths(names, start, final) -> Figure:
    """Bits of each wire before and after narrowing; an entry of `start` may be None."""
    shown = labels(names)
    links = {
        "type": "scatter",
        "mode": "lines",
        "x": [v for s, f in zip(start, final, strict=True) for v in ((s if s is not None else f), f, None)],
        "y": [v for name in shown for v in (name, name, None)],
        "line": {"color": "$faint", "width": 3},
        "hoverinfo": "skip",
    }
    data = [
        links,
        _dots(shown, start, "$muted", "circle-open", "at the start"),
        _dots(shown, final, "$series1", "circle", "narrowest"),
    ]
    data[2] |= {
        "mode": "markers+text",
        "text": [f"{bits}" for bits in final],
        "textposition": "top center",
        "textfont": {"color": "$series1", "size": 12},
    }
    legend = [key("at the start", "$muted", [1], "ring"), key("narrowest found", "$series1", [2], "circle")]
    x = axis("bits", rangemode="tozero")
    y = names_axis(len(shown))
    alt = "For each wire, its width in bits at the start and in the narrowest design found."
    return Figure(data, layout(x, y, height=100 + 42 * len(shown)), alt, legend)


def _dots(names, values, colour: str, symbol: str, what: str) -> dict:
    kept = [(n, v) for n, v in zip(names, values, strict=True) if v is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [v for _, v in kept],
        "y": [n for n, _ in kept],
        "marker": {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2, "color": colour}},
        "hovertemplate": f"%{{y}}<br>{what}: <b>%{{x}} bits</b><extra></extra>",
    }


def margins(rows: list, tolerance: float, unit: str, scale: float = 1.0) -> Figure:
    """Loss of each row with its bounds, against the tolerance that it must stay below.

    `rows`: dicts of label, estimate, low, high (low and high may be None) and tone: good (below the
    tolerance), bad (beyond it) or open (neither is shown).  Values times `scale` are in `unit`.
    """
    names = labels(r["label"] for r in rows)
    pairs = list(zip(names, rows, strict=True))
    data = [
        _interval([(name, row) for name, row in pairs if row["tone"] == tone], look, scale, unit)
        for tone, look in _TONES.items()
    ]
    limit = rule(tolerance * scale, f"tolerance {tolerance * scale:g}", vertical=True, colour="$bad")
    x = axis(f"loss, {unit}", zeroline=True, zerolinecolor="$faint")
    y = names_axis(len(rows), categoryorder="array", categoryarray=names)
    y["range"] = [y["range"][0], y["range"][1] - 0.4]  # room for the limit's name above the first bar
    alt = (
        f"Loss in {unit} with its confidence bounds, one line each for "
        + ", ".join(str(r["label"]) for r in rows)
        + f"; the tolerance is {tolerance * scale:g}."
    )
    return Figure(data, with_rules(layout(x, y, height=110 + 36 * len(rows)), [limit]), alt)


_TONES = {
    "good": {"color": "$good", "symbol": "circle", "size": 9},
    "bad": {"color": "$bad", "symbol": "x", "size": 9},
    "open": {"color": "$muted", "symbol": "circle-open", "size": 9, "line": {"width": 2, "color": "$muted"}},
}


def _interval(rows: list, look: dict, scale: float, unit: str) -> dict:
    up = [_reach(r, "high", scale) for _, r in rows]
    down = [_reach(r, "low", scale) for _, r in rows]
    bounds = [[_bound(r.get("low"), scale), _bound(r.get("high"), scale)] for _, r in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [r["estimate"] * scale for _, r in rows],
        "y": [n for n, _ in rows],
        "customdata": bounds,
        "error_x": {
            "type": "data",
            "array": up,
            "arrayminus": down,
            "color": look["color"],
            "thickness": 2,
            "width": 5,
        },
        "marker": look,
        "hovertemplate": f"%{{y}}<br>estimate <b>%{{x:.4f}}</b> {label(unit)}"
        "<br>bounds %{customdata[0]} to %{customdata[1]}<extra></extra>",
    }


def _reach(row: dict, side: str, scale: float) -> float:
    bound = row.get(side)
    return 0.0 if bound is None else abs(bound - row["estimate"]) * scale


def _bound(value: float | None, scale: float) -> str:
    return "not given" if value is None else f"{value * scale:.4f}"


def trade(
    points: list,
    y_title: str,
    tolerated: float | None = None,
    scale: float = 1.0,
    x_title: str = "cost, NAND2-equivalents with memory priced",
) -> Figure:
    """Loss against synthesised cost, one series for each group.

    `points`: dicts of label, group, cost, loss, chosen (bool).  Losses times `scale` are shown.  Where
    some lie far beyond the tolerance the axis ends at six times it, and they are drawn on its edge.
    """
    edge = _edge([p["loss"] for p in points], tolerated)
    data, legend = [], []
    for place, group in enumerate(dict.fromkeys(p["group"] for p in points)):
        look = series(place)
        members = [p for p in points if p["group"] == group]
        data.append(_cloud(members, look, scale, edge))
        legend.append(key(group, look["color"], [place], look["symbol"]))
    chosen = [p for p in points if p.get("chosen")]
    if chosen:
        data.append(_ring(chosen, scale, edge))
        legend.append(key("chosen", "$ink", [len(data) - 1], "ring"))
    rules = (
        [rule(tolerated * scale, f"tolerance {tolerated * scale:g}", colour="$bad")] if tolerated is not None else []
    )
    x = axis(x_title, **_cost_axis([p["cost"] for p in points]))
    alt = f"{y_title} against cost, one point for each of {len(points)} designs."
    return Figure(data, with_rules(layout(x, axis(y_title), height=400), rules), alt, legend)


def _edge(losses: list, tolerated: float | None) -> float:
    """Where the loss axis ends: infinity unless points beyond six tolerances would flatten the rest."""
    return 6 * tolerated if tolerated and max(losses) > 10 * tolerated else float("inf")


def _cost_axis(costs: list) -> dict:
    """Logarithmic when the costs span a factor of four or more."""
    far = costs and min(costs) > 0 and max(costs) / min(costs) >= 4
    return (decades(costs) if far else {}) or {"tickformat": ",d", "rangemode": "tozero", "nticks": 6}


def _cloud(points: list, look: dict, scale: float, edge: float) -> dict:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p["cost"] for p in points],
        "y": [min(p["loss"], edge) * scale for p in points],
        "customdata": [[label(p["label"]), p["loss"] * scale] for p in points],
        "marker": {**look, "size": 11, "opacity": 0.85},
        "hovertemplate": "%{customdata[0]}<br>cost <b>%{x:,.0f}</b><br>loss <b>%{customdata[1]:.4f}</b><extra></extra>",
    }


def _ring(points: list, scale: float, edge: float) -> dict:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p["cost"] for p in points],
        "y": [min(p["loss"], edge) * scale for p in points],
        "marker": {"symbol": "circle-open", "size": 22, "color": "$ink", "line": {"width": 2, "color": "$ink"}},
        "hoverinfo": "skip",
    }


def steps(seconds: dict) -> Figure:
    """How long each step took, in the order done: a mapping from name to seconds."""
    names = labels(seconds)
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": list(seconds.values()),
        "marker": {"color": "$step2"},
        "width": 0.6,
        "text": [f"{s:.1f} s" for s in seconds.values()],
        "textposition": "outside",
        "textfont": {"color": "$muted", "size": 12},
        "cliponaxis": False,
        "hovertemplate": "%{y}: <b>%{x:.1f} s</b><extra></extra>",
    }
    alt = "A bar for each step of the study: " + ", ".join(f"{n} {s:.1f} s" for n, s in seconds.items()) + "."
    x = axis("seconds", rangemode="tozero")
    return Figure([bars], layout(x, names_axis(len(names)), height=86 + 28 * len(names)), alt)
