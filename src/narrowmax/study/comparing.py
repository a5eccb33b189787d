"""Designs side by side: what each loses, what it costs.  Descriptive: nothing is claimed of the best of them."""

from __future__ import annotations

from collections.abc import Iterable

from narrowmax import designs as catalogue
from narrowmax.designs import Design
from narrowmax.errors import DesignError, ToolFailed, ToolMissing
from narrowmax.hardware import TARGETS, cost
from narrowmax.store import digest
from narrowmax.study.simulating import CONFIDENCE, beside
from narrowmax.study.sources import Source
from narrowmax.study.work import Work

_KEPT = ("agreement", "ties", "max_abs_error", "mean_abs_error", "kl", "row_sum_error", "zero_share")


def compare(
    source: Source, designs: Iterable[Design], work: Work, *, lanes: int = 1, max_n: int | None = None,
    period_ns: float = 10.0, target: str = "gates", confidence: float = CONFIDENCE,
) -> dict:  # fmt: skip
    """The record of `narrowmax compare`: `rows`, one for each design.

    Each is {design, architecture, top1, nll, agreement, ties, max_abs_error, kl, ..., cost, limits}; what a
    design cannot do here is null, with the reason.
    lanes, max_n (the source's n), period_ns, target: of the cost

    Raises DesignError for an unknown target, DataError for a source without rows.
    """
    if target not in TARGETS:
        raise DesignError(f"target is {target!r}; it is one of {', '.join(TARGETS)}")
    settings = {"lanes": lanes, "max_n": max_n or source.n, "period_ns": period_ns, "target": target}
    with work.step("compare"):
        rows = [row(source, design, work, confidence, settings) for design in designs]
    return work.record("compare", source=source.text, settings={**settings, "confidence": confidence}, rows=rows)


def row(source: Source, design: Design, work: Work, confidence: float, settings: dict) -> dict:
    """One design of a comparison."""
    work.tell(f"compare: {design.text}")
    limits = work.remember(
        "limits", design.text, lambda: [limit["text"] for limit in catalogue.limits(design).values()]
    )
    seen = _seen(source, design, work, confidence)
    return {
        "design": design.text,
        "architecture": design.architecture,
        **seen,
        **priced(design, work, settings),
        "limits": limits,
    }


def _seen(source: Source, design: Design, work: Work, confidence: float) -> dict:
    inputs = [_content(source), design.text, confidence]
    try:
        found = work.remember("beside", inputs, lambda: beside(source, design, confidence, work))
    except DesignError as error:  # rows longer than it takes, one output a row where a network needs n
        return dict.fromkeys(("top1", "nll", *_KEPT)) | {"top1_reason": str(error), "nll_reason": str(error)}
    nll = (
        {"nll": found["nll_loss"]} if found.get("nll_loss") else {"nll": found["nll"], "nll_float": found["nll_float"]}
    )
    return {"top1": found["top1"], **nll, **{key: found[key] for key in _KEPT}}


def _content(source: Source) -> str:
    if source.labelled:
        return source.evaluator.digest
    return digest(source.logits.logits, source.logits.mask)


def priced(design: Design, work: Work, settings: dict) -> dict:
    """The cost of a design, or why it has none."""
    try:
        found = cost(
            design, settings["target"], **{k: settings[k] for k in ("lanes", "max_n", "period_ns")}, cache=work.store
        )
    except (DesignError, ToolMissing, ToolFailed) as error:
        return {"cost": None, "cost_reason": str(error)}
    return {"cost": found.record()}
