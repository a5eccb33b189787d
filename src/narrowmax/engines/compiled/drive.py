"""Rows through a program: codes or values in, codes or values out, on as many threads as are wanted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from narrowmax.datapath import Datapath
from narrowmax.engines import array, interpret
from narrowmax.engines.compiled.entry import KINDS, kind_of, quantiser
from narrowmax.engines.compiled.program import FULL, MASKED, program_of
from narrowmax.engines.compiled.threads import default_threads, in_order
from narrowmax.errors import RangeError
from narrowmax.formats import Fixed

_LEFT_RANGE = 2  # of native/vm.h
_MINUS_INFINITY = 4  # of native/move.h
_CODES = KINDS.index("int64")
_WORTH_A_THREAD = 1 << 16  # elements; below that a thread costs more than it saves
_PARTS = 4  # for each thread


def run(
    datapath: Datapath, codes: np.ndarray, present: np.ndarray | None = None, threads: int | None = None
) -> np.ndarray:
    """Output codes of rows of input codes: the same as `array.run`, with the same arguments and errors.

    threads: how many work at most; None for as many as torch uses, or as there are processors
    Raises RangeError also for a wire beyond 127 bits and a sign.
    """
    codes, present = array.checked(datapath, codes, present)
    rows, n = codes.shape
    result = np.empty((rows, n if datapath.output_rate == "element" else 1), dtype=np.int64)
    if not codes.size:
        result[:] = datapath.absent_code
        return result
    _drive(datapath, np.ascontiguousarray(codes), None, present, result, 0, threads)
    return result


def simulate(
    datapath: Datapath,
    values: np.ndarray,
    form: Fixed,
    present: np.ndarray | None,
    out: np.ndarray,
    fraction_bits: int = 0,
    threads: int | None = None,
) -> bool:
    """Quantise values to `form`, run the datapath, and write into `out`; False where a value has to be refused.

    values: (rows, n), contiguous, of a dtype that `entry.kind_of` knows; form: one that `entry.quantiser_takes`
    present: (rows, n) booleans or None; -inf takes no part either
    out: (rows, n), or (rows, 1) of a row-rate output, contiguous; of an integer dtype it gets codes, of a
        floating one code * 2**-fraction_bits, rounded once
    Raises RangeError as `run`, and where an output code is not exact as a floating-point number.
    """
    if not _drive(datapath, values, form, present, out, fraction_bits, threads):
        return True
    here = values != -np.inf if present is None else present & (values != -np.inf)
    if here.all():
        return False
    return not _drive(datapath, _known(values, here), form, here, out, fraction_bits, threads)


def _known(values: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """The values, 0 in place of what takes no part."""
    return values if present is None else np.where(present, values, values.dtype.type(0))


def _drive(datapath, values, form, present, out, fraction_bits, threads) -> int:
    """Everything through; what was found of the values (enum Found of native/move.h), 0 where they are all taken."""
    if not out.flags.aligned:  # as a field of a record, or in a file that was mapped
        within = np.empty(out.shape, out.dtype)
        found = _drive(datapath, values, form, present, within, fraction_bits, threads)
        out[...] = within
        return found
    rows, n = values.shape
    program = program_of(datapath, FULL if present is None else MASKED)
    kind = _CODES if form is None else kind_of(values.dtype)
    words = None if form is None else quantiser(form)
    flags = None if present is None else np.ascontiguousarray(present).view(np.uint8)
    values = values if values.flags.aligned else values.copy()
    given = (values, kind, words, flags, out, kind_of(out.dtype), fraction_bits, n)
    run_part = program.native.run
    answers = in_parts(rows, n, threads, lambda first, last: run_part(*given, first, last))
    found = 0
    for _, part, _ in answers:
        found |= part
    left = any(fault == _LEFT_RANGE for fault, _, _ in answers)
    if left and form is not None and present is None and (values == -np.inf).any():
        return _MINUS_INFINITY  # perhaps further on than where it stopped
    if found:  # what is quantised from values that have no code means nothing
        return found
    if left:
        _explain(datapath, values if form is None else form.quantise(_known(values, present)), present)
    if not all(exact for _, _, exact in answers):
        raise RangeError(
            f"an output code of {datapath.output_format} is not exact as a {out.dtype}: take codes instead"
        )
    return 0


def in_parts(rows: int, n: int, threads: int | None, work: Callable[[int, int], object]) -> list:
    """`work(first, last)` over all rows, on threads where that pays, in more parts than those; the results in order."""
    most = min(rows * n // _WORTH_A_THREAD, rows)
    count = min(default_threads() if threads is None else threads, most)
    if count <= 1:
        return [work(0, rows)]
    parts = min(_PARTS * count, most)
    ends = [rows * i // parts for i in range(parts + 1)]
    return list(in_order([*pairwise(ends)], count, lambda part: work(*part)))


def _explain(datapath: Datapath, codes: np.ndarray, present) -> None:
    """Raise the error of the engine that knows wires by name, for rows in which one left its range."""
    if array.holds(datapath):
        array.run(datapath, codes, present)
    for row, here in zip(codes.tolist(), [None] * len(codes) if present is None else present.tolist(), strict=True):
        interpret.run(datapath, row, here)
    raise AssertionError("the compiled engine found a wire out of range, and the interpreter did not")
