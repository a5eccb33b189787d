"""The sections that make a study repeatable: what was reused, settings, limits."""

from __future__ import annotations

from collections.abc import Mapping

from narrowmax import figures
from narrowmax.report.blocks import Facts, Items, Note, Plot, Section
from narrowmax.report.tables import Table
from narrowmax.report.text import DASH, RATES, count, metric_name, percent, plural, real, seconds


def repeat(record: dict) -> Section:
    """What was reused, how long each step took, and all that is needed to repeat it."""
    reused = record.get("reused") or []
    blocks: list = [
        Items("Reused from the cache", tuple(reused))
        if reused
        else Note("Nothing was reused from the cache: every step ran.")
    ]
    blocks += _times(record)
    groups = (
        ("Settings", _settings(record)),
        ("Task", _task(record)),
        ("Seeds", _seeds(record)),
        ("Versions", record.get("versions")),
        ("Machine", record.get("machine")),
    )
    blocks += [
        Facts(title, tuple((_words(k), _say(v)) for k, v in given.items() if not k.endswith("_reason")))
        for title, given in groups
        if given
    ]
    made = f"Made by narrowmax {record['narrowmax']} from {record['source']}, {record['created']}."
    lead = made + " The same record draws the same page."
    return Section("repeat", "To repeat it", lead, tuple(blocks))


def _times(record: dict) -> list:
    known = {step: s for step, s in (record.get("seconds") or {}).items() if isinstance(s, int | float)}
    if not known:
        return []
    table = Table(("step", "time"), "tn", tuple((step, seconds(s)) for step, s in known.items()))
    total = seconds(sum(known.values()))
    return [Plot("Time for each step", f"In the order done; {total} in all.", figures.steps(known), table, wide=True)]


def _settings(record: dict) -> dict:
    settings = dict(record.get("settings") or {})
    for metric, limit in (settings.pop("tolerance", None) or {}).items():
        settings[f"tolerance, {metric_name(metric)}"] = f"{100 * limit:g} points" if metric in RATES else real(limit)
    if settings.get("confidence") is not None:
        settings["confidence"] = percent(settings["confidence"], 1)
    return settings


def _task(record: dict) -> dict:
    task = dict(record.get("task") or {})
    for metric, value in (task.pop("float", None) or {}).items():
        if metric.endswith("_reason"):
            continue
        task[f"{metric_name(metric)}, unrounded"] = percent(value) if metric in RATES else real(value)
    return task


def _seeds(record: dict) -> Mapping | None:
    seeds = record.get("seeds")
    if seeds is None or isinstance(seeds, Mapping):
        return seeds
    return {"seeds": seeds}


_WORDS = {"memory_gib": "memory, GiB", "period_ns": "period, ns", "max_n": "longest row", "n": "elements in a row"}


def _words(key: str) -> str:
    return _WORDS.get(key, str(key).replace("_", " "))


def _say(value: object) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return real(value, 6)
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(k)} {_say(v)}" for k, v in value.items() if not str(k).endswith("_reason"))
    if isinstance(value, list):
        return ", ".join(map(_say, value)) or DASH
    return str(value)


def limits(record: dict) -> Section:
    """What the study does not show, from its own numbers."""
    notes = (record["narrow"] or {}).get("notes") or []
    texts = [*_evidence(record), *notes, *_hardware(record), *_missing(record), *(record.get("limits") or [])]
    return Section("limits", "What this does not show", "", (Items("", tuple(texts)),))


_DESCRIPTIVE = (
    "The sweep of input formats, the front and the comparison are descriptive: many designs were looked at "
    "on the same samples, and only the narrowest was judged on samples kept apart."
)
_SYNTHESIS = (
    "Costs are synthesis results at the stated lanes, row length and period; "
    "nothing was placed, routed or measured on silicon unless a table says so."
)


def _evidence(record: dict) -> list:
    narrow = record["narrow"]
    if narrow is None:
        return [_DESCRIPTIVE]
    judged = plural((narrow.get("samples") or {}).get("judged"), "judged sample")
    texts = [
        _DESCRIPTIVE,
        "“Narrowest” is the least cost among the designs that the search tried and that passed.",
        f"The bounds hold for data like the {judged}, not for other data.",
    ]
    ceilings = {m: top for m, top in ((narrow.get("settings") or {}).get("ceilings") or {}).items() if top is not None}
    for metric, top in ceilings.items():
        texts.append(
            f"A sample's {metric_name(metric)} counts up to {real(top)}, so that samples in finite number can bound it."
        )
    open_ = ", ".join(w["name"] for w in narrow.get("wires") or [] if w.get("why_not_less") == "not shown")
    if open_:
        texts.append(f"“Not shown” for {open_} says that the samples could not clear one bit less, not that it hurts.")
    return texts


def _hardware(record: dict) -> list:
    hardware = record["hardware"]
    if hardware is None:
        return []
    texts = [_SYNTHESIS]
    if "xc7" in (hardware.get("cost") or {}):
        texts.append("The xc7 column counts resources only; no speed is claimed for it.")
    elements = (hardware.get("verify") or {}).get("elements")
    if elements is not None:
        checked = f"Agreement with the simulation was checked on {count(elements)} elements"
        texts.append(f"{checked}; the blocks named as such were checked on every input, the rest was sampled.")
    return texts


def _missing(record: dict) -> list:
    parts = ("measure", "formats_sweep", "narrow", "compare", "hardware")
    return [
        f"No {_words(part)} in this study: {record.get(part + '_reason')}" for part in parts if record[part] is None
    ]
