"""Why a training stalled: from what was counted, never from the formats alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from narrowmax.models.training.counting import share
from narrowmax.models.training.record import Precision

LEARNED = 0.75
"""The share of the way from the first loss to the goal that a training must go; one that goes less has stalled."""
SOMEWHERE = 0.05
"""The share of the way to 0 that says that a training whose goal is not known goes on."""
MOST = 0.9
"""The share of gradients, updates or rows that must be gone before that is called the reason."""
MANY = 0.5
"""The share of values beyond the ends of a format, or of steps skipped, that is called a reason; and of gradients or
updates gone, where nothing was stopped and the training stalled all the same."""


@dataclass(frozen=True)
class Finding:
    """stalled: whether it did; reason: a word, None where it did not stall; sentence: what was seen, and what to do

    Words: diverged, weights-flushed, no-gradient, gradients-flushed, steps-skipped, updates-lost, no-push, saturated,
    unexplained.
    """

    stalled: bool
    reason: str | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def diagnose(precision: Precision, epochs: list[dict], goal: float | None = None) -> Finding:
    """What the epochs (`recording.epoch`) tell.

    goal: the loss that the same training reaches in float.  Where it is not known the goal is 0, and a training
        that goes less than LEARNED of the way counts as stalled only where one of the reasons is seen too, or it
        went nowhere
    """
    losses = [loss for one in epochs if (loss := _loss(one)) is not None]
    if not losses and any(one["steps"] for one in epochs):
        return Finding(False, None, "no loss was seen: call optimiser.scale_loss on it, as Keras asks of loops")
    if not losses:
        return Finding(False, None, "nothing was trained: no backward pass was seen")
    if not all(map(math.isfinite, losses)) or any(one.get("diverged") for one in epochs):
        return Finding(True, "diverged", _diverged(precision, epochs))
    first, last = epochs[0]["first_loss"], losses[-1]
    way = share(first - last, first - (goal or 0.0)) or 0.0
    if way >= LEARNED or first <= (goal or 0.0):
        said = "it trained: the loss fell" if last < first - SOMEWHERE * abs(first) else "as in float, the loss went"
        return Finding(False, None, f"{said} from {first:.3g} to {last:.3g}")
    sure = goal is not None or way <= SOMEWHERE  # that it stalled, whatever the reason
    for least in (MOST, MANY) if sure else (MOST,):
        for reason, see in _REASONS:
            if (seen := see(precision, _later(epochs), least)) is not None:
                return Finding(True, reason, seen)
    if not sure:
        return Finding(False, None, f"the loss fell from {first:.3g} to {last:.3g}, and no format was seen to stop it")
    beside = "" if goal is None else f" (in float to {goal:.3g})"
    return Finding(
        True,
        "unexplained",
        f"the loss went from {first:.3g} to {last:.3g}{beside}, and nothing that is counted explains it; "
        "train longer, or try one format at a time",
    )


def _loss(one: dict) -> float | None:
    """An epoch's loss: that of exact softmax where it is known, for a coarse output hides what is left to learn."""
    return one["train"]["nll"] if one.get("train") else one["loss"]


def _later(epochs: list[dict]) -> list[dict]:
    """The second half, in which a training that learns has begun to."""
    return epochs[len(epochs) // 2 :]


def _mean(epochs: list[dict], what: str, key: str) -> float | None:
    """Of a share over epochs."""
    found = [one[what][key] for one in epochs if one[what] is not None and one[what][key] is not None]
    return sum(found) / len(found) if found else None


def _percent(number: float) -> str:
    text = f"{100 * number:.1f}"
    return "100 %" if number == 1 else "more than 99.9 %" if text == "100.0" else f"{text} %"


def _word(gone: float) -> str:
    return "stopped" if gone >= MOST else "were slowed"


def _bits(epochs: list[dict], what: str) -> str:
    """How many more bits are asked for; '' where it is not known."""
    found = [one[what]["more_bits"] for one in epochs if one[what]["more_bits"] is not None]
    if not found:
        return ""
    middle = sorted(found)[len(found) // 2]
    return f"{middle} more bit{'' if middle == 1 else 's'} behind the point" if middle else ""


def _either(*remedies: str) -> str:
    *first, last = [remedy for remedy in remedies if remedy]
    return f"{', '.join(first)} or {last}" if first else last


def _diverged(precision: Precision, epochs: list[dict]) -> str:
    worst = max((place for one in epochs for place in one["places"]), key=lambda one: one["beyond"], default=None)
    said = "the training diverged: loss or outputs became infinite or not a number"
    if worst is not None:
        said += f", with {_percent(worst['beyond'])} of {worst['what']} at {worst['place']} beyond their format"
    scaled = precision.loss_scale not in (None, "dynamic")
    return f"{said}; use {_either('a lower learning rate', 'loss_scale=dynamic' if scaled else '', 'a wider range')}"


def _vanished(precision: Precision, epochs: list[dict], least: float) -> str | None:
    gone = _mean(epochs, "weights", "flushed")
    if gone is None or gone < least:
        return None
    return (
        f"weights vanished: {_percent(gone)} of those that were not zero were rounded to zero by {precision.weights}; "
        f"use {_either('more bits behind the point', 'stochastic rounding', 'larger weights to begin with')}"
    )


def _no_gradient(precision: Precision, epochs: list[dict], least: float) -> str | None:
    """Weights that no gradient reached, before it was rounded."""
    still = set.intersection(*(set(one["without_gradient"]) for one in epochs))
    if not still or (_mean(epochs, "gradients", "flushed") or 0) >= MANY or _all_still(epochs):
        return None
    weights = sorted(still)
    named = ", ".join(weights[:3]) + (f" and {len(weights) - 3} more" if len(weights) > 3 else "")
    blocked = precision.gradient == "none"
    why = "a rounding that has no gradient lies behind them" if blocked else "nothing passes back to them"
    remedy = 'use gradient="straight-through"' if blocked else "look for a detach, a rounding by hand or dead units"
    return f"no gradient at all reached {named}: {why}; {remedy}" if weights else None


def _all_still(epochs: list[dict]) -> bool:
    """Whether what is missing is the loss's own gradient, from the softmax on."""
    return (_mean([one for one in epochs if one["push"]], "push", "still") or 0) >= MOST


def _flushed(precision: Precision, epochs: list[dict], least: float) -> str | None:
    gone = _mean(epochs, "gradients", "flushed")
    if gone is None or gone < least:
        return None
    bits = _bits(epochs, "gradients")
    scale = "a larger loss scale" if precision.loss_scale is not None else "a loss scale"
    stochastic = "" if precision.gradients.rounding == "stochastic" else "stochastic rounding"
    return (
        f"gradients {_word(gone)}: {_percent(gone)} of those that were not zero were rounded to zero by "
        f"{precision.gradients}; use {_either(scale, stochastic, bits)}"
    )


def _skipped(precision: Precision, epochs: list[dict], least: float) -> str | None:
    gone = share(sum(one["skipped"] for one in epochs), sum(one["steps"] for one in epochs)) or 0
    if gone < MANY:
        return None
    return (
        f"steps were skipped: {_percent(gone)} of them overflowed, down to a loss scale of "
        f"{epochs[-1]['loss_scale']:g}; use gradients with a wider range or a lower learning rate"
    )


def _lost(precision: Precision, epochs: list[dict], least: float) -> str | None:
    gone = _mean(epochs, "updates", "lost")
    if gone is None or gone < least or precision.updates.rounding == "stochastic":
        return None
    return (
        f"weights {_word(gone)}: {_percent(gone)} of the updates were below half a step of {precision.updates} and "
        f"were lost; use {_either('stochastic rounding', 'a master copy', _bits(epochs, 'updates'))}"
    )


def _pushless(precision: Precision, epochs: list[dict], least: float) -> str | None:
    if precision.softmax is None and precision.gradient != "none":
        return None  # rows without a label get no gradient in float either
    epochs = [one for one in epochs if one["push"]]
    rows, outside = _mean(epochs, "push", "single"), _mean(epochs, "softmax", "beyond") or 0
    classes = (_mean(epochs, "push", "zero") or 0) if least < MOST else 0
    if rows is None or max(rows, classes) < least or outside >= MANY:
        return None
    if precision.gradient == "none":
        return (
            f"no gradient at all left the softmax: in {_percent(rows)} of the rows it was zero, as that of a rounding "
            'is; use gradient="straight-through"'
        )
    what = f"with {precision.softmax.output} at the output, " if precision.softmax is not None else ""
    remedy = _either("more bits at the output of the softmax", "the straight-through gradient")
    if classes > rows:
        told = f"the gradient p - y was exactly zero for {_percent(classes)} of the classes of a row"
        return f"few classes were pushed: {what}{told}; use {remedy}"
    who = "no class was" if rows >= MOST else "few rows were"
    told = f"the gradient p - y was exactly zero for all classes, or all but one, in {_percent(rows)} of the rows"
    return f"{who} pushed: {what}{told}; use {remedy}"


def _saturated(precision: Precision, epochs: list[dict], least: float) -> str | None:
    forms = {
        "softmax": precision.softmax and precision.softmax.input,
        "activations": precision.activations,
        "gradients": precision.gradients,
        "weights": precision.weights,
    }
    for what, form in forms.items():
        found = [place for one in epochs for place in one["places"] if place["what"] == what]
        worst = max(found, key=lambda one: one["beyond"], default=None)
        if worst is not None and worst["beyond"] >= MANY:
            return (
                f"{what} saturated: at {worst['place']} {_percent(worst['beyond'])} of the values lay beyond {form}; "
                "use more bits before the point, or scale them down"
            )
    limits = _mean(epochs, "weights", "at_limits")
    if limits is not None and limits >= MANY:
        return (
            f"weights saturated: {_percent(limits)} of them stand at an end of {precision.reference}; "
            "use more bits before the point"
        )
    return None


_REASONS: tuple[tuple[str, Callable], ...] = (
    ("weights-flushed", _vanished),
    ("no-gradient", _no_gradient),
    ("gradients-flushed", _flushed),
    ("steps-skipped", _skipped),
    ("no-push", _pushless),
    ("saturated", _saturated),
    ("updates-lost", _lost),
)
