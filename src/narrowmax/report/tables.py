"""Tables of the parts of a record, for a page and for a terminal alike.

`table(kind, data)` takes the plain data that a command prints with `--json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from narrowmax.report.columns import Table
from narrowmax.report.text import (
    DASH,
    amount,
    at_least,
    at_most,
    count,
    lost,
    metric_name,
    parameters,
    percent,
    real,
    seconds,
    why,
)


def table(kind: str, data: Mapping) -> Table:
    """The table of one command's data; `kind` is a key of `KINDS`.

    Raises KeyError for another kind: that is a mistake of the caller's.
    """
    return KINDS[kind](data)


def measure(data: Mapping) -> Table:
    """`{softmaxes: [...]}`: one row for each softmax and epoch."""
    rows = data["softmaxes"]
    reaches = sorted({r for row in rows for r in row.get("all_within") or {} if not r.endswith("_reason")}, key=float)
    columns = (
        "softmax",
        "epoch",
        "rows",
        "smallest",
        "largest",
        "mean",
        "std",
        *(f"inside ±{r}" for r in reaches),
        "ties",
    )
    cells = tuple(_softmax(row, reaches) for row in rows)
    return Table(columns, "c" + "n" * (len(columns) - 1), cells, named_by=2)


def _softmax(row: Mapping, reaches: list) -> tuple:
    shares = (percent((row.get("all_within") or {}).get(r)) for r in reaches)
    epoch = DASH if row.get("epoch") is None else f"{row['epoch']:g}"
    moments = (real(row.get(key)) for key in ("min", "max", "mean", "std"))
    return (
        row["name"] if row.get("head") is None else f"{row['name']}, head {row['head']}",
        epoch,
        count(row["rows"]),
        *moments,
        *shares,
        percent(row.get("ties"), 3),
    )


def numeric_formats(data: Mapping) -> Table:
    """One softmax's `formats`: what each would clip, flush, round."""
    cells = tuple(
        (
            name,
            percent(f.get("overflow"), 3),
            percent(f.get("underflow"), 3),
            percent(f.get("inexact"), 2),
            real(f.get("bits_used")),
        )
        for name, f in (data.get("formats") or {}).items()
    )
    return Table(("format", "overflow", "underflow", "inexact", "bits used"), "cnnnn", cells)


def formats_sweep(data: Mapping) -> Table:
    """`{formats_sweep: [...]}`: accuracy with one format at the input."""
    columns = ("format", "family", "bits", "digits", "top-1", "points lost", "at least", "at most", "NLL", "NLL lost")
    return Table(columns, "ctnnnnnnnn", tuple(_sweep(row) for row in data["formats_sweep"]))


def _sweep(row: Mapping) -> tuple:
    top1, nll = row.get("top1") or {}, row.get("nll") or {}
    return (
        row["format"],
        row["family"],
        count(row.get("bits")),
        count(row.get("digits")),
        percent(top1.get("design")),
        _points(amount("top1", lost("top1", top1))),
        _points(at_least("top1", top1.get("low"))),
        _points(at_most("top1", top1.get("high"))),
        real(nll.get("design")),
        amount("nll", lost("nll", nll)),
    )


def _points(text: str) -> str:
    """Points without the word, for a column that says it."""
    return text.removesuffix(" points")


def narrow(data: Mapping) -> Table:
    """The `wires` of `narrow`: format and the reason it could not lose a bit."""
    start = parameters(data.get("start") or "")
    columns = ("wire", "at the start", "narrowest", "one bit less", "because")
    return Table(columns, "ccctt", tuple(_wire(wire, start) for wire in data["wires"]))


def _wire(wire: Mapping, start: Mapping) -> tuple:
    because = wire.get("reason") or wire.get("why_not_less_reason") or DASH
    return (wire["name"], start.get(wire_of(wire), DASH), wire["format"], wire.get("why_not_less") or DASH, because)


def wire_of(knob: Mapping) -> str:
    """The wire that a knob belongs to: `exp` of `exp.fraction`."""
    return knob["name"].partition(".")[0]


def judged(data: Mapping) -> Table:
    """The `order` of `narrow`: designs as they were judged, widest first, up to the first that failed."""
    metrics = list(dict.fromkeys(metric for row in data["order"] for metric in row["loss"]))
    columns = (
        "design",
        "predicted cost",
        "measured cost",
        *(f"{metric_name(m)} lost at most" for m in metrics),
        "holds",
    )
    return Table(columns, "cnn" + "n" * len(metrics) + "t", tuple(_judgement(row, metrics) for row in data["order"]))


def _judgement(row: Mapping, metrics: list) -> tuple:
    costs = (count(row.get("objective")), count(row.get("measured")))
    return (row["design"], *costs, *_highs(row, metrics), "yes" if row["holds"] else "no")


def among(data: Mapping) -> Table:
    """The architectures that selection looked at, of which the first was taken and judged: `chosen_among`."""
    keys = ("architecture", "tried", "objective", "design", "reason")
    rows = ([row.get(key) for key in keys] for row in data["chosen_among"])
    cells = tuple((name, count(tried), count(cost), text or DASH, why or DASH) for name, tried, cost, text, why in rows)
    return Table(("architecture", "designs tried", "cost", "safe on the selection samples", "why not"), "cnnct", cells)


def _highs(row: Mapping, metrics: list) -> tuple:
    return tuple(at_most(metric, (row["loss"].get(metric) or {}).get("high")) for metric in metrics)


def compare(data: Mapping) -> Table:
    """`{rows: [...]}`: designs side by side, and what is to be known of some; columns of nothing are left out."""
    rows = data["rows"]
    cells = [_design(row) for row in rows]
    kept = [k for k in range(len(_COMPARED)) if not k or not rows or any(line[k] != DASH for line in cells)]
    notes = (*_calibration(data), *_notes(rows, "top1", "not judged"), *_notes(rows, "cost", "no cost"))
    return Table(
        tuple(_COMPARED[k] for k in kept),
        "c" + "n" * (len(kept) - 1),
        tuple(tuple(line[k] for k in kept) for line in cells),
        notes,
        stacked=True,
    )


_COMPARED = (
    *("design", "top-1", "points lost", "at most", "NLL", "NLL lost", "same winner", "KL", "largest error"),
    *("beyond input", "NAND2", "flip-flops", "RAM bits", "objective"),
)


def _calibration(data: Mapping) -> tuple[str, ...]:
    """Which designs were told the scale of the source's values, and what these are."""
    reach, names = data.get("calibration"), [row["architecture"] for row in data["rows"] if row.get("calibrated")]
    if not reach or not names:
        return ()
    values = f"values from {real(reach['low'])} to {real(reach['high'])}"
    kept = f", stored as {reach['stored']}" if reach.get("stored") else ""
    return (f"told the scale or the point of the source ({values}{kept}): {', '.join(dict.fromkeys(names))}",)


def _design(row: Mapping) -> tuple:
    top1, nll = outcome(row, "top1"), outcome(row, "nll")
    cost_ = row.get("cost") or {}
    area = cost_.get("area") or {}
    return (
        row["design"],
        percent(top1.get("design")),
        _points(amount("top1", lost("top1", top1))),
        _points(at_most("top1", top1.get("high"))),
        real(nll.get("design")),
        amount("nll", lost("nll", nll)),
        percent(row.get("agreement")),
        real(row.get("kl"), 3),
        real(row.get("max_abs_error"), 3),
        percent(row.get("beyond_input")),
        *(count(area.get(key)) for key in ("nand2", "ff", "ram_bits")),
        count(cost_.get("objective")),
    )


def error_budget(data: Mapping) -> Table:
    """`{whole, parts, added, over}`: what each place of a drawing adds to its error, in the order of the drawing."""
    three = ("mean", "max", "bias")
    rows = [(p["part"], p["kind"], *(real(p[size]) for size in three), percent(p["share"], 1)) for p in data["parts"]]
    whole = ("all together", DASH, real(data["whole"]["mean"]), real(data["whole"]["max"]), DASH, DASH)
    columns = ("where", "what", "mean size", "largest", "bias", "share of the squared error")
    exact = f"over {data['over']}: what changes when a place is exact as well as all behind it"
    notes = (
        f"{exact}; what is left where the whole drawing is exact is its function",
        f"the mean sizes add up to {real(data['added'])}; with their signs the parts add up to the whole",
    )
    return Table(columns, "ttnnnn", (*rows, whole), notes)


def limits(data: Mapping) -> Table:
    """The operating limits of the designs of `{rows: [...]}`, where they state any."""
    said = ((row["design"], row.get("limits")) for row in data["rows"])
    rows = tuple((name, "; ".join(told) if isinstance(told, list) else told) for name, told in said if told)
    return Table(("design", "limits"), "ct", rows)


def outcome(row: Mapping, metric: str) -> Mapping:
    """A metric's outcome as an object, where the record has only the design's number."""
    given = row.get(metric)
    return given if isinstance(given, Mapping) else {"design": given, "float": row.get(f"{metric}_float")}


def _notes(rows, key: str, what: str) -> tuple[str, ...]:
    """One note for each reason, naming the rows that it holds for unless it holds for all."""
    reasons: dict = {}
    for row in rows:
        if row.get(key) is None:
            reasons.setdefault(why(row, key), []).append(row["design"].split("(")[0])
    every = len(rows) > 1 and any(len(names) == len(rows) for names in reasons.values())
    return tuple(f"{what}{'' if every else f' for {_listed(names)}'}: {text}" for text, names in reasons.items())


def _listed(names) -> str:
    return ", ".join(dict.fromkeys(names))


def cost(data: Mapping) -> Table:
    """One cost, or an object of costs by target: a row for each quantity, a column for each target."""
    costs = {data.get("target") or "cost": data} if "area" in data else dict(data)
    known = {name: c for name, c in costs.items() if isinstance(c, Mapping) and not name.endswith("_reason")}
    areas = dict.fromkeys(key for c in known.values() for key in c.get("area") or {})
    rows = [
        (_QUANTITIES.get(key, key), *(real((c.get("area") or {}).get(key), 6) for c in known.values()))
        for key in areas
        if not key.endswith("_reason")
    ]
    rows += [(name, *(real(c.get(key)) for c in known.values())) for key, name in _TIMES.items()]
    rows += [
        (name, *(_tool(c, key) for c in known.values()))
        for key, name in (("tool", "tool"), ("seeds", "seeds"), ("spread", "spread"))
    ]
    rows = [row for row in rows if any(cell != DASH for cell in row[1:])]
    return Table(("", *known), "t" + "n" * len(known), tuple(rows), _cost_notes(costs, known))


_QUANTITIES = {
    "nand2": "NAND2-equivalents",
    "ff": "flip-flops",
    "ram_bits": "RAM bits",
    "rom_bits": "ROM bits (inside NAND2)",
    "depth": "gates between registers",
    "luts": "LUTs",
    "dsp": "DSP blocks",
    "bram": "block RAMs",
    "lut_memory": "LUTs as memory",
    "bram18": "18 kbit block RAMs",
    "bram36": "36 kbit block RAMs",
    "carry4": "CARRY4",
}
_TIMES = {
    "objective": "objective",
    "delay_ns": "delay, ns",
    "fmax_mhz": "fmax, MHz",
    "lanes": "lanes",
    "max_n": "longest row",
    "period_ns": "period asked, ns",
}


def _tool(cost_: Mapping, key: str) -> str:
    given = cost_.get(key)
    if given is None:
        return DASH
    if key == "tool":
        lightly = ", large logic mapped lightly" if cost_.get("effort") == "light" else ""
        return f"{given} {cost_.get('version') or ''}".strip() + lightly
    if isinstance(given, Mapping):
        return ", ".join(f"{name} {real(value)}" for name, value in given.items())
    return ", ".join(map(str, given)) if isinstance(given, list) else _plain(given)


def _cost_notes(costs: Mapping, known: Mapping) -> tuple[str, ...]:
    lacking = [f"{name}: {why(costs, name)}" for name, given in costs.items() if given is None]
    reasons: dict = {}
    for name, given in known.items():
        for part in (given, given.get("area") or {}):
            for key in (key for key in part if key.endswith("_reason") and part[key]):
                reasons.setdefault((name, str(part[key])), []).append(_SHORT.get(key, key.removesuffix("_reason")))
    return (*lacking, *(f"{name}, no {' or '.join(keys)}: {text}" for (name, text), keys in reasons.items()))


_SHORT = {"delay_ns_reason": "delay", "fmax_mhz_reason": "fmax"}


def verify(data: Mapping) -> Table:
    """What was checked, and what was found."""
    units = data.get("exhaustive_units")
    names = [str(unit) for unit in units] if isinstance(units, list | dict) else []
    rows = [
        ("rows compared", count(data.get("rows"))),
        ("elements compared", count(data.get("elements"))),
        ("of the netlist, elements", count(data.get("netlist_elements"))),
        ("of blocks by themselves, inputs", count(data.get("block_inputs"))),
        (
            "blocks checked on every input",
            str(len(names)) if names else count(units if isinstance(units, int) else None),
        ),
        ("latency, cycles", count(data.get("latency_cycles"))),
        ("a row every, cycles", count(data.get("initiation_interval"))),
        ("mismatches", count(data.get("mismatches"))),
        ("seed", count(data.get("seed"))),
        ("time taken", seconds(data.get("seconds"))),
    ]
    rows += [(key.replace("_", " "), _plain(value)) for key, value in data.items() if _further(key, value)]
    notes = (f"on every input: {', '.join(names)}",) if names else ()
    return Table(("check", "result"), "tn", tuple(row for row in rows if row[1] != DASH), notes)


def _further(key: str, value: object) -> bool:
    """What a later verification may add and this one has no words for."""
    return key not in _VERIFIED and not key.endswith("_reason") and not isinstance(value, list | dict)


_VERIFIED = frozenset(
    "schema design lanes max_n period_ns seed rows elements netlist_rows netlist_elements block_inputs "
    "exhaustive_units latency_cycles initiation_interval mismatches seconds repeat".split()
)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return real(value) if isinstance(value, int | float) else str(value if value is not None else DASH)


KINDS: dict[str, Callable[[Mapping], Table]] = {
    "measure": measure,
    "numeric_formats": numeric_formats,
    "formats_sweep": formats_sweep,
    "narrow": narrow,
    "judged": judged,
    "among": among,
    "compare": compare,
    "error_budget": error_budget,
    "limits": limits,
    "cost": cost,
    "verify": verify,
}
