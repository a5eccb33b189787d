"""Writes docs/architectures: a page for each architecture with its diagram and the plot of its error, and an index.

python -m docs.catalogue

All but what is measured follows from the catalogue itself.  Limits, errors and costs are kept in
docs/architectures/measured.json, so that pages can be drawn again without measuring.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from docs.curves import Line, plot

from narrowmax import designs, hardware, reference, store
from narrowmax.architectures import Architecture
from narrowmax.datapath import Datapath
from narrowmax.designs import Design, error_budget, error_card
from narrowmax.designs.error_card import in_words
from narrowmax.engines import sheet
from narrowmax.engines.diagram import diagram
from narrowmax.engines.layout import lay_out
from narrowmax.engines.picture import strips
from narrowmax.errors import DesignError, NarrowmaxError
from narrowmax.formats import Affine, Fixed
from narrowmax.hardware.subjects import subject
from narrowmax.study.comparing import LARGEST

FOLDER = Path(__file__).resolve().parent / "architectures"
MEASURED = "measured.json"
COMMAND = "make catalogue"
SHOWN_N, BUILT_N = 64, 64  # elements of the row that is drawn, and of the longest row that is priced
WIDEST = 1080  # pixels of a diagram
POINTS, FARTHEST, MANY = 256, 16.0, 64  # of a plot: points, distance, elements of the longer row
WIRES = 120  # more are left out but for those with a name


def files(measured: dict) -> dict[str, str]:
    """Every file of the folder but the measurements, by name."""
    entries = designs.catalogue().values()
    found = {"index.md": index(entries)}
    for entry in entries:
        design = designs.design(entry.name)
        found[f"{entry.name}.md"] = page(entry, design, measured.get(entry.name))
        if design.has_hardware:
            found[f"{entry.name}.svg"] = strips(lay_out(diagram(_drawn(design))), WIDEST)
        if _is_plotted(design):
            found[f"{entry.name}_error.svg"] = error_plot(design)
    return found


def index(entries) -> str:
    """All architectures in a table."""
    rows = [f"| [{e.name}]({e.name}.md) | {e.year or '—'} | {e.summary} |" for e in entries]
    return "\n".join([
        "# The catalogue", "",
        f"Written by `{COMMAND}` from the catalogue itself; `narrowmax designs` says the same of any parameters.", "",
        "| architecture | year | idea |", "|---|---|---|", *rows, "",
    ])  # fmt: skip


def page(entry: Architecture, design: Design, measured: dict | None) -> str:
    """A page in Markdown."""
    said = entry.sections
    parts = [f"# {entry.name}", entry.summary, *_steps(entry), f"**Source.** {_sentence(said['Source'])}"]
    if design.has_hardware:
        parts += ["## Block diagram", _about_diagram(design), f"![block diagram]({entry.name}.svg)"]
    if _is_plotted(design):
        parts += ["## Error against input", _ABOUT_PLOT, f"![error against distance]({entry.name}_error.svg)"]
    parts += ["## Published, and measured here", f"**Published.** {_sentence(said['Published'])}", *_measured(measured)]
    parts += ["## Parameters", _parameters(entry), f"**Knobs.** {_sentence(said['Knobs'])}"]
    parts += ["## Limits", _sentence(said["Limits"]), *_limits(measured)]
    parts += [f"## {name}\n\n{_sentence(said[name])}" for name in ("Order", "Hazards", "Oracle")]
    if design.has_hardware:
        parts += sheet.sections(_shortened(design))
    parts.append(f"*This page was written by `{COMMAND}`.*")
    return "\n\n".join(parts) + "\n"


def _steps(entry: Architecture) -> list[str]:
    """What stands on the page between the first line and the sections."""
    text = entry.page.strip().split("\n\nSource:")[0].split("\n\n", 1)
    if len(text) < 2:
        return []
    blocks = text[1].split("\n\n")
    return [f"```\n{_even(b)}\n```" if b.startswith("    ") else " ".join(b.split()) for b in blocks]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _even(block: str) -> str:
    return "\n".join(line[4:] for line in block.splitlines())


def _drawn(design: Design) -> Datapath:
    try:
        return design.datapath(SHOWN_N)
    except DesignError:
        return design.datapath(design.rows_up_to(SHOWN_N))


def _about_diagram(design: Design) -> str:
    return (
        f"`{design.text}`, drawn for rows of up to {_drawn(design).max_n} elements.  A solid wire carries a number for "
        "each element, a dashed one for each row or chunk; a wire that leaves on the right comes back on the left of "
        "the next strip."
    )


# The plot.

_ABOUT_PLOT = (
    "The output minus exact softmax: of the smaller element in a row of two, by how far it lies below the larger one, "
    f"and of the largest in a row of {MANY} whose others lie that far below.  The largest element is the input's "
    "highest value (0 for floats); the error is that of input, unit and output together."
)


def _is_plotted(design: Design) -> bool:
    return design.has_hardware and design.output_rate == "element"


def error_plot(design: Design) -> str:
    """The output's error by the distance from the maximum."""
    d = _distances(design)
    top = float(design.input.highest) if isinstance(design.input, Fixed | Affine) else 0.0
    many = min(MANY, _drawn(design).max_n)
    lines = []
    for name, n, shown in (("a row of 2, the smaller", 2, 1), (f"a row of {many}, the largest", many, 0)):
        x = np.full((len(d), n), top) - np.where(np.arange(n) > 0, d[:, None], 0.0)
        got = design.probabilities(design.simulate(x))
        lines.append(Line(name, d, (got - reference.softmax(x))[:, shown]))
    return plot(lines, "distance from the largest element", "output − exact")


def _distances(design: Design) -> np.ndarray:
    """Distances that the input can have, evenly spread."""
    form = design.input
    if not isinstance(form, Fixed | Affine):
        return np.arange(POINTS + 1) * (FARTHEST / POINTS)
    step, codes = float(form.step), form.highest_code - form.lowest_code
    most = min(codes, int(FARTHEST / step))
    return np.unique(np.linspace(0, most, min(POINTS, most) + 1).round()) * step


# The tables.


def _parameters(entry: Architecture) -> str:
    rows = [(f"`{p.name}`", f"`{p.read(p.default)}`", p.source, p.allowed, p.doc) for p in entry.parameters]
    return _table(("parameter", "default", "from", "allowed", "meaning"), rows)


def _limits(measured: dict | None) -> list[str]:
    return ["At the defaults:", "\n".join(f"- {text}" for text in measured["limits"])] if measured else []


def _measured(measured: dict | None) -> list[str]:
    if measured is None:
        return [f"**Measured.** Not yet; `{COMMAND}` does it."]
    said = [*(in_words(name, part) for name, part in measured["card"].items()), _cost(measured["cost"])]
    about = f"**Measured** at the defaults, `{measured['design']}`:"
    return [about, "\n".join(f"- {_sentence(one)}" for one in said), *_budget(measured["budget"])]


def _budget(budget: dict) -> list[str]:
    """Which part of the drawing the error comes from."""
    if "reason" in budget:
        return [f"Where the error comes from was not measured: {budget['reason']}."]
    about = (
        f"Where the error comes from, by making one part after the other exact, over {budget['over']}: an output was "
        f"found to be wrong by {budget['whole']['mean']:.2g} on average, {budget['whole']['max']:.2g} at most.  Shares "
        "are of the mean square; a part with a negative one undoes others."
    )
    rows = [
        (_part(p), p["kind"], f"{p['mean']:.2g}", f"{p['max']:.2g}", f"{round(100 * p['share'], 1) + 0.0:.1f} %")
        for p in budget["parts"]
    ]
    return [about, _table(("part", "kind", "mean", "largest", "share"), rows)] if rows else [about]


def _part(part: dict) -> str:
    return f"`{part['part']}`" if part["part"] == part["wire"] else part["part"]


def _cost(cost: dict) -> str:
    if "reason" in cost:
        return f"its cost was not measured: {cost['reason']}"
    area = cost["area"]
    return (
        f"{area['nand2']:,.0f} NAND2 equivalents, {area['ff']:,} flip-flops and {area['ram_bits']:,} bits of memory "
        f"with one lane and rows of up to {cost['max_n']}, synthesised by {cost['tool']} {cost['version']}"
    )


def _shortened(design: Design) -> dict:
    """What the sheet says, without the diagram, and with named wires alone where there are very many."""
    datapath = _drawn(design)
    said, named = sheet.data(datapath), {datapath.names[w] for w in datapath.wires if w.name}
    if len(said["wires"]) > WIRES:
        said["wires"] = [w for w in said["wires"] if w["name"] in named]
        said["budget"] = [b for b in said["budget"] if b["wire"] in named]
    return said


def _table(columns: tuple, rows: list) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


# What is measured.


def measure(design: Design, costs: bool = True) -> dict:
    """The limits of a design, its error card and budget, and what it costs."""
    limits = [limit["text"] for limit in designs.limits(design).values()]
    found = {"design": design.text, "limits": limits, "card": error_card(design)}
    found["budget"] = error_budget(design)
    return {**found, "cost": _priced(design)} if costs else found


def _priced(design: Design) -> dict:
    try:
        made = subject(design, max_n=design.rows_up_to(BUILT_N))
        predicted = hardware.estimated_logic(made)
        if predicted > LARGEST:
            return {"reason": f"about {predicted:,.0f} NAND2 of logic are predicted, which take long to synthesise"}
        found = hardware.cost(made, cache=store.Store()).record()
    except NarrowmaxError as error:
        return {"reason": str(error)}
    return {key: found[key] for key in ("tool", "version", "area", "max_n")}


def main() -> None:
    """Measure everything and write all files; what was synthesised before is found in the cache."""
    measured = {}
    for name in designs.catalogue():
        print(f"measuring {name}", file=sys.stderr)
        measured[name] = store.plain(measure(designs.design(name)))
    FOLDER.mkdir(exist_ok=True)
    store.dump(FOLDER / MEASURED, measured)
    made = files(measured)
    for old in FOLDER.iterdir():
        if old.name not in made and old.name != MEASURED:
            old.unlink()
    for name, text in made.items():
        with store.atomic_write(FOLDER / name, "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
