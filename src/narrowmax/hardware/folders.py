"""The hardware folder: everything that a hardware engineer needs of one design."""

from __future__ import annotations

import os
from pathlib import Path

from narrowmax import __version__, store
from narrowmax.errors import DataError
from narrowmax.hardware import benches, vectors
from narrowmax.hardware.pages import page
from narrowmax.hardware.subjects import MANIFEST, SCHEMA, Subject, require_datapath, subject

_CONSTRAINTS = """\
# Clock of {top}; {fraction:.0%} of the period is left outside on each side.
create_clock -name aclk -period {period:g} [get_ports aclk]
set_input_delay -clock aclk {outside:g} [get_ports {{{inputs}}}]
set_output_delay -clock aclk {outside:g} [get_ports {{{outputs}}}]
"""
_OUTSIDE = 0.2  # of the period, for whatever drives the inputs and takes the outputs

_CORE = """\
CAPI=2:
name: narrowmax:softmax:{top}:0
description: {design}
filesets:
  rtl:
    files: [{rtl}]
    file_type: systemVerilogSource
  bench:
    files:
      - bench/{top}_tb.v: {{file_type: systemVerilogSource}}
      - bench/stimulus.hex: {{file_type: user, copyto: stimulus.hex}}
      - bench/golden.hex: {{file_type: user, copyto: golden.hex}}
targets:
  default: &default
    filesets: [rtl]
    toplevel: {top}
  lint:
    <<: *default
    default_tool: verilator
    tools: {{verilator: {{mode: lint-only, verilator_options: [-Wall]}}}}
  sim:
    <<: *default
    filesets: [rtl, bench]
    toplevel: {top}_tb
    default_tool: icarus
    tools: {{icarus: {{iverilog_options: [-g2012]}}}}
"""


def build(
    design, out: str | os.PathLike, *, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0,
    divider: str = "pipelined", name: str = "softmax", seed: int = 0,
) -> dict:  # fmt: skip
    """Write the hardware folder of a design: RTL, benches with golden vectors, constraints, page, manifest.

    out: a new or empty folder, or one written before, whose files are replaced; others in it, such as those of a
        simulator, stay
    lanes: elements a cycle; max_n: the longest row (1024); period_ns: the clock that pipelining aims at
    divider: pipelined (a division a cycle) or sequential; seed: of the vectors
    name: of the top module, with which the names of all modules, of the benches and of the FuseSoC core begin: give
        each design of a project its own

    Returns {"schema", "design", "top", "files", "latency_cycles", "initiation_interval", "lanes", "max_n",
    "period_ns", "divider", "folder"}; nothing is left behind if it fails.

    Raises DesignError for a design without hardware, impossible lanes or a name that Verilog cannot have, StoreError
    where it cannot be written, where `out` holds other files and nothing that `build` wrote, or one of them stands
    where a file is to be written.
    """
    made = require_datapath(subject(design, lanes=lanes, max_n=max_n, period_ns=period_ns, divider=divider, name=name))
    texts = contents(made, seed)
    manifest = {**_manifest(made, seed), "files": sorted([*texts, MANIFEST])}
    with store.atomic_folder(out, owned_by=written_files) as folder:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        store.dump(folder / MANIFEST, manifest)
    wanted = (
        "design", "top", "files", "latency_cycles", "initiation_interval", "lanes", "max_n", "period_ns", "divider",
    )  # fmt: skip
    return {"schema": "narrowmax/build/1", **{key: manifest[key] for key in wanted}, "folder": str(Path(out))}


def written_files(folder: Path) -> list[str]:
    """What `build` wrote in a folder, as its manifest lists it; nothing where the manifest is none of ours."""
    try:
        manifest = store.load(folder / MANIFEST)
    except DataError:
        return []
    files = manifest.get("files") if isinstance(manifest, dict) and manifest.get("schema") == SCHEMA else None
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []


def contents(made: Subject, seed: int) -> dict[str, str]:
    """Path inside the folder -> text, without the manifest."""
    unit = made.unit
    golden = vectors.golden(made, seed)
    return {
        **{f"rtl/{name}": text for name, text in unit.files.items()},
        f"bench/{unit.top}_tb.v": benches.verilog(unit, golden),
        f"bench/test_{unit.top}.py": benches.cocotb(unit),
        "bench/stimulus.hex": golden.text("stimulus"),
        "bench/golden.hex": golden.text("golden"),
        f"constraints/{unit.top}.sdc": _constraints(made),
        f"constraints/{unit.top}.xdc": _constraints(made),
        f"{unit.top}.core": _core(made),
        "README.md": page(made),
    }


def _manifest(made: Subject, seed: int) -> dict:
    unit = made.unit
    return {
        "schema": SCHEMA, "narrowmax": __version__, "design": made.name, "top": unit.top, "lanes": unit.lanes,
        "max_n": unit.max_n, "period_ns": made.period_ns, "divider": made.divider, "seed": seed,
        "latency_cycles": unit.latency_cycles, "initiation_interval": unit.initiation_interval,
        "rtl": [f"rtl/{name}" for name in unit.files], "versions": store.versions(("numpy",)),
    }  # fmt: skip


def _constraints(made: Subject) -> str:
    return _CONSTRAINTS.format(
        top=made.unit.top, fraction=_OUTSIDE, period=made.period_ns, outside=round(_OUTSIDE * made.period_ns, 4),
        inputs="aresetn s_axis_tvalid s_axis_tdata* s_axis_tkeep* s_axis_tlast s_axis_tuser* m_axis_tready",
        outputs="s_axis_tready m_axis_tvalid m_axis_tdata* m_axis_tkeep* m_axis_tlast row_too_long",
    )  # fmt: skip


def _core(made: Subject) -> str:
    rtl = ", ".join(f"rtl/{name}" for name in made.unit.files)
    return _CORE.format(top=made.unit.top, design=f'"{made.name}"', rtl=rtl)
