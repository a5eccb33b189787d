"""Simulation by a compiled virtual machine: close to memory speed, equal to `interpret` on every bit, or refused.

A drawing becomes a short program (native/translate.c, finish.c, collapse.c, lower.c) that C loops run on tiles
of many rows, with integers as narrow as the drawing's ranges allow.  A new drawing never means a new compilation.
Where the extension was not built, `available()` is false and the array engine serves.
"""

from __future__ import annotations

import os
import warnings
from functools import cache

from narrowmax.datapath import Datapath
from narrowmax.errors import RangeError, ToolMissing
from narrowmax.formats import Format

REMEDY = "install gcc or clang, or `pip install ziglang`, and then install narrowmax again"
WHY = (
    "the compiled engine was not built when narrowmax was installed, so simulation runs on NumPy, many times slower; "
    + REMEDY
)


@cache
def tell() -> None:
    """Warn, once: for whoever simulates much without the extension."""
    warnings.warn(WHY, RuntimeWarning, stacklevel=2)


@cache
def available() -> bool:
    """Whether the extension is there.  The environment's NARROWMAX_ISA chooses its loops: base, avx2 or avx512.

    Raises ToolMissing where it names loops that this processor does not run.
    """
    try:
        from narrowmax.engines.compiled import _native
    except ImportError:
        return False
    if wanted := os.environ.get("NARROWMAX_ISA"):
        if wanted not in _native.isas():
            raise ToolMissing(
                f"NARROWMAX_ISA names {wanted!r}, and the loops that run here are {', '.join(_native.isas())}; "
                "set it to one of these, or unset it"
            )
        _native.use(wanted)
    return True


def instruction_set() -> str | None:
    """The name of the loops in use, base, avx2 or avx512; None where the extension is not there."""
    if not available():
        return None
    from narrowmax.engines.compiled import _native

    return _native.isa()


def holds(datapath: Datapath) -> bool:
    """Whether a program can be made of the drawing: no wire beyond 127 bits and a sign, codes of 63 bits at most."""
    from narrowmax.engines.compiled.program import program_of

    try:
        program_of(datapath)
    except RangeError:
        return False
    return True


def quantises(form: Format, dtype) -> bool:
    """Whether values of a dtype are quantised to a format on the way in."""
    from narrowmax.engines.compiled import entry

    return entry.quantiser_takes(form) and entry.kind_of(dtype) is not None


def writes(dtype) -> bool:
    """Whether codes, or what they stand for, are written into an array of a dtype."""
    from narrowmax.engines.compiled import entry

    return entry.writes(dtype)


def run(datapath: Datapath, codes, present=None, threads: int | None = None):
    """Output codes of rows of input codes: see `drive.run`."""
    from narrowmax.engines.compiled import drive

    return drive.run(datapath, codes, present, threads)


def simulate(datapath: Datapath, values, form: Format, present, out, fraction_bits: int = 0) -> bool:
    """Values in, codes or probabilities into `out`; False where a value has to be refused: see `drive.simulate`."""
    from narrowmax.engines.compiled import drive

    return drive.simulate(datapath, values, form, present, out, fraction_bits)
