"""Writes the tables of docs/keras.md from docs/keras.json, which it measures first, with Keras on TensorFlow.

KERAS_BACKEND=tensorflow python -m docs.keras3 ../shared/data [resnet8] [narrow] [trap]

The part `narrow` prices designs, and so needs pyosys.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from narrowmax.store import atomic_write, dump, load

ROOT = Path(__file__).resolve().parent
PAGE, RECORD = ROOT / "keras.md", ROOT / "keras.json"
PLACE = re.compile(r"(<!-- (\w+):begin [^\n]*-->\n).*?(<!-- \2:end -->)", re.DOTALL)


def measured(data: Path, parts: list[str]) -> dict:
    """The parts of the record that are asked for, and the versions they were made with."""
    import keras
    import tensorflow
    from docs import forum_trap
    from docs import resnet8 as network

    makers = {
        "resnet8": lambda: network.measured(data),
        "narrow": lambda: network.narrowed(data),
        "trap": lambda: {"epochs": forum_trap.EPOCHS, "rows": forum_trap.rows()},
    }
    versions = {"keras": keras.__version__, "tensorflow": tensorflow.__version__}
    return {"schema": "narrowmax/keras/1", "versions": versions, **{part: makers[part]() for part in parts}}


def resnet8(record: dict) -> str:
    """What each design makes of ResNet-8."""
    found, softmax = record["resnet8"], record["resnet8"]["softmax"]
    images, right = found["images"], found["right"]
    head = ["design", "top-1", "right before, wrong now", "wrong before, right now", "ties at the top"]
    lines = [[f"`{one['design']}`", _rate(one["right"], images), *_counts(one)] for one in found["designs"]]
    said = (
        f"On {images:,} images the network in float is right on {right:,}, {_rate(right, images)}. Its one softmax, "
        f"`{softmax['name']}`, gets {softmax['n']} logits from {softmax['min']:.2f} to {softmax['max']:.2f}."
    )
    return f"{said}\n\n{_table(head, lines)}"


def narrow(record: dict) -> str:
    """What `narrowmax narrow` finds."""
    found = record["narrow"]
    loss, samples = found["top1"], found["samples"]
    return (
        f"`narrowmax narrow pretrainedResnet.h5 --data images.npz --architecture table_divide --tolerance "
        f"{found['tolerance']:.0%}` selects on {samples['selected']:,} of the images and judges on the other "
        f"{samples['judged']:,}: `{found['design']}`, which loses {loss['estimate']:.2%} of the top-1 there, and "
        f"less than {loss['high']:.2%} with {found['confidence']:.0%} confidence, in {found['nand2']:,.0f} "
        "NAND2-equivalents."
    )


def _counts(one: dict) -> list[str]:
    return [str(one[name]) for name in ("lost", "won", "ties")]


def trap(record: dict) -> str:
    """What a line before the last layer does to training."""
    rows = record["trap"]["rows"]
    head = ["before the last layer", "top-1 (each seed)", "the first layer moved", "`doctor` finds"]
    lines = [
        [
            one["case"],
            ", ".join(f"{accuracy:.1%}" for accuracy in one["accuracies"]),
            "yes" if one["moved"] else "**no**",
            ", ".join(f"`{name}`" for name in one["traps"]) or "nothing",
        ]
        for one in rows
    ]
    return f"{record['trap']['epochs']} epochs, {len(rows[0]['accuracies'])} seeds.\n\n{_table(head, lines)}"


def _rate(count: int, of: int) -> str:
    return f"{count / of:.2%}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


SECTIONS = {"resnet8": resnet8, "narrow": narrow, "trap": trap}


def drawn(page: str, record: dict) -> str:
    """The page with the record's tables between its marks."""
    return PLACE.sub(lambda place: f"{place[1]}{SECTIONS[place[2]](record)}\n{place[3]}", page)


def write(record: dict) -> None:
    """Draw the page again."""
    page = drawn(PAGE.read_text(encoding="utf-8"), record)
    with atomic_write(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        known = load(RECORD) if RECORD.exists() else {}
        dump(RECORD, known | measured(Path(sys.argv[1]), sys.argv[2:] or list(SECTIONS)))
    write(load(RECORD))
