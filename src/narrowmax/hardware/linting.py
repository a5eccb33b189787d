"""What Verilator says of a unit's Verilog with every warning on."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from narrowmax import tools


def lint(files: Mapping[str, str], top: str) -> list[str]:
    """The warnings and errors of `verilator --lint-only -Wall`, none if it is silent.

    files: name -> Verilog text; a comment that switches a warning off counts as a warning
    Raises ToolMissing without Verilator.
    """
    waived = [f"{name} switches a warning off" for name, text in files.items() if "lint_off" in text]
    with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        said = tools.verilator().run("--lint-only", "-Wall", "--top-module", top, *files, cwd=folder, accept=(0, 1))
    lines = (said.stdout + said.stderr).splitlines()
    return waived + [line for line in lines if line.startswith("%") and "Exiting due to" not in line]
