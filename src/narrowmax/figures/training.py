"""Trainings side by side, epoch by epoch."""

from __future__ import annotations

from narrowmax.figures.palette import DASHES, SERIES, series
from narrowmax.figures.plot import Figure, axis, decades, key, label, layout, line
from narrowmax.figures.ranges import epoch_axis

_WHOLE = [-0.03, 1.03]  # of a share, with room for a line at either end


def by_epoch(epochs, by_name: dict, title: str, percent: bool = False, log: bool = False) -> Figure:
    """One line for each name over epochs; None where a number is not known, and no line where none is.

    A name keeps its colour in every figure of the same names.
    percent: numbers are shares in 0..1; log: on a logarithmic scale, on which numbers not above 0 have no place
    """
    data, legend = [], []
    for place, (name, values) in enumerate(by_name.items()):
        if all(value is None for value in values):
            continue
        look = series(place)
        colour = look["color"]
        hover = f"{label(name)}<br>epoch %{{x}}: <b>%{{y:{'.2%' if percent else '.4g'}}}</b>"
        legend.append(key(name, colour, [len(data)], look["symbol"]))
        dash = DASHES[place // len(SERIES) % len(DASHES)]
        data.append(line(epochs, values, name, colour, hover, dash, marker={**look, "size": 7}))
    shares = {"tickformat": ".0%", "range": _WHOLE}
    scale = shares if percent else decades(v for values in by_name.values() for v in values) if log else {}
    alt = f"Lines over epochs: {title}, for " + ", ".join(map(str, by_name)) + "."
    return Figure(data, layout(epoch_axis(epochs), axis(title, **scale)), alt, legend)
