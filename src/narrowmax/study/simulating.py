"""One design on every row of a source, beside exact softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from narrowmax import metrics, reference
from narrowmax.designs import Design
from narrowmax.errors import DataError, StoreError
from narrowmax.models import Logits
from narrowmax.search.narrowing import CEILINGS
from narrowmax.store import atomic_write, check_file
from narrowmax.study.budgets import budget
from narrowmax.study.losses import losses
from narrowmax.study.sources import Source, groups
from narrowmax.study.work import Work

_BLOCK = 1 << 20  # elements worked on at once
CONFIDENCE = 0.95
UNLABELLED = "the source has no labels, so no accuracy can be judged"


@dataclass
class Witness:
    """A design whose every row is also given to exact softmax.

    It stands in for the design, in a network too.  parts: `metrics.compare` of the rows of each call;
    codes, probabilities: of each call as (rows, n), kept where `keep` says so
    """

    design: Design
    keep: bool = False
    parts: list[dict] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)
    probabilities_: list[np.ndarray] = field(default_factory=list)
    lengths: set[int] = field(default_factory=set)

    def floor(self, n: int) -> float:
        """What a probability is taken as at least; see `metrics`."""
        return metrics.IMPOSSIBLE if self.design.output_rate == "row" else metrics.floor_of(n)

    def see(self, x: np.ndarray, labels: np.ndarray | None = None, mask: np.ndarray | None = None) -> np.ndarray:
        """(rows, n) values -> (rows, n) probabilities."""
        codes = self.design.simulate(x, mask=mask)
        got = self.design.probabilities(codes, x.shape[-1])
        exact = reference.softmax(x.astype(np.float64), mask)
        self.parts.append(metrics.compare(x, exact, got, self.floor(x.shape[-1]), labels, mask))
        self.lengths.add(x.shape[-1])
        if self.keep:
            self.codes.append(_small(codes, self.design))
            self.probabilities_.append(got)
        return got

    # What a network asks of a design.

    @property
    def text(self) -> str:
        return self.design.text

    @property
    def input(self):
        return self.design.input

    @property
    def output(self):
        return self.design.output

    def __call__(self, x, axis: int = -1, mask=None) -> np.ndarray:
        rows = np.moveaxis(np.asarray(x), axis, -1)
        here = None if mask is None else np.moveaxis(np.broadcast_to(np.asarray(mask), x.shape), axis, -1)
        flat = None if here is None else here.reshape(-1, rows.shape[-1])
        got = self.see(rows.reshape(-1, rows.shape[-1]), mask=flat)
        return np.moveaxis(got.reshape(rows.shape), -1, axis)

    def summary(self) -> dict:
        return metrics.summary(metrics.concatenate(self.parts), self.floor(max(self.lengths)))


def _small(codes: np.ndarray, design: Design) -> np.ndarray:
    """Codes in the smallest integers that hold every code of the output."""
    ends = (
        (0, codes.max(initial=0))
        if design.output_rate == "row"
        else (design.output.lowest_code, design.output.highest_code)
    )
    low, high = min(*ends, codes.min(initial=0)), max(*ends, codes.max(initial=0))
    return codes.astype(np.result_type(np.min_scalar_type(low), np.min_scalar_type(high)))


def check_save(save: str | PathLike, source: str, data: str | PathLike | None = None) -> None:
    """Refuse, before any work, a file that could not be written at its end, or that the command reads.

    Raises DataError for a name that is not of an `.npz`, StoreError.
    """
    if Path(save).suffix.lower() != ".npz":
        raise DataError(f"an archive of arrays is saved, and {save} is not named as one; give --save FILE.npz")
    check_file(save, [source, source.partition(":")[2], *([] if data is None else [data])])


def simulate(
    source: Source, design: Design, work: Work, save: str | None = None, confidence: float = CONFIDENCE
) -> dict:
    """The record of `narrowmax simulate`.

    save: a `.npz` to write, whole or not at all: `codes` and `probabilities` in the shape of the logits
        (of a network: one row after the other as they came), and `design`, its text
    confidence: of the one-sided bounds of the loss

    What cannot be saved after all is in the record as `saved_reason`, with `saved` null: the answer is not lost.
    Raises DataError for rows that the design cannot take, or that do not make one array to save.
    """
    witness = Witness(design, keep=save is not None)
    with work.step("simulate"):
        found = _found(source, witness, confidence, work)
    reason = {}
    if save is not None:
        try:
            with work.step("save"):
                _save(save, witness, None if source.is_network else source.logits)
        except StoreError as error:
            save, reason = None, {"saved_reason": str(error)}
    with work.step("error budget"):
        shares = budget(source, design)
    about = {"source": source.text, "design": design.text, "n": max(witness.lengths)}
    return work.record("simulate", **about, **found, error_budget=shares, saved=save, **reason)


def beside(source: Source, design: Design, confidence: float, work: Work) -> dict:
    """What `simulate` finds of a design, without keeping its outputs; raises as it."""
    return _found(source, Witness(design), confidence, work)


def _found(source: Source, witness: Witness, confidence: float, work: Work) -> dict:
    if source.is_network:
        return _in_network(source, witness, confidence)
    return _on_rows(source.logits, witness, confidence, work)


def _on_rows(logits: Logits, witness: Witness, confidence: float, work: Work) -> dict:
    done = 0
    for x, labels, mask in blocks(logits):
        witness.see(x, labels, mask)
        work.tell(f"simulate: {(done := done + len(x))} rows")
    found = witness.summary()
    if logits.labels is not None:
        rows = metrics.concatenate(witness.parts)
        before, after = ({name: rows[who + key] for name, key in _OF_ROWS.items() if key in rows} for who in _WHOSE)
        return found | losses(before, after, CEILINGS, confidence, groups(logits))
    return found | dict.fromkeys(("top1_reason", "nll_reason", "nll_float_reason"), UNLABELLED)


# Outcomes as `metrics.compare` calls them, of float and of the design.
_OF_ROWS = {"top1": "right", "top5": "right5", "nll": "nll", "confidence": "confidence"}
_WHOSE = ("float_", "")


def blocks(logits: Logits) -> Iterator[tuple]:
    """`(x, labels, mask)` of some rows after others, as (k, n); labels and mask None where there are none."""
    rows = logits.logits.reshape(-1, logits.n)
    labels = None if logits.labels is None else logits.labels.ravel()
    mask = None if logits.mask is None else logits.mask.reshape(-1, logits.n)
    step = max(1, _BLOCK // logits.n)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        yield rows[part], *(None if every is None else every[part] for every in (labels, mask))


def _in_network(source: Source, witness: Witness, confidence: float) -> dict:
    """Row by row where the design stands in the network, and what the network then makes of its samples."""
    evaluator = source.evaluator
    every = np.sort(np.concatenate([evaluator.selection, evaluator.judgement]))
    before, after = evaluator.float_outcomes(every), evaluator.outcomes(witness, every)
    samples = None if evaluator.groups is None else np.asarray(evaluator.groups)[every]
    reason = "the NLL is of the network's output, which no floor touches"
    nll = {"nll": _mean(after.get("nll")), "nll_float": _mean(before.get("nll")), "nll_floor": None}
    language = evaluator.task.metric == "language"
    found = losses(before, after, evaluator.ceilings, confidence, samples, language)
    return {**witness.summary(), "samples": len(every), **found, **nll, "nll_floor_reason": reason}


def _mean(values: np.ndarray | None) -> float | None:
    return None if values is None else math.fsum(values) / len(values)


def _save(path: str, witness: Witness, logits: Logits | None) -> None:
    if len(witness.lengths) > 1:
        lengths = ", ".join(map(str, sorted(witness.lengths)))
        raise DataError(f"rows of {lengths} elements do not make one array; save logits of one length")
    codes, probabilities = np.concatenate(witness.codes), np.concatenate(witness.probabilities_)
    if logits is not None:
        codes = codes.reshape(*logits.logits.shape[:-1], codes.shape[-1])
        probabilities = probabilities.reshape(logits.logits.shape)
    with atomic_write(path) as file:
        np.savez(file, codes=codes, probabilities=probabilities, design=np.array(witness.design.text))
