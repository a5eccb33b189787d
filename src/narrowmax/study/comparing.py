"""Designs side by side: what each loses, what it costs.  Descriptive: nothing is claimed of the best of them."""

from __future__ import annotations

from collections.abc import Iterable

from narrowmax import designs as catalogue
from narrowmax import hardware
from narrowmax.designs import Design
from narrowmax.errors import DesignError, ToolFailed, ToolMissing
from narrowmax.store import digest
from narrowmax.study.simulating import beside
from narrowmax.study.sources import Source
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

LARGEST = 60_000  # NAND2 equivalents, as predicted
_KEPT = ("agreement", "ties", "max_abs_error", "mean_abs_error", "kl", "row_sum_error", "zero_share")


def compare(source: Source, designs: Iterable[Design], terms: Terms, work: Work) -> dict:
    """The record of `narrowmax compare`: `rows`, one for each design; see `rows`."""
    with work.step("compare"):
        found = rows(source, designs, terms, work)
    return work.record("compare", source=source.text, settings=terms.settings, rows=found)


def rows(source: Source, designs: Iterable[Design], terms: Terms, work: Work) -> list[dict]:
    """For each design {design, architecture, top1, nll, agreement, ties, max_abs_error, kl, ..., cost, limits}.

    What a design cannot do here, and what cannot be had, is null, with the reason beside it.
    """
    return [_row(source, design, terms, work) for design in designs]


def _row(source: Source, design: Design, terms: Terms, work: Work) -> dict:
    work.tell(f"compare: {design.text}")
    return {
        "design": design.text,
        "architecture": design.architecture,
        **_seen(source, design, terms.confidence, work),
        **_priced(design, terms, work),
        "limits": work.remember("limits", design.text, lambda: _limits(design)),
    }


def _limits(design: Design) -> list[str]:
    return [limit["text"] for limit in catalogue.limits(design).values()]


def _seen(source: Source, design: Design, confidence: float, work: Work) -> dict:
    inputs = [_content(source), design.text, confidence]
    try:
        found = work.remember("beside", inputs, lambda: beside(source, design, confidence, work))
    except DesignError as error:  # rows longer than it takes
        return dict.fromkeys(("top1", "nll", *_KEPT)) | {"top1_reason": str(error), "nll_reason": str(error)}
    reasons = {key: found[key] for key in ("top1_reason", "nll_reason") if key in found}
    return {"top1": found["top1"], "nll": found.get("nll_loss"), **reasons, **{key: found[key] for key in _KEPT}}


def _content(source: Source) -> str:
    if source.labelled:
        return source.evaluator.digest
    return digest(source.logits.logits, source.logits.mask)


def _priced(design: Design, terms: Terms, work: Work) -> dict:
    """What a design costs.  One of very many gates is not synthesised beside others: that alone takes many minutes."""
    try:
        predicted = hardware.estimate(design, **terms.layout)
        if predicted > LARGEST:
            about = f"about {predicted:,.0f} NAND2 are predicted, and a comparison synthesises up to {LARGEST:,}"
            return {"cost": None, "cost_reason": f"{about}; narrowmax cost does it for this design alone"}
        return {"cost": hardware.cost(design, terms.target, **terms.layout, cache=work.store).record()}
    except (DesignError, ToolMissing, ToolFailed) as error:
        return {"cost": None, "cost_reason": str(error)}
