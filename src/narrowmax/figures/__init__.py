"""Plots from plain data: numbers and strings in, a `Figure` of Plotly's JSON out.

Nothing here imports Plotly, reads a file or knows what a record is.  Colours are names from
`palette`, turned into hex values by whoever shows the figure (`Figure.painted`), so that one
figure serves light and dark.  Text that came from outside is escaped on the way in.
"""

from narrowmax.figures.designs import margins, steps, trade, wire_widths
from narrowmax.figures.diagram import diagram
from narrowmax.figures.palette import DARK, LIGHT
from narrowmax.figures.plot import Figure, label
from narrowmax.figures.ranges import coverage, distances, gaps, layers, shares, spread, tail
from narrowmax.figures.sweep import against, grid
from narrowmax.figures.training import by_epoch

__all__ = [
    "DARK",
    "LIGHT",
    "Figure",
    "against",
    "by_epoch",
    "coverage",
    "diagram",
    "distances",
    "gaps",
    "grid",
    "label",
    "layers",
    "margins",
    "shares",
    "spread",
    "steps",
    "tail",
    "trade",
    "wire_widths",
]
