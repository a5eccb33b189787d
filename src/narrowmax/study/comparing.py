"""Designs side by side: what each loses, what it costs.  Descriptive: nothing is claimed of the best of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from narrowmax import designs as catalogue
from narrowmax import hardware, metrics, reference
from narrowmax.designs import Design
from narrowmax.designs.simulation import drawn_for
from narrowmax.errors import DesignError, NarrowmaxError, ToolFailed, ToolMissing
from narrowmax.formats import Format
from narrowmax.models import Logits
from narrowmax.search.narrowing import CEILINGS
from narrowmax.store import digest
from narrowmax.study.budgets import largest_part
from narrowmax.study.calibrating import Calibrated
from narrowmax.study.losses import losses
from narrowmax.study.simulating import UNLABELLED, beside, blocks
from narrowmax.study.sources import Source, groups
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

LARGEST = 60_000  # NAND2 equivalents of logic, as predicted, without flip-flops and memories: half a minute's work
NOT_ASKED = "not asked for"
_KEPT = ("agreement", "ties", "max_abs_error", "mean_abs_error", "kl", "row_sum_error", "zero_share")
_JUDGED = ("top1", "losses", "calibration", "perplexity")
_INSIDE = "not counted inside a network"
_MISSING = {**dict.fromkeys(("top1", "nll", *_KEPT)), "beyond_input": None}


def compare(source: Source, tried: Calibrated, terms: Terms, work: Work, costs: bool = True) -> dict:
    """The record of `narrowmax compare`: `rows`, one for each design; see `rows`.

    calibration: {low, high, stored} of the source, where designs were told its scale
    """
    with work.step("compare"):
        found = rows(source, tried.designs, terms, work, tried.settings, costs)
    return work.record("compare", source=source.text, settings=terms.settings, calibration=tried.reach, rows=found)


def rows(
    source: Source,
    designs: Iterable[Design],
    terms: Terms,
    work: Work,
    calibrated: Mapping[Design, dict] | None = None,
    costs: bool = True,
) -> list[dict]:
    """For each design {design, brief, calibrated, top1, nll, agreement, ties, ..., cost, limits, most_error}.

    calibrated: of some designs, the parameters that were set for this source
    costs: whether designs are synthesised

    What a design cannot do here, and what cannot be had, is null, with the reason beside it.
    """
    designs = list(designs)
    seen = _seen(source, designs, terms.confidence, work)
    return [
        {
            "design": design.text,
            "architecture": design.architecture,
            "brief": design.brief,
            "calibrated": (calibrated or {}).get(design) or None,
            **found,
            **(_priced(design, terms, work) if costs else {"cost": None, "cost_reason": NOT_ASKED}),
            "limits": work.remember("limits", design.text, lambda design=design: _limits(design)),
            **work.remember(
                "most-error", [_content(source), design.text], lambda design=design: largest_part(source, design)
            ),
        }
        for design, found in zip(designs, seen, strict=True)
    ]


def _limits(design: Design) -> list[str]:
    return [limit["text"] for limit in catalogue.limits(design).values()]


# What a design does to the rows.


def _seen(source: Source, designs: list[Design], confidence: float, work: Work) -> list[dict]:
    """Of each design what it is worth, as it was kept, or found now: of all that are left in one pass."""
    inputs = [[_content(source), design.text, confidence] for design in designs]
    found = [work.recall("beside", one) for one in inputs]
    left = [k for k, one in enumerate(found) if one is None]
    made = _found(source, [designs[k] for k in left], confidence, work)
    for k, one in zip(left, made, strict=True):
        found[k] = work.keep("beside", inputs[k], one)
    return found


def _content(source: Source) -> str:
    if source.is_network:
        return source.evaluator.digest
    logits = source.logits  # no evaluator: it wants samples enough to split
    return digest(logits.logits, logits.mask, logits.labels, groups(logits))


def _found(source: Source, designs: list[Design], confidence: float, work: Work) -> list[dict]:
    if source.is_network:
        return [_in_network(source, design, confidence, work) for design in designs]
    refused = [_refusal(design, source.n) for design in designs]
    able = [design for design, reason in zip(designs, refused, strict=True) if reason is None]
    made = iter(_swept(source, able, confidence, work) if able else ())
    return [next(made) if reason is None else _refused(reason) for reason in refused]


def _refusal(design: Design, n: int) -> str | None:
    """Why a design cannot take rows of n elements; None where it can."""
    try:
        if design.has_hardware:
            drawn_for(design, n)
    except NarrowmaxError as error:
        return str(error)
    return None


def _refused(reason: str) -> dict:
    return {**_MISSING, "top1_reason": reason, "nll_reason": reason}


def _in_network(source: Source, design: Design, confidence: float, work: Work) -> dict:
    work.tell(f"compare: {design.text}")
    try:
        found = beside(source, design, confidence, work)
    except DesignError as error:  # rows longer than it takes
        return _refused(str(error))
    kept = {key: found[key] for key in _KEPT}
    return {**_MISSING, **_called(found), **kept, "beyond_input_reason": _INSIDE}


def _called(found: dict) -> dict:
    """What `losses` finds, with the loss of NLL called as in a comparison."""
    judged = {key: value for key, value in found.items() if key.removesuffix("_reason") in _JUDGED}
    return judged | {key.replace("nll_loss", "nll"): one for key, one in found.items() if key.startswith("nll_loss")}


def _swept(source: Source, designs: list[Design], confidence: float, work: Work) -> list[dict]:
    logits = source.logits
    x, mask = (None if one is None else one.reshape(-1, logits.n) for one in (logits.logits, logits.mask))
    labels = None if logits.labels is None else logits.labels.ravel()
    tell = lambda done, of: work.tell(f"compare: {done} of {of} rows through {len(designs)} designs")  # noqa: E731
    sweep, beyond = catalogue.Sweep(x, labels, mask), _Beyond(x, mask)
    if labels is None:
        unjudged = {"top1_reason": UNLABELLED, "nll_reason": UNLABELLED}
        judged = [(one, unjudged) for one in sweep.run(designs, progress=tell)]
    else:
        before = metrics.of_logits(x, labels, mask) | _sureness(logits)
        judged = [
            (one, _losses(before, after | _sureness(logits, design), confidence, groups(logits)))
            for design, (one, after) in zip(designs, sweep.judged(designs, progress=tell), strict=True)
        ]
    return [
        {**_MISSING, **{key: one[key] for key in _KEPT}, **lost, "beyond_input": beyond.share(design.input)}
        for design, (one, lost) in zip(designs, judged, strict=True)
    ]


def _losses(before: dict, after: dict, confidence: float, samples: np.ndarray | None) -> dict:
    return _called(losses(before, after | {"top1": after["right"]}, CEILINGS, confidence, samples))


def _sureness(logits: Logits, design: Design | None = None) -> dict[str, np.ndarray]:
    """Of each row "confidence", and "top5" where it has more than five elements; of exact softmax without a design."""
    found = []
    for x, labels, mask in blocks(logits):
        exact = design is None
        got = reference.softmax(x.astype(np.float64), mask) if exact else design(x, mask=mask)
        one = {"confidence": metrics.confidence(got)}
        if x.shape[-1] > metrics.TOP:
            one["top5"] = metrics.top_k(x if exact else got, labels, mask=mask)
        found.append(one)
    return metrics.concatenate(found)


class _Beyond:
    """How much of the elements that take part lies beyond what a format can say."""

    def __init__(self, x: np.ndarray, mask: np.ndarray | None):
        self._sorted = np.sort(x.ravel() if mask is None else x[mask])

    def share(self, form: Format) -> float | None:
        """Of those more than half a step past an end; None of a format without ends."""
        if form.lowest is None or not len(self._sorted):
            return None
        half = float(form.step) / 2 if form.step is not None else 0.0
        low, high = float(form.lowest) - half, float(form.highest) + half
        below = np.searchsorted(self._sorted, low, "left")
        above = len(self._sorted) - np.searchsorted(self._sorted, high, "right")
        return float(below + above) / len(self._sorted)


# What it costs.


def _priced(design: Design, terms: Terms, work: Work) -> dict:
    """What a design costs.  One of very many gates is not synthesised beside others, but shown where that was done."""
    predicted = work.remember("logic", [design.text, terms.layout], lambda: _predicted(design, terms))
    if "reason" in predicted:
        return {"cost": None, "cost_reason": predicted["reason"]}
    try:
        if predicted["nand2"] > LARGEST and not _is_kept(design, terms, work):
            return {"cost": None, "cost_reason": _TOO_LARGE.format(predicted["nand2"], LARGEST)}
        inputs = [design.text, terms.target, terms.layout]
        return {"cost": work.remember("priced", inputs, lambda: _cost(design, terms, work))}
    except (ToolMissing, ToolFailed) as error:  # not kept: tomorrow the tool may be there
        return {"cost": None, "cost_reason": str(error)}


_TOO_LARGE = (
    "about {:,.0f} NAND2 of logic are predicted, and a comparison synthesises up to {:,}; narrowmax cost does it for "
    "this design alone, and what it found is shown here from then on"
)


def _predicted(design: Design, terms: Terms) -> dict:
    try:
        return {"nand2": hardware.estimated_logic(design, **terms.layout)}
    except DesignError as error:  # lanes or rows that it cannot have
        return {"reason": str(error)}


def _is_kept(design: Design, terms: Terms, work: Work) -> bool:
    return hardware.is_kept(design, terms.target, cache=work.store, **terms.layout)


def _cost(design: Design, terms: Terms, work: Work) -> dict:
    work.tell(f"cost: {design.text}")
    return hardware.cost(design, terms.target, cache=work.store, **terms.layout).record()
