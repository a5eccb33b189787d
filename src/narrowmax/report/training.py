"""Trainings with number formats in them, side by side: for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from narrowmax import figures
from narrowmax.report.blocks import Fold, Items, Numbers, Plot, Section, Tile
from narrowmax.report.tables import Table
from narrowmax.report.text import DASH, amount, at_least, at_most, count, metric_name, percent, plural, real, wrapped

_SHARES = {
    "gradients_flushed": "gradients to 0",
    "updates_small": "updates small",
    "updates_lost": "lost",
    "beyond": "beyond",
    "rows_without_push": "no push",
}


def table(record: Mapping) -> Table:
    """`rows` of `narrowmax train`, each against float."""
    names = _metrics(record)
    losses = [column for name in names for column in (metric_name(name), "lost", "at least", "at most")]
    columns = ("trained with", *losses, "over seeds", "stalled")
    cells = tuple(_row(row, names, record["settings"]["seeds"]) for row in record["rows"])
    return Table(columns, "c" + "n" * (len(columns) - 1), cells, (_judged_on(record),))


def breaks(record: Mapping) -> Table:
    """What broke in each row, over all epochs."""
    cells = tuple((_name(row), *_shares(row["breaks"]), *_logits(row)) for row in record["rows"])
    columns = ("trained with", *_SHARES.values(), "logits from", "to")
    return Table(columns, "c" + "n" * (len(columns) - 1), cells, (_ABOUT_SHARES,))


def _name(row: Mapping) -> str:
    return row.get("brief") or row["precision"]


def _metrics(record: Mapping) -> list[str]:
    """Those of the table: of a classifier top-1 and NLL."""
    known = [name for row in record["rows"] for name in row["metrics"]]
    usual = [name for name in ("top1", "nll") if name in known]
    return usual or list(dict.fromkeys(known))


def _row(row: Mapping, names: list[str], seeds: int) -> tuple[str, ...]:
    first = row["precision"] == "float"
    cells = [cell for name in names for cell in _metric(name, row, first)]
    spread = row["metrics"].get(names[0]) if names else None
    ends = DASH
    if spread is not None:
        shown = percent if names[0] == "top1" else real
        ends = " to ".join(dict.fromkeys((shown(spread["least"]), shown(spread["most"]))))
    return (_name(row), *cells, ends, f"{row['stalled']} of {seeds}" if row["stalled"] else "no")


def _shares(breaks: Mapping) -> tuple[str, ...]:
    return tuple(percent(breaks[key], 1) for key in _SHARES)


def _logits(row: Mapping) -> tuple[str, ...]:
    ends = row["breaks"]["logits"] or {}
    return tuple(real(ends.get(end), 3) for end in ("min", "max"))


def _metric(name: str, row: Mapping, first: bool) -> tuple[str, ...]:
    spread, loss = row["metrics"].get(name), (row["loss"] or {}).get(name)
    mean = DASH if spread is None else percent(spread["mean"]) if name == "top1" else real(spread["mean"])
    if loss is None or first:
        return mean, DASH, DASH, DASH
    lost = (amount(name, loss["difference"]), at_least(name, loss["low"]), at_most(name, loss["high"]))
    return mean, *(text.removesuffix(" points") for text in lost)


def _judged_on(record: Mapping) -> str:
    settings, task = record["settings"], record["task"]
    return (
        f"{plural(settings['seeds'], 'training')} of {plural(settings['epochs'], 'epoch')} in each row, judged on "
        f"{count(task['held_out'])} samples that none was trained on; lost: against float, each sample with itself; "
        f"the bounds hold at {percent(settings['confidence'], 0)} each, for other samples and these trainings"
    )


_ABOUT_SHARES = (
    "means over all epochs of: gradients that the format made 0; updates below half a step, and updates without "
    "effect on the stored weight, both of those that are not 0; the most values beyond the ends of a format at any "
    "place; rows whose every gradient was exactly 0; and at the end the smallest and the largest held-out logit"
)


def epochs(record: Mapping) -> Table:
    """`epochs`: a line for each epoch of each row, of the first seed."""
    columns = ("trained with", "epoch", "loss", "top-1", "held out", "logits from", "to", "gradient", *_SHARES.values())
    chosen = [one for one in record["epochs"] if one["seed"] == 1]
    return Table(
        columns, "c" + "n" * (len(columns) - 1), tuple(_epoch(one, _name(record["rows"][one["row"]])) for one in chosen)
    )


def _epoch(one: Mapping, name: str) -> tuple[str, ...]:
    worst = max((place["beyond"] for place in one["places"]), default=None)
    push, logits = one["push"] or {}, one.get("logits") or {}
    shares = (one["gradients"]["flushed"], one["updates"]["small"], one["updates"]["lost"], worst, push.get("still"))
    top1 = ((one.get(part) or {}).get("top1") for part in ("train", "held_out"))
    return (
        name,
        count(one["epoch"]),
        real(one["loss"]),
        *map(percent, top1),
        *(real(logits.get(end)) for end in ("min", "max")),
        real(one["gradient_norm"]),
        *(percent(share, 1) for share in shares),
    )


def text(record: Mapping) -> str:
    """What is printed: what was lost, what broke, and a sentence for each row."""
    said = [f"{_name(row)}\n{wrapped('    ' + row['verdict'], '    ')}" for row in record["rows"]]
    return "\n\n".join([table(record).text(), breaks(record).text(), "\n".join(said)])


def answer(record: Mapping) -> tuple[str, ...]:
    """The sentences at the top of a page: how many rows trained, and why the first that did not stalled."""
    rows = [row for row in record["rows"] if row["precision"] != "float"]
    stalled = [row for row in rows if row["stalled"]]
    first = (
        f"Of {plural(len(rows), 'training')} with number formats in it, {len(rows) - len(stalled)} went as in float."
    )
    return (first, *(f"{_name(row)}: {row['verdict']}." for row in stalled[:1]))


def tiles(record: Mapping) -> tuple[Tile, ...]:
    """Float's top-1, where there is one."""
    found = record["rows"][0]["metrics"].get("top1") if record["rows"] else None
    if found is None:
        return ()
    note = f"from {percent(found['least'])} to {percent(found['most'])} over {plural(found['seeds'], 'seed')}"
    return (Tile(percent(found["mean"]), "top-1 in float", note),)


def sections(record: Mapping) -> tuple[Section, ...]:
    """What was lost, how it went epoch by epoch, and what broke."""
    said = tuple(f"{_name(row)}: {row['verdict']}" for row in record["rows"])
    lost = (Numbers("Beside float", table(record)), Items("How each went", said))
    whole = Fold("Every epoch of the first seed", (Numbers("", epochs(record)),))
    return (
        Section("lost", "What was lost", "", lost),
        Section("epochs", "Epoch by epoch", "Means over seeds.", tuple(_plots(record))),
        Section("breaks", "What broke", "", (Numbers("Over all epochs", breaks(record)), whole)),
    )


_CURVES: tuple[tuple[str, str, Callable, dict], ...] = (
    (
        "Loss in training",
        "loss",
        lambda one: _positive((one.get("train") or {}).get("nll", one["loss"])),
        {"log": True},
    ),
    ("Top-1 of held-out samples", "top-1", lambda one: (one.get("held_out") or {}).get("top1"), {"percent": True}),
    ("Gradients that the format made 0", "share", lambda one: one["gradients"]["flushed"], {"percent": True}),
    ("Updates without effect", "share", lambda one: one["updates"]["lost"], {"percent": True}),
    ("Rows whose every gradient was 0", "share", lambda one: (one["push"] or {}).get("still"), {"percent": True}),
    ("Norm of the gradient", "norm", lambda one: _positive(one["gradient_norm"]), {"log": True}),
    ("Largest held-out logit", "logit", lambda one: (one.get("logits") or {}).get("max"), {}),
)
_READING = "A line for each row; those that have no such number are left out."


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0 else None


def _plots(record: Mapping):
    count_ = max((one["epoch"] for one in record["epochs"]), default=0)
    numbers = list(range(1, count_ + 1))
    for title, unit, read, how in _CURVES:
        curves = {_name(row): _curve(record, place, numbers, read) for place, row in enumerate(record["rows"])}
        known = {name: curve for name, curve in curves.items() if any(value is not None for value in curve)}
        if known:
            yield Plot(title, _READING, figures.by_epoch(numbers, curves, unit, **how), _numbers(numbers, known, how))


def _curve(record: Mapping, row: int, numbers: list[int], read: Callable) -> list[float | None]:
    """The mean over seeds in each epoch."""
    found: dict[int, list[float]] = {}
    for one in record["epochs"]:
        if one["row"] == row and (value := read(one)) is not None:
            found.setdefault(one["epoch"], []).append(value)
    return [sum(found[number]) / len(found[number]) if number in found else None for number in numbers]


def _numbers(numbers: list[int], curves: Mapping, how: Mapping) -> Table:
    shown = percent if how.get("percent") else real
    cells = (
        (count(number), *(shown(curve[place]) for curve in curves.values())) for place, number in enumerate(numbers)
    )
    return Table(("epoch", *curves), "n" * (1 + len(curves)), tuple(cells))
