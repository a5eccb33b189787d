"""What arrays tell: counts for the ledger, in NumPy, so that every framework is judged alike."""

from __future__ import annotations

import numpy as np

from narrowmax.models.doctor.findings import HALF_LARGEST, Ledger
from narrowmax.models.masks import MASKED_BELOW
from narrowmax.models.probabilities import SUM, are_probabilities
from narrowmax.models.sites import Site

SIGNIFICAND_BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def rounding(
    ledger: Ledger, where: str, function: str, dtype: str, before: np.ndarray, after: np.ndarray, unit: float = 1
) -> None:
    """Count a rounding of `before` to multiples of `unit`; both may be wider than `dtype`, which the network has."""
    bits = SIGNIFICAND_BITS[dtype]
    before, after = before.ravel(), after.ravel()
    known = np.isfinite(before) & (before != 0)
    size = np.abs(before[known].astype(np.float64)) / unit
    ledger.add(
        "rounding-without-effect",
        where,
        function=function,
        dtype=dtype,
        values=int(known.sum()),
        beyond=int((size >= 2.0 ** (bits - 1)).sum()),
        changed=int((before[known] != after[known]).sum()),
        most_bits=bits,
    )


def clipping(ledger: Ledger, where: str, function: str, before: np.ndarray, after: np.ndarray) -> None:
    """Count what a quantiser made of masked cells."""
    masked = before < MASKED_BELOW
    if before.shape != after.shape or not masked.any() or masked.all():
        return
    scores = after[masked]
    shown = scores[scores >= MASKED_BELOW]
    ledger.add(
        "quantised-after-mask",
        where,
        function=function,
        masked=int(masked.sum()),
        shown=len(shown),
        most_score=float(shown.max(initial=-np.inf)),
    )


def softmax(ledger: Ledger, site: Site, x: np.ndarray, axis: int, present: np.ndarray | None) -> None:
    """Count one call of a softmax on `x` along `axis`; present: true where an element takes part."""
    rows = np.moveaxis(x, axis, -1).astype(np.float64)
    seen = rows >= MASKED_BELOW
    if present is not None:
        seen &= np.moveaxis(np.broadcast_to(present, x.shape), axis, -1)
    finite = np.isfinite(rows)
    bad = ~finite if present is None else ~finite & np.moveaxis(np.broadcast_to(present, x.shape), axis, -1)
    ledger.add("not-finite", site.name, bad=int((bad & (rows != -np.inf)).sum()))
    _sizes(ledger, site, np.where(seen & finite, np.abs(rows), 0))
    if rows.shape[-1] > 1:
        _sums(ledger, site, np.where(seen & finite, rows, 0))
        _tops(ledger, site, np.where(seen & finite, rows, -np.inf))


def _sizes(ledger: Ledger, site: Site, size: np.ndarray) -> None:
    over = size > HALF_LARGEST
    ledger.add("fp16-overflow", site.name, over=int(over.sum()), most_size=float(size.max(initial=0)))


def _sums(ledger: Ledger, site: Site, rows: np.ndarray) -> None:
    if are_probabilities(rows):
        ledger.add("softmax-twice", site.name, function=site.function, rows=rows[..., 0].size)


def _tops(ledger: Ledger, site: Site, rows: np.ndarray) -> None:
    if site.kind != "classifier":
        return  # nobody asks for the winner of a row of attention
    first, second = np.moveaxis(np.partition(rows, -2, axis=-1)[..., -2:], -1, 0)
    ledger.add("ties", site.name, rows=first.size, tied=int(((first == second) & np.isfinite(first)).sum()))


def probabilities(ledger: Ledger, where: str, function: str, rows: np.ndarray, axis: int, log: bool) -> None:
    """Count what a loss on probabilities, or on their logs, was given; rows along `axis`."""
    rows = rows.astype(np.float64)
    with np.errstate(over="ignore"):
        values = np.exp(rows) if log else rows
    off = np.abs(values.sum(axis) - 1)
    other = ~(off <= SUM) | (values < 0).any(axis)
    ledger.add(
        "logits-for-probabilities",
        where,
        function=function,
        wanted="logs of probabilities" if log else "probabilities",
        rows=off.size,
        others=int(other.sum()),
        most_off=float(np.nan_to_num(off).max(initial=0)),
    )
