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
import sys
before = set(sys.modules)
import {module}
rooms = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(rooms - set(sys.stdlib_module_names)))
"""


def imported(module: str) -> set[str]:
    """The packages that an import brings in, in a fresh Python."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.split() if not name.startswith("_")}


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
    assert imported("narrowmax") <= LIGHT


def test_a_heavy_import_would_be_seen():
    packages = imported("scipy.stats")
    assert "scipy" in packages
    assert not packages <= LIGHT


@pytest.mark.parametrize("room", ["formats", "exact", "store", "tools", "datapath", "reference", "rows", "metrics"])
def test_lower_rooms_take_numpy_alone(room):
    assert imported(f"narrowmax.{room}") <= LIGHT
