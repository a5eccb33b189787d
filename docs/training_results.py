"""Writes the tables of docs/training.md from trainings; no number in it is written by hand.

python -m docs.training_results train     trains, keeps docs/training.json, and writes the tables
python -m docs.training_results           writes the tables from docs/training.json
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

from docs import keras_training

from narrowmax.models.training import read
from narrowmax.report.text import amount, at_least, at_most, percent
from narrowmax.store import atomic_write, dump, load
from narrowmax.study import Work, training

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "training.md"
RECORDS = ROOT / "docs" / "training.json"
PLACE = re.compile(r"(<!-- training:(\w+) [^\n]*-->\n).*?(<!-- training:end -->)", re.DOTALL)
VALUE = re.compile(r"`(?P<shown>[^`\n]*)`<!-- (?P<study>\w+): (?P<row>[^;]+); (?P<key>[\w ]+) -->")
SOURCE = "digits-cnn"

EPOCHS, SEEDS = 10, 2
STUDIES = {
    "trap": (
        "activations=decimal(10), gradient=none, layers=classifier.3",
        "activations=decimal(20), gradient=none, layers=classifier.3",
        "activations=decimal(30), gradient=none, layers=classifier.3",
        "softmax=decimal(10), gradient=none",
        "activations=decimal(10), gradient=straight-through, layers=classifier.3",
        "activations=fp16, layers=classifier.3",
    ),
    "softmax": (
        "softmax=ideal(input=Q5.3, output=UQ1.8)",
        "softmax=ideal(output=UQ1.2)",
        "softmax=ideal(output=UQ1.2), gradient=straight-through",
    ),
    "forward": (
        "weights=Q2.6",
        "weights=Q2.3",
        "activations=Q4.4",
        "activations=Q4.2",
    ),
    "gradients": (
        "gradients=fp16",
        "gradients=e5m2",
        "gradients=Q1.14",
        "gradients=Q1.8",
        "gradients=Q1.8:stochastic",
        "gradients=Q6.8, loss_scale=64",
    ),
    "updates": (
        "weights=Q2.14, updates=Q2.14",
        "weights=Q2.6, updates=Q2.6",
        "weights=Q2.6, updates=Q2.6:stochastic",
        "weights=Q2.4, updates=Q2.4",
        "weights=Q2.4, updates=Q2.4:stochastic",
    ),
    "all": (
        "autocast=bf16",
        "softmax=ideal(input=Q5.10, output=UQ1.14), weights=Q2.14, activations=Q6.10, gradients=Q2.14, updates=Q2.14",
        "softmax=ideal(input=Q5.3, output=UQ1.8), weights=Q2.6, activations=Q4.4, gradients=Q1.7, updates=Q2.6",
        "softmax=ideal(input=Q5.3, output=UQ1.8), weights=Q2.6, activations=Q4.4, gradients=Q1.14, "
        "updates=Q2.6:stochastic",
        "autocast=fp16, loss_scale=dynamic",
    ),
}


def trained(names: tuple[str, ...] = tuple(STUDIES)) -> dict:
    """`{study: {source, settings, task, rows, seconds}}`, what the tables need of each record."""
    work = Work(tell=lambda line: print(line, file=sys.stderr))
    task = training.load(SOURCE, work)
    found = {}
    for name in names:
        found[name] = kept(training.compare(SOURCE, task, map(read, STUDIES[name]), work, EPOCHS, SEEDS))
    return found


def kept(record: dict) -> dict:
    """What the tables need of a record."""
    names = ("narrowmax", "source", "settings", "task", "versions", "machine")
    return {key: record[key] for key in names} | {"rows": [_kept(row) for row in record["rows"]]}


def _kept(row: dict) -> dict:
    metrics = {name: row["metrics"].get(name) for name in ("top1", "nll")}
    loss = {name: (row["loss"] or {}).get(name) for name in ("top1", "nll")}
    return {**row, "metrics": metrics, "loss": loss}


def table(record: dict) -> str:
    """A study's table in Markdown."""
    head = ("trained with", "top-1", "over seeds", "points lost (bounds)", "gradients to 0", "updates lost", "stalled")
    lines = [head, ("---", *["--:"] * 5, "---"), *(_line(row, record) for row in record["rows"])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(row: dict, record: dict) -> tuple[str, ...]:
    found, loss, breaks = row["metrics"]["top1"], row["loss"]["top1"], row["breaks"]
    seeds = record["settings"]["seeds"]
    lost = "—" if loss is None or row["precision"] == "float" else _lost(loss)
    return (
        f"`{row['precision']}`",
        _percent(found["mean"]) if found else "diverged",
        f"{_percent(found['least'])} to {_percent(found['most'])}" if found else "—",
        lost,
        _percent(breaks["gradients_flushed"]),
        _percent(breaks["updates_lost"]),
        f"{row['stalled']} of {seeds}: {row['reason']}" if row["stalled"] else "no",
    )


def _percent(share: float | None) -> str:
    return percent(share, 1).replace("\u202f", " ")


def _lost(loss: dict) -> str:
    texts = (amount("top1", loss["difference"]), at_least("top1", loss["low"]), at_most("top1", loss["high"]))
    lost, low, high = (text.removesuffix(" points") for text in texts)
    return f"{lost} ({low} to {high})"


def value(record: dict, precision: str, key: str) -> str:
    """One number of a row, as the text of the page shows it; "verdict" is the sentence."""
    (row,) = [row for row in record["rows"] if row["precision"] == precision]
    if key == "verdict":
        return row["verdict"]
    if key == "top1":
        return _percent(row["metrics"]["top1"]["mean"])
    if key in ("lost", "at most"):
        loss = row["loss"]["top1"]
        return amount("top1", loss["difference"]) if key == "lost" else at_most("top1", loss["high"])
    return _percent(row["breaks"][key])


def about(records: dict) -> str:
    """What all tables rest on, and what they took."""
    one = next(iter(records.values()))
    settings, task, machine, versions = (one[key] for key in ("settings", "task", "machine", "versions"))
    rows = {row["precision"]: row["seconds"] for record in records.values() for row in record["rows"]}
    return (
        f"Measured on `{one['source']}`: {settings['seeds']} trainings of {settings['epochs']} epochs in each row, on "
        f"{task['trained']} images, judged on {task['held_out']:,} others. Points lost are against float, each image "
        f"with itself; the bounds hold at {settings['confidence']:.0%} each, for other images and these trainings; "
        "gradients to 0 and updates lost are means over all epochs, of those that are not 0. "
        f"{len(rows) * settings['seeds']} trainings took {round(sum(rows.values()) / 60)} minutes of one core that was "
        f"shared with other work; {machine['processor']}, Python {versions['python']}, torch {versions['torch']}."
    )


def about_keras(record: dict) -> str:
    """What the table of Keras rests on."""
    settings, task, machine = (record[key] for key in ("settings", "task", "machine"))
    seconds = sum(row["seconds"] for row in record["rows"])
    return (
        f"Measured with {task['framework']} on the network of `docs/keras_digits.py`: {settings['seeds']} trainings of "
        f"{settings['epochs']} epochs in each row, on {task['trained']} images, judged on {task['held_out']:,} others. "
        f"{len(record['rows']) * settings['seeds']} trainings took {max(1, round(seconds / 60))} minutes of one core "
        f"that was shared with other work; {machine['processor']}."
    )


def example(page: str) -> str:
    """What the program on the page prints."""
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    return f"```\n{printed.getvalue().rstrip()}\n```"


def placed(page: str, records: dict) -> str:
    """The page with every table between its marks, and every marked number in the text."""
    keras = load(keras_training.RECORD)
    others = {
        "about": lambda: about(records),
        "example": lambda: example(page),
        "keras": lambda: table(keras),
        "about_keras": lambda: about_keras(keras),
    }
    known = {**records, "keras": keras}

    def drawn(found: re.Match) -> str:
        made = others[found[2]]() if found[2] in others else table(records[found[2]])
        return f"{found[1]}{made}\n{found[3]}"

    def shown(found: re.Match) -> str:
        text = value(known[found["study"]], found["row"].strip(), found["key"])
        return found[0].replace(f"`{found['shown']}`", f"`{text}`", 1)

    return VALUE.sub(shown, PLACE.sub(drawn, page))


def main(words: list[str]) -> None:
    if words:
        dump(RECORDS, trained())
    page = placed(PAGE.read_text(encoding="utf-8"), load(RECORDS))
    with atomic_write(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    main(sys.argv[1:])
