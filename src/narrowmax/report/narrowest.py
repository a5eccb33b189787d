"""The section on the narrowest design found: its wires, its evidence, what else was met."""

from __future__ import annotations

from markupsafe import Markup

from narrowmax import figures
from narrowmax.report import tables
from narrowmax.report.blocks import Facts, Fold, Numbers, Plot, Section, absent, code
from narrowmax.report.tables import Table
from narrowmax.report.text import (
    DASH,
    RATES,
    UNCORRECTED,
    amount,
    at_least,
    at_most,
    bits,
    claimed,
    count,
    metric_name,
    parameters,
    percent,
    plural,
    unit,
    why,
)

SLUG, TITLE = "narrowest", "The narrowest design found"


def section(record: dict) -> Section:
    """The section from a study's record."""
    narrow = record["narrow"]
    if narrow is None:
        return absent(SLUG, TITLE, why(record, "narrow"))
    tolerance = {m: t for m, t in _tolerances(record, narrow).items() if t is not None}
    blocks = [
        _facts(record, narrow),
        *_claim(narrow, tolerance),
        *_wires(narrow),
        *_one_less(narrow, tolerance),
        *_front(narrow, tolerance),
        *_judged(narrow),
        *_among(narrow),
    ]
    return Section(SLUG, TITLE, _lead(record, narrow, tolerance), tuple(blocks))


def _tolerances(record: dict, narrow: dict) -> dict:
    asked = (record.get("settings") or {}).get("tolerance") or {}
    return {
        metric: loss.get("tolerance") if loss.get("tolerance") is not None else asked.get(metric)
        for metric, loss in narrow["loss"].items()
    }


def _lead(record: dict, narrow: dict, tolerance: dict) -> Markup:
    confidence = (record.get("settings") or {}).get("confidence")
    sure = f" with {percent(confidence, 0)} confidence" if confidence is not None else ""
    parts = [_falls(metric, loss, tolerance.get(metric)) for metric, loss in narrow["loss"].items()]
    judged = plural((narrow.get("samples") or {}).get("judged"), "sample")
    text = Markup("Every rounded wire was moved, together: {}{}, judged on {} that neither trained nor selected.")
    return text.format(" and ".join(parts) if parts else "No loss was bounded", sure, judged)


def _falls(metric: str, loss: dict, tolerance: float | None) -> str:
    verb = "falls" if metric in RATES else "rises"
    said = claimed(metric, loss, tolerance) or "an amount not shown to be tolerated"
    return f"{metric_name(metric)} {verb} by {said}"


def _facts(record: dict, narrow: dict) -> Facts:
    samples = narrow.get("samples") or {}
    facts: list = [("design", code(narrow["design"]))]
    if narrow.get("start"):
        facts.append(("search began at", code(narrow["start"])))
    used = (
        f"{count(samples.get(key))} {words}"
        for key, words in (("selected", "to select"), ("judged", "to judge"), ("needed", "needed for this claim"))
    )
    facts.append(("samples", ", ".join(used)))
    return Facts("", tuple(facts))


def _claim(narrow: dict, tolerance: dict) -> list:
    """One interval for each metric, against what was tolerated."""
    blocks = []
    for metric, loss in narrow["loss"].items():
        if loss.get("estimate") is None or metric not in tolerance:
            continue
        counted, scale = unit(metric)
        row = {"label": "narrowest", "tone": _tone(loss, tolerance[metric]), **loss}
        figure = figures.margins([row], tolerance[metric], counted, scale)
        cells = (
            (amount(metric, loss["estimate"]), at_most(metric, loss.get("high")), amount(metric, tolerance[metric])),
        )
        table = Table(("estimate", "by itself at most", "tolerance"), "nnn", cells)
        reading = (
            "The dot is the observed loss; the bar reaches to its upper bound, which must stay left of the tolerance. "
            f"That the loss is below the tolerance is claimed; the bound is {UNCORRECTED}."
        )
        blocks.append(Plot(f"Loss in {metric_name(metric)} and its bound", reading, figure, table))
    return blocks


def _wires(narrow: dict) -> list:
    if not narrow.get("wires"):
        return []
    numbers = Numbers("Each wire, and why it could not lose one more bit", tables.narrow(narrow))
    start = parameters(narrow.get("start") or "")
    formats = {tables.wire_of(wire): wire["format"] for wire in narrow["wires"]}
    widths = [(name, bits(start.get(name)), bits(text)) for name, text in formats.items()]
    shown = [row for row in widths if row[2] is not None]
    if not shown:
        return [numbers]
    cells = tuple((name, DASH if before is None else str(before), str(after)) for name, before, after in shown)
    table = Table(("wire", "bits at the start", "bits, narrowest"), "cnn", cells)
    reading = "Every wire that rounds; the others follow from exact ranges and lose nothing."
    figure = figures.wire_widths(*zip(*shown, strict=True))
    return [Plot("Bits on each wire", reading, figure, table, wide=True), numbers]


def _one_less(narrow: dict, tolerance: dict) -> list:
    """What one bit less on each wire loses before the same judges, one plot for each metric."""
    plots = [_trials(narrow.get("wires") or [], metric, limit) for metric, limit in tolerance.items()]
    return [plot for plot in plots if plot is not None]


def _trials(wires: list, metric: str, limit: float) -> Plot | None:
    losses = [(wire["name"], (wire.get("loss") or {}).get(metric) or {}) for wire in wires]
    rows = [{"label": n, "tone": _tone(loss, limit), **loss} for n, loss in losses if loss.get("estimate") is not None]
    if not rows:
        return None
    cells = tuple(
        (r["label"], amount(metric, r["estimate"]), at_least(metric, r.get("low")), at_most(metric, r.get("high")))
        for r in rows
    )
    reading = (
        "The design with one bit less on that wire, before the same judges. A red cross loses: even its lower bound is "
        "beyond the tolerance. A grey ring was not shown to stay below. A green dot stayed below and is not claimed, "
        "for the reason above."
    )
    table = Table(("wire", "estimate", "at least", "at most"), "cnnn", cells)
    return Plot(
        f"One bit less: {metric_name(metric)} lost", reading, figures.margins(rows, limit, *unit(metric)), table
    )


def _tone(loss: dict, limit: float) -> str:
    """As in a claim: bounds at the tolerance itself are on neither side."""
    if (loss.get("low") or 0.0) > limit:
        return "bad"
    return "open" if loss.get("high") is None or loss["high"] >= limit else "good"


def _judged(narrow: dict) -> list:
    if not narrow.get("order"):
        return []
    table = Numbers("Widest first, up to the first that failed; each bound by itself", tables.judged(narrow))
    return [Fold("The designs judged, in the order that selection fixed", (table,))]


_AMONG = (
    "By selection samples and synthesis; the first (of about equal cost, of the smaller space) was taken and judged"
)


def _among(narrow: dict) -> list:
    if not narrow.get("chosen_among"):
        return []
    return [Fold("The architectures it was chosen among", (Numbers(_AMONG, tables.among(narrow)),))]


def _front(narrow: dict, tolerance: dict) -> list:
    """Designs met on the way, one plot for each metric in which they differ."""
    plots = [_met(narrow, metric, limit) for metric, limit in tolerance.items()]
    return [plot for plot in plots if plot is not None]


def _met(narrow: dict, metric: str, limit: float) -> Plot | None:
    points = [_candidate(c, metric, narrow["design"]) for c in narrow.get("front") or []]
    points = [p for p in points if p["cost"] is not None and p["loss"] is not None]
    if len({p["loss"] for p in points}) < 2:
        return None
    counted, scale = unit(metric)
    cells = tuple((p["label"], count(p["cost"]), amount(metric, p["loss"])) for p in points)
    return Plot(
        f"What less {metric_name(metric)} lost would cost",
        "Designs tried that no cheaper one beats, with their losses on the selection samples. Descriptive.",
        figures.trade(points, f"loss, {counted}", limit, scale, "predicted cost, which steered the search"),
        Table(("design", "predicted cost", "loss"), "cnn", cells),
    )


def _candidate(candidate: dict, metric: str, chosen: str) -> dict:
    loss = (candidate.get("loss") or {}).get(metric)
    estimate = loss.get("estimate") if isinstance(loss, dict) else loss
    return {
        "label": candidate["design"],
        "group": "design",
        "cost": candidate.get("objective"),
        "loss": estimate,
        "chosen": candidate["design"] == chosen,
    }
