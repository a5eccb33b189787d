"""The section on what reaches the softmax, and how it grew epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR

from narrowmax import figures
from narrowmax.report import tables
from narrowmax.report.blocks import Fold, Numbers, Plot, Section, absent
from narrowmax.report.tables import Table
from narrowmax.report.text import beyond, count, percent, reaches, real, why
from narrowmax.rows import bins

SLUG, TITLE = "range", "What reaches the softmax"


def section(record: dict) -> Section:
    """The section from a study's record."""
    if record["measure"] is None:
        return absent(SLUG, TITLE, why(record, "measure"))
    return of(record["measure"]["softmaxes"])


def of(softmaxes: list) -> Section:
    """The section from a list of measured softmaxes, by the keys of `narrowmax measure`."""
    if not softmaxes:
        return absent(SLUG, TITLE, "no softmax was seen")
    by_name = grouped(softmaxes)
    main = principal(by_name)
    blocks = [*_grown(by_name[main]), *_layers(by_name), *_formats(by_name[main][-1])]
    blocks += [Fold(f"Epoch by epoch: {name}", tuple(_grown(rows))) for name, rows in by_name.items() if name != main]
    blocks.append(
        Fold(
            "Everything measured, as a table",
            (Numbers("Every softmax and epoch", tables.measure({"softmaxes": softmaxes})),),
        )
    )
    return Section(SLUG, TITLE, _lead(main, by_name[main]), tuple(blocks))


def grouped(softmaxes: list) -> dict:
    """Rows by the name of their softmax (and head), each in order of epoch; one of unknown epoch is of now, so last."""
    by_name: dict = {}
    for row in softmaxes:
        by_name.setdefault(named(row), []).append(row)
    last = float("inf")
    return {
        name: sorted(rows, key=lambda r: last if r.get("epoch") is None else r["epoch"])
        for name, rows in by_name.items()
    }


def named(row: dict) -> str:
    """The name of a softmax, with its head where heads were kept apart."""
    return row["name"] if row.get("head") is None else f"{row['name']}, head {row['head']}"


def principal(by_name: dict) -> str:
    """The last softmax that designs are put into, where the record says which; else the classifier's; else the last."""
    judged = [name for name, rows in by_name.items() if rows[-1].get("judged")]
    classifiers = [name for name, rows in by_name.items() if rows[-1].get("kind") == "classifier"]
    return (judged or classifiers or list(by_name))[-1]


def _lead(name: str, rows: list) -> str:
    last, known = rows[-1], _known(rows)
    when = f"at epoch {known[-1]['epoch']:g}, " if known else ""
    parts = [f"{name}: {when}{_between(last.get('min'), last.get('max'))}"]
    for share, words in (("0.99", "99 % of the rows"), ("1", "every one")):
        if (reach := (last.get("within_for") or {}).get(share)) is not None:
            parts.append(f"{reaches(reach)} holds {words}")
    text = ", ".join(parts) + "."
    before = (known[0].get("within_for") or {}).get("0.99") if len(known) > 1 else None
    if before is not None:
        text += f" At epoch {known[0]['epoch']:g}, {reaches(before)} held 99 %."
    return text + f" Measured on {count(last['rows'])} rows; masked elements are left out."


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no input takes part, all are masked"
    return f"inputs lie between {beyond(low, ROUND_FLOOR, 4)} and {beyond(high, ROUND_CEILING, 4)}"


def _reach(number: float | None) -> str:
    return beyond(number, ROUND_CEILING, 4)


def _known(rows: list) -> list:
    """The rows whose epoch is known."""
    return [row for row in rows if row.get("epoch") is not None]


def _grown(rows: list) -> list:
    """The plots of one softmax: over epochs where there are two or more, else of the one state."""
    known = _known(rows)
    blocks = [_coverage(rows)]
    if len(known) > 1:
        epochs = [row["epoch"] for row in known]
        blocks += [make(known, epochs) for make in (_shares, _distances, _gaps, _spread)]
    blocks.append(_tail(rows[-1]))
    return [block for block in blocks if block is not None]


def _curve(row: dict) -> list:
    within = [(reach, float(share)) for share, reach in _numbers(row, "within_for").items() if reach is not None]
    shares = [(float(reach), share) for reach, share in _numbers(row, "all_within").items() if share is not None]
    return sorted(set(within + shares))


def _precision(reaches_: list) -> str:
    smallest, largest = bins.NORMAL
    if any(reach and not smallest <= reach <= largest for reach in reaches_):
        return (
            "the R for a given share is a bound, up to 1.6 % too large in float32's normal numbers, "
            "and beyond them perhaps many times too large."
        )
    return "the R for a given share is up to 1.6 % too large."


def _coverage(rows: list) -> Plot | None:
    places = sorted({0, len(rows) // 2, len(rows) - 1})
    curves = {_when(rows[place], place): _curve(rows[place]) for place in places}
    curves = {name: points for name, points in curves.items() if points}
    if not curves:
        return None
    cells = tuple((name, _reach(reach), percent(share)) for name, points in curves.items() for reach, share in points)
    reading = (
        "A row counts as inside ±R when every one of its elements is. Shares at the R asked for are exact; "
        + _precision([reach for points in curves.values() for reach, _ in points])
    )
    return Plot(
        "How wide must the input be?",
        reading,
        figures.coverage(curves),
        Table(("state", "R", "rows inside ±R"), "tnn", cells),
        wide=len(rows) == 1,
    )


def _when(row: dict, place: int) -> str:
    epoch = row.get("epoch")
    if epoch is not None:
        return f"epoch {epoch:g}"
    return "all rows" if place == 0 else "as it is now"


def _numbers(row: dict, part: str) -> dict:
    """A part without the reasons that stand beside its nulls."""
    return {key: value for key, value in (row.get(part) or {}).items() if not key.endswith("_reason")}


def _by_key(rows: list, part: str, wanted: tuple | None = None) -> dict:
    keys = [k for k in dict.fromkeys(k for row in rows for k in _numbers(row, part)) if wanted is None or k in wanted]
    series = {k: [(row.get(part) or {}).get(k) for row in rows] for k in keys}
    return {k: values for k, values in series.items() if any(isinstance(v, int | float) for v in values)}


def _over_epochs(epochs: list, series: dict, show: Callable, name: Callable = str) -> Table:
    cells = tuple((f"{e:g}", *(show(values[place]) for values in series.values())) for place, e in enumerate(epochs))
    return Table(("epoch", *(name(k) for k in series)), "n" * (1 + len(series)), cells)


def _shares(rows: list, epochs: list) -> Plot | None:
    series = _by_key(rows, "all_within")
    if not series:
        return None
    figure = figures.shares(epochs, {float(reach): values for reach, values in series.items()})
    reading = "Falling lines are logits growing: the share of rows that a fixed range would still hold unclipped."
    return Plot(
        "Rows inside ±R, epoch by epoch", reading, figure, _over_epochs(epochs, series, percent, lambda r: f"±{r}")
    )


def _distances(rows: list, epochs: list) -> Plot | None:
    series = _by_key(rows, "distance", ("p50", "p99", "p999", "max"))
    if not series:
        return None
    reading = "How far an element lies below the largest of its row: what the exponential must span."
    return Plot(
        "Distance to the maximum, max − x",
        reading,
        figures.distances(epochs, series),
        _over_epochs(epochs, series, real),
    )


def _gaps(rows: list, epochs: list) -> Plot | None:
    series = _by_key(rows, "gap", ("p01", "p50"))
    if not series:
        return None
    reading = (
        "The largest minus the second largest. A step as wide as this gap can turn the decision; "
        "the 1 % line is the one to watch."
    )
    return Plot("Gap between the first two", reading, figures.gaps(epochs, series), _over_epochs(epochs, series, real))


def _spread(rows: list, epochs: list) -> Plot | None:
    keys = ("min", "max", "mean", "std")
    if any(row.get(key) is None for row in rows for key in keys):
        return None
    series = {key: [row[key] for row in rows] for key in keys}
    reading = "Bands from the smallest to the largest logit, and one standard deviation either side of the mean."
    return Plot(
        "Extremes and spread", reading, figures.spread(epochs, *series.values()), _over_epochs(epochs, series, real)
    )


def _tail(row: dict) -> Plot | None:
    """Softmax mass by distance, one curve for each class of row length."""
    curves = {
        _length(t): sorted((float(d), share) for d, share in _numbers(t, "beyond").items() if share is not None)
        for t in row.get("tail") or []
    }
    if not curves:
        return None
    cells = tuple((name, real(d), percent(share, 4)) for name, points in curves.items() for d, share in points)
    table = Table(("row length", "beyond", "mass"), "tnn", cells)
    reading = (
        "The share of a row's probability that lies farther below its maximum, on average: "
        "what is lost when the exponential stops there."
    )
    return Plot("Probability beyond a distance", reading, figures.tail(curves), table)


def _length(tail: dict) -> str:
    low, high = tail["n_above"] + 1, tail["n_up_to"]
    return f"n = {high}" if low >= high else f"n from {low} to {high}"


def _layers(by_name: dict) -> list:
    last = [
        rows[-1] for rows in by_name.values() if rows[-1].get("min") is not None and rows[-1].get("max") is not None
    ]
    if len(last) < 2:
        return []
    inside = [(row.get("within_for") or {}).get("0.99") for row in last]
    low, high = ([row[key] for row in last] for key in ("min", "max"))
    names = [named(row) for row in last]
    cells = tuple((n, real(a), real(b), _reach(r)) for n, a, b, r in zip(names, low, high, inside, strict=True))
    table = Table(("softmax", "smallest", "largest", "99 % inside ±"), "cnnn", cells)
    return [
        Plot(
            "Every softmax of the network",
            "After the last epoch.",
            figures.layers(names, low, high, inside),
            table,
            wide=True,
        )
    ]


def _formats(row: dict) -> list:
    if not row.get("formats"):
        return []
    return [
        Numbers(
            "What a number format would clip, flush or round, as shares of the elements", tables.numeric_formats(row)
        )
    ]
