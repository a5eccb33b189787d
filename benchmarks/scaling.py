"""What simulation costs as n, rows, designs and threads grow: python -m benchmarks.scaling

Calls of the 8-bit table of benchmarks/designs.py, float32 in and codes out, and sweeps of designs like it with all
metrics.  CPU time of one thread beside torch.softmax; for two threads elapsed time beside one thread, and in the same
rounds that of two processes which do the work of one thread each, with nothing shared: what the machine gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
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
from benchmarks.copies import Copies
from benchmarks.designs import codes_for, named
from benchmarks.sweeps import FAMILIES

import narrowmax as nm
from narrowmax.designs.simulation import drawn_for
from narrowmax.designs.sweeping import Sweep
from narrowmax.engines import compiled

LENGTHS = "1000000x1 500000x2 250000x4 100000x10 41000x24 31000x32 10000x100 3100x316 1000x1000 244x4096"
ROWS = "1x100 10x100 100x100 1000x100 100000x100"
DESIGN = named()["8-bit table"]
COUNTS = (1, 2, 4, 16, 48)
SWEPT = (10_000, 100)
WORTH_THREADS = 5_000_000  # elements of a call
GAIN = 1.7  # of two threads on two free cores, at least


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv, shapes=f"{LENGTHS} {ROWS}")
    rows = [one_call(shape, given.rounds) for shape in given.shapes]
    rows += [of_designs(count, given.rounds) for count in COUNTS]
    if compiled.available():
        large = [shape for shape in given.shapes if shape[0] * shape[1] >= WORTH_THREADS]
        rows += [call_on_threads(shape, given.rounds) for shape in large]
        rows.append(sweep_on_threads(given.rounds))
    report("calls and sweeps of the 8-bit table as n, rows, designs and threads grow", rows, given)


def one_call(shape: tuple[int, int], rounds: int) -> dict:
    x = values(*shape)
    seconds = beside_torch(partial(DESIGN.simulate, x, out=codes_for(DESIGN, shape)), x, rounds)
    return row("call", shape, 1, seconds)


def of_designs(count: int, rounds: int) -> dict:
    """A design's share of a sweep of so many, on rows that are prepared."""
    x, labels = swept(SWEPT)
    seconds = beside_torch(partial(Sweep(x, labels).run, family()[:count]), x, rounds)
    return row("sweep", SWEPT, count, {**seconds, "own": np.divide(seconds["own"], count)})


def beside_torch(job: Callable[[], object], x: np.ndarray, rounds: int) -> dict[str, list[float]]:
    return interleaved({"torch": float_softmax(x), "own": job}, rounds, least=0.01)


def call_on_threads(shape: tuple[int, int], rounds: int) -> dict:
    return row("call", shape, 1, on_threads(partial(call, shape), rounds), threads=2)


def call(shape: tuple[int, int]) -> Callable:
    """A call of the compiled engine with `threads=`, on arrays that are made now."""
    from narrowmax.engines.compiled import drive

    x, out = values(*shape), codes_for(DESIGN, shape)
    return partial(drive.simulate, drawn_for(DESIGN, shape[1]), x, DESIGN.input, None, out)


def sweep_on_threads(rounds: int) -> dict:
    seconds = on_threads(partial(sweep, SWEPT, len(family())), rounds)
    return row("sweep", SWEPT, len(family()), {k: np.divide(v, len(family())) for k, v in seconds.items()}, threads=2)


def sweep(shape: tuple[int, int], count: int) -> Callable:
    """A sweep of so many designs with `threads=`, on rows that are prepared now."""
    return partial(Sweep(*swept(shape)).run, family()[:count])


def on_threads(make: Callable[[], Callable], rounds: int) -> dict[str, list[float]]:
    """Elapsed times of work on one thread, on two, and done twice by two processes on a thread each."""
    run = make()
    with Copies(partial(on_one_thread, make), 2) as twice:
        jobs = {"one": partial(run, threads=1), "own": partial(run, threads=2), "twice": twice}
        return interleaved(jobs, rounds, least=0.05, clock=time.perf_counter)


def on_one_thread(make: Callable[[], Callable]) -> Callable[[], object]:
    return partial(make(), threads=1)


def family() -> list[nm.Design]:
    return [nm.design(text) for text in FAMILIES["8-bit table"][0]]


def swept(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return values(*shape), np.random.default_rng(0).integers(0, shape[1], shape[0])


def row(what: str, shape: tuple[int, int], designs: int, seconds: dict, threads: int = 1) -> dict:
    """`seconds` of a design: "own", and "torch" or, for threads, "one" and "twice"."""
    gain = machine = None
    if threads > 1:
        gain, machine = ratio(seconds["one"], seconds["own"]), ratio(np.multiply(seconds["one"], 2), seconds["twice"])
    return {
        "what": what,
        "rows x n": shape_text(*shape),
        "designs": designs,
        "threads": threads,
        "ns an element": spread(seconds["own"], 1e9 / (shape[0] * shape[1])),
        "times torch.softmax": ratio(seconds["own"], seconds["torch"]) if gain is None else None,
        "gain of threads": gain,
        "of two processes": machine,
        "goal": gain and at_least(gain, GAIN, machine),
    }


if __name__ == "__main__":
    main()
