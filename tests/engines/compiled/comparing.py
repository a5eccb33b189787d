"""The compiled engine beside the interpreter: on all that the processor has loops for, in tiles full and not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from tests.datapath.drawings import drawn
from tests.engines.every_engine import defined

from narrowmax.datapath import Datapath
from narrowmax.engines import compiled

_native = pytest.importorskip("narrowmax.engines.compiled._native", reason="the compiled engine is not built")
from narrowmax.engines.compiled.program import FULL, MASKED, program_of  # noqa: E402  (it needs the extension)

ROWS = 6  # different ones; they are repeated to fill tiles


def batches(
    datapath: Datapath, seed: int = 0, lengths: Iterable[int] = ()
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Codes, and flags or None: rows of all kinds, with nothing, one and everything present."""
    rng = np.random.default_rng(seed)
    low, high = datapath.input_range
    found = []
    for n in sorted({1, datapath.max_n, *lengths}):
        codes = rng.integers(low, high, (ROWS, n), endpoint=True)
        codes[0], codes[1] = low, rng.choice([low, high], n)
        present = rng.random((ROWS, n)) < rng.choice([0.2, 0.9], (ROWS, 1))
        present[2], present[3] = False, np.arange(n) == n // 2
        found += [(codes, None), (codes, present)]
    return found


def assert_equal(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None, times: Iterable[int] = (1, 11)):
    """As the interpreter on every instruction set, the rows also repeated."""
    expected = defined(datapath, codes, present)
    before = _native.isa()
    try:
        for isa in _native.isas():
            _native.use(isa)
            for k in times:
                flags = None if present is None else np.tile(present, (k, 1))
                found = compiled.run(datapath, np.tile(codes, (k, 1)), flags)
                assert np.array_equal(found, np.tile(expected, (k, 1))), (isa, k, codes.shape, present is not None)
    finally:
        _native.use(before)


def check(function, times: Iterable[int] = (1, 11), lengths: Iterable[int] = (), **given) -> Datapath:
    """What `function` draws, on rows of all kinds; `given` as for `drawn`."""
    datapath = drawn(function, **{"output": "Q60.0", "max_n": 7, **given})
    assert compiled.holds(datapath)
    for codes, present in batches(datapath, lengths=lengths):
        assert_equal(datapath, codes, present, times)
    return datapath


def operations(datapath: Datapath, masked: bool = False) -> list[str]:
    """The names of the instructions of a datapath's program, in the order in which they run."""
    _, steps, _ = program_of(datapath, MASKED if masked else FULL).native.listing
    return [_native.OPERATIONS[instruction[0]] for _, instructions, _ in steps for instruction in instructions]
