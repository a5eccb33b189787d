"""How fast hardware is co-simulated: python -m benchmarks.cosimulation

One thread, CPU seconds; rows of 100 elements back to back, nothing stalled, NumPy buffers in and out.
"""

from __future__ import annotations

import time

import numpy as np
from benchmarks.common import arguments, interleaved, report, spread

from narrowmax.hardware import subjects
from narrowmax.hardware.cosimulation import Simulation
from narrowmax.hardware.stimulus import Rows

DESIGNS = ("table_divide()", "table_reciprocal()", "softermax()", "argmax()")
ROWS, N = 20_000, 100


def main() -> None:
    given = arguments(__doc__.splitlines()[0])
    rows = []
    for text in DESIGNS:
        for lanes in (1, 4):
            rows.append(one(text, lanes, given.rounds))
    report(f"co-simulation, {ROWS:,} rows of {N}", rows, given)


def one(text: str, lanes: int, rounds: int) -> dict:
    made = subjects.subject(text, lanes=lanes, max_n=N)
    start = time.monotonic()
    simulation = Simulation(made.unit)
    built = time.monotonic() - start
    low, high = made.codes
    random = np.random.default_rng(0)
    codes = random.integers(low, high + 1, (ROWS, N))
    rows = Rows.of([(row, np.ones(N, bool)) for row in codes])
    seconds = spread(interleaved({"run": lambda: simulation.run(rows)}, rounds)["run"])
    rate = {name: codes.size / value / 1e6 for name, value in seconds.items()}
    return {
        "design": text, "lanes": lanes, "built or found in s": built, "million elements/s": rate["median"],
        "quartiles": f"{rate['high']:.3g}..{rate['low']:.3g}",
    }  # fmt: skip


if __name__ == "__main__":
    main()
