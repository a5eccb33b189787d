"""The extensions: in CI they are there, and nowhere does their absence break an installation."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.conftest import is_expected

from narrowmax.engines import compiled
from narrowmax.errors import ToolMissing

ROOT = Path(__file__).resolve().parent.parent.parent.parent
EXTENSION = "narrowmax.engines.compiled._native"
SETUP = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")  # its names; it builds only as a program
NAMES = {EXTENSION: "the compiled engine", "narrowmax.rows._native": "the compiled counting of rows"}


def test_every_extension_is_known_here():
    assert list(SETUP["NATIVE"]) == list(NAMES)


@pytest.mark.parametrize("extension", NAMES)
def test_extension_is_built(extension):
    """Fails where CI is set; elsewhere narrowmax may be without it, and the tests that need it are skipped."""
    if importlib.util.find_spec(extension) is None and not os.environ.get("CI"):
        pytest.skip(f"{NAMES[extension]} is not built")
    importlib.import_module(extension)


def test_loops_are_those_that_the_processor_runs():
    """Judged by Linux's own account of the processor; elsewhere the plain loops must be there."""
    native = pytest.importorskip(EXTENSION, reason="the compiled engine is not built")
    flags = processor_flags()
    avx2 = {"avx2", "fma", "bmi1", "bmi2", "abm", "popcnt"} <= flags
    avx512 = avx2 and {f"avx512{part}" for part in ("f", "bw", "dq", "vl", "cd", "vbmi")} <= flags
    if flags:
        assert native.isas() == ("base", *["avx2"] * avx2, *["avx512"] * avx512)
    assert native.isas()[0] == "base" and native.isa() in native.isas()


def test_loops_are_chosen_by_the_environment(monkeypatch):
    native = pytest.importorskip(EXTENSION, reason="the compiled engine is not built")
    before = native.isa()
    try:
        monkeypatch.setenv("NARROWMAX_ISA", "base")
        assert compiled.available.__wrapped__() and native.isa() == "base"
        monkeypatch.setenv("NARROWMAX_ISA", "sse")
        with pytest.raises(ToolMissing) as caught:
            compiled.available.__wrapped__()
    finally:
        native.use(before)
    assert str(caught.value) == (
        f"NARROWMAX_ISA names 'sse', and the loops that run here are {', '.join(native.isas())}; "
        "set it to one of these, or unset it"
    )


def processor_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split())


@pytest.mark.parametrize("name", NAMES.values())
def test_absence_excuses_a_skip_only_outside_ci(monkeypatch, name):
    reason = f"{name} is not built"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    assert is_expected(reason)
    monkeypatch.setenv("CI", "true")
    assert not is_expected(reason)
    monkeypatch.delenv("CI")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert not is_expected(reason)


@pytest.mark.parametrize("extension", NAMES)
def test_extension_is_not_older_than_its_sources(extension):
    """One that is would run other code than the one beside it; `make native` builds it anew."""
    built = importlib.util.find_spec(extension)
    if built is None:
        pytest.skip(f"{NAMES[extension]} is not built")
    sources = Path(built.origin).parent / "native"
    newest = max(path.stat().st_mtime for path in sources.glob("*.[ch]"))
    assert Path(built.origin).stat().st_mtime >= newest


def build(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Build the extensions as an installation does, with their results in `folder`."""
    command = [sys.executable, "setup.py", "build_ext", "--build-temp", folder, "--build-lib", folder]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 1\n"], ids=["no compiler", "one that fails"])
def test_installing_goes_on_without_a_compiler_that_works(tmp_path, script):
    command = tmp_path / "cc"
    if script:
        command.write_text(script)
        command.chmod(0o755)
    done = build(tmp_path / "made", CC=str(command))
    assert done.returncode == 0
    for extension in NAMES:
        assert f'building extension "{extension}" failed' in done.stderr
    assert not list((tmp_path / "made").rglob("_native*"))


def compiler_found(monkeypatch, path: str, **environment: str) -> str | None:
    monkeypatch.delenv("CC", raising=False)
    for name, value in {"PATH": path, **environment}.items():
        monkeypatch.setenv(name, value)
    return SETUP["compiler"]()


def test_compiler_is_the_one_named_then_a_usual_one_then_ziglang(tmp_path, monkeypatch):
    ziglang = [sys.executable, "-m", "ziglang", "cc"]
    monkeypatch.setitem(SETUP["compiler"].__globals__, "ziglang", lambda: shlex.join(ziglang))
    assert shlex.split(compiler_found(monkeypatch, str(tmp_path))) == ziglang
    (tmp_path / "clang").write_text("#!/bin/sh\n")
    (tmp_path / "clang").chmod(0o755)
    assert Path(shutil.which(shlex.split(compiler_found(monkeypatch, str(tmp_path)))[0])).name == "clang"
    assert compiler_found(monkeypatch, str(tmp_path), CC="mine -pipe") == "mine -pipe"


@pytest.mark.parametrize("command", ["python -m ziglang cc", "/opt/zig cc", "python-zig cc"])
def test_zig_is_kept_from_building_for_this_processor_alone(command):
    assert "-mcpu=baseline" in SETUP["flags"](command)
    assert "-mcpu=baseline" not in SETUP["flags"]("/home/zig/bin/gcc")


def test_flags_name_no_processor_and_leave_floating_point_as_it_is():
    command = SETUP["compiler"]()
    words = [*shlex.split(command), *SETUP["flags"](command), "-dM", "-E", "-x", "c", os.devnull]
    macros = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "__FAST_MATH__" not in macros and re.search(r"__FINITE_MATH_ONLY__ 0$", macros, re.MULTILINE)
    assert re.search(r"__OPTIMIZE__ 1$", macros, re.MULTILINE)
    if platform.machine() in ("x86_64", "AMD64"):
        assert "__SSE2__" in macros and "__SSE3__" not in macros and "__AVX__" not in macros


@pytest.mark.parametrize("name", NAMES)
def test_every_source_is_compiled_and_every_header_rebuilds(name):
    folder = ROOT / "src" / name.replace(".", "/").replace("_native", "native")
    extension = SETUP["extension"](name, None)
    assert {ROOT / source for source in extension.sources} == set(folder.glob("*.c")) != set()
    assert {ROOT / source for source in extension.depends} == {*folder.glob("*.h"), ROOT / "setup.py"}


def test_source_distribution_holds_what_the_build_needs(tmp_path):
    tree = tmp_path / "tree"
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        tree.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    shutil.copytree(ROOT / "src", tree / "src", ignore=ignore)
    done = subprocess.run([sys.executable, "setup.py", "-q", "sdist"], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (archive,) = (tree / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    sources = {path.as_posix() for folder in SETUP["NATIVE"].values() for path in folder.glob("*.[ch]")}
    assert held >= {"setup.py", "pyproject.toml", *sources}
