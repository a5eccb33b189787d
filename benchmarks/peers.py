"""One design in other libraries and in narrowmax, float32 in and codes out: python -m benchmarks.peers

All are asked for the same datapath (see benchmarks/peer/terms.py); the share of equal codes says how
far each can express it.  The libraries are optional: pip install 'narrowmax[peers]'.  Of one that is
missing or fails, the table says so.  One thread, CPU time, each beside narrowmax and torch.softmax.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from importlib import import_module

import numpy as np
from benchmarks.common import arguments, at_least, float_softmax, interleaved, ratio, report, shape_text, spread, values
from benchmarks.peer.terms import DESIGN, terms

from narrowmax import store
from narrowmax.errors import NarrowmaxError

PEERS = {  # module in benchmarks/peer: name, package, how many times faster narrowmax is to be
    "pipeline": ("NumPy pipeline", "numpy", None),
    "brevitas_layers": ("Brevitas", "brevitas", None),
    "apy_types": ("APyTypes", "apytypes", 45),
    "q_pytorch": ("QPyTorch", "qtorch", 75),
    "hls4ml_emulation": ("hls4ml, its C++ emulation", "hls4ml", 100),
    "fxp_math": ("fxpmath", "fxpmath", 3000),
}


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv, shapes="2000x100", rounds=5)
    rows = [row for shape in given.shapes for row in measured(shape, given)]
    packages = [package for _, package, _ in PEERS.values()]
    report(f"peers on the datapath of {DESIGN}, one call", rows, given, packages)


def measured(shape: tuple[int, int], given: argparse.Namespace) -> list[dict]:
    x = values(*shape)
    return [beside(name, shape, x, given.rounds) for name in PEERS]


def beside(name: str, shape: tuple[int, int], x: np.ndarray, rounds: int) -> dict:
    """The row of one peer."""
    title, package, goal = PEERS[name]
    row = {"peer": f"{title} {store.versions([package])[package] or ''}".strip(), "rows x n": shape_text(*shape)}
    try:
        module = import_module(f"benchmarks.peer.{name}")
        job = module.prepare(terms(), x)
        found = job()
    except (ImportError, NarrowmaxError, OSError, RuntimeError) as error:
        return {**row, **dict.fromkeys(_COLUMNS), _COLUMNS[-1]: _why(error)}
    codes = np.empty(x.shape, np.uint8)
    jobs = {"peer": job, "narrowmax": partial(DESIGN.simulate, x, out=codes), "torch": float_softmax(x)}
    seconds = interleaved(jobs, rounds, least=0.01)
    slower = ratio(seconds["peer"], seconds["narrowmax"])
    figures = (
        spread(seconds["peer"], 1e9 / x.size), ratio(seconds["peer"], seconds["torch"]), slower, at_least(slower, goal),
        f"{np.mean(found == codes):.2%}", module.LEFT_OUT,
    )  # fmt: skip
    return {**row, **dict(zip(_COLUMNS, figures, strict=True))}


_COLUMNS = (
    "ns an element", "times torch.softmax", "times narrowmax", "goal", "equal codes", "what it leaves out",
)  # fmt: skip


def _why(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"not installed: {error}"
    return f"does not run here: {str(error).splitlines()[0]}"


if __name__ == "__main__":
    main()
