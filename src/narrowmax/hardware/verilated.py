"""Verilog to a shared library, by Verilator and a C++ compiler, kept by content.

Verilator's binary is called directly and its output compiled as one file: no Perl, no make.  Its
runtime is compiled once for each compiler and kept.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from narrowmax import store, tools

_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_HEADERS = ("runtime.h", "stops.h")
_DPI = "verilated_dpi.cpp"  # only what has public variables needs it
# The runtime must neither print, since standard output is for records, nor end the process: runtime.h.
_COMPILE = ("-std=c++17", "-fPIC", "-w", "-DVL_TIME_CONTEXT", "-DVL_PRINTF=narrowmax_print", "-DVL_USER_STOP",
            "-DVL_USER_FATAL", "-DVL_USER_FINISH", "-include", "runtime.h",
            "-fvisibility=hidden")  # fmt: skip
# Undriven and uninitialised bits get random values, from the seed that a run gives.
_VERILATE = (
    "--cc",
    "--prefix",
    "Vunit",
    "-O3",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "-Wno-lint",
    "-Wno-style",
    "-Wno-MULTIDRIVEN",
)  # fmt: skip  (lint is a check of its own)


@dataclass(frozen=True)
class Source:
    """Verilog with the C++ that drives it.

    files: name -> Verilog text, packages first; top: the module that the driver sees as `Vunit`
    harness: a file of this room; defines: its macros; optimise: the compiler's option
    """

    files: Mapping[str, str]
    top: str
    harness: str
    defines: Mapping[str, str | int] = field(default_factory=dict)
    optimise: str = "-O1"


def load(source: Source, cache: store.Store | None = None) -> ctypes.CDLL:
    """The shared library of `source`, built unless the cache holds it.

    Raises ToolMissing without Verilator or a C++ compiler, ToolFailed where one of them fails.
    """
    cache = cache or store.Store()
    folder = cache.remember_folder("simulator", _identity(source), lambda part: _build(source, part, cache))
    return ctypes.CDLL(str(folder / "unit.so"))


def _identity(source: Source) -> tuple:
    versions = (tools.verilator().version, tools.compiler().version)
    return (source, [_text(name) for name in (source.harness, *_HEADERS)], versions, _COMPILE, _VERILATE)


def _text(name: str) -> str:
    return resources.files("narrowmax.hardware").joinpath(name).read_text(encoding="utf-8")


def _build(source: Source, part: Path, cache: store.Store) -> None:
    work = part / "work"
    work.mkdir()
    _verilate(source, work)
    _compile(source, work, part / "unit.so", cache)
    for file in work.iterdir():
        file.unlink()
    work.rmdir()


def _verilate(source: Source, work: Path) -> None:
    for name, text in source.files.items():
        (work / name).write_text(text, encoding="utf-8")
    # bits of a word in a netlist may depend on other bits of the same word, which is no loop
    gates = ("-Wno-UNOPTFLAT",) if "netlist.v" in source.files else ()
    tools.verilator().run(*_VERILATE, *gates, "--top-module", source.top, "--Mdir", ".", *source.files, cwd=work)


def _compile(source: Source, work: Path, library: Path, cache: store.Store) -> None:
    made = sorted(file.name for file in work.glob("Vunit*.cpp"))
    for name, from_file in {"harness.cc": source.harness, **{header: header for header in _HEADERS}}.items():
        (work / name).write_text(_text(from_file), encoding="utf-8")
    (work / "all.cc").write_text("".join(f'#include "{name}"\n' for name in (*made, "harness.cc")))
    defines = [f"-D{name}={value}" for name, value in source.defines.items()]
    objects = sorted(_runtime(cache).glob("*.o"))
    tools.compiler().run(
        *_COMPILE, source.optimise, *defines, *_includes(), "-I.", "-shared", "all.cc", *objects,
        "-o", library.resolve(), "-lpthread", cwd=work,
    )  # fmt: skip


def _includes() -> list[str]:
    root = Path(tools.verilator().environment["VERILATOR_ROOT"]) / "include"
    return [f"-I{root}", f"-I{root / 'vltstd'}"]


def _runtime(cache: store.Store) -> Path:
    """The folder of Verilator's runtime, compiled."""
    identity = (tools.verilator().version, tools.compiler().version, _COMPILE, _text("runtime.h"))
    return cache.remember_folder("verilator-runtime", identity, _build_runtime)


def _build_runtime(part: Path) -> None:
    root = Path(tools.verilator().environment["VERILATOR_ROOT"]) / "include"
    (part / "runtime.h").write_text(_text("runtime.h"), encoding="utf-8")

    def build(name: str) -> None:
        output = Path(name).with_suffix(".o")
        tools.compiler().run(*_COMPILE, "-O2", "-I.", *_includes(), "-c", root / name, "-o", output, cwd=part)

    with ThreadPoolExecutor() as pool:
        list(pool.map(build, (*_RUNTIME, _DPI)))
