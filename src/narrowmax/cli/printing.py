"""What each command prints for people, from its record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from narrowmax.cli.listing import folding
from narrowmax.report.tables import Table, table
from narrowmax.report.text import (
    DASH,
    UNCORRECTED,
    amount,
    at_least,
    at_most,
    claimed,
    count,
    metric_name,
    percent,
    plural,
    real,
    wrapped,
)

_MANY_WIRES = 120


def measure(record: dict) -> str:
    softmaxes = record["softmaxes"]
    last = softmaxes[-1]
    parts = [table("measure", record).text()]
    for name in dict.fromkeys(one["name"] for one in softmaxes):
        last = [one for one in softmaxes if one["name"] == name][-1]
        parts += [wrapped(f"what number formats would do to {name}"), table("numeric_formats", last).text()]
    return "\n\n".join(parts)


def doctor(record: dict) -> str:
    looked = f"{count(record['samples'])} samples of {record['source']} were looked at"
    if not record["findings"]:
        return wrapped(f"{looked}: nothing was found")
    parts = [wrapped(f"{looked}: {plural(len(record['findings']), 'finding')}")]
    for one in record["findings"]:
        told = (wrapped(f"  {word}: {one[word]}", "    ") for word in ("evidence", "remedy"))
        parts.append("\n".join([wrapped(f"{one['trap']} in {one['where']}"), *told]))
    return "\n\n".join(parts)


_WHOLE = ("design", "folder", "files", "saved in")  # to be copied, so never folded


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values below each other, without what is not known."""
    known = [(name, value) for name, value in rows if value not in (DASH, "")]
    wide = max(len(name) for name, _ in known) + 2
    lines = (f"{name.ljust(wide)}{value}" for name, value in known)
    return "\n".join(
        line if name in _WHOLE else wrapped(line, " " * wide) for line, (name, _) in zip(lines, known, strict=True)
    )


def simulate(record: dict) -> str:
    top1 = record["top1"] or {}
    rows = [
        ("design", record["design"]),
        ("rows, of up to", f"{count(record['rows'])}, {count(record['n'])}"),
        ("samples", count(record.get("samples"))),
        ("top-1, float", percent(top1.get("float"))),
        ("top-1, design", percent(top1.get("design"))),
        ("top-1 lost", _between("top1", top1)),
        ("NLL, float", real(record["nll_float"])),
        ("NLL, design", real(record["nll"])),
        *_other_losses(record),
        ("same winner as exact softmax", percent(record["agreement"])),
        ("ties at the top", percent(record["ties"])),
        ("largest error", real(record["max_abs_error"])),
        ("mean error", real(record["mean_abs_error"])),
        ("KL divergence", real(record["kl"])),
        ("a row's sum is off by, mean", real(record["row_sum_error"]["mean"])),
        ("a row's sum is off by, most", real(record["row_sum_error"]["max"])),
        ("outputs of 0", percent(record["zero_share"])),
        ("worst row", count(record["worst_row"])),
        ("saved in", record["saved"] or DASH),
    ]
    return "\n\n".join([facts(rows), *_budget(record["error_budget"])])


def _other_losses(record: dict) -> list[tuple[str, str]]:
    """Losses besides that of top-1, the calibration error, a language model's perplexity: those the record has."""
    found = [
        (f"{metric_name(metric)} lost", _between(metric, one))
        for metric, one in (record.get("losses") or {}).items()
        if metric != "top1"
    ]
    if error := record.get("calibration"):
        most = f"moved by at most {percent(error['high'])} at {percent(error['confidence'], 0)} confidence"
        found.append(("calibration error", f"{percent(error['float'])}, then {percent(error['design'])}; {most}"))
    if told := record.get("perplexity"):
        most = f"{told['ratio']['high']:.4g} times as much at most, at {percent(told['confidence'], 0)} confidence"
        found.append(("perplexity", f"{real(told['float'])}, then {real(told['design'])}; {most}"))
    return found


def _between(metric: str, outcome: dict) -> str:
    if not outcome:
        return DASH
    low, high = at_least(metric, outcome["low"]), at_most(metric, outcome["high"])
    sure = percent(outcome["confidence"], 0)
    return f"{amount(metric, outcome['difference'])}; at least {low}, at most {high}, each at {sure} confidence"


def rows(columns: tuple[str, ...], cells: Iterable[tuple[str, ...]], kinds: str | None = None) -> str:
    return Table(columns, kinds or "t" * len(columns), tuple(cells)).text()


def entry(record: dict) -> str:
    (one,) = record["architectures"]
    title = f"{one['name']} ({one['year'] or 'no year'}): {one['summary']}"
    drawing = "\n".join(wrapped(line, "        ") for line in one["drawing"].splitlines())
    parts = [wrapped(title), drawing, one["design"], *map(_parameter, one["parameters"])]
    if one["wires"]:
        parts.append(_wires(one["wires"]))
    parts += [wrapped(f"{name}: {text}") for name, text in one["page"].items()]
    parts.append(_sentences("At these parameters:", one["limits"]))
    parts.append(_sentences("What was tried:", one["guarantees"]))
    parts.append(_sentences("How wrong its parts are:", one["error_card"].values()))
    return "\n\n".join([*parts, *_budget(one["error_budget"])])


def _sentences(title: str, found: Iterable[dict]) -> str:
    return "\n".join([title, *(wrapped(f"  {one['text']}", "    ") for one in found)])


def _budget(budget: dict) -> list[str]:
    """What each departure from softmax adds to the error."""
    if "reason" in budget:
        return [wrapped(f"What each rounding, table and clip adds to the error is not told: {budget['reason']}")]
    return [wrapped("What each rounding, table and clip adds to the error:"), table("error_budget", budget).text()]


def _parameter(one: dict) -> str:
    moves = [f"{knob.split('.')[-1]} {low} to {high}" for knob, (low, high) in one["knobs"].items()]
    lines = [
        f"{one['name']}={one['value']}",
        one["meaning"],
        f"{one['allowed']}; default {one['default']} ({one['from']})",
        f"a search moves {', '.join(moves)}" if moves else "",
    ]
    return "\n".join(wrapped(line if line == lines[0] else f"    {line}", "        ") for line in lines if line)


def _wires(wires: list[dict]) -> str:
    """All wires, or where they are very many those that have a name."""
    named = [w for w in wires if not re.fullmatch(r"w\d+", w["name"])]
    if len(wires) > _MANY_WIRES and named:
        more = f"  and {count(len(wires) - len(named))} wires without a name, which --json tells of"
        return f"{_table_of(named)}\n{more}"
    return _table_of(wires)


def _table_of(wires: list[dict]) -> str:
    cells = [(w["name"], w["rate"], f"{w['lo']}..{w['hi']}", w["format"], w["sentence"]) for w in wires]
    return folding(("wire", "per", "range", "format", "what it is"), "lllll", cells)


def tasks(record: dict) -> str:
    cells = [
        (one["name"], one["title"], one["where"], *(count(one[key]) for key in ("trained", "selection", "judgement")))
        for one in record["tasks"]
    ]
    return rows(("task", "what it is", "softmax judged", "trained on", "to select", "to judge"), cells, "tttnnn")


def tools(record: dict) -> str:
    cells = [(one["name"], one["for"], one["version"] or f"not found: {one['remedy']}") for one in record["tools"]]
    return rows(("program", "for", "version"), cells)


def page(record: dict) -> str:
    return record["file"]


def narrow(record: dict) -> str:
    found = [table("narrow", record).text(), table("judged", record).text()]
    parts = [*found, *map(wrapped, (*_told(record), *record["notes"])), *_losses(record)]
    cost = record["cost"]
    parts.append(f"{record['design']}\ncosts {count(cost['objective'])} NAND2 equivalents in all")
    return "\n\n".join(parts)


def _told(record: dict) -> list[str]:
    """What the source set of the design that the search began with."""
    settings, reach = record.get("calibrated"), record.get("calibration")
    if not settings:
        return []
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    return [f"not given, and set for the source's values ({real(reach['low'])} to {real(reach['high'])}): {said}"]


def _measured(metric: str, loss: dict) -> str:
    return f"measured: {amount(metric, loss['estimate'])}, at most {at_most(metric, loss['high'])} ({UNCORRECTED})"


def _losses(record: dict) -> list[str]:
    judged, sure = count(record["samples"]["judged"]), percent(record["settings"]["confidence"], 1).replace(".0", "")
    return [
        wrapped(
            f"{metric_name(metric)}: loses {claimed(metric, loss)} at {sure} confidence, on {judged} judged samples",
            "    ",
        )
        + "\n"
        + wrapped(f"    {_measured(metric, loss)}", "    ")
        for metric, loss in record["loss"].items()
    ]


def compare(record: dict) -> str:
    settings, brief = (
        record["settings"],
        {**record, "rows": [{**row, "design": row["brief"]} for row in record["rows"]]},
    )
    built = f"built for {plural(settings['lanes'], 'lane')}, rows of up to {count(settings['max_n'])}\n" + wrapped(
        "to look at, not to claim: each bound holds by itself, "
        "and these samples are no fresh judges of what looks best here"
    )
    told = [f"{row['design']}\n{wrapped('    ' + '; '.join(row['limits']), '    ')}" for row in record["rows"]]
    return "\n\n".join([table("compare", brief).text(), "\n".join(told), built])


def build(record: dict) -> str:
    rows = [
        ("folder", record["folder"]),
        ("design", record["design"]),
        ("top module", record["top"]),
        ("lanes", count(record["lanes"])),
        ("longest row", count(record["max_n"])),
        ("cycles to the first output", count(record["latency_cycles"])),
        ("cycles between rows", count(record["initiation_interval"])),
        ("files", f"\n{' ' * 28}".join(record["files"])),
    ]
    return facts(rows)


def verify(record: dict) -> str:
    found = [f"  {one['sentence']}" for one in record["findings"]] + [f"  {line}" for line in record["warnings"]]
    shown = {key: value for key, value in record.items() if key not in ("narrowmax", "created")}
    parts = [record["design"], table("verify", shown).text()]
    if found:
        parts.append("What differs:\n" + "\n".join(found))
    if record.get("repeat"):
        parts.append(f"To see it again:\n  {record['repeat']}")
    return "\n\n".join(parts)


def cost(record: dict) -> str:
    return f"{record['design']}\n\n{table('cost', record).text()}"


def study(record: dict, folder: Path) -> str:
    from narrowmax.report.answer import sentences

    said = [sentence.striptags() for sentence in sentences(record)]
    reused = [f"reused {line}" for line in record["reused"]]
    return "\n".join([*said, *reused, f"{folder / 'report.html'} shows it all"])
