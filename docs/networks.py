"""Writes the tables of docs/networks.md from docs/matrix/*.json and requirements/*.txt; no cell is written by hand.

python -m docs.networks

Each record is written by the tests of one framework (tests/models/matrix), which run every case of it.
"""

from __future__ import annotations

import re
from pathlib import Path

from docs import versions

from narrowmax.store import atomic_write, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "networks.md"
RECORDS = ROOT / "docs" / "matrix"
COMMAND = "python -m docs.networks"
PLACE = re.compile(r"(<!-- matrix:begin [^\n]*-->\n).*?(<!-- matrix:end -->)", re.DOTALL)
VERSIONS = re.compile(r"(<!-- versions:begin [^\n]*-->\n).*?(<!-- versions:end -->)", re.DOTALL)

COLUMNS = ("seen", "name", "mask", "gradient", "replaced")
WORDS = {True: "yes", False: "**no**", None: "–"}


def records() -> dict[str, dict]:
    """Every record there is, by its name, in order of names."""
    return {path.stem: load(path) for path in sorted(RECORDS.glob("*.json"))}


def section(record: dict) -> str:
    """A framework's heading, its versions and its table."""
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    head = ["case", *COLUMNS, "what to know"]
    lines = [head, ["---"] * len(head), *map(_line, record["rows"])]
    drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {record['framework']}\n\n{versions}\n\n{drawn}\n"


def _line(row: dict) -> list[str]:
    cells = [_cell(row, column) for column in COLUMNS]
    said = f"“{row['refused']}”" if row["refused"] else ""
    return [_text(row["case"]), *cells, _text(" ".join(filter(None, [row["note"], said])))]


def _cell(row: dict, column: str) -> str:
    """What is not refused has a cell; a refusal is of all the rest, or of replacing."""
    refused = row["refused"] and row[column] is None
    some = any(row[each] is not None for each in COLUMNS)
    return "refused" if refused and (not some or column in ("gradient", "replaced")) else WORDS[row[column]]


def _text(words: str) -> str:
    return re.sub(r"([|<>*])", r"\\\1", words)


def drawn(page: str, found: dict[str, dict]) -> str:
    """The page with the tables of the records between its marks."""
    tables = "\n".join(section(record) for record in found.values())
    page = VERSIONS.sub(lambda place: f"{place[1]}\n{versions.table()}\n\n{place[2]}", page)
    return PLACE.sub(lambda place: f"{place[1]}\n{tables}\n{place[2]}", page)


def write() -> None:
    """Draw the page again."""
    page = drawn(PAGE.read_text(encoding="utf-8"), records())
    with atomic_write(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    write()
