"""Building simulators, and keeping them."""

import shutil

import pytest
from tests.hardware.units import negate_unit

from narrowmax import tools
from narrowmax.errors import ToolFailed, ToolMissing
from narrowmax.hardware import verilated
from narrowmax.hardware.cosimulation import Simulation
from narrowmax.store import Store


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def built(monkeypatch):
    """What was built, a line each; the runtime, which takes long, is one that was built for other tests."""
    lines, build, objects = [], verilated._build, list(verilated._runtime(Store()).glob("*.o"))

    def runtime(part):
        lines.append("runtime")
        for path in objects:
            shutil.copy(path, part)

    monkeypatch.setattr(verilated, "_build", lambda *rest: (lines.append("simulator"), build(*rest)))
    monkeypatch.setattr(verilated, "_build_runtime", runtime)
    return lines


def test_a_simulator_is_built_once_for_its_content(cache, built):
    for max_n in (10, 10, 9, 10, 9):
        Simulation(negate_unit(max_n=max_n), cache=cache)
    assert built == ["simulator", "runtime", "simulator"]


def test_the_harness_is_part_of_the_content(cache, built, monkeypatch):
    text = verilated._text
    monkeypatch.setattr(verilated, "_text", lambda name: text(name) + ("\n" if name == "harness.cc" else ""))
    Simulation(negate_unit(), cache=cache)
    assert built == ["simulator"]


def test_nothing_but_the_library_is_kept(cache):
    Simulation(negate_unit(), cache=cache)
    kept = {path.name for path in (cache.folder / "simulator").rglob("*") if path.is_file()}
    assert kept == {"contents.json", "unit.so"}


def test_an_error_in_the_verilog_is_one_sentence(tmp_path):
    unit = negate_unit(replace=[("assign accept =", "assign accept = =")])
    with pytest.raises(
        ToolFailed, match=r"^Verilator failed with exit status 1, saying: %Error: negate.v:45:19: syntax error"
    ):
        Simulation(unit, cache=Store(tmp_path))
    assert not list(tmp_path.glob("simulator/*/unit.so"))


@pytest.mark.parametrize(("finder", "name"), [("verilator", "Verilator"), ("compiler", "C++ compiler")])
def test_a_missing_tool_is_said_so(tmp_path, monkeypatch, finder, name):
    def missing():
        raise ToolMissing(f"{name} was not found; install it")

    monkeypatch.setattr(tools, finder, missing)
    with pytest.raises(ToolMissing, match=rf"^{name.replace('+', '.')} was not found; install it$"):
        Simulation(negate_unit(), cache=Store(tmp_path))
