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
LOCKS = {
    name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in ("lock", "keras", "oldest", "oldest-keras")
}
LOCK, KERAS = LOCKS["lock"], LOCKS["keras"]
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


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_lock_has_hashes_and_nothing_of_cuda(lock):
    entries = locked(lock)
    assert [name for name, entry in entries.items() if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert [name for name in entries if name == "torch" or name.startswith(("nvidia", "triton", "cuda"))] == []
    assert "://" not in lock


def lowest() -> dict[str, tuple[int, ...]]:
    """What pyproject states of the packages that narrowmax runs with: name -> lowest version."""
    extras = PROJECT["optional-dependencies"]
    stated = sum((names for extra, names in extras.items() if extra not in TOOLS), PROJECT["dependencies"])
    found = (re.match(r"(?P<name>[\w.-]+)(?P<extra>\[\w+\])?(>=(?P<version>[\d.]+))?", one) for one in stated)
    return {normal(one["name"]): version(one["version"]) for one in found if one["name"] != "narrowmax"}


TOOLS = ("hardware", "peers", "test")


def version(text: str) -> tuple[int, ...]:
    """1.20 and 1.20.0 are the same."""
    return tuple(int(part) for part in f"{text}.0.0".split(".")[:3])


def pinned(*locks: str) -> dict[str, tuple[int, ...]]:
    """Versions by name; the lowest where newer Pythons need a newer one, and of locks the first that has it."""
    found = [re.findall(r"^([\w.-]+)==([\d.]+)", LOCKS[lock], re.MULTILINE) for lock in locks]
    each = [{name: min(version(text) for other, text in one if other == name) for name, _ in one} for one in found]
    return {name: value for one in reversed(each) for name, value in one.items()}


def test_the_lowest_versions_that_are_stated_are_those_that_are_tested():
    torch = re.search(r"^torch==([\d.]+)$", (ROOT / "requirements" / "torch.txt").read_text(), re.MULTILINE)
    tested = {**pinned("oldest", "oldest-keras"), "torch": (*version(torch[1])[:2], 0)}
    assert {name: tested[name] for name in lowest()} == lowest()
    assert {"numpy", "transformers", "keras", "tensorflow", "jax", "onnx", "torch"} <= set(lowest())
    of_keras = pinned("oldest-keras")
    assert {name: of_keras[name] for name in ("keras", "h5py", "numpy")} == {
        name: lowest()[name] for name in ("keras", "h5py", "numpy")
    }


def test_torch_is_pinned_apart_and_its_dependencies_are_locked():
    assert re.search(r"^torch==\d+\.\d+\.\d+$", (ROOT / "requirements" / "torch.txt").read_text(), re.MULTILINE)
    assert {"filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions"} <= set(locked())


def test_version_has_one_source():
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", narrowmax.__version__)
    assert f"## {narrowmax.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
