"""Accuracy against the format at the softmax's input."""

from __future__ import annotations

from narrowmax.figures.palette import series
from narrowmax.figures.plot import Figure, axis, key, labels, layout, rule, with_rules

_NAMES = {"fixed": "fixed point", "float": "floating point", "decimal": "decimal rounding"}


def _errors(points: list) -> dict:
    """Asymmetric bars from `low` and `high` where every point has them."""
    if any(p.get("low") is None or p.get("high") is None for p in points):
        return {}
    up = [max(0.0, p["high"] - p["value"]) for p in points]
    down = [max(0.0, p["value"] - p["low"]) for p in points]
    return {"error_y": {"type": "data", "array": up, "arrayminus": down, "thickness": 1, "width": 3, "color": "$faint"}}


def _trace(points: list, key_: str, name: str, place: int, value: str, **more) -> dict:
    look = series(place)
    return {
        "type": "scatter",
        "x": [p[key_] for p in points],
        "y": [p["value"] for p in points],
        "customdata": labels(p["label"] for p in points),
        "name": name,
        "mode": "markers",
        "marker": {**look, "size": 10},
        "line": {"color": look["color"], "width": 2},
        "hovertemplate": f"<b>%{{customdata}}</b><br>{name}, %{{x}} {'bits' if key_ == 'bits' else 'digits'}<br>{value}<extra></extra>",
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
        texts = {
            "mode": "markers+text",
            "text": labels(p["label"] for p in points),
            "textposition": "bottom center",
            "textfont": {"size": 11.5, "color": series(place)["color"]},
        }
        return [_trace(points, key_, name, place, value, **texts, **_errors(points))]
    traces = [
        _trace(
            best, key_, name, place, value, mode="lines+markers", marker={**series(place), "size": 7}, **_errors(best)
        )
    ]
    if rest:
        dim = {**series(place), "size": 5, "opacity": 0.4}
        traces.append(_trace(rest, key_, name, place, value, marker=dim))
    return traces


def against(
    points: list,
    key_: str,
    title: str,
    reference: float | None = None,
    tolerated: float | None = None,
    percent: bool = True,
    log: bool = False,
) -> Figure:
    """Accuracy (or loss) against input bits or decimal digits, one series for each family.

    `points`: dicts of family, label, value, and `key_` ("bits" or "digits"), with low and high
    where an interval is known.  The best of a width is joined by a line, the others stay as dots.
    `reference` is the unrounded network's value, `tolerated` the worst value still accepted.
    `percent` says that values are shares, larger being better; otherwise smaller is better.
    """
    value = "<b>%{y:.2%}</b>" if percent else "<b>%{y:.5f}</b>"
    data, legend = [], []
    for family in dict.fromkeys(p["family"] for p in points):
        place = list(_NAMES).index(family) if family in _NAMES else 3
        traces = _family([p for p in points if p["family"] == family], key_, family, place, value, percent)
        legend.append(
            key(_NAMES.get(family, family), series(place)["color"], range(len(data), len(data) + len(traces)))
        )
        data += traces
    rules = [rule(reference, "unrounded network")] if reference is not None else []
    rules += [rule(tolerated, "tolerated", colour="$bad", above=False)] if tolerated is not None else []
    x = axis(
        "bits at the softmax's input" if key_ == "bits" else "decimal digits kept", dtick=4 if key_ == "bits" else 1
    )
    y = axis(
        title,
        **({"tickformat": ".0%"} if percent else {}),
        **({"type": "log", "exponentformat": "power"} if log else {}),
    )
    alt = (
        f"{title} against {'input bits' if key_ == 'bits' else 'decimal digits'}, for "
        + ", ".join(entry["name"] for entry in legend)
        + "."
    )
    return Figure(data, with_rules(layout(x, y, height=360), rules), alt, legend)


def grid(integer_bits: list, fraction_bits: list, values: list, title: str) -> Figure:
    """Heat map over fixed-point formats: `values[i][f]` in 0..1 or None where not measured."""
    tiles = {
        "type": "heatmap",
        "x": [str(f) for f in fraction_bits],
        "y": [str(i) for i in integer_bits],
        "z": values,
        "xgap": 2,
        "ygap": 2,
        "texttemplate": "%{z:.1%}",
        "textfont": {"size": 11},
        "hoverongaps": False,
        "showscale": False,
        "colorscale": [[0, "$refuse"], [0.5, "$step1"], [1, "$step3"]],
        "hovertemplate": "integer bits %{y} (sign included), fraction bits %{x}<br><b>%{z:.2%}</b><extra></extra>",
    }
    x = axis("fraction bits: the step", type="category", showgrid=False)
    y = axis("integer bits: the range", type="category", showgrid=False)
    alt = f"Heat map: {title} for every pair of integer and fraction bits of a fixed-point input."
    return Figure([tiles], layout(x, y, height=120 + 34 * len(integer_bits)), alt)
