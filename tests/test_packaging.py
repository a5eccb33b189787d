"""What is imported is declared, what is declared is locked with hashes, and torch stays out of the lock."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import narrowmax

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK, KERAS = ((ROOT / "requirements" / name).read_text() for name in ("lock.txt", "keras.txt"))
DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}  # where a module is not named after what one installs


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


def declared(without: str = "") -> set[str]:
    """The names that pyproject declares, but for those of one extra."""
    extras = [names for extra, names in PROJECT["optional-dependencies"].items() if extra != without]
    return names_of(sum(extras, PROJECT["dependencies"]))


def undeclared(paths: list[Path], known: set[str]) -> list[str]:
    """Each import of something that is neither Python's own, nor ours, nor `known`."""
    own = {"narrowmax", "tests", "benchmarks", "docs", *(path.stem for path in paths), *sys.stdlib_module_names}
    found = {(path.name, top) for path in paths for top in _tops(path) if top not in own}
    return sorted(f"{name} imports {top}" for name, top in found if normal(DISTRIBUTIONS.get(top, top)) not in known)


def _tops(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return {
        name.split(".")[0]
        for name in plain | {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    }


def test_what_is_imported_is_declared():
    paths = [path for room in ("src", "tests", "docs", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    assert undeclared(paths, declared()) == []


def test_an_undeclared_import_is_seen(tmp_path):
    (tmp_path / "a.py").write_text("import os, numpy.linalg\n\n\ndef f():\n    from unheard_of.part import it\n")
    assert undeclared([tmp_path / "a.py"], {"numpy"}) == ["a.py imports unheard_of"]


def locked(lock: str = LOCK) -> dict[str, str]:
    """The text of each requirement in a lock, by name, its hashes included."""
    entries = re.split(r"\n(?=\S)", lock.strip())
    return {normal(re.match(r"[\w.-]+", entry)[0]): entry for entry in entries}


def test_what_is_declared_is_locked():
    known = {*locked(), *locked(KERAS)}
    assert declared(without="peers") - {"narrowmax", "torch"} <= known  # neither make nor CI installs those
    assert "setuptools" in locked()  # the build back end


@pytest.mark.parametrize("lock", [LOCK, KERAS], ids=["lock", "keras"])
def test_lock_has_hashes_and_nothing_of_cuda(lock):
    entries = locked(lock)
    assert [name for name, entry in entries.items() if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert [name for name in entries if name == "torch" or name.startswith(("nvidia", "triton", "cuda"))] == []
    assert "://" not in lock


def test_torch_is_pinned_apart_and_its_dependencies_are_locked():
    assert re.search(r"^torch==\d+\.\d+\.\d+$", (ROOT / "requirements" / "torch.txt").read_text(), re.MULTILINE)
    assert {"filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions"} <= set(locked())


def test_version_has_one_source():
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", narrowmax.__version__)
    assert f"## {narrowmax.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
