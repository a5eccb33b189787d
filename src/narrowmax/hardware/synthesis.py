"""Yosys in a process of its own: Verilog to gates, or to the resources of an FPGA."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from narrowmax import store, tools
from narrowmax.errors import ToolFailed

# Flattened logic with row buffers kept as memories (`memory_map -rom-only` leaves them) and tables
# turned into logic; enables and resets of flip-flops become gates, so every flip-flop is the plain one.
# `-nordff` keeps the registers at outputs of memories out of them, and so among the flip-flops.
_GATES = """\
hierarchy -check -top {top}; proc; flatten -noscopeinfo; opt_expr; opt_clean; check; opt -nodffe -nosdff
fsm; opt; wreduce; peepopt; opt_clean; alumacc; share; opt; memory -nomap -nordff; opt_clean
tee -q -o memories.txt dump t:$mem_v2
opt -fast -full; memory_map -rom-only; opt -undriven -fine; techmap; opt -fast
dfflegalize -cell $_DFF_P_ x; opt -nodffe -nosdff; simplemap
write_rtlil unmapped.il; tee -q -o unmapped.json stat -json; select -assert-max {most} t:$_*; select -clear
"""
MOST_OPTIMISED = 20_000
"""Cells before mapping up to which ABC optimises as it does by default.  Its search for equal choices (`dch`)
takes minutes on large multipliers; a larger unit is mapped without, for 2 to 12 % more gates on smaller ones."""

_MAP = """\
abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX,AOI3,OAI3{effort}; opt_clean
tee -q -o cells.json stat -json
tee -q -o depth.txt ltp -noff
write_verilog -noattr netlist.v
"""
_LIGHTLY = " -script +strash;dc2;strash;&get,-n;&nf;&put"

_XC7 = """\
synth_xilinx -family xc7 -noiopad -noclkbuf -top {top}
tee -q -o cells.json stat -json
"""


def gates(files: Mapping[str, str], top: str, cache: store.Store | None = None) -> dict:
    """{"cells": {type: count}, "memories": [{"width", "words", "rom"}], "depth", "netlist", "effort"} in gates.

    depth: gates on the longest path between registers; netlist: Verilog text of the result; effort: how
        it was mapped, "full", or "light" above MOST_OPTIMISED cells
    Memories that are only read are also counted in the cells, as the logic they became.
    Raises ToolMissing without Yosys, ToolFailed where it fails.
    """
    return _remembered("gates", _gates, files, top, cache)


def xc7(files: Mapping[str, str], top: str, cache: store.Store | None = None) -> dict:
    """{"cells": {type: count}} of a 7-series FPGA; raises as `gates`."""
    return _remembered("xc7", _xc7, files, top, cache)


def is_kept(kind: str, files: Mapping[str, str], top: str, cache: store.Store | None = None) -> bool:
    """Whether `gates` or `xc7` would find the result in the cache.  Raises ToolMissing without Yosys."""
    return (cache or store.Store()).holds(store.Store.key(_stored_as(kind), _inputs(kind, files, top)))


def _remembered(kind: str, synthesise, files, top: str, cache) -> dict:
    def made() -> dict:
        with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
            return synthesise(_scripts(kind, top), files, Path(folder))

    return (cache or store.Store()).remember(_stored_as(kind), _inputs(kind, files, top), made)


def _stored_as(kind: str) -> str:
    return f"synthesis-{kind}"


def _inputs(kind: str, files: Mapping[str, str], top: str) -> tuple:
    return files, top, _scripts(kind, top), tools.yosys().version


def _scripts(kind: str, top: str) -> tuple[str, ...]:
    if kind == "xc7":
        return (_XC7.format(top=top),)
    return _GATES.format(top=top, most=MOST_OPTIMISED), _MAP, _LIGHTLY


def _xc7(scripts: tuple[str, ...], files: Mapping[str, str], folder: Path) -> dict:
    run_script(_reading(files) + scripts[0], files, folder)
    return {"cells": _cells(folder / "cells.json")}


def _gates(scripts: tuple[str, ...], files: Mapping[str, str], folder: Path) -> dict:
    first, mapping, lightly = scripts
    effort = "full"
    try:
        run_script(_reading(files) + first + mapping.format(effort=""), files, folder)
    except ToolFailed:
        if not _is_large(folder / "unmapped.json"):
            raise
        effort = "light"
        run_script("read_rtlil unmapped.il\n" + mapping.format(effort=lightly), files, folder)
    return {**_read_gates(folder), "effort": effort}


def _is_large(counts: Path) -> bool:
    return counts.exists() and sum(n for kind, n in _cells(counts).items() if kind.startswith("$_")) > MOST_OPTIMISED


def _reading(files: Mapping[str, str]) -> str:
    return "".join(f"read_verilog -sv {name}\n" for name in files)


def run_script(script: str, files: Mapping[str, str], folder: Path, timeout: float = 600.0) -> str:
    """Run a Yosys script in `folder` beside `files`; what it printed."""
    for name, text in {**files, "script.ys": script}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tools.yosys().run("script.ys", cwd=folder, timeout=timeout).stdout


def _read_gates(folder: Path) -> dict:
    return {
        "cells": _cells(folder / "cells.json"),
        "memories": _memories((folder / "memories.txt").read_text(encoding="utf-8")),
        "depth": int(re.search(r"\(length=(\d+)\)", (folder / "depth.txt").read_text(encoding="utf-8"))[1]),
        "netlist": (folder / "netlist.v").read_text(encoding="utf-8"),
    }


def _cells(counts: Path) -> dict[str, int]:
    return dict(store.load(counts)["design"]["num_cells_by_type"])


def _memories(dumped: str) -> list[dict]:
    cells = dumped.split("cell $mem_v2")[1:]

    def number(cell: str, name: str) -> int:
        return int(re.search(rf"parameter \\{name} (\d+)", cell)[1])

    return [
        {"width": number(cell, "WIDTH"), "words": number(cell, "SIZE"), "rom": number(cell, "WR_PORTS") == 0}
        for cell in cells
    ]
