"""The engines that must equal the interpreter: one list, which every test of engines walks.

An engine is a name and a function of a datapath, codes (rows, n) and flags (rows, n) or None, that
returns (rows, n) or (rows, 1) codes.  Append one here and every operation, every random graph and
every counterexample is run on it.
"""

# ruff: noqa: E501  (cases stand one to a line)

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from narrowmax.datapath import Datapath, Rate
from narrowmax.engines import array, compiled, interpret


@dataclass(frozen=True)
class Engine:
    """An engine under test; `takes` says whether it can hold a datapath at all."""

    name: str
    run: Callable[[Datapath, np.ndarray, np.ndarray | None], np.ndarray]
    takes: Callable[[Datapath], bool] = lambda datapath: True

    def __str__(self) -> str:
        return self.name


def on_tensors(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """The tensor engine, on the processor's tensors."""
    import torch

    from narrowmax.engines import tensors

    flags = None if present is None else torch.tensor(present)
    return tensors.run(datapath, torch.tensor(codes), flags).numpy()


def with_loops_for(isa: str) -> Callable:
    """The compiled engine with the loops of one instruction set."""

    def run(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None) -> np.ndarray:
        before = _native.isa()
        _native.use(isa)
        try:
            return compiled.run(datapath, codes, present)
        finally:
            _native.use(before)

    return run


ENGINES: list[Engine] = [Engine("array", array.run)]
if compiled.available():
    from narrowmax.engines.compiled import _native

    ENGINES += [Engine(f"compiled for {isa}", with_loops_for(isa), compiled.holds) for isa in _native.isas()]
else:
    warnings.warn("the extension was not built: the compiled engine is not tested", stacklevel=1)
if find_spec("torch"):
    ENGINES.append(Engine("tensors", on_tensors))
else:
    warnings.warn("torch is absent: the tensor engine is not tested", stacklevel=1)


def defined(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """What the interpreter says, row by row."""
    flags = [None] * len(codes) if present is None else present.tolist()
    return np.array([interpret.run(datapath, c, p) for c, p in zip(codes.tolist(), flags, strict=True)], dtype=np.int64)


def first_difference(engine: Engine, datapath: Datapath, codes, present) -> str | None:
    """The first row on which the engine differs from the interpreter, in words; None if it never does."""
    expected, found = defined(datapath, codes, present), np.asarray(engine.run(datapath, codes, present))
    if found.shape == expected.shape and np.array_equal(found, expected):
        return None
    row = 0 if found.shape != expected.shape else int(np.argmax((found != expected).any(axis=1)))
    flags = None if present is None else present[row].tolist()
    return f"{engine} gives {found[row].tolist()} for {codes[row].tolist()} {flags}; the interpreter {expected[row].tolist()}"


def assert_wires_equal(datapath: Datapath, codes: np.ndarray, present: np.ndarray | None) -> None:
    """Every wire of the array engine holds what the interpreter traces, wherever something is present."""
    found = array.trace(datapath, codes, present)
    for row, c in enumerate(codes.tolist()):
        traced = interpret.trace(datapath, c, None if present is None else present[row].tolist())
        for wire, values in traced.items():
            values = values if wire.rate in (Rate.ELEMENT, Rate.CHUNK) else [values]
            shown = found[wire][0 if wire.rate is Rate.CONSTANT and len(found[wire]) == 1 else row].tolist()
            if wire.rate is not Rate.CONSTANT or any(v is not None for v in shown):
                assert shown == values, (wire, c)
