"""Whether a planted fault changes anything at all, by Yosys and its companion ABC.

Registers keep their names, so two texts are compared as functions of inputs and registers: if every
next value of a register and every output is the same function, so is all that follows.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from narrowmax import store, tools
from narrowmax.errors import ToolFailed, ToolMissing
from narrowmax.hardware import synthesis

_SECONDS = 60.0
_COMPARE = (
    "read before.aig; comb; write_aiger b.aig; read after.aig; comb; write_aiger a.aig; cec a.aig b.aig"  # of all bits
)
_MOST_MEMORY = 1 << 13  # bits of buffers that may become registers

# An and-inverter graph; a value that the text leaves open is zero on both sides.
_GRAPH = """\
hierarchy -top {top}; proc; flatten -noscopeinfo; memory_nordff; memory_map; opt_clean
async2sync; dffunmap; techmap; setundef -undriven -zero; setundef -zero; opt_clean; aigmap
write_aiger -symbols graph.aig
"""
# Both in one module, identical parts merged; what differs must give the same wherever the inputs
# are in range, once the pipeline holds nothing that came before the first step.
_RANGED = """\
hierarchy -top narrowmax_both; proc; flatten -noscopeinfo; opt -full; opt_merge; async2sync; opt -full
sat -verify -seq {steps} -prove-skip {latency} -prove differ 0
"""


def equivalent(unit, before: Mapping[str, str], after: Mapping[str, str], module: str, cache=None) -> str | None:
    """How it was proven that `after` does what `before` does; None where it was not.

    module: the only one whose text differs
    """
    cache = cache or store.Store()
    block = next((block for block in unit.modules if block.name == module), None)
    ports = (block.inputs, block.outputs, block.latency) if block else None
    inputs = (before, after, module, ports, store.code_digest("hardware"), tools.yosys().version)
    found = cache.remember("equivalence", inputs, lambda: {"proof": _proof(unit, block, before, after, module)})
    return found["proof"]


def _proof(unit, block, before, after, module: str) -> str | None:
    parameters = re.search(rf"^module {module} #\(", before[f"{module}.v"], re.MULTILINE)
    if not parameters and _same_function(before, after, module):
        return "the module is the same function"
    if block and _same_in_range(block, before, after):
        return "the block is the same for inputs in range"
    if _memory(before, unit.top) <= _MOST_MEMORY:
        whole = [{**files, "narrowmax_masked.v": _masked(unit)} for files in (before, after)]
        if _same_function(*whole, "narrowmax_masked"):
            return "the unit is the same function"
    return None


def _masked(unit) -> str:
    """The unit with those bytes of its results at zero that tkeep says are none."""
    ports = unit.ports.each()
    lines = [f"  {kind} logic [{bits - 1}:0] {name}" for name, kind, bits in ports]
    wired = ", ".join(f".{name}({'all_data' if name == 'm_axis_tdata' else name})" for name, *_ in ports)
    size = unit.out_bytes * unit.lanes
    spans = [f"[{8 * i + 7}:{8 * i}]" for i in range(size)]
    masks = [
        f"  assign m_axis_tdata{span} = all_data{span} & {{8{{m_axis_tkeep[{i}]}}}};\n" for i, span in enumerate(spans)
    ]
    return (
        "module narrowmax_masked (\n" + ",\n".join(lines) + f"\n);\n  logic [{8 * size - 1}:0] all_data;\n"
        + f"  {unit.top} unit ({wired});\n" + "".join(masks) + "endmodule\n"
    )  # fmt: skip


def _same_function(before, after, top: str) -> bool:
    try:
        graphs = [_graph(tuple(files.items()), top) for files in (before, after)]
    except ToolFailed:  # not within the time
        return False
    if _symbols(graphs[0]) != _symbols(graphs[1]):
        return False  # registers that cannot be matched
    with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
        for name, graph in zip(("before", "after"), graphs, strict=True):
            (Path(folder) / f"{name}.aig").write_bytes(graph)
        command = [_abc(), "-q", _COMPARE]
        said = tools.run(command, name="ABC", cwd=folder, timeout=_SECONDS, accept=range(-64, 256)).stdout
    return "Networks are equivalent" in said


@lru_cache(maxsize=64)
def _graph(files: tuple[tuple[str, str], ...], top: str) -> bytes:
    script = "".join(f"read_verilog -sv {name}\n" for name, _ in files) + _GRAPH.format(top=top)
    with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
        synthesis.run_script(script, dict(files), Path(folder), _SECONDS)
        return (Path(folder) / "graph.aig").read_bytes()


def _symbols(graph: bytes) -> list[bytes]:
    """The names of inputs, registers and outputs, with their places."""
    return sorted(re.findall(rb"^[ilo]\d+ [^\n]*", graph, re.MULTILINE))


def _abc() -> str:
    package = importlib.util.find_spec("pyosys")
    path = Path(package.origin).parent / "yosys-abc" if package else None
    if path is None or not path.is_file():
        raise ToolMissing("ABC was not found; it comes with Yosys: `pip install pyosys`")
    return str(path)


def _same_in_range(block, before, after) -> bool:
    renamed = {f"after_{name}": _renamed(text, before) for name, text in after.items()}
    files = {**before, **renamed, "both.v": _both(block)}
    script = "".join(f"read_verilog -sv {name}\n" for name in files)
    script += _RANGED.format(steps=block.latency + 1, latency=block.latency)
    with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
        try:
            synthesis.run_script(script, files, Path(folder), _SECONDS)
        except ToolFailed:  # a difference was found, or none within the time
            return False
    return True


def _renamed(text: str, files: Mapping[str, str]) -> str:
    names = "|".join(name.removesuffix(".v") for name in files)
    return re.sub(rf"\b({names})\b", r"after_\1", text)


def _both(block) -> str:
    """A module with the block before and after, and `differ` where results of inputs in range are not equal."""
    inputs = [f"  input logic [{bits - 1}:0] {name}" for name, bits, *_ in block.inputs]
    wires, compared = [], []
    for name, bits, *_ in block.outputs:
        wires.append(f"  logic [{bits - 1}:0] before_{name}, after_{name};\n")
        compared.append(f"before_{name} != after_{name}")
    clock = ".aclk(aclk), " if block.latency else ""
    fed = ", ".join(f".{name}({name})" for name, *_ in block.inputs)
    sides = []
    for prefix, side in (("", "before"), ("after_", "after")):
        results = ", ".join(f".{name}({side}_{name})" for name, *_ in block.outputs)
        sides.append(f"  {prefix}{block.name} {side} ({clock}{fed}, {results});\n")
    flags, lines = ["in_range"], []
    for step in range(block.latency):
        lines.append(f"  logic in_range_{step};\n  always_ff @(posedge aclk) in_range_{step} <= {flags[-1]};\n")
        flags.append(f"in_range_{step}")
    ranges = " && ".join(_inside(*port) for port in block.inputs)
    return (
        "module narrowmax_both (\n  input logic aclk,\n" + ",\n".join(inputs) + ",\n  output logic differ\n);\n"
        + "".join(wires) + f"  logic in_range;\n  assign in_range = {ranges};\n" + "".join(lines) + "".join(sides)
        + f"  assign differ = {flags[-1]} && ({' || '.join(compared)});\nendmodule\n"
    )  # fmt: skip


def _inside(name: str, bits: int, low: int, high: int) -> str:
    if low < 0:  # compared as offsets from the lowest, which are not negative
        return f"(({name} - {bits}'d{low % (1 << bits)}) <= {bits}'d{high - low})"
    return f"({name} >= {bits}'d{low} && {name} <= {bits}'d{high})"


def _memory(files: Mapping[str, str], top: str) -> int:
    """Bits of the buffers that the unit's text asks for."""
    from narrowmax.hardware.estimation import buffers

    return buffers(files[f"{top}.v"])
