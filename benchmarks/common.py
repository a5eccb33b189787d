"""What benchmarks share: interleaved timing in CPU seconds, a table, a JSON file."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from narrowmax import store


def interleaved(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each job, `rounds` times, one after the other so that a busy machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()  # what a first call sets up is not timed
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            seconds[name].append(time.process_time() - start)
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "low": low, "high": high}


def arguments(about: str) -> argparse.Namespace:
    """`--rounds` and `--json`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each, at least 2 (7)")
    parser.add_argument("--json", type=Path, help="write the figures, machine and versions to this file")
    return parser.parse_args()


def report(title: str, rows: list[dict], given: argparse.Namespace) -> None:
    """Print rows as a table, and write them where asked."""
    print(title)
    columns = list(rows[0])
    text = [[_shown(row[c]) for c in columns] for row in rows]
    widths = [max(len(c), *(len(line[i]) for line in text)) for i, c in enumerate(columns)]
    for line in [columns, ["-" * w for w in widths], *text]:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())
    if given.json:
        record = {
            "title": title,
            "rounds": given.rounds,
            "rows": rows,
            "machine": store.machine(),
            "versions": store.versions(),
        }
        with store.atomic_write(given.json, "w") as file:
            file.write(store.dumps(record))


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
