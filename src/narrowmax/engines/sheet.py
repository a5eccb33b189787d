"""The page of a drawing: its block diagram, wires, tables, assertions and limits.

`data` gives all of it as plain data for JSON, `page` as Markdown.
"""

from __future__ import annotations

from narrowmax.datapath import Datapath, Lookup, Table
from narrowmax.datapath.operations import Interval
from narrowmax.engines import bounds
from narrowmax.engines.diagram import diagram
from narrowmax.engines.layout import lay_out
from narrowmax.engines.picture import picture


def data(datapath: Datapath, rows: int = 0) -> dict:
    """All that the page says, as plain data.

    Keys: `diagram` (`nodes`, `edges`, `svg`), `wires`, `blocks`, `tables`, `known`, `budget`,
    `limits`.  Errors are `[lo, hi]` in last bits, or None where no rule is known.  What is known
    but only sampled is run on `rows` random rows; raises RangeError where one belies it.
    """
    drawn = diagram(datapath)
    return {
        "diagram": drawn.data() | {"svg": picture(lay_out(drawn))},
        "wires": [_wire(w) for w in bounds.wires(datapath)],
        "blocks": _blocks(datapath),
        "tables": [_table(datapath, t) for t in tables(datapath)],
        "known": [vars(a) for a in bounds.assertions(datapath, rows)],
        "budget": [
            {"wire": name, "error": _pair(error), "error_text": bounds.in_words(error)}
            for name, error in bounds.budget(datapath)
        ],
        "limits": bounds.limits(datapath),
    }


def tables(datapath: Datapath) -> list[Table]:
    """The tables that a datapath reads, each once."""
    return list(dict.fromkeys(w.op.table for w in datapath.wires if isinstance(w.op, Lookup)))


def _wire(w: bounds.WireBound) -> dict:
    return {
        "name": w.name, "rate": w.rate, "lo": w.lo, "hi": w.hi, "bits": w.bits, "point": w.point, "format": w.format,
        "least": float(w.least), "greatest": float(w.greatest), "sentence": w.sentence, "error": _pair(w.error),
        "error_text": w.error_text,
    }  # fmt: skip


def _pair(error: Interval | None) -> list[float] | None:
    return None if error is None else [float(error[0]), float(error[1])]


def _blocks(datapath: Datapath) -> list[dict]:
    """Named blocks by name, with their number of uses."""
    found: dict[str, dict] = {}
    for block in datapath.blocks:
        entry = found.setdefault(block.name, {"name": block.name, "purpose": block.purpose, "uses": 0})
        entry["uses"] += 1
    return list(found.values())


def _table(datapath: Datapath, table: Table) -> dict:
    """A table, how much of it is read, and its error there."""
    read = [w.args[0].range for w in datapath.wires if isinstance(w.op, Lookup) and w.op.table is table]
    lo, hi = min(r[0] for r in read), max(r[1] for r in read)
    error = table.error(lo, hi)
    return {
        "name": table.name, "function": table.text, "made": table.made,
        "entries": len(table), "first": lo, "last": hi,
        "least": min(table.entries[lo : hi + 1]), "greatest": max(table.entries[lo : hi + 1]), "point": table.point,
        "error": _pair(error), "error_text": bounds.in_words(error),
    }  # fmt: skip


def page(datapath: Datapath, title: str, rows: int = 0, svg: bool = True) -> str:
    """The page as Markdown, with the diagram as inline SVG unless `svg` is False."""
    said = data(datapath, rows)
    parts = [f"# {title}", _fence(said["diagram"]["svg"]) if svg else "", "## Limits", _listed(said["limits"])]
    return "\n\n".join(p for p in (*parts, *sections(said)) if p) + "\n"


def sections(said: dict) -> list[str]:
    """Wires, blocks, tables, assertions and the price of rounding, of what `data` gave, as Markdown."""
    parts = _wires(said["wires"])
    parts += _section(
        "Blocks", said["blocks"], ("block", "uses", "what it does"), lambda b: (b["name"], b["uses"], b["purpose"])
    )
    parts += _section("Tables", said["tables"], ("table", "function", "read", "holds", "made", "error"), _table_row)
    parts += _section(
        "What is known", said["known"], ("wire", "lies in", "because", "shown"),
        lambda a: (f"`{a['name']}`", f"{a['lo']}..{a['hi']}", a["why"], a["proof"]),
    )  # fmt: skip
    parts += _section(
        "What rounding costs",
        said["budget"],
        ("rounded at", "at the output"),
        lambda b: (f"`{b['wire']}`", b["error_text"]),
    )
    return parts


def _fence(svg: str) -> str:
    """SVG in a Markdown page: without empty lines, in a box that scrolls where the page is narrow."""
    return f'<div style="overflow-x:auto">\n{svg}\n</div>'


def _wires(wires: list[dict]) -> list[str]:
    about = (
        "The integers that flow, and the format that holds each; a value is the integer times 2 to the power of minus "
        "the fraction bits."
    )
    columns = ("wire", "per", "integers", "values", "format", "what it is", "error")
    return ["## Wires", about, _grid(columns, [_wire_row(w) for w in wires])]


def _wire_row(w: dict) -> tuple:
    return (
        f"`{w['name']}`", w["rate"], f"{w['lo']}..{w['hi']}", f"{w['least']:.6g}..{w['greatest']:.6g}",
        w["format"], w["sentence"], w["error_text"],
    )  # fmt: skip


def _table_row(t: dict) -> tuple:
    held = f"{t['least']}..{t['greatest']}, {t['point']} fraction bits"
    return (
        f"`{t['name']}`",
        t["function"],
        f"{t['first']}..{t['last']} of {t['entries']}",
        held,
        t["made"],
        t["error_text"],
    )


def _section(title: str, entries: list[dict], columns: tuple, row) -> list[str]:
    return [f"## {title}", _grid(columns, [row(e) for e in entries])] if entries else []


def _listed(sentences: list[str]) -> str:
    return "\n".join(f"- {s}" for s in sentences)


def _grid(columns: tuple, rows: list[tuple]) -> str:
    """A Markdown table."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
