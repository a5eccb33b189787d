"""Writes the tables of docs/benchmarks.md from what benchmarks measured; no number in it is written by hand.

python -m docs.measured out/*.json     takes the records of benchmarks into docs/benchmarks.json, and writes the tables
python -m docs.measured                writes the tables from docs/benchmarks.json
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from benchmarks.common import shown

from narrowmax.store import atomic_write, dump, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RECORDS = ROOT / "docs" / "benchmarks.json"
PLACE = re.compile(r"(<!-- measured:(\w+) [^\n]*-->\n).*?(<!-- measured:end -->)", re.DOTALL)


def table(record: dict) -> str:
    """A record's table in Markdown, and under it what measured it."""
    columns = list(record["rows"][0])
    lines = [
        [_cell(c) for c in columns],
        ["---"] * len(columns),
        *([_cell(row[c]) for c in columns] for row in record["rows"]),
    ]
    drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{drawn}\n\n{_measured_on(record)}"


def _cell(value: object) -> str:
    return shown(value).replace("|", "\\|").replace("<=", "≤").replace(">=", "≥").replace("..", "–")


def _measured_on(record: dict) -> str:
    machine = record["machine"]
    versions = record["versions"]
    used = ", ".join(f"{name} {versions[name]}" for name in ("python", "numpy", "torch") if versions[name])
    load = "" if record["load"] is None else f"; load {record['load']:.1f} when it began"
    return (
        f"{record['title'][0].upper()}{record['title'][1:]}; {record['rounds']} rounds, medians and quartiles.  "
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {used}{load}."
    )


def placed(page: str, records: dict[str, dict]) -> str:
    """The page with every table between its marks; a mark without a record says so."""

    def drawn(found: re.Match) -> str:
        record = records.get(found[2])
        return f"{found[1]}{table(record) if record else 'Not measured yet.'}\n{found[3]}"

    return PLACE.sub(drawn, page)


def main(paths: list[str]) -> None:
    records = load(RECORDS) if RECORDS.exists() else {}
    records |= {Path(path).stem: load(path) for path in paths}
    dump(RECORDS, records)
    page = placed(PAGE.read_text(encoding="utf-8"), records)
    with atomic_write(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    main(sys.argv[1:])
