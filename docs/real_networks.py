"""Runs networks that others trained, in float and with designs in their softmaxes; draws docs/real_networks.md.

python -m docs.real_networks              runs all of them (many minutes of one core) and draws the page
python -m docs.real_networks keywords     runs some again
python -m docs.real_networks draw         draws the page from docs/real_networks.json

The networks and their data lie in `../shared/data`, which the project does not hold; they are rebuilt in
tests/networks_of_others.  No number on the page is written by hand.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tests.networks_of_others import tasks

import narrowmax as nm
from narrowmax.designs import Design
from narrowmax.designs.calibrating import Reach, calibrated
from narrowmax.models import Task, evaluator, measured
from narrowmax.models.networks import logits_of
from narrowmax.models.splits import split
from narrowmax.search.narrowing import CEILINGS
from narrowmax.store import atomic_write, dump, load, versions
from narrowmax.study import Source, Work
from narrowmax.study.losses import losses
from narrowmax.study.simulating import beside

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
PAGE, RECORDS = ROOT / "docs" / "real_networks.md", ROOT / "docs" / "real_networks.json"
PLACE = re.compile(r"(<!-- real:(\w+) [^\n]*-->\n).*?(<!-- real:end -->)", re.DOTALL)

CONFIDENCE = 0.95
DESIGNS = ("ideal(input=fp16)", "ideal(input=int8@{scale:.4g})", "softermax", "tflite_int8", "ita")
"""Tried in every network: `scale` is that of 127 steps to its largest absolute value; the units are calibrated."""
FIXED = ("ideal(input=Q6.2)", "ideal(input=Q9.0)", "ideal(input=Q9.2)")
"""Tried in stories260K besides: the first saturates far above its lowest scores, the others hold them."""


def with_split(task: Task, samples: int) -> Task:
    """The task with a split, so that scales are set on a part of its samples."""
    selection, judgement = split(samples)
    return dataclasses.replace(task, selection=selection, judgement=judgement)


def reach(task: Task) -> dict:
    """`{softmaxes, rows, low, high, n, within}` of the softmaxes that are judged, on the samples of selection."""
    seen = [one for one in measured(task) if one["kind"] == task.where]
    rows = sum(one["rows"] for one in seen)
    within = {r: sum(one["all_within"][r] * one["rows"] for one in seen) / rows for r in ("5", "10", "20")}
    ends = {"low": min(one["min"] for one in seen), "high": max(one["max"] for one in seen)}
    return {"softmaxes": len(seen), "rows": rows, **ends, "n": max(one["n"] for one in seen), "within": within}


def designs_for(found: dict) -> list[Design]:
    """The designs of `DESIGNS`, told the range of a network."""
    ends = Reach(found["low"], found["high"])
    texts = (text.format(scale=max(-ends.low, ends.high) / 127) for text in DESIGNS)
    return [calibrated(nm.design(text), ends, points=True)[0] for text in texts]


def tried(task: Task, designs: list[Design], tell: Callable[[str], None]) -> dict:
    """`{float, rows}`: what each design loses on all samples, as `losses` tells it."""
    judge = evaluator(task)
    every, rows = np.arange(judge.samples), []
    before = judge.float_outcomes(every)
    for design in designs:
        tell(f"{task.name}: {design.text}")
        after = judge.outcomes(design, every)
        found = losses(before, after, getattr(judge, "ceilings", CEILINGS), CONFIDENCE, None)
        rows.append({"design": design.text, **found, **_extremes(after)})
    return {
        "samples": judge.samples,
        "float": {key: float(values.mean()) for key, values in before.items()},
        "rows": rows,
    }


def _extremes(after: dict) -> dict:
    return {"worst": float(after["turned"].max())} if "turned" in after else {}


def attention(make: Callable[[], Task], tell) -> dict:
    """A network whose attention is judged."""
    task = make()
    task = with_split(task, evaluator(task).samples) if task.name != "stories260K" else task
    found = reach(task)
    return {"name": task.name, "reach": found, **tried(task, designs_for(found), tell)}


def keywords(tell) -> dict:
    """KWT-1: 978 clips; and the stored logits of all."""
    with np.load(DATA / "kwt1_speech_commands" / "kwt1_test_logits.npz", allow_pickle=False) as stored:
        right = stored["logits"].argmax(1) == stored["labels"]
    return attention(lambda: tasks.keyword_task(DATA), tell) | {
        "all": {"samples": len(right), "top1": float(right.mean())}
    }


def stories(tell) -> dict:
    """stories260K: perplexity over all tokens."""
    task = tasks.story_task(DATA)
    tokens = tasks.lengths(task)
    judge, every = evaluator(task), np.arange(len(tokens))
    found = reach(task)
    perplexity = lambda outcomes: float(np.exp((outcomes["nll"] * tokens).sum() / tokens.sum()))  # noqa: E731
    rows = []
    for design in [*designs_for(found), *map(nm.design, FIXED)]:
        tell(f"{task.name}: {design.text}")
        rows.append({"design": design.text, "perplexity": perplexity(judge.outcomes(design, every))})
    about = {"name": task.name, "reach": found, "samples": len(tokens), "tokens": int(tokens.sum())}
    return {**about, "float": {"perplexity": perplexity(judge.float_outcomes(every))}, "rows": rows}


def sorting(tell) -> dict:
    """The sorter: every design, then every fixed-point input, output and exponential, on all of its inputs."""
    task = tasks.sorting_task(DATA)
    judge, every = evaluator(task), np.arange(729)

    def right(text: str) -> int:
        tell(f"{task.name}: {text}")
        return int(judge.outcomes(nm.design(text), every)["top1"].sum())

    shapes = [(i, f) for i in range(1, 5) for f in range(5) if i + f > 1]
    inputs = [{"format": f"Q{i}.{f}", "bits": i + f, "right": right(f"ideal(input=Q{i}.{f})")} for i, f in shapes]
    fewest = min((one for one in inputs if one["right"] == len(every)), key=lambda one: one["bits"])
    text, widths = f"input={fewest['format']}", range(1, 9)
    outputs = [{"format": f"UQ0.{f}", "bits": f, "right": right(f"ideal({text}, output=UQ0.{f})")} for f in widths]
    units = [
        {"format": f"UQ0.{f}", "bits": f, "right": right(f"table_divide({text}, exp=UQ0.{f}, output=UQ0.{f})")}
        for f in widths
    ]
    found = {"inputs": inputs, "fewest": fewest, "outputs": outputs, "units": units}
    return attention(lambda: task, tell) | found


def sentences(tell) -> dict:
    """MiniLM: how far sentences turn."""
    return attention(lambda: tasks.sentence_task(DATA), tell)


def images(name: str, tell) -> dict:
    """A classifier, run once on its images; its logits beside those that are stored, then designs on its logits."""
    tell(f"{name}: running it on its images")
    logits = logits_of(tasks.image_task(DATA, name))
    source, work = Source(name, logits), Work(tell=tell)
    found = _reach_of(source, split(len(logits.logits))[0])
    rows = []
    for design in designs_for(found):
        tell(f"{name}: {design.text}")
        made = beside(source, design, CONFIDENCE, work)
        rows.append({"design": design.text, **{key: made[key] for key in ("top1", "losses", "calibration")}})
    off = float(np.abs(logits.logits - tasks.stored_logits(DATA, name)).max())
    before = {key: made["losses"][key]["float"] for key in made["losses"]}
    return {"name": name, "reach": found, "off": off, "samples": len(logits.logits), "float": before, "rows": rows}


def _reach_of(source: Source, chosen: np.ndarray) -> dict:
    logits = dataclasses.replace(source.logits, logits=source.logits.logits[chosen], labels=None)
    (seen,) = measured(logits)
    within = {r: seen["all_within"][r] for r in ("5", "10", "20")}
    return {
        "softmaxes": 1,
        "rows": seen["rows"],
        "low": seen["min"],
        "high": seen["max"],
        "n": seen["n"],
        "within": within,
    }


STUDIES: dict[str, Callable] = {
    "keywords": keywords,
    "stories": stories,
    "sorting": sorting,
    "sentences": sentences,
    "resnet20": partial(images, "ResNet-20"),
    "micronet": partial(images, "MicroNet"),
}


# The page.


def table(columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def networks_table(records: dict) -> str:
    """Every network as it is."""
    columns = (
        "network",
        "samples",
        "in float",
        "softmaxes",
        "row length up to",
        "values",
        "rows inside ±5",
        "±10",
        "±20",
    )
    return table(columns, [_network(record) for record in records.values()])


def _network(record: dict) -> tuple[str, ...]:
    found = record["reach"]
    ends = f"{found['low']:.1f} to {found['high']:.1f}".replace("-", "−")
    return (
        record["name"], f"{record['samples']:,}", _in_float(record), str(found["softmaxes"]), str(found["n"]), ends,
        *(f"{100 * share:.1f} %" for share in found["within"].values()),
    )  # fmt: skip


def _in_float(record: dict) -> str:
    before = record["float"]
    if "perplexity" in before:
        return f"perplexity {before['perplexity']:.2f} of {record['tokens']:,} tokens"
    if "turned" in before:
        return "–"
    told = f"{100 * before['top1']:.2f} %"
    return told + (
        f"; {100 * record['all']['top1']:.2f} % of all {record['all']['samples']:,}" if "all" in record else ""
    )


def classifiers_table(records: dict) -> str:
    """Designs in networks that name a class."""
    columns = ("network", "design", "top-1", "top-1 lost", "top-5 lost", "NLL lost", "calibration error")
    cells = []
    for record in records.values():
        if record["name"] in ("stories260K", "MiniLM", "nano-GPT sort"):
            continue
        cells.append((record["name"], "float", f"{100 * record['float']['top1']:.2f} %", "", "", "", ""))
        cells += [("", f"`{_short(row['design'])}`", *_lost(row)) for row in record["rows"]]
    return table(columns, cells)


def _lost(row: dict) -> tuple[str, ...]:
    top1, top5, nll = (row["losses"][key] for key in ("top1", "top5", "nll"))
    error = row["calibration"]
    return (
        f"{100 * top1['design']:.2f} %",
        *(_between(one, 100, 2) for one in (top1, top5)),
        _between(nll, 1, 3),
        f"{100 * error['float']:.1f} → {100 * error['design']:.1f} (moved by {100 * error['high']:.1f} at most)",
    )


def _between(one: dict, scale: float, digits: int) -> str:
    values = (f"{scale * one[key]:.{digits}f}".replace("-", "−") for key in ("difference", "low", "high"))
    return "{} ({} to {})".format(*values)


def _short(text: str) -> str:
    """A design's name and its input: what a calibration set."""
    name, _, rest = text.partition("(")
    shown = [
        part for part in rest.rstrip(")").split(", ") if part.split("=")[0] in ("input", "scale", "zero_point", "shift")
    ]
    return f"{name}({', '.join(shown)})"


def stories_table(records: dict) -> str:
    record = records["stories"]
    cells = [("float", f"{record['float']['perplexity']:.3f}")]
    cells += [(f"`{_short(row['design'])}`", f"{row['perplexity']:.3f}") for row in record["rows"]]
    return table(("in every attention", "perplexity"), cells)


def sorting_table(records: dict) -> str:
    record = records["sorting"]
    cells = [("float", "", str(round(729 * record["float"]["top1"])))]
    cells += [
        (f"`{_short(row['design'])}`", "", str(round(729 * row["losses"]["top1"]["design"]))) for row in record["rows"]
    ]
    cells += [(f"`ideal(input={one['format']})`", str(one["bits"]), str(one["right"])) for one in record["inputs"]]
    text = f"input={record['fewest']['format']}"
    cells += [
        (f"`ideal({text}, output={one['format']})`", str(one["bits"]), str(one["right"])) for one in record["outputs"]
    ]
    unit = "`table_divide({}, exp={}, output={})`"
    cells += [(unit.format(text, *[one["format"]] * 2), str(one["bits"]), str(one["right"])) for one in record["units"]]
    return table(("in every attention", "bits tried", "sorted, of 729"), cells)


def sentences_table(records: dict) -> str:
    cells = [
        (f"`{_short(row['design'])}`", f"{1 - row['losses']['turned']['design']:.5f}", f"{1 - row['worst']:.5f}")
        for row in records["sentences"]["rows"]
    ]
    return table(("in every attention", "cosine with float, mean", "least"), cells)


TABLES = {
    "networks": networks_table, "classifiers": classifiers_table, "stories": stories_table, "sorting": sorting_table,
    "sentences": sentences_table,
}  # fmt: skip


def drawn(page: str, records: dict) -> str:
    """The page with every table between its marks, from the records."""
    made = {name: records[name] for name in STUDIES if name in records}
    return PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]](made)}\n{found[3]}", page)


def main(names: list[str]) -> None:
    records = load(RECORDS) if RECORDS.exists() else {}
    for name in [] if names == ["draw"] else names or list(STUDIES):
        records[name] = STUDIES[name](lambda line: print(line, file=sys.stderr, flush=True)) | {"versions": versions()}
        dump(RECORDS, records)
    with atomic_write(PAGE, "w") as file:
        file.write(drawn(PAGE.read_text(encoding="utf-8"), records))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
