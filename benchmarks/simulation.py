"""How fast designs are simulated on arrays, beside torch.softmax: python -m benchmarks.simulation

CPU time of one thread, interleaved; torch writes into an array that exists.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from benchmarks.common import arguments, interleaved, report, spread

import narrowmax as nm

DESIGNS = ("ideal(input=Q5.3, output=UQ0.8)", "table_divide()", "table_reciprocal()", "softermax()", "argmax()")
SHAPES = ((10_000, 10), (10_000, 100), (1_000, 1000))


def main() -> None:
    import torch

    given = arguments(__doc__.splitlines()[0])
    torch.set_num_threads(1)
    rows = []
    for shape in SHAPES:
        x = torch.from_numpy(np.random.default_rng(0).normal(0, 5, shape).astype(np.float32))
        out = torch.empty_like(x)
        jobs = {"torch.softmax": partial(torch.softmax, x, -1, out=out)}
        jobs |= {text: partial(nm.design(text).simulate, x.numpy()) for text in DESIGNS}
        seconds = interleaved(jobs, given.rounds)
        for text in DESIGNS:
            ratio = spread([a / b for a, b in zip(seconds[text], seconds["torch.softmax"], strict=True)])
            rows.append(
                {
                    "rows x n": f"{shape[0]:,} x {shape[1]:,}", "design": text, "times torch.softmax": ratio["median"],
                    "quartiles": f"{ratio['low']:.3g}..{ratio['high']:.3g}",
                    "ns an element": spread(seconds[text])["median"] / x.numel() * 1e9,
                }
            )  # fmt: skip
    report("simulation on arrays, float32 in, codes out", rows, given)


if __name__ == "__main__":
    main()
