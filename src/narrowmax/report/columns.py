"""`Table`: columns of text for a page, and in a fixed-width font for a terminal of any width."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import zip_longest

from narrowmax.report.text import line_width, wrapped

_GAP = "  "
_NARROWEST = 24  # characters of a text that folds
Cell = tuple[str, ...]
"""The lines of a cell."""


@dataclass(frozen=True)
class Table:
    """Named columns, rows of text, and notes below.

    `kinds` has one letter for each column: `t` text, `n` number (set to the right), `c` code.  A page
    gives the first cell of a `stacked` table a line of its own, and sets `marked` rows apart.
    `named_by`: how many columns, from the first on, tell a row from the others.
    """

    columns: tuple[str, ...]
    kinds: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    stacked: bool = False
    named_by: int = 1

    def text(self) -> str:
        """The table in a fixed-width font, without colour; no line ends in a space, notes go on below themselves.

        On lines that are too short for it (see `text.lines_of`) texts fold, and columns that find no place follow
        below, beside those that name the row: nothing is cut.
        """
        most = line_width()
        head, *rows = _folded((self.columns, *self.rows), self.kinds, self.named_by, most)
        widths = [max(len(line) for row in (head, *rows) for line in row[place]) for place in range(len(head))]
        blocks = []
        for places in _side_by_side(widths, self.named_by, most):
            lines = [*self._lines(head, places, widths), _GAP.join("─" * widths[place] for place in places)]
            lines += [line for row in rows for line in self._lines(row, places, widths)]
            blocks.append("\n".join(lines))
        notes = (wrapped(f"  {note}", "    ", _total(widths)) for note in self.notes)
        return "\n".join(["\n\n".join(blocks), *notes])

    def _lines(self, row: tuple[Cell, ...], places: list[int], widths: list[int]) -> list[str]:
        """The lines of a row, of the columns at `places`."""
        lines = []
        for cells in zip_longest(*(row[place] for place in places), fillvalue=""):
            placed = (
                cell.rjust(widths[place]) if self.kinds[place] == "n" else cell.ljust(widths[place])
                for place, cell in zip(places, cells, strict=True)
            )
            lines.append(_GAP.join(placed).rstrip())
        return lines


def _folded(rows: tuple[tuple[str, ...], ...], kinds: str, named_by: int, most: int | None) -> list[tuple[Cell, ...]]:
    """The rows' cells as lines: one, unless the rows are too long, where texts fold.

    No cell, of numbers either, is wider than what the names beside it leave.
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(kinds))]
    if most is None or _total(widths) <= most:
        return [tuple((cell,) for cell in row) for row in rows]
    texts = [place for place, kind in enumerate(kinds) if kind in "tc"]
    left = most - (_total(widths) - max((widths[place] for place in texts), default=0))
    folds = dict.fromkeys(texts, left if left >= _NARROWEST else max(_NARROWEST, most // 2))
    names = [max(len(line) for row in rows for line in _cell(row, place, folds)) for place in range(named_by)]
    beside = max(most - _total([*names, 0]), 1)
    folds |= {place: min(folds.get(place, beside), beside) for place in range(named_by, len(kinds))}
    return [tuple(_cell(row, place, folds) for place in range(len(row))) for row in rows]


def _cell(row: tuple[str, ...], place: int, folds: dict[int, int]) -> Cell:
    return _fold(row[place], folds[place]) if place in folds else (row[place],)


def _fold(cell: str, width: int) -> Cell:
    """Between words: a name that is longer than the width stays whole, for it is to be copied."""
    return tuple(textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False)) or ("",)


def _side_by_side(widths: list[int], named_by: int, most: int | None) -> list[list[int]]:
    """Which columns stand in each block: those that name a row, and as many more as fit."""
    names = [*range(named_by)]
    blocks = [names[:]]
    for place in range(named_by, len(widths)):
        block = blocks[-1]
        if most is not None and block != names and _total([widths[one] for one in (*block, place)]) > most:
            blocks.append(names[:])
        blocks[-1].append(place)
    return blocks


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)
