"""What reaches a softmax, epoch by epoch: shares inside a range, extremes, distances, gaps."""

from __future__ import annotations

from narrowmax.figures.palette import DASHES, step
from narrowmax.figures.plot import Figure, axis, decades, key, label, labels, layout, line, names_axis, rule, with_rules

_QUANTILES = {
    "p01": "1 %",
    "p50": "median",
    "p99": "99 %",
    "p999": "99.9 %",
    "max": "largest",
}


def epoch_axis(epochs) -> dict:
    """The axis of epochs: each of them is named where they are few."""
    few = len(epochs) <= 12
    return axis("epoch", **({"tickmode": "array", "tickvals": list(epochs)} if few else {"nticks": 10}))


def shares(epochs, by_range: dict) -> Figure:
    """Share of rows whose every element lies inside +-R, one line for each R.

    `by_range` maps R (a number) to shares in 0..1, one for each epoch (None: not known).
    """
    ordered = sorted(by_range)
    data, legend = [], []
    for place, reach in enumerate(ordered):
        name, colour = f"±{reach:g}", step(place, len(ordered))
        hover = f"epoch %{{x}}<br><b>%{{y:.2%}}</b> of rows inside {name}"
        data.append(line(epochs, by_range[reach], name, colour, hover))
        legend.append(key(name, colour, [place]))
    y = axis("rows wholly inside ±R", tickformat=".0%", range=[-0.03, 1.04])
    alt = (
        "Lines over epochs: the share of rows whose every element lies inside ±R, for R of "
        + ", ".join(f"{r:g}" for r in ordered)
        + "."
    )
    return Figure(data, layout(epoch_axis(epochs), y), alt, legend)


def coverage(curves: dict, n_marked: tuple = (0.9, 0.99)) -> Figure:
    """Share of rows inside +-R as R grows, one curve for each name, the last the strongest.

    `curves` maps a name to pairs (R, share), in order of R.  Dashed lines mark `n_marked` shares.
    """
    data, legend = [], []
    for place, (name, points) in enumerate(curves.items()):
        colour = step(place, len(curves))
        hover = f"{label(name)}<br><b>%{{y:.2%}}</b> of rows inside ±%{{x:.3g}}"
        reach, share = [r for r, _ in points], [s for _, s in points]
        data.append(line(reach, share, name, colour, hover))
        legend.append(key(name, colour, [place]))
    y = axis("rows wholly inside ±R", tickformat=".0%", range=[-0.03, 1.04])
    alt = (
        "Curves: the share of rows whose every element lies inside ±R, against R, for "
        + ", ".join(map(str, curves))
        + "."
    )
    marks = [rule(share, f"{100 * share:g} %", beside=True) for share in n_marked]
    room = {"margin": {"l": 12, "r": 44, "t": 14, "b": 12}}
    return Figure(data, with_rules(layout(axis("R", rangemode="tozero"), y, **room), marks), alt, legend)


def _edge(epochs, y, colour: str, name: str) -> dict:
    hover = f"epoch %{{x}}<br>{name} <b>%{{y:.3f}}</b>"
    return line(
        epochs, y, name, colour, hover, line={"color": colour, "width": 1.25}, marker={"color": colour, "size": 4}
    )


def spread(epochs, low, high, mean, std) -> Figure:
    """Smallest and largest logit, with mean and one standard deviation either side."""
    upper = [m + s for m, s in zip(mean, std, strict=True)]
    lower = [m - s for m, s in zip(mean, std, strict=True)]
    data = [
        _edge(epochs, low, "$series1", "smallest"),
        {**_edge(epochs, high, "$series1", "largest"), "fill": "tonexty", "fillcolor": "$band1"},
        {**_edge(epochs, lower, "$step2", "mean − std"), "mode": "lines"},
        {**_edge(epochs, upper, "$step2", "mean + std"), "mode": "lines", "fill": "tonexty", "fillcolor": "$band2"},
        line(epochs, mean, "mean", "$ink", "epoch %{x}<br>mean <b>%{y:.3f}</b>"),
    ]
    legend = [
        key("smallest to largest", "$band1", [0, 1], "band"),
        key("mean ± one standard deviation", "$band2", [2, 3], "band"),
        key("mean", "$ink", [4]),
    ]
    alt = "Bands over epochs: smallest to largest logit, mean and one standard deviation either side."
    return Figure(data, layout(epoch_axis(epochs), axis("logit")), alt, legend)


def _quantiles(epochs, by_name: dict, what: str, colours) -> tuple[list, list]:
    data, legend = [], []
    for place, (name, values) in enumerate(by_name.items()):
        shown = _QUANTILES.get(name, name)
        colour = colours[place % len(colours)]
        hover = f"epoch %{{x}}<br>{label(shown)} of {what}: <b>%{{y:.3f}}</b>"
        data.append(line(epochs, values, shown, colour, hover, DASHES[0]))
        legend.append(key(shown, colour, [place]))
    return data, legend


def distances(epochs, by_name: dict) -> Figure:
    """Quantiles of `max - x`, how far below its row's largest an element lies.

    `by_name` maps p50, p99, p999, max (any of them) to one value for each epoch.
    """
    colours = [step(place, len(by_name)) for place in range(len(by_name))]
    data, legend = _quantiles(epochs, by_name, "max − x", colours)
    alt = "Lines over epochs: quantiles of the distance from an element to the largest of its row."
    return Figure(data, layout(epoch_axis(epochs), axis("max − x", rangemode="tozero")), alt, legend)


def gaps(epochs, by_name: dict) -> Figure:
    """Quantiles of the gap between the first two of a row: what a rounding must not close.

    Logarithmic where no gap is zero, since the small ones matter.
    """
    data, legend = _quantiles(epochs, by_name, "the gap", ("$series2", "$series4", "$series5"))
    for one, entry, symbol in zip(data, legend, ("diamond", "circle", "square")):
        one["marker"], entry["mark"] = {**one["marker"], "symbol": symbol, "size": 7}, symbol
    alt = "Lines over epochs: quantiles of the gap between the largest and the second largest of a row."
    known = [v for values in by_name.values() for v in values if v is not None]
    scale = decades(known) if min(known, default=0.0) > 0 else {"rangemode": "tozero"}
    return Figure(data, layout(epoch_axis(epochs), axis("largest − second", **scale)), alt, legend)


def tail(curves: dict) -> Figure:
    """Softmax mass that lies beyond a distance from the maximum, on a logarithmic scale.

    `curves` maps a name to pairs (distance, mass in 0..1); a mass of 0 is not drawn.
    """
    data, legend = [], []
    for place, (name, points) in enumerate(curves.items()):
        colour = step(place, len(curves))
        hover = "<b>%{y:.3g}</b> of the probability<br>lies more than %{x} below the maximum"
        shown = [(distance, mass) for distance, mass in points if mass > 0]
        data.append(line([d for d, _ in shown], [m for _, m in shown], name, colour, hover))
        legend.append(key(name, colour, [place]))
    y = axis("mean probability beyond", **decades(m for points in curves.values() for _, m in points if m > 0))
    alt = "Falling curves: the mean softmax probability that lies farther below the maximum than a distance."
    return Figure(data, layout(axis("distance below the maximum", rangemode="tozero"), y), alt, legend)


def layers(names, low, high, inside99) -> Figure:
    """Extremes of each softmax as a bar, with the R that holds 99 % of its rows.

    Sequences of one length; an entry of `inside99` may be None.
    """
    shown = labels(names)
    hover = "%{y}<br>from <b>%{base:.2f}</b> to <b>%{customdata:.2f}</b><extra></extra>"
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": shown,
        "base": list(low),
        "x": [b - a for a, b in zip(low, high, strict=True)],
        "customdata": list(high),
        "marker": {"color": "$step2"},
        "width": 0.5,
        "hovertemplate": hover,
    }
    marks = {
        "type": "scatter",
        "mode": "markers",
        "y": [name for name, r in zip(shown, inside99, strict=True) if r is not None] * 2,
        "x": [s * r for s in (1, -1) for r in inside99 if r is not None],
        "marker": {"symbol": "line-ns", "size": 16, "line": {"width": 2.5, "color": "$series2"}, "color": "$series2"},
        "hovertemplate": "%{y}<br>99 % of rows inside ±<b>%{x:.2f}</b><extra></extra>",
    }
    legend = [key("smallest to largest", "$step2", [0], "band"), key("±R that holds 99 % of rows", "$series2", [1])]
    y = names_axis(len(shown))
    alt = (
        "One bar for each softmax, from its smallest to its largest input, with the range that holds 99 % of its rows."
    )
    return Figure([bar, marks], layout(axis("logit"), y, height=90 + 34 * len(shown)), alt, legend)
