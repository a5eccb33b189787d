"""What benchmarks share: interleaved timing in CPU seconds, spreads, goals, a table, a JSON file.

A row of a table maps columns to cells: text, numbers, None, a `spread` or a `goal`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from narrowmax import store
from narrowmax.engines import compiled

Job = Callable[[], object]


# -- measuring --------------------------------------------------------------------------------
def interleaved(
    jobs: dict[str, Job], rounds: int, least: float = 0.0, clock: Callable[[], float] = time.process_time
) -> dict[str, list[float]]:
    """Seconds of one call of each job, `rounds` times, in turn so that a busy machine hits all alike.

    least: seconds that one measurement lasts at least; a quick job is called again and again
    clock: CPU time of the process, all its threads together, or time.perf_counter
    """
    calls = {}
    for name, job in jobs.items():
        job()  # what a first call sets up is not timed
        calls[name] = 1 if least <= 0 else max(1, math.ceil(least / max(_seconds(job, 1, clock), 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            seconds[name].append(_seconds(job, calls[name], clock))
    return seconds


def _seconds(job: Job, calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        job()
    return (clock() - start) / calls


def spread(values: Sequence[float], scale: float = 1.0) -> dict[str, float]:
    """Median and quartiles of the values times `scale`."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle * scale, "low": low * scale, "high": high * scale}


def ratio(above: Sequence[float], below: Sequence[float]) -> dict[str, float]:
    """The spread of the quotients of interleaved pairs."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


def at_most(measured: dict[str, float], most: float | None) -> dict | None:
    """The goal that a median is at most this; None where there is no goal."""
    return most and {"at_most": most, "met": measured["median"] <= most}


def at_least(measured: dict[str, float], least: float | None, given: dict[str, float] | None = None) -> dict | None:
    """The goal that a median is at least this; None where there is no goal.

    given: what the machine gives to anybody; where that is less than the goal, whoever misses the goal may say so
    """
    if not least:
        return None
    goal = {"at_least": least, "met": measured["median"] >= least}
    return goal if given is None or given["median"] >= least else {**goal, "machine": given["median"]}


# -- the work ---------------------------------------------------------------------------------
def values(rows: int, n: int) -> np.ndarray:
    """float32 (rows, n), normal with a deviation of 3, the same on every run."""
    return np.random.default_rng(rows * 4099 + n).normal(0, 3, (rows, n)).astype(np.float32)


def float_softmax(x: np.ndarray) -> Job:
    """`torch.softmax` in float32 into an array that exists, by one thread: what ratios are to."""
    import torch

    torch.set_num_threads(1)
    tensor = torch.from_numpy(x)
    out = torch.empty_like(tensor)
    return lambda: torch.softmax(tensor, -1, out=out)


# -- the command ------------------------------------------------------------------------------
def arguments(
    about: str, argv: Sequence[str] | None = None, shapes: str = "", rounds: int = 7, instructions: bool = False
) -> argparse.Namespace:
    """`--rounds` and `--json`; with `shapes`, such as "100x10 20x1000", also `--shapes`, read into pairs.

    instructions: whether there is `--isa`, of a process that measures one instruction set
    `load` is how many processes wanted a processor when the benchmark began.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"measurements of each, at least 2 ({rounds})")
    parser.add_argument("--json", type=Path, help="write the figures, machine and versions to this file")
    if shapes:
        default = [_shape(text) for text in shapes.split()]
        parser.add_argument("--shapes", type=_shape, nargs="+", default=default, help=f"ROWSxN ({shapes})")
    if instructions:
        parser.add_argument("--isa", help="measure this process alone; each instruction set has a process of its own")
    given = parser.parse_args(argv)
    given.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return given


def _shape(text: str) -> tuple[int, int]:
    rows, n = text.split("x")
    return int(rows), int(n)


def shape_text(rows: int, n: int) -> str:
    return f"{rows:,} x {n:,}"


def instruction_sets() -> list[str]:
    """The instruction sets that the compiled engine can be made to use here; `arrays` where it was not built."""
    if not compiled.available():
        return ["arrays"]
    from narrowmax.engines.compiled import _native

    return list(_native.isas())


def in_processes(module: str, given: argparse.Namespace) -> list[dict]:
    """The rows of a benchmark that is run once in a process for each instruction set: it is chosen at import."""
    rows = []
    for name in instruction_sets():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.json"
            words = ["--rounds", str(given.rounds), "--isa", name, "--json", str(file)]
            words += ["--shapes", *(f"{many}x{n}" for many, n in given.shapes)]
            environment = {**os.environ, **({} if name == "arrays" else {"NARROWMAX_ISA": name})}
            subprocess.run(
                [sys.executable, "-m", module, *words], check=True, env=environment, stdout=subprocess.DEVNULL
            )
            rows += json.loads(file.read_text())["rows"]
    return rows


def by_instructions(rows: list[dict]) -> list[dict]:
    """Rows that have `instructions`, `times torch.softmax` and `goal`, as one row with columns for each set."""
    found: dict[tuple, dict] = {}
    for row in rows:
        same = {key: cell for key, cell in row.items() if isinstance(cell, str) and key != "instructions"}
        merged = found.setdefault(tuple(same.values()), same)
        merged[row["instructions"]], merged[f"{row['instructions']} goal"] = row["times torch.softmax"], row["goal"]
    goals = {key for row in found.values() for key, cell in row.items() if key.endswith(" goal") and cell}
    return [{k: c for k, c in row.items() if k in goals or not k.endswith(" goal")} for row in found.values()]


# -- the table --------------------------------------------------------------------------------
def report(title: str, rows: list[dict], given: argparse.Namespace, packages: Sequence[str] = ()) -> None:
    """Print rows as a table, and write them where asked, with the versions of `packages` beside the usual ones."""
    print(title)
    for line in lines(rows):
        print("  ".join(line).rstrip())
    if given.json:
        record = {
            "title": title,
            "rounds": given.rounds,
            "load": given.load,
            "rows": rows,
            "machine": store.machine(),
            "versions": {**store.versions(), **store.versions(packages)},
        }
        with store.atomic_write(given.json, "w") as file:
            file.write(store.dumps(record))


def lines(rows: list[dict]) -> list[list[str]]:
    """The cells of a table, padded: its head, a rule, its rows."""
    columns = list(rows[0])
    text = [[shown(row[c]) for c in columns] for row in rows]
    widths = [max(len(c), *(len(line[i]) for line in text)) for i, c in enumerate(columns)]
    return [
        [cell.ljust(w) for cell, w in zip(line, widths, strict=True)]
        for line in [columns, ["-" * w for w in widths], *text]
    ]


def shown(cell: object) -> str:
    """A cell in words: a spread as its median and quartiles, a goal with whether it was met."""
    if cell is None:
        return "-"
    if not isinstance(cell, dict):
        return number(cell) if isinstance(cell, float) else str(cell)
    if "met" in cell:
        bound = f"<= {cell['at_most']:g}" if "at_most" in cell else f">= {cell['at_least']:,g}"
        gives = f"; the machine gives {number(cell['machine'])}" if "machine" in cell else ""
        return f"{bound}: {'met' if cell['met'] else f'missed{gives}'}"
    return f"{number(cell['median'])} ({number(cell['low'])}..{number(cell['high'])})"


def number(value: float) -> str:
    """Three digits, never an exponent."""
    if not math.isfinite(value) or value == 0:
        return str(value)
    rounded = float(f"{value:.3g}")
    digits = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{digits}f}"
