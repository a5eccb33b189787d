"""A small plot as an SVG file: lines over one axis, light or dark as the reader's system is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 78, 16, 34, 46
STYLE = (
    "<style>svg{color:#1f2328;background:#fff;--a:#1f5fbf;--b:#c9501a}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117;--a:#6ea8fa;--b:#f29055}}</style>"
)
COLOURS = ("var(--a)", "var(--b)")


@dataclass(frozen=True)
class Line:
    """name, x and y of as many points, in order of x"""

    name: str
    x: np.ndarray
    y: np.ndarray


def plot(lines: Sequence[Line], across: str, up: str) -> str:
    """Lines as SVG; both axes hold 0, and no x is below it."""
    end = max(float(line.x.max()) for line in lines)
    x = [tick for tick in _ticks(0.0, end) if tick < end * (1 + 1e-9)]
    y = _ticks(min(0.0, *(float(line.y.min()) for line in lines)), max(0.0, *(float(line.y.max()) for line in lines)))

    def place(a, b) -> tuple:
        return (
            LEFT + a / end * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (b - y[0]) / (y[-1] - y[0]) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" font-family="system-ui, sans-serif" font-size="12">',
        STYLE, f"<title>{escape(f'{up} against {across}')}</title>",
        *(_rule(place(x[0], v), place(end, v), 0.6 if v == 0 else 0.15) for v in y),
        *(_text(LEFT - 8, place(x[0], v)[1] + 4, _short(v), "end") for v in y),
        *(_text(place(v, y[0])[0], HEIGHT - BOTTOM + 18, _short(v), "middle") for v in x),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across, "middle"),
        *(_drawn(line, place, colour) for line, colour in zip(lines, COLOURS, strict=False)),
        *_legend(lines), _text(8, 18, up, "start"),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that hold both ends."""
    span = (high - low) or 1.0
    step = 10.0 ** math.floor(math.log10(span / 4))
    step *= next(k for k in (1, 2, 5, 10) if span / (k * step) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * k for k in range(first, max(last, first + 1) + 1)]


def _short(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _rule(a: tuple, b: tuple, strength: float) -> str:
    return f'<path d="M{a[0]:.1f} {a[1]:.1f} H{b[0]:.1f}" stroke="currentColor" stroke-opacity="{strength}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _drawn(line: Line, place, colour: str) -> str:
    points = " ".join("{:.1f},{:.1f}".format(*place(a, b)) for a, b in zip(line.x, line.y, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4" stroke-linejoin="round"/>'


def _legend(lines: Sequence[Line]) -> list[str]:
    found, x = [], WIDTH - RIGHT
    for line, colour in reversed(list(zip(lines, COLOURS, strict=False))):
        found.append(_text(x, 18, line.name, "end", colour))
        x -= 7 * len(line.name) + 24
    return found
