"""Named colours, light and dark.

A figure never holds a hex value.  It names a role (`"$ink"`, `"$series1"`); the page holds both
tables and repaints when the reader's system changes.  The series colours keep apart under the
common kinds of colour blindness, and every series has a marker of its own besides.
"""

from __future__ import annotations

LIGHT = {
    "ink": "#15181d",
    "muted": "#5a6472",
    "faint": "#b4bcc8",
    "grid": "#e6e9ee",
    "paper": "#ffffff",
    "surface": "#f5f6f8",
    "good": "#12795f",
    "bad": "#b93a1e",
    "series1": "#1f5fbf",
    "series2": "#c9501a",
    "series3": "#12795f",
    "series4": "#7a4bc2",
    "series5": "#9a7106",
    "series6": "#b8336a",
    "step1": "#a5c8f0",
    "step2": "#649fe0",
    "step3": "#2a69c4",
    "step4": "#0f3474",
    "band1": "rgba(31,95,191,0.10)",
    "band2": "rgba(31,95,191,0.22)",
    "tile1": "#f7e4de",
    "tile2": "#a9c9ef",
    "tile3": "#2a69c4",
}

DARK = {
    "ink": "#e8ebf0",
    "muted": "#9ca6b5",
    "faint": "#545f6e",
    "grid": "#262d37",
    "paper": "#0f1318",
    "surface": "#171c23",
    "good": "#45c6a2",
    "bad": "#f0805f",
    "series1": "#6ea8fa",
    "series2": "#f29055",
    "series3": "#45c6a2",
    "series4": "#b491f5",
    "series5": "#dcb548",
    "series6": "#f07aa8",
    "step1": "#31598f",
    "step2": "#4a86d3",
    "step3": "#86b6f5",
    "step4": "#d6e6ff",
    "band1": "rgba(110,168,250,0.12)",
    "band2": "rgba(110,168,250,0.26)",
    "tile1": "#3b2621",
    "tile2": "#2c4a77",
    "tile3": "#3f78d0",
}

SERIES = ("series1", "series2", "series3", "series4", "series5", "series6")
STEPS = ("step1", "step2", "step3", "step4")
MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "pentagon")
DASHES = ("solid", "dash", "dot", "dashdot")


def series(index: int) -> dict:
    """Colour and marker of the index-th series; a colour comes again after six, with another marker up to 36."""
    turn, place = divmod(index, len(SERIES))
    return {"color": "$" + SERIES[place], "symbol": MARKERS[(place + turn) % len(MARKERS)]}


def step(index: int, count: int) -> str:
    """Colour of the index-th of `count` ordered series, pale to strong."""
    place = len(STEPS) - 1 if count <= 1 else round(index * (len(STEPS) - 1) / (count - 1))
    return "$" + STEPS[place]
