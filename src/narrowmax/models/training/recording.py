"""An epoch's record from what was counted in it, and the table of epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from narrowmax.models.training.counting import CLASSES, Values, added, more_bits, share

SOFTMAX = "input of the softmax at "
"""The place of the scores before a softmax that a design replaces begins so; its name follows."""
OUTPUT = "output"
"""The place of a network's scores where none is."""
_PLACES = 3  # named of each kind: those that saturate most


def epoch(
    number: int, steps: list[dict], losses: list[Values], counted: Mapping[str, Mapping], at_limits: float | None
) -> dict:
    """The record of an epoch.  Shares are in 0..1; None where the format that they are about is not in force.

    steps, skipped: of the optimiser, and those that an overflow under a dynamic loss scale undid
    loss: the mean of all backward passes; first_loss: of the first one
    gradient_norm: the mean over steps; loss_scale: the last
    gradients: of layers' outputs and of weights: `values`, `zero` before rounding, `flushed` (of those that are not
        zero, made zero by the format), `beyond` its ends, `more_bits` behind the point that keep half of them
        (by a sample)
    updates: `values`, `small` (not zero, and below half a step of the weights' format), `lost` (not zero, and the
        stored weight is what it was), `more_bits` with which half of them were not small (by a sample), `beyond` the
        ends
    weights, activations, softmax: `beyond` the ends of their format; weights also `at_limits`, and `flushed` (of those
        that are not zero, made zero by the format)
    places: where most lies beyond: {what, place, beyond}
    push: of the scores before the softmax that a design replaces, else of the network's output: `rows`, `still`
        (share of rows whose every gradient is exactly zero), `single` (share of rows with one gradient at most that is
        not), `zero` (share of elements), `classes` (indices that were never pushed); of several softmaxes together,
        and then each index has their name and the length of the row beside it
    without_gradient: weights whose gradient was zero, before any rounding, in every step
    """
    taken = [step for step in steps if not step["skipped"]]
    return {
        "epoch": number,
        "steps": len(steps),
        "skipped": len(steps) - len(taken),
        "loss": _mean(losses),
        "first_loss": float(losses[0]) if losses else None,
        "gradient_norm": _mean([step["norm"] for step in taken]),
        "loss_scale": steps[-1]["scale"] if steps else None,
        "gradients": _gradients(counted.get("gradients", {})),
        "updates": _updates(counted.get("updates", {}), counted.get("stored", {})),
        "weights": _weights(counted.get("weights", {}), at_limits),
        "activations": {"beyond": _beyond(counted.get("activations", {}))},
        "softmax": {"beyond": _beyond(counted.get("softmax", {}))},
        "places": _worst(counted),
        "push": _push(counted.get("push", {})),
        "without_gradient": _without(counted.get("gradients", {})),
    }


def _mean(numbers: list[Values]) -> float | None:
    return sum(float(one) for one in numbers) / len(numbers) if numbers else None


def _total(places: Mapping[str, dict], key: str) -> float | None:
    found = [place[key] for place in places.values() if key in place]
    return sum(found) if found else None


def _sizes(places: Mapping[str, dict]) -> list[int] | None:
    lists = [place["sizes"] for place in places.values() if "sizes" in place]
    return added(lists) if lists else None


def _weights(places: Mapping[str, dict], at_limits: float | None) -> dict:
    flushed, other = _total(places, "flushed"), _total(places, "other")
    gone = None if flushed is None else share(flushed, other)
    return {"beyond": _beyond(places), "at_limits": at_limits, "flushed": gone}


def _gradients(places: Mapping[str, dict]) -> dict:
    if not places:
        return dict.fromkeys(("values", "zero", "flushed", "beyond", "more_bits"))
    whole, other, sizes = _total(places, "values"), _total(places, "other"), _sizes(places)
    rounded = {name: place for name, place in places.items() if "flushed" in place}
    return {
        "values": whole,
        "zero": 1 - other / whole,
        "flushed": share(_total(rounded, "flushed"), _total(rounded, "other")) if rounded else None,
        "beyond": _beyond(rounded),
        "more_bits": None if sizes is None else more_bits(sizes),
    }


def _updates(places: Mapping[str, dict], stored: Mapping[str, dict]) -> dict:
    sizes = _sizes(places)
    if sizes is None:
        return dict.fromkeys(("values", "small", "lost", "more_bits", "beyond"))
    lost, other = _total(places, "lost"), _total(places, "other")
    return {
        "values": _total(places, "values"),
        "small": share(_total(places, "small"), other),
        "lost": None if lost is None else share(lost, other),
        "more_bits": more_bits(sizes),
        "beyond": _beyond(stored),
    }


def _beyond(places: Mapping[str, dict]) -> float | None:
    counted = {name: place for name, place in places.items() if "beyond" in place}
    return share(_total(counted, "beyond"), _total(counted, "values")) if counted else None


def _worst(counted: Mapping[str, Mapping]) -> list[dict]:
    found = []
    for what, places in counted.items():
        parts = [
            {"what": what, "place": name, "beyond": place["beyond"] / place["values"]}
            for name, place in places.items()
            if place.get("beyond")
        ]
        found += sorted(parts, key=lambda one: -one["beyond"])[:_PLACES]
    return found


def _push(places: Mapping[str, dict]) -> dict | None:
    found = {name: place for name, place in places.items() if name.startswith(SOFTMAX)}
    found = found or {name: place for name, place in places.items() if name == OUTPUT}
    if not found:
        return None
    rows = _total(found, "rows")
    counts = {
        (name.removeprefix(SOFTMAX), key.removeprefix(CLASSES)): each
        for name, place in found.items()
        for key, each in place.items()
        if key.startswith(CLASSES)
    }
    never = [(name, n, index) for (name, n), each in counts.items() for index, count in enumerate(each) if not count]
    return {
        "rows": rows,
        "still": share(_total(found, "still"), rows),
        "single": share(_total(found, "single"), rows),
        "zero": 1 - sum(map(sum, counts.values())) / _total(found, "elements"),
        "classes": [index if len(counts) == 1 else f"{name} {index} of {n}" for name, n, index in never],
    }


def _without(places: Mapping[str, dict]) -> list[str]:
    return [name for name, place in places.items() if place.get("weight") and not place["other"]]


HEAD = ("epoch", "loss", "norm", "grad 0", "flushed", "upd small", "upd lost", "at limits", "beyond", "no push", "skip")


def table(epochs: Iterable[dict]) -> str:
    """Aligned text, a line for each epoch."""
    lines = [HEAD, *(_line(one) for one in epochs)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)


def _line(one: dict) -> tuple[str, ...]:
    worst = max((place["beyond"] for place in one["places"]), default=None)
    push = one["push"] or {}
    shares = (one["gradients"]["zero"], one["gradients"]["flushed"], one["updates"]["small"], one["updates"]["lost"])
    shares = (*shares, one["weights"]["at_limits"], worst, push.get("still"))
    numbers = ("-" if number is None else f"{number:.4g}" for number in (one["loss"], one["gradient_norm"]))
    return (str(one["epoch"]), *numbers, *map(_share, shares), str(one["skipped"]))


def _share(number: float | None) -> str:
    return "-" if number is None else f"{number:.1%}"
