"""Draws the tables of docs/own_data.md from the code: python -m docs.own_data"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from narrowmax.models.datasets import folders, pictures, text
from narrowmax.models.datasets.forms import RANGES, Settings, offered
from narrowmax.store import atomic_write

PAGE = Path(__file__).resolve().parent / "own_data.md"
PLACE = re.compile(r"(<!-- own:(\w+) [^\n]*-->\n).*?(<!-- own:end -->)", re.DOTALL)
MEANING = {
    "epochs": "times through the part trained on",
    "batch": "samples in a step",
    "rate": "the highest learning rate, of AdamW under a one-cycle schedule",
    "seed": "of weights, order and variation",
    "samples": "train on so many at most; 0 is all",
    "width": "of the network; 0 is its own",
    "side": "of images from a folder, in pixels",
    "length": "of a window of text, in characters",
}


def tasks() -> str:
    return _table(
        ("SOURCE", "what it is", "softmax judged"), [(f"`{o['name']}`", o["title"], o["where"]) for o in offered()]
    )


def settings() -> str:
    made = Settings()
    rows = [
        (f"`{f.name}`", f"{getattr(made, f.name):g}", " to ".join(map(_number, RANGES[f.name])), MEANING[f.name])
        for f in fields(Settings)
    ]
    return _table(("setting", "default", "allowed", "meaning"), rows)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def parts() -> str:
    trained, selected = pictures.TRAINED_SHARE, pictures.SELECTED_SHARE
    rows = [
        ("images to train on, and others to test on", "the first", f"{selected:.0%} of the others", "the rest"),
        ("images of one kind", f"{trained:.0%}", f"{selected:.0%} of what is left", "the rest"),
        (
            "a text",
            f"its first {text.TRAINED_SHARE:.0%}",
            f"the next {text.SELECTED_SHARE:.0%} of what is left",
            "the rest",
        ),
    ]
    return _table(("what there is", "trained on", "selected on", "judged"), rows)


def formats() -> str:
    return f"Images are read from {', '.join(f'`{suffix}`' for suffix in folders.SUFFIXES)}, with the package pillow."


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ("---",) * len(columns), *rows))


DRAWN = {"tasks": tasks, "settings": settings, "parts": parts, "formats": formats}


def drawn(page: str) -> str:
    """The page with what the code says between its marks."""
    return PLACE.sub(lambda found: f"{found[1]}{DRAWN[found[2]]()}\n{found[3]}", page)


if __name__ == "__main__":
    with atomic_write(PAGE, "w") as file:
        file.write(drawn(PAGE.read_text(encoding="utf-8")))
