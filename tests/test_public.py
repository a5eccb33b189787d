"""The public names, and how little `import narrowmax` takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

import narrowmax

NAMES = {
    "Design",
    "NarrowmaxError",
    "Precision",
    "Task",
    "TrainingLoop",
    "__version__",
    "build",
    "cost",
    "design",
    "doctor",
    "format",
    "measure",
    "narrow",
    "precision",
    "replace",
    "sweep",
    "train",
    "verify",
}
LIGHT = {"narrowmax", "numpy"}  # what an import of narrowmax may bring in from outside the standard library
PROGRAM = """
import sys, time
before = set(sys.modules)
started = time.perf_counter()
import {module}
seconds = time.perf_counter() - started
rooms = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(seconds, *sorted(rooms - set(sys.stdlib_module_names)))
"""


def imported(module: str) -> tuple[float, set[str]]:
    """The seconds that an import takes in a fresh Python, and the packages it brings in; the best of three."""
    runs = []
    for _ in range(3):
        text = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True, check=True
        ).stdout.split()
        runs.append((float(text[0]), {name for name in text[1:] if not name.startswith("_")}))
    return min(runs, key=lambda run: run[0])


def test_public_names_are_these():
    assert set(narrowmax.__all__) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_public_name_is_there_and_listed(name):
    assert getattr(narrowmax, name) is not None
    assert name in dir(narrowmax)


def test_unknown_name_is_refused_in_a_sentence():
    with pytest.raises(AttributeError, match=r"^narrowmax has no public name 'softmax'; it has Design, Narrow"):
        _ = narrowmax.softmax


def test_import_is_quick_and_light():
    seconds, packages = imported("narrowmax")
    assert seconds < 0.3
    assert packages <= LIGHT


def test_a_heavy_import_would_be_seen():
    _, packages = imported("scipy.stats")
    assert "scipy" in packages
    assert not packages <= LIGHT


@pytest.mark.parametrize("room", ["formats", "exact", "store", "tools", "datapath", "reference", "rows", "metrics"])
def test_lower_rooms_take_numpy_alone(room):
    _, packages = imported(f"narrowmax.{room}")
    assert packages <= LIGHT
