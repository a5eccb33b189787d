"""Outside programs: finding them, their versions, and running them."""

from narrowmax.tools.finders import Tool, chromium, compiler, found, icarus, verilator, yosys
from narrowmax.tools.processes import Finished, end_group, run

__all__ = [
    "Finished",
    "Tool",
    "chromium",
    "compiler",
    "end_group",
    "found",
    "icarus",
    "run",
    "verilator",
    "yosys",
]
