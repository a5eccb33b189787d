"""The designs that are measured, by the names that the tables give them, and the goals set for them."""

from __future__ import annotations

import numpy as np

import narrowmax as nm
from narrowmax.designs import Design

DESIGNS = {
    "8-bit table": "table_reciprocal(input=Q5.3, exp=UQ1.15, address=8, at=edge, reciprocal=UQ1.15)",
    "12-bit table": "table_reciprocal(input=Q4.8, exp=UQ1.15, address=8, at=edge, reciprocal=UQ1.15)",  # 2,841 entries
    "division": "table_divide()",
    "scan": "softermax()",
}


def named() -> dict[str, Design]:
    return {name: nm.design(text) for name, text in DESIGNS.items()}


def codes_for(design: Design, shape: tuple[int, ...]) -> np.ndarray:
    """An array of the smallest integers that hold the design's codes."""
    highest = design.output.highest_code
    return np.empty(shape, next(t for t in (np.uint8, np.uint16, np.uint32) if highest <= np.iinfo(t).max))


def one_call_goal(name: str, n: int, isa: str) -> float | None:
    """What one call may cost at most, in calls of `torch.softmax`."""
    if isa == "avx2":
        return 1.7 if n >= 100 and name != "scan" else None
    if isa != "avx512" or 10 < n < 100:
        return None
    return 2.0 if name == "scan" else 0.2 if n <= 10 else 1.4 if name == "12-bit table" else 0.8


def sweep_goal(name: str, rows: int, n: int, isa: str) -> float | None:
    """What one design of a sweep may cost at most, in calls of `torch.softmax`."""
    if name == "scan":
        return None
    if (rows, n) == (10_000, 100):
        table = 1.0 if name == "12-bit table" else 0.4
        return {"avx512": table, "avx2": 1.3}.get(isa)
    return 0.15 if n >= 1000 and name == "8-bit table" and isa == "avx512" else None
