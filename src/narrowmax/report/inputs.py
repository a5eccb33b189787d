"""The section on accuracy against the format at the softmax's input."""

from __future__ import annotations

import re

from narrowmax import figures
from narrowmax.report import tables
from narrowmax.report.blocks import Fold, Numbers, Plot, Section, absent
from narrowmax.report.tables import Table
from narrowmax.report.text import amount, count, lost, percent, plural, real, why

SLUG, TITLE = "inputs", "How many bits at the input"
_FIXED = re.compile(r"U?Q(-?\d+)\.(-?\d+)$")


def section(record: dict) -> Section:
    """The section from a study's record."""
    rows = record["formats_sweep"]
    if not rows:
        reason = why(record, "formats_sweep") if rows is None else "no format was tried"
        return absent(SLUG, TITLE, reason)
    tolerance = (record.get("settings") or {}).get("tolerance") or {}
    plots = [
        _plot(rows, metric, key, tolerance.get(metric)) for key in ("bits", "digits") for metric in ("top1", "nll")
    ]
    plots.insert(2, _grid(rows))
    everything = Fold(
        "Every format tried, as a table",
        (Numbers("Formats at the input", tables.formats_sweep({"formats_sweep": rows})),),
    )
    return Section(SLUG, TITLE, _lead(rows, tolerance), (*(p for p in plots if p is not None), everything))


def _lead(rows: list, tolerance: dict) -> str:
    sentences = [text for text in (_enough(rows, tolerance), _floats(rows), _decimals(rows, tolerance)) if text]
    held = (
        "Only the softmax's input is rounded here, with everything else in full precision: "
        "this shows what the input alone needs.  It describes, and carries no claim."
    )
    return " ".join([*sentences, held])


def _keeps(row: dict, tolerance: dict) -> bool:
    """Inside every tolerance, by the estimate."""
    for metric, limit in tolerance.items():
        loss = lost(metric, row.get(metric) or {})
        if loss is not None and loss > limit:
            return False
    return True


def _fewest(rows: list, family: str, key: str, tolerance: dict) -> dict | None:
    fit = [row for row in rows if row["family"] == family and row.get(key) is not None and _keeps(row, tolerance)]
    return min(fit, key=lambda row: row[key], default=None)


def _enough(rows: list, tolerance: dict) -> str | None:
    if not tolerance or not any(row["family"] == "fixed" for row in rows):
        return None
    found = _fewest(rows, "fixed", "bits", tolerance)
    if found is None:
        return "No fixed-point format that was tried stays within the tolerance."
    return f"In fixed point, {plural(found['bits'], 'bit')} are enough by the estimate ({found['format']})."


def _floats(rows: list) -> str | None:
    told = [(row["format"], lost("top1", row.get("top1") or {})) for row in rows if row["family"] == "float"]
    words = [f"{name} {amount('top1', loss)}" for name, loss in told if loss is not None]
    return f"Of top-1, floating point loses: {', '.join(words)}." if words else None


def _decimals(rows: list, tolerance: dict) -> str | None:
    found = _fewest(rows, "decimal", "digits", tolerance)
    if not tolerance or found is None:
        return None
    to = plural(found["digits"], "decimal digit") if found["digits"] else "whole numbers"
    return f"Rounding to {to} is enough."


def _points(rows: list, metric: str, key: str) -> list:
    chosen = [row for row in rows if row.get(key) is not None and (row.get(metric) or {}).get("design") is not None]
    return [
        {
            "family": row["family"],
            "label": row["format"],
            key: row[key],
            "value": row[metric]["design"],
            **_interval(metric, row[metric]),
        }
        for row in chosen
    ]


def _interval(metric: str, outcome: dict) -> dict:
    """Bounds of the loss, moved onto the value itself."""
    low, high, base = outcome.get("low"), outcome.get("high"), outcome.get("float")
    if low is None or high is None or base is None:
        return {}
    if metric == "top1":
        return {"low": base - high, "high": base - low}
    return {"low": base + low, "high": base + high}


def _reference(rows: list, metric: str) -> float | None:
    known = [row[metric]["float"] for row in rows if (row.get(metric) or {}).get("float") is not None]
    return known[0] if known else None


def _plot(rows: list, metric: str, key: str, tolerance: float | None) -> Plot | None:
    points = _points(rows, metric, key)
    if not points:
        return None
    base = _reference(rows, metric)
    worst = None if base is None or tolerance is None else base - tolerance if metric == "top1" else base + tolerance
    name = {"top1": "top-1 accuracy", "nll": "negative log-likelihood"}[metric]
    window = _window(points, metric, base, tolerance)
    figure = figures.against(points, key, name, base, worst, metric == "top1", window)
    show = percent if metric == "top1" else real
    cells = tuple((p["label"], count(p[key]), show(p["value"])) for p in points)
    what = "bits" if key == "bits" else "decimal digits"
    table = Table(("format", what, name), "cnn", cells)
    return Plot(f"{name[0].upper()}{name[1:]} against {what}", _reading(key, points, window), figure, table)


def _window(points: list, metric: str, base: float | None, tolerance: float | None) -> tuple | None:
    """The part of the value axis near the unrounded network, where points far off would flatten it."""
    values = [p["value"] for p in points]
    reach = max(12 * (tolerance or 0.0), 0.1)
    if base is None or (min(values) >= base - reach if metric == "top1" else max(values) <= base + reach):
        return None
    if metric == "top1":
        return base - reach, min(max(values) + 0.15 * reach, 1.0 + 0.08 * reach)
    return min(values) - 0.15 * reach, base + reach


def _reading(key: str, points: list, window: tuple | None) -> str:
    text = "The experiment of rounding logits at a decimal place: how few digits keep the decision."
    if key == "bits":
        text = "The line joins the best split into range and step at each width; pale dots are the other splits."
    text += " Bars are one-sided bounds." if any("low" in p for p in points) else ""
    return text + (" Formats far off are left to the table." if window else "")


def _grid(rows: list) -> Plot | None:
    """Range against step, where the sweep covers at least half of the rectangle."""
    cells = {}
    for row in rows:
        found = _FIXED.match(row["format"])
        if row["family"] == "fixed" and found and (row.get("top1") or {}).get("design") is not None:
            cells[int(found.group(1)), int(found.group(2))] = row["top1"]["design"]
    integers, fractions = (sorted({pair[side] for pair in cells}) for side in (0, 1))
    if min(len(integers), len(fractions)) < 2 or 2 * len(cells) < len(integers) * len(fractions):
        return None
    values = [[cells.get((i, f)) for f in fractions] for i in integers]
    shown = tuple((f"Q{i}", *(percent(v) for v in line)) for i, line in zip(integers, values, strict=True))
    table = Table(("integer bits", *(f".{f}" for f in fractions)), "c" + "n" * len(fractions), shown)
    reading = (
        "Each tile is a fixed-point input with its top-1 accuracy. Too little range clips the winner, "
        "too coarse a step merges it with its rivals. Ten points or more below the best is palest."
    )
    return Plot(
        "Range against step",
        reading,
        figures.grid(integers, fractions, values, "top-1 accuracy", max(0.0, max(cells.values()) - 0.1)),
        table,
        wide=True,
    )
