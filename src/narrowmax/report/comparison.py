"""The section on designs side by side."""

from __future__ import annotations

from dataclasses import replace

from narrowmax import figures
from narrowmax.report import tables
from narrowmax.report.blocks import Fold, Numbers, Plot, Section, absent
from narrowmax.report.tables import Table
from narrowmax.report.text import amount, count, lost, metric_name, plural, unit, why

SLUG, TITLE = "compare", "Designs side by side"
_READING = (
    "Down and to the left is better. Far losses stand on the upper edge; "
    "designs without hardware are in the table only."
)


def section(record: dict) -> Section:
    """The section from a study's record."""
    compare = record["compare"]
    if compare is None:
        return absent(SLUG, TITLE, why(record, "compare"))
    rows = compare["rows"]
    if not rows:
        return absent(SLUG, TITLE, "no design was compared")
    tolerance = (record.get("settings") or {}).get("tolerance") or {}
    chosen = (record["narrow"] or {}).get("design")
    plots = [_plot(rows, metric, chosen, tolerance.get(metric)) for metric in ("top1", "nll")]
    marked = tuple(place for place, row in enumerate(rows) if row["design"] == chosen)
    whole = (Numbers("All designs", replace(tables.compare(compare), marked=marked)), *_limits(rows))
    budget = _budget(compare.get("error_budget"))
    return Section(SLUG, TITLE, _lead(record, rows), (*(p for p in plots if p is not None), *whole, *budget))


def _budget(budget: dict | None) -> list:
    """Where the error of the chosen design comes from."""
    if budget is None or not budget.get("parts"):
        return []
    chosen = budget["design"].split("(")[0]
    return [Numbers(f"Where the error of the chosen {chosen} comes from", tables.error_budget(budget))]


def _limits(rows: list) -> list:
    table = tables.limits({"rows": rows})
    return [Fold("Where each design works, and where not", (Numbers("", table),))] if table.rows else []


def objective(row: dict) -> float | None:
    """What a design costs in one number: the objective, else the gates."""
    cost = row.get("cost") or {}
    found = cost.get("objective")
    return found if found is not None else (cost.get("area") or {}).get("nand2")


def _lead(record: dict, rows: list) -> str:
    priced = [row for row in rows if objective(row) is not None]
    text = f"{plural(len(rows), 'design')} on the same samples, {len(priced)} of them synthesised"
    settings = record.get("settings") or {}
    if settings.get("lanes") is not None and settings.get("max_n") is not None:
        text += f" at {plural(settings['lanes'], 'lane')} and rows of up to {count(settings['max_n'])}"
    return text + ". Descriptive: a difference inside an interval, or inside a tool's spread, is no difference."


def _plot(rows: list, metric: str, chosen: str | None, tolerance: float | None) -> Plot | None:
    points = [
        {
            "label": row["design"],
            "group": row.get("architecture") or row["design"].split("(")[0],
            "cost": objective(row),
            "loss": lost(metric, tables.outcome(row, metric)),
            "chosen": row["design"] == chosen,
        }
        for row in rows
    ]
    points = [p for p in points if p["cost"] is not None and p["loss"] is not None]
    if not points:
        return None
    counted, scale = unit(metric)
    figure = figures.trade(points, f"loss, {counted}", tolerance, scale)
    table = Table(
        ("design", "cost", "loss"),
        "cnn",
        tuple((p["label"], count(p["cost"]), amount(metric, p["loss"])) for p in points),
    )
    return Plot(
        f"Loss in {metric_name(metric)} against synthesised cost",
        _READING,
        figure,
        table,
    )
