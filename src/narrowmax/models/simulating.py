"""One design on all rows of a source, compared with exact softmax: what `narrowmax simulate` reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from narrowmax import metrics, reference
from narrowmax.models.task import Logits, Task

_BLOCK = 1 << 18  # elements compared at once


@dataclass(frozen=True)
class Simulation:
    """summary: the keys of `narrowmax simulate --json`; the bounds of `top1` are for `search` to fill
    rows: one value for each row and metric (see `metrics.compare`)
    arrays: `codes` and `probabilities` of stored rows; of a network, `codes.LAYER` and `probabilities.LAYER`
    float_outcomes, design_outcomes: {"top1", "nll"} of each sample, None without labels
    """

    summary: dict
    rows: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray] = field(repr=False)
    float_outcomes: dict[str, np.ndarray] | None = field(default=None, repr=False)
    design_outcomes: dict[str, np.ndarray] | None = field(default=None, repr=False)


def simulate(source: Task | Logits, design) -> Simulation:
    """`design`, bit-accurately, on every row of stored logits, or of a task's held-out samples.

    A task whose `where` is "classifier" is run once and its logits are simulated; of any other the
    softmaxes that `where` chooses are replaced, rows are theirs, and accuracy is the network's.
    """
    if isinstance(source, Logits):
        return _of_logits(source, design)
    if source.where == "classifier" and source.metric == "classification":
        from narrowmax.models.networks import logits_of

        return _of_logits(logits_of(source), design)
    return _of_network(source, design)


def _of_logits(source: Logits, design) -> Simulation:
    x = source.logits.reshape(-1, source.n)
    mask = None if source.mask is None else source.mask.reshape(-1, source.n)
    labels = None if source.labels is None else source.labels.ravel()
    parts = list(_parts(x, mask, labels, design))
    rows = metrics.concatenate([rows for rows, _ in parts])
    arrays = {name: np.concatenate([arrays[name] for _, arrays in parts]) for name in ("codes", "probabilities")}
    arrays = {name: array.reshape(*source.logits.shape[:-1], -1) for name, array in arrays.items()}
    outcomes = (None, None) if labels is None else _outcomes(rows)
    return Simulation(_summary(design, rows, source.n), rows, arrays, *outcomes)


def _parts(x, mask, labels, design) -> Iterator[tuple[dict, dict]]:
    step = max(1, _BLOCK // x.shape[1])
    for start in range(0, len(x), step):
        at = slice(start, start + step)
        here = None if mask is None else mask[at]
        yield compared(x[at], here, None if labels is None else labels[at], design)


def compared(x: np.ndarray, mask: np.ndarray | None, labels: np.ndarray | None, design) -> tuple[dict, dict]:
    """`(rows, arrays)` of rows (k, n): metrics of each row, and the design's codes and probabilities."""
    codes = design.simulate(x, axis=-1, mask=mask)
    probabilities = design.probabilities(codes, x.shape[-1])
    exact = reference.softmax(x, mask)
    rows = metrics.compare(x, exact, probabilities, metrics.half_step(design.output), labels, mask)
    return rows, {"codes": codes, "probabilities": probabilities}


def _outcomes(rows: dict[str, np.ndarray]) -> tuple[dict, dict]:
    before = {"top1": rows["float_right"], "nll": rows["float_nll"]}
    return before, {"top1": rows["right"], "nll": rows["nll"]}


def _summary(design, rows: dict[str, np.ndarray], n: int) -> dict:
    return {"design": str(design), "n": n, **metrics.summary(rows, metrics.half_step(design.output))}


def _of_network(task: Task, design) -> Simulation:
    from narrowmax.models.networks import NetworkEvaluator
    from narrowmax.models.replacing import Watched

    judge = NetworkEvaluator(task)
    everything = np.arange(judge.samples)
    with Watched(task.network, design, task.where, compared) as seen:
        after = judge.outcomes_now(everything)
    before = judge.float_outcomes(everything)
    rows = metrics.concatenate([rows for _, rows, _ in seen.calls])
    summary = _summary(design, rows, judge.n) | {
        "top1": metrics.losses(before["top1"], after["top1"]),
        "nll": float(after["nll"].mean()),
        "nll_float": float(before["nll"].mean()),
    }
    return Simulation(summary, rows, _by_layer(seen.calls), before, after)


def _by_layer(calls: list[tuple[str, dict, dict]]) -> dict[str, np.ndarray]:
    """Rows of each layer in the order of its calls; of a layer with rows of several lengths, none."""
    found: dict[str, list[np.ndarray]] = {}
    for name, _, arrays in calls:
        for kind, array in arrays.items():
            found.setdefault(f"{kind}.{name}", []).append(array)
    return {name: np.concatenate(parts) for name, parts in found.items() if len({a.shape[1] for a in parts}) == 1}
