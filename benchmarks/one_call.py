"""One call of one design, float32 in and codes out, both in arrays that exist: python -m benchmarks.one_call

Of one design the probabilities are taken as well, as float32.
One thread, CPU time, beside torch.softmax in float32 on the same rows; a process for each instruction set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
from benchmarks.common import (
    arguments,
    at_most,
    by_instructions,
    float_softmax,
    in_processes,
    interleaved,
    ratio,
    report,
    shape_text,
    spread,
    values,
)
from benchmarks.designs import codes_for, named, one_call_goal

SHAPES = "10000x10 10000x100 12500x1000 25000x128 4000x2048"
PROBABILITIES = "8-bit table, float32 out"


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv, SHAPES, instructions=True)
    rows = measured(given) if given.isa else by_instructions(in_processes("benchmarks.one_call", given))
    report("one call, float32 in, codes out, in calls of torch.softmax", rows, given)


def measured(given: argparse.Namespace) -> list[dict]:
    return [row for shape in given.shapes for row in on_rows(shape, given)]


def on_rows(shape: tuple[int, int], given: argparse.Namespace) -> list[dict]:
    """A row of the table for each design."""
    x, designs = values(*shape), named()
    jobs = {name: partial(design.simulate, x, out=codes_for(design, shape)) for name, design in designs.items()}
    jobs[PROBABILITIES] = partial(designs["8-bit table"].simulate, x, out=np.empty(shape, np.float32))
    seconds = interleaved({"torch": float_softmax(x), **jobs}, given.rounds, least=0.01)
    return [row(name, shape, given.isa, seconds[name], seconds["torch"]) for name in jobs]


def row(name: str, shape: tuple[int, int], isa: str, own: list[float], torch: list[float]) -> dict:
    times, elements = ratio(own, torch), shape[0] * shape[1]
    return {
        "rows x n": shape_text(*shape), "design": name, "instructions": isa, "times torch.softmax": times,
        "goal": None if name == PROBABILITIES else at_most(times, one_call_goal(name, shape[1], isa)),
        "ns an element": spread(own, 1e9 / elements), "torch": spread(torch, 1e9 / elements),
    }  # fmt: skip


if __name__ == "__main__":
    main()
