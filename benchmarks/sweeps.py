"""What a design costs among many on the same rows, with its metrics: python -m benchmarks.sweeps

One thread, CPU time, in calls of torch.softmax on the same rows; a process for each instruction set.  The cost of a
design is the slope between a sweep of some and of more, on rows that have been prepared; preparing them is apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
from benchmarks.common import (
    arguments,
    at_most,
    float_softmax,
    in_processes,
    interleaved,
    ratio,
    report,
    shape_text,
    values,
)
from benchmarks.designs import sweep_goal

import narrowmax as nm
from narrowmax.designs.sweeping import Sweep

SHAPES = "10000x10 10000x100 2000x1000 1000x2048"
TABLE = "table_reciprocal(input={}, exp=UQ1.{}, address={}, at=edge, reciprocal=UQ1.{})"
ADDRESSES, PIECES = range(4, 10), (2, 4, 8, 16, 32, 64)
FAMILIES = {  # 48 designs each; how many make some of them, and how many more
    "8-bit table": ([TABLE.format("Q5.3", *bits) for bits in product(range(12, 16), ADDRESSES, (14, 15))], 24, 48),
    "12-bit table": ([TABLE.format("Q4.8", *bits) for bits in product(range(12, 16), ADDRESSES, (14, 15))], 24, 48),
    "scan": ([f"softermax(power=UQ1.{p}, pieces={k})" for p, k in product(range(12, 16), PIECES)], 4, 12),
}
FEW = 4


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv, SHAPES, rounds=5, instructions=True)
    rows = measured(given) if given.isa else in_processes("benchmarks.sweeps", given)
    report("one design of a sweep, in calls of torch.softmax", rows, given)


def measured(given: argparse.Namespace) -> list[dict]:
    return [row(name, shape, given) for shape in given.shapes for name in FAMILIES]


def row(name: str, shape: tuple[int, int], given: argparse.Namespace) -> dict:
    x, (texts, some, more) = values(*shape), FAMILIES[name]
    designs = [nm.design(text) for text in texts]
    torch, labels = float_softmax(x), np.random.default_rng(0).integers(0, shape[1], len(x))
    seconds = interleaved({"torch": torch, **on_kept_rows(Sweep(x, labels), designs, some, more)}, given.rounds)
    own = {key: np.array(value) for key, value in seconds.items()}
    costs = {
        "all metrics": (own["more"] - own["some"]) / (more - some),
        "top-1 alone": (own["more, top-1"] - own["some, top-1"]) / (more - some),
        f"of {FEW} designs": own["few"] / FEW,
    }
    times = {key: ratio(cost, own["torch"]) for key, cost in costs.items()}
    times["the rows, once"] = new_rows(torch, x, labels, designs)
    goal = at_most(times["all metrics"], sweep_goal(name, *shape, given.isa))
    first = {"rows x n": shape_text(*shape), "designs": name, "instructions": given.isa}
    return {**first, "all metrics": times.pop("all metrics"), "goal": goal, **times}


def on_kept_rows(kept: Sweep, designs: list[nm.Design], some: int, more: int) -> dict:
    """Jobs on rows that were prepared by the job before."""
    return {
        "few": partial(kept.run, designs[:FEW]),
        "some": partial(kept.run, designs[:some]),
        "more": partial(kept.run, designs[:more]),
        "some, top-1": partial(kept.run, designs[:some], "top1"),
        "more, top-1": partial(kept.run, designs[:more], "top1"),
    }


def new_rows(torch, x: np.ndarray, labels: np.ndarray, designs: list[nm.Design]) -> dict[str, float]:
    """What rows cost that no design has been on: the first sweep less the second."""
    kept = Sweep(x, labels)
    jobs = {"new": lambda: Sweep(x, labels).run(designs[:FEW]), "kept": lambda: kept.run(designs[:FEW])}
    seconds = interleaved({"torch": torch, **jobs}, rounds=2)
    return ratio(np.subtract(seconds["new"], seconds["kept"]), seconds["torch"])


if __name__ == "__main__":
    main()
