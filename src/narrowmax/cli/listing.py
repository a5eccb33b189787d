"""The catalogue as a list, in tables that fold to the width of the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from narrowmax.report.text import DASH, count, real

WIDTH = 100
"""Characters of a line where there is no terminal, and at most."""
_ROOMY = 90
_NARROWEST = 24  # of a column that folds


def catalogue(record: dict) -> str:
    """Three tables: what each architecture is, what holds of it, how wrong it and its parts are."""
    every = record["architectures"]
    return "\n\n".join([
        folding(("architecture", "year", "idea, and what its bits are judged by"), "lrl", map(_about, every)),
        _shown("At the default parameters, on the rows that `narrowmax designs NAME` tells of:"),
        folding(("architecture", *_LIMITS), "l" + "r" * len(_LIMITS), map(_limits, every)),
        _shown(_ABOUT_LIMITS),
        _shown("The worst errors there, found by enumeration:"),
        folding(("architecture", *_ERRORS), "l" + "r" * len(_ERRORS), map(_errors, every)),
        _shown(_ABOUT_ERRORS),
        _shown("`narrowmax designs NAME` shows one in full."),
    ])  # fmt: skip


def folding(columns: tuple[str, ...], sides: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table as wide as the terminal, `WIDTH` at most: headings fold between words, and the last column if of text.

    Columns that find no place follow in a table below, beside the first one again.
    sides: of each column, `l` for text and `r` for numbers
    """
    rows = list(rows)
    gap = 1 if _width() >= _ROOMY else 0  # beside the one that a rule has there
    last = len(columns) - 1 if sides[-1] == "l" else None
    widths = [max(map(len, (*column.split(), *(row[place] for row in rows)))) for place, column in enumerate(columns)]
    if last is not None:
        widths[last] = min(widths[last], _NARROWEST)
    blocks = [[0]]
    for place in range(1, len(columns)):
        taken = sum(widths[one] + 1 + gap for one in (*blocks[-1], place)) - 1 - gap
        if taken > _width() and blocks[-1] != [0]:
            blocks.append([0])
        blocks[-1].append(place)
    return "\n\n".join(_beside(columns, sides, rows, block, gap, last) for block in blocks)


def _beside(columns, sides: str, rows: list, places: list[int], gap: int, last: int | None) -> str:
    """The table of some of the columns; the text in the `last` one folds."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    for place in places:
        head = columns[place] if place == last else "\n".join(columns[place].split())
        side = "right" if sides[place] == "r" else "left"
        made.add_column(head, justify=side, vertical="top", no_wrap=place != last)
    for row in rows:
        made.add_row(*(row[place] for place in places))
    return _shown(made)


def _width() -> int:
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def _shown(what) -> str:
    file = StringIO()
    console = Console(file=file, width=_width(), color_system=None, highlight=False, markup=False, emoji=False)
    console.print(what)
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip("\n").split("\n"))


def _about(one: dict) -> tuple[str, ...]:
    none = "" if one["hardware"] else "\nno hardware"
    return one["name"], str(one["year"] or DASH), f"{one['summary']}{none}\njudged by {one['oracle']}"


_LIMITS = ("rows sum to", "zeros", "order kept", "mono- tone", "longest row", "0 beyond", "least above", "masked row")
_ABOUT_LIMITS = (
    "zeros: an element that takes part can have 0.  order kept: a larger element never has the smaller output in its "
    "row.  monotone: raising an element never lowers its own output.  longest row: beyond it rows are refused.  0 "
    "beyond, least above: how far below a single maximum an element has 0, and the least output above 0.  masked row: "
    "what an element of a row has in which nothing takes part."
)


def _limits(one: dict) -> tuple[str, ...]:
    holds = {found["name"]: found for found in one["guarantees"]}
    limits = {limit["name"]: limit["value"] for limit in one["limits"]}
    sums = holds.get("sums_to_one")
    return (
        one["name"],
        _span(sums["least"], sums["greatest"]) if sums else DASH,
        *(_yes(holds.get(name)) for name in ("zeros", "order_kept", "monotone")),
        count(limits["longest_row"]) if limits["longest_row"] else "any",
        *(real(limits.get(name), 2) for name in ("widest_distance", "smallest_probability")),
        real(limits.get("masked_row")),
    )


_ERRORS = tuple(f"{part} {size}" for part in ("exp", "division", "whole") for size in ("relative", "absolute"))
_ABOUT_ERRORS = (
    "exp: an exponential, of which 1 is the largest.  division: from the sum to the output, alone.  whole: an output.  "
    "relative: the worst share of the exact value, where that is 1/16 or more; absolute: the worst difference."
)


def _errors(one: dict) -> tuple[str, ...]:
    cards = one["error_card"].values()
    shown = [text for card in cards for text in (_percent(card.get("relative")), real(card.get("absolute"), 2))]
    return one["name"], *shown


def _percent(share: float | None) -> str:
    """Two digits: `0.71 %`, `142 %`, `2.4e−05 %`."""
    if share is None:
        return DASH
    return f"{count(100 * share) if share >= 0.995 else real(100 * share, 2)} %"


def _span(low: float, high: float) -> str:
    return " to ".join(dict.fromkeys((f"{low:.3g}", f"{high:.3g}")))


def _yes(found: dict | None) -> str:
    return DASH if found is None else "yes" if found["value"] else "no"
