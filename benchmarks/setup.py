"""What a new design costs before it computes, one that no process has met: python -m benchmarks.setup

CPU milliseconds of one thread: the text is read and drawn for rows of 128, tables made; the drawing becomes a
program; the program is run for the first time, on one row.  The process is warm, it has set up another design of
the same architecture; the parameters at hand it has never seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from benchmarks.common import arguments, at_most, report, spread

import narrowmax as nm
from narrowmax.engines import compiled

FAMILIES = {  # designs that differ in their tables, and the most milliseconds that a program may take to make
    "8-bit table": ("table_reciprocal(input=Q5.3, exp=UQ1.{}, address=8, at=edge, reciprocal=UQ1.15)", 0.2),
    "12-bit table": ("table_reciprocal(input=Q4.8, exp=UQ1.{}, address=8, at=edge, reciprocal=UQ1.15)", 0.2),
    "16-bit table": ("table_reciprocal(input=Q5.11, exp=UQ1.{}, address=8, at=edge, reciprocal=UQ1.15)", None),
    "division": ("table_divide(exp=UQ1.{})", 0.2),
    "scan": ("softermax(power=UQ1.{})", 0.2),
}
WIDEST, N = 16, 128


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv)
    if not compiled.available():
        raise SystemExit(compiled.WHY)
    if not 2 <= given.rounds < WIDEST:
        raise SystemExit(f"--rounds is {given.rounds}, and 2 to {WIDEST - 1} are allowed: each takes another design")
    rows = [row(name, text, goal, given.rounds) for name, (text, goal) in FAMILIES.items()]
    report(f"set-up of a new design for rows of {N}, in milliseconds", rows, given)


def row(name: str, text: str, goal: float | None, rounds: int) -> dict:
    """Spreads over designs that differ in the bits of their exponentials; the first one warms up."""
    taken = [list(stages(text.format(WIDEST - i))) for i in range(rounds + 1)][1:]
    drawn, made, first = (spread(stage, 1e3) for stage in zip(*taken))
    return {
        "design": name,
        "text, drawing and tables": drawn,
        "program": made,
        "goal": at_most(made, goal),
        "first call": first,
    }


def stages(text: str) -> Iterator[float]:
    """Seconds of drawing a design, of making its program and of its first row."""
    codes = np.zeros((1, N), np.int64)
    start = time.process_time()
    datapath = nm.design(text).datapath(N)
    yield time.process_time() - start
    start = time.process_time()
    compiled.holds(datapath)
    yield time.process_time() - start
    start = time.process_time()
    compiled.run(datapath, codes)
    yield time.process_time() - start


if __name__ == "__main__":
    main()
