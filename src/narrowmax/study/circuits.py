"""Hardware of a design or of a folder: built, verified, priced."""

from __future__ import annotations

from pathlib import Path

from narrowmax import hardware
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.hardware.subjects import subject
from narrowmax.study.work import Work

ELEMENTS = 1_000_000
"""Of random rows that a verification compares, beside the adversarial ones."""


def build(design: Design, out: Path, work: Work, **layout: object) -> dict:
    """The record of `narrowmax build`; layout and errors as `hardware.folders.build`."""
    with work.step("build"):
        found = hardware.build(design, out, **layout)
    return work.record("build", **_without_schema(found))


def verify(thing: Design | Path, work: Work, *, elements: int = ELEMENTS, seed: int = 0, **layout: object) -> dict:
    """The record of `narrowmax verify`; `mismatches` is 0 where hardware and simulation agree.

    layout and errors as `hardware.verify`
    """
    if elements < 1:
        raise DesignError(f"elements is {elements}; at least 1 must be compared, and {ELEMENTS} are usual")
    with work.step("verify"):
        found = hardware.verify(thing, elements=elements, seed=seed, progress=work.tell, cache=work.store, **layout)
    return work.record("verify", **_without_schema(found))


def cost(thing: Design | Path, work: Work, *, target: str = "gates", **layout: object) -> dict:
    """The record of `narrowmax cost`; layout and errors as `hardware.cost`."""
    with work.step("cost"):
        made = subject(thing, **layout)
        found = hardware.cost(made, target, cache=work.store).record()
    return work.record("cost", design=made.name, **found)


def _without_schema(found: dict) -> dict:
    return {key: value for key, value in found.items() if key != "schema"}
