"""What is verified or priced: a unit, the datapath that says what is right, and where both come from."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from narrowmax import store
from narrowmax.errors import DataError, DesignError, NarrowmaxError
from narrowmax.hardware.stimulus import Rows

MANIFEST = "manifest.json"
SCHEMA = "narrowmax/hardware/1"
_LARGEST_SOURCE = 64 * 2**20  # bytes of one Verilog file


@dataclass(frozen=True)
class Subject:
    """A unit with the datapath it was made from.

    datapath: None where only the Verilog is known, enough for a cost
    design: its text, None for a unit made by hand; folder: where the Verilog was read, if anywhere
    edited: whether that Verilog is not what the design gives
    divider: how divisions are built, pipelined or sequential
    """

    unit: object
    datapath: object | None
    period_ns: float
    divider: str = "pipelined"
    design: str | None = None
    folder: Path | None = None
    edited: bool = False

    @property
    def name(self) -> str:
        return self.design or self.unit.top

    @property
    def codes(self) -> tuple[int, int]:
        """The lowest and the highest integer that an input element may be."""
        return self.datapath.input_range

    def expected(self, rows: Rows) -> np.ndarray:
        """(results,) output codes of all rows by simulation, one row after the other, rows cut at max_n."""
        sizes = np.minimum(rows.lengths, self.unit.max_n)
        results = np.ones_like(sizes) if self.unit.output_rate == "row" else sizes
        outputs = np.empty(int(results.sum()), np.int64)
        places = np.cumsum(results) - results
        for n in np.unique(sizes):
            chosen = np.flatnonzero(sizes == n)
            take = rows.starts[chosen, None] + np.arange(n)
            found = simulate(self.datapath, rows.codes[take], rows.present[take])
            outputs[places[chosen, None] + np.arange(found.shape[1])] = found
        return outputs


def simulate(datapath, codes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(rows, n or 1) output codes, by the fastest engine that holds the datapath."""
    from narrowmax.designs import simulation

    return simulation.run(datapath, codes, None if present.all() else present)


def subject(
    thing, *, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0, divider: str = "pipelined",
    name: str = "softmax",
) -> Subject:  # fmt: skip
    """From a design, its text, a hardware folder or a unit.

    The other arguments lay out a design (max_n 1024 unless given) and name its top module; a folder and a unit
    have their own.

    Raises DesignError for a design without hardware, with impossible parameters or a name that Verilog cannot have,
    DataError for a folder that `build` did not write or whose manifest no unit follows.
    """
    if isinstance(thing, Subject):
        return thing
    if hasattr(thing, "files") and hasattr(thing, "top"):
        return Subject(thing, None, period_ns)
    if isinstance(thing, os.PathLike) or (isinstance(thing, str) and os.path.isdir(thing)):
        return from_folder(Path(thing))
    return from_design(thing, lanes, max_n or 1024, period_ns, divider, name)


def from_design(design, lanes: int, max_n: int, period_ns: float, divider: str, name: str) -> Subject:
    """Draw a design and emit its unit; raises as `subject`."""
    from narrowmax import designs
    from narrowmax.engines import verilog

    design = designs.design(design) if isinstance(design, str) else design
    datapath = design.datapath(max_n)
    unit = verilog.emit(datapath, lanes, period_ns=period_ns, divider=divider, name=name)
    return Subject(unit, datapath, period_ns, divider, design.text)


def from_folder(folder: Path) -> Subject:
    """The unit in a hardware folder: its Verilog and its claims, by the design in its manifest; raises as `subject`."""
    manifest = _manifest(folder)
    try:
        made = from_design(*(manifest[key] for key in ("design", "lanes", "max_n", "period_ns", "divider", "top")))
    except NarrowmaxError as error:
        raise DataError(f"{folder / MANIFEST} cannot be followed, build the folder again: {error}") from None
    files = {PurePosixPath(name).name: _source(folder, name) for name in manifest["rtl"]}
    if not _is_top(made.unit.top, files):
        raise DataError(
            f"{folder / MANIFEST} has {made.unit.top!r} for its top, which is the top of none of its files; "
            "build the folder again"
        )
    unit = dataclasses.replace(
        made.unit, files=files,
        latency_cycles=manifest["latency_cycles"], initiation_interval=manifest["initiation_interval"],
    )  # fmt: skip
    return dataclasses.replace(made, unit=unit, folder=folder, edited=unit.files != made.unit.files)


def _is_top(name: str, files: dict[str, str]) -> bool:
    """Whether the files have a module of that name and none has it as a part."""
    text = re.sub("//.*", "", "\n".join(files.values()))
    part = rf"^[ \t]*{name}[ \t]*(#[ \t]*\(|[ \t]\w+[ \t]*\()"
    return bool(re.search(rf"\bmodule\s+{name}\b", text)) and not re.search(part, text, re.MULTILINE)


_FIELDS = {
    "schema": str, "design": str, "top": str, "rtl": list, "lanes": int, "max_n": int, "period_ns": (int, float),
    "divider": str, "latency_cycles": int, "initiation_interval": int,
}  # fmt: skip


def _manifest(folder: Path) -> dict:
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} has no {MANIFEST}; give a folder that `narrowmax build` wrote")
    manifest = store.load(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise DataError(f"{folder / MANIFEST} is not of the schema {SCHEMA}; build the folder again")
    for key, kind in _FIELDS.items():
        if not isinstance(manifest.get(key), kind):
            raise DataError(f"{folder / MANIFEST} has no usable {key!r}; build the folder again")
    return manifest


def _source(folder: Path, name: object) -> str:
    path = folder / str(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"the manifest names {name!r}, which leads outside {folder}; only files inside it are read")
    if not path.is_file() or path.stat().st_size > _LARGEST_SOURCE:
        raise DataError(f"{path} is missing or larger than {_LARGEST_SOURCE} bytes; build the folder again")
    return path.read_text(encoding="utf-8")


def require_datapath(made: Subject) -> Subject:
    """Raise DesignError where nothing says what the unit should compute."""
    if made.datapath is None:
        raise DesignError(
            f"the unit {made.unit.top} comes without a datapath, so nothing says what is right; "
            "give a design, a folder, or Subject(unit, datapath, period_ns)"
        )
    return made
