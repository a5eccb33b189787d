"""The walls of the house: who imports whom, how long a file is, who may name an architecture."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "narrowmax"

FLOORS = (
    {"errors"},
    {"formats", "exact", "tools", "store", "figures"},
    {"datapath", "reference", "rows", "metrics"},
    {"architectures", "engines"},
    {"designs"},
    {"hardware", "models"},
    {"search", "torch", "keras"},
    {"report"},
    {"study"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
ENTRANCES = {"__init__", "__main__"}  # of the package itself: they lead to every room
LONGEST_FILE = 400


def files(folder: Path = SOURCE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def room_of(path: Path, source: Path = SOURCE) -> str:
    first = path.relative_to(source).parts[0]
    return first.removesuffix(".py")


def imported_modules(tree: ast.AST, package: str) -> Iterator[str]:
    """Every module that a file in `package` imports, wherever in it, by statement or by `import_module("...")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and node.args and _name(node.func) in ("import_module", "__import__"):
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def rooms_imported(path: Path, source: Path = SOURCE) -> set[str]:
    package = ".".join(["narrowmax", *path.relative_to(source).parts[:-1]])
    modules = [module.split(".") for module in imported_modules(ast.parse(path.read_text()), package)]
    return {module[1] for module in modules if module[0] == "narrowmax" and len(module) > 1}


def broken_walls(path: Path, source: Path = SOURCE) -> list[str]:
    """Each import of `path` that leads to a room of its own floor or a higher one, as a sentence."""
    room = room_of(path, source)
    if room in ENTRANCES:
        return []
    wrong = sorted(
        other
        for other in rooms_imported(path, source) - {room, "__version__"}
        if FLOOR.get(other, len(FLOORS)) >= FLOOR[room]
    )
    return [f"{path.relative_to(source)} is on floor {FLOOR[room]} and imports {other}" for other in wrong]


def test_every_room_has_a_floor():
    assert {room_of(path) for path in files()} <= set(FLOOR) | ENTRANCES


def test_imports_lead_only_to_lower_floors():
    assert [sentence for path in files() for sentence in broken_walls(path)] == []


@pytest.mark.parametrize(
    ("place", "text", "sentence"),
    [
        ("rows.py", "import narrowmax.search", "rows.py is on floor 2 and imports search"),
        ("rows.py", "def f():\n    from narrowmax import metrics", "rows.py is on floor 2 and imports metrics"),
        ("models/a.py", "from ..hardware import Cost", "models/a.py is on floor 5 and imports hardware"),
        ("models/a.py", "from .. import cli", "models/a.py is on floor 5 and imports cli"),
        (
            "tools.py",
            "import importlib as i\ni.import_module('narrowmax.cli')",
            "tools.py is on floor 1 and imports cli",
        ),
        ("store/a.py", "from narrowmax import measure", "store/a.py is on floor 1 and imports measure"),
    ],
)
def test_a_broken_wall_is_seen(tmp_path, place, text, sentence):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert broken_walls(path, tmp_path) == [sentence]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("models/a.py", "from narrowmax.models import b\nfrom . import c\nfrom .d import e\nimport numpy"),
        ("models/a.py", "from narrowmax.designs import Design\nfrom narrowmax import rows, __version__"),
        ("cli.py", "from narrowmax import study, report, search"),
    ],
)
def test_a_lawful_import_is_let_through(tmp_path, place, text):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert broken_walls(path, tmp_path) == []


def too_long(paths: list[Path]) -> list[str]:
    lengths = {path.name: len(path.read_text().splitlines()) for path in paths}
    return [f"{name} has {length} lines" for name, length in lengths.items() if length > LONGEST_FILE]


def test_no_file_is_too_long():
    tests = Path(__file__).parent
    assert too_long(files() + files(tests)) == []


def test_a_file_too_long_is_seen(tmp_path):
    (tmp_path / "long.py").write_text("\n" * 401)
    (tmp_path / "short.py").write_text("\n" * 400)
    assert too_long(files(tmp_path)) == ["long.py has 401 lines"]


def function_lengths(paths: list[Path]) -> list[int]:
    """The lines of every function's body without its docstring, in order of size."""
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    bodies = [node.body for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return sorted(_lines(body) for body in bodies)


def _lines(body: list[ast.stmt]) -> int:
    first = body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = body[1:] if documented else body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_small():
    lengths = function_lengths(files())
    assert lengths[len(lengths) // 2] <= 6
    assert lengths[len(lengths) * 95 // 100] < 40


def test_lengths_of_functions_are_counted(tmp_path):
    text = 'def f():\n    """Says what,\n    and why."""\n    if 1:\n        return 2\n\ndef g():\n    """Nothing."""\n'
    (tmp_path / "a.py").write_text(text)
    assert function_lengths([tmp_path / "a.py"]) == [0, 2]


def architecture_names(folder: Path = SOURCE / "architectures") -> set[str]:
    """The names of the architectures: the files of their room that define one under their own name."""
    return {
        path.stem
        for path in files(folder)
        if any(
            (isinstance(node, ast.FunctionDef) and node.name == path.stem) or _assigns(node, path.stem)
            for node in ast.parse(path.read_text()).body
        )
    }


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, "id", None) == name for target in node.targets)


def architectures_named(path: Path, names: set[str]) -> list[str]:
    words = set(re.findall(r"\w+", path.read_text()))
    return [f"{path.name} names {name}" for name in sorted(names & words)]


def test_engines_and_hardware_name_no_architecture():
    names = architecture_names()
    assert {"table_divide", "table_reciprocal", "softermax"} <= names
    paths = [path for room in ("engines", "hardware") for path in files(SOURCE / room)]
    assert [sentence for path in paths for sentence in architectures_named(path, names)] == []


def test_an_architecture_named_is_seen(tmp_path):
    path = tmp_path / "verilog.py"
    path.write_text("if design.architecture == 'softermax':\n    pass")
    assert architectures_named(path, {"softermax", "table_divide"}) == ["verilog.py names softermax"]
