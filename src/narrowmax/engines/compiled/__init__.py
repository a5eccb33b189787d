"""Simulation by a compiled virtual machine: close to memory speed, equal to `interpret` on every bit, or refused.

A drawing becomes a short program (graph, collapse, lowering) that C loops run on tiles of many rows,
with integers as narrow as the drawing's ranges allow.  A new drawing never means a new compilation.
Where the extension was not built, `available()` is false and the array engine serves.
"""

from __future__ import annotations

import os
from functools import cache

from narrowmax.datapath import Datapath
from narrowmax.errors import RangeError

WHY = (
    "the compiled engine was not built when narrowmax was installed, so simulation runs on NumPy, many times slower; "
    "install a C compiler, or ziglang, and then narrowmax again"
)


@cache
def available() -> bool:
    """Whether the extension is there.  The environment's NARROWMAX_ISA chooses its loops: base, avx2 or avx512."""
    try:
        from narrowmax.engines.compiled import _native
    except ImportError:
        return False
    if wanted := os.environ.get("NARROWMAX_ISA"):
        _native.use(wanted)
    return True


def holds(datapath: Datapath) -> bool:
    """Whether a program can be made of the drawing: no wire is wider than 127 bits and a sign."""
    from narrowmax.engines.compiled.program import program_of

    try:
        return bool(program_of(datapath))
    except RangeError:
        return False


def run(datapath: Datapath, codes, present=None, threads: int | None = None):
    """See `drive.run`."""
    from narrowmax.engines.compiled import drive

    return drive.run(datapath, codes, present, threads)
