"""What is there without any work: the catalogue, built-in tasks, outside programs, pages of records."""

from __future__ import annotations

from pathlib import Path

from narrowmax import designs as drawn
from narrowmax import models, report
from narrowmax import tools as programs
from narrowmax.architectures import Architecture
from narrowmax.designs import Design
from narrowmax.engines import compiled, sheet
from narrowmax.study.work import Work

SHOWN_N = 16
"""Elements of the row that the table of wires is drawn for."""


def catalogue(work: Work) -> dict:
    """`architectures`: of each its name, summary, source, default design, parameters, and whether it has hardware."""
    entries = [_summary(entry) for entry in drawn.catalogue().values()]
    return work.record("designs", architectures=entries)


def entry(text: str, work: Work) -> dict:
    """`architectures`: the one that `text` names, or the design it is, in full.

    Beside the summary: `page` (source, published, knobs, limits, hazards, oracle), `wires` at rows of 16
    elements, `limits` at these parameters.

    Raises DesignError for what is neither.
    """
    design = drawn.design(text)
    return work.record("designs", architectures=[_full(design)])


def _summary(entry: Architecture) -> dict:
    design = drawn.design(entry.name)
    return {
        "name": entry.name,
        "summary": entry.summary,
        "source": entry.sections["Source"],
        "design": design.text,
        "hardware": design.has_hardware,
        "parameters": [_parameter(design, parameter) for parameter in entry.parameters],
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


def _full(design: Design) -> dict:
    made = _summary(design.entry)
    parameters = [_parameter(design, parameter) for parameter in design.entry.parameters]
    return {
        **made,
        "design": design.text,
        "parameters": parameters,
        "drawing": design.entry.page.split("\n\n")[1] if "\n\n" in design.entry.page else "",
        "page": design.entry.sections,
        "wires": _wires(design) if design.has_hardware else [],
        "limits": [{"name": name, **limit} for name, limit in drawn.limits(design).items()],
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
