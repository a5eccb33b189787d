"""What is there without any work: the catalogue, built-in tasks, outside programs, pages of records."""

from __future__ import annotations

from pathlib import Path

from narrowmax import designs as drawn
from narrowmax import models, report
from narrowmax import tools as programs
from narrowmax.architectures import Architecture
from narrowmax.designs import Design
from narrowmax.designs.error_card import in_words
from narrowmax.engines import compiled, sheet
from narrowmax.study.work import Work

SHOWN_N = 16
"""Elements of the row that the table of wires is drawn for."""


def catalogue(work: Work) -> dict:
    """`architectures`: of each its name, year, summary, source, oracle, parameters, and what was tried of it.

    What was tried: `guarantees`, `limits` and `error_card`, see `narrowmax.designs`, at the default parameters.
    """
    with work.step("designs"):
        entries = [_summary(entry, drawn.design(entry.name), work) for entry in drawn.catalogue().values()]
    return work.record("designs", architectures=entries)


def entry(text: str, work: Work) -> dict:
    """`architectures`: the one that `text` names, or the design it is, in full.

    Beside the summary: `page` (source, published, knobs, limits, hazards, oracle), `wires` at rows of 16
    elements, and at these parameters `guarantees`, `limits`, `error_card` and `error_budget`, the last for the
    logits of a stated set.

    Raises DesignError for what is neither.
    """
    design = drawn.design(text)
    with work.step("designs"):
        return work.record("designs", architectures=[_full(design, work)])


def _summary(entry: Architecture, design: Design, work: Work) -> dict:
    work.tell(f"designs: {design.text}")
    return {
        "name": entry.name,
        "year": entry.year,
        "summary": entry.summary,
        "source": entry.sections["Source"],
        "oracle": entry.sections["Oracle"],
        "design": design.text,
        "hardware": design.has_hardware,
        "parameters": [_parameter(design, parameter) for parameter in entry.parameters],
        **work.remember("tried", design.text, lambda: _tried(design)),
    }


def _tried(design: Design) -> dict:
    """What is found by running a design."""
    return {
        "guarantees": [{"name": name, **found} for name, found in drawn.guarantees(design).items()],
        "limits": [{"name": name, **limit} for name, limit in drawn.limits(design).items()],
        "error_card": {part: {**card, "text": in_words(part, card)} for part, card in drawn.error_card(design).items()},
    }


def _parameter(design: Design, parameter) -> dict:
    knobs = {knob: list(found) for knob, found in design.knobs.items() if knob.split(".")[0] == parameter.name}
    return {
        "name": parameter.name,
        "value": str(design.parameters[parameter.name]),
        "default": parameter.default,
        "allowed": parameter.allowed,
        "from": parameter.source,
        "meaning": parameter.doc,
        "knobs": {knob: [found[0], found[-1]] for knob, found in knobs.items()},
    }


def _full(design: Design, work: Work) -> dict:
    return {
        **_summary(design.entry, design, work),
        "drawing": design.entry.steps,
        "page": design.entry.sections,
        "wires": _wires(design) if design.has_hardware else [],
        "error_budget": work.remember("budget", design.text, lambda: drawn.error_budget(design)),
    }


def _wires(design: Design) -> list[dict]:
    """The wires of the drawing as its sheet tells of them: integers in `lo..hi`, worth `2**-point` each."""
    return sheet.data(design.datapath(design.rows_up_to(SHOWN_N)))["wires"]


def tasks(work: Work) -> dict:
    """`tasks`: what is built in."""
    return work.record("tasks", tasks=models.tasks())


def tools(work: Work) -> dict:
    """`tools`: what was built with narrowmax and the outside programs, found or not."""
    return work.record("tools", tools=[_compiled_engine(), *programs.found()])


def _compiled_engine() -> dict:
    """The extension as a row of `tools.found()`; its `version` is the instruction set that it uses here."""
    loops = compiled.instruction_set()
    return {
        "name": "compiled engine",
        "for": "simulation many times as fast as with NumPy",
        "found": loops is not None,
        "version": loops and f"loops for {loops}",
        "command": None,
        "remedy": None if loops else compiled.REMEDY,
    }


def page(record: Path, out: Path, work: Work) -> dict:
    """Draw the record in a file as a page; `file` is the page's path.

    Raises DataError for what is no record, StoreError where the page cannot be written.
    """
    with work.step("page"):
        file = report.page(record, out)
    return work.record("page", record=str(record), file=str(file))
