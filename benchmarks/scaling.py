"""What one call costs as rows, their length and threads grow: python -m benchmarks.scaling

The 8-bit table of benchmarks/designs.py, float32 in and codes out.  CPU time of one thread beside torch.softmax; for
threads elapsed time beside one thread, which means something only while other cores are free.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from benchmarks.common import (
    arguments,
    at_least,
    float_softmax,
    interleaved,
    ratio,
    report,
    shape_text,
    spread,
    values,
)
from benchmarks.designs import codes_for, named

from narrowmax.designs.simulation import drawn_for
from narrowmax.engines import compiled

LENGTHS = "1000000x1 500000x2 250000x4 100000x10 41000x24 31000x32 10000x100 3100x316 1000x1000 244x4096"
ROWS = "1x100 10x100 100x100 1000x100 100000x100"
DESIGN = named()["8-bit table"]
WORTH_THREADS = 1_000_000  # elements
GAIN = 1.7  # of two threads on two free cores, at least


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv, shapes=f"{LENGTHS} {ROWS}")
    rows = [on_one_thread(shape, given.rounds) for shape in given.shapes]
    if compiled.available():
        large = [shape for shape in given.shapes if shape[0] * shape[1] >= WORTH_THREADS]
        rows += [on_two_threads(shape, given.rounds) for shape in large]
    report("one call of the 8-bit table as n, rows and threads grow", rows, given)


def on_one_thread(shape: tuple[int, int], rounds: int) -> dict:
    x = values(*shape)
    jobs = {"own": partial(DESIGN.simulate, x, out=codes_for(DESIGN, shape)), "torch": float_softmax(x)}
    seconds = interleaved(jobs, rounds, least=0.01)
    return {
        "rows x n": shape_text(*shape),
        "threads": 1,
        "ns an element": spread(seconds["own"], 1e9 / x.size),
        "times torch.softmax": ratio(seconds["own"], seconds["torch"]),
        "gain of threads": None,
        "goal": None,
    }


def on_two_threads(shape: tuple[int, int], rounds: int) -> dict:
    """Elapsed times; the share of one thread in that of two."""
    from narrowmax.engines.compiled import drive

    x, out = values(*shape), codes_for(DESIGN, shape)
    run = partial(drive.simulate, drawn_for(DESIGN, shape[1]), x, DESIGN.input, None, out)
    jobs = {f"{threads}": partial(run, threads=threads) for threads in (1, 2)}
    seconds = interleaved(jobs, rounds, least=0.05, clock=time.perf_counter)
    gain = ratio(seconds["1"], seconds["2"])
    return {
        "rows x n": shape_text(*shape),
        "threads": 2,
        "ns an element": spread(seconds["2"], 1e9 / x.size),
        "times torch.softmax": None,
        "gain of threads": gain,
        "goal": at_least(gain, GAIN),
    }


if __name__ == "__main__":
    main()
