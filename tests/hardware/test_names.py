"""The name of a unit: several designs in one project, and what Verilog cannot have."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from narrowmax.designs import design
from narrowmax.errors import DesignError
from narrowmax.hardware import build, cost, verify
from narrowmax.hardware.linting import lint
from narrowmax.hardware.subjects import subject

DESIGNS = {"softmax": "argmax(input=Q4.1)", "attention": "table_divide(input=Q4.1, exp=UQ0.5, output=UQ0.4)"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    work = tmp_path_factory.mktemp("project")
    for name, text in DESIGNS.items():
        assert build(text, work / name, max_n=9, name=name)["top"] == name
    return work


def sources(folders) -> dict[str, str]:
    """The Verilog of both folders, and a top that has a unit of each."""
    files = {path.name: path.read_text() for path in sorted(folders.glob("*/rtl/*.v"))}
    clocks = ", ".join(f".{port}(clocks)" for port in ("aclk", "aresetn", "s_axis_tvalid"))
    units = "\n".join(f"  {name} {name}_unit ({clocks});" for name in DESIGNS)
    return {**files, "both.v": f"module both (input logic clocks);\n{units}\nendmodule\n"}


def test_two_folders_have_no_module_and_no_file_in_common(folders):
    modules = [m for path in folders.glob("*/rtl/*.v") for m in re.findall(r"^module (\w+)", path.read_text(), re.M)]
    assert len(modules) == len({m.lower() for m in modules}) > len(DESIGNS)
    files = [[p.relative_to(folders / n).as_posix() for p in (folders / n).rglob("*")] for n in DESIGNS]
    shared = {"rtl", "bench", "constraints", "README.md", "manifest.json", "bench/stimulus.hex", "bench/golden.hex"}
    assert set(files[0]).intersection(files[1]) == shared
    for name in DESIGNS:
        core = (folders / name / f"{name}.core").read_text()
        assert f"name: narrowmax:softmax:{name}:0\n" in core and f"toplevel: {name}_tb\n" in core


def test_two_folders_are_built_into_one_design_by_verilator(folders):
    warnings = [line for line in lint(sources(folders), "both") if "PINMISSING" not in line]
    assert warnings == []


def test_two_folders_are_built_into_one_design_by_icarus(folders, tmp_path):
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    for name, text in sources(folders).items():
        (tmp_path / name).write_text(text)
    command = ["iverilog", "-g2012", "-s", "both", "-o", tmp_path / "sim", *sorted(tmp_path.glob("*.v"))]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_it_is_said_which_names_go_into_one_project(folders):
    """Not one that begins another: the module of a block may be called as the other's top is."""
    modules = [set(subject(DESIGNS["attention"], max_n=9, name=name).unit.files) for name in ("att", "att_exp")]
    assert modules[0] & modules[1] == {"att_exp.v"}
    rule = "no name may be the beginning of another, as `att` of `att_exp`."
    index = Path(__file__).parents[2] / "docs" / "index.md"
    for page in (index, folders / "attention" / "README.md"):
        assert rule in " ".join(page.read_text().split())


def test_a_folder_keeps_its_name_where_it_is_read(folders):
    made = subject(folders / "attention")
    assert (made.unit.top, made.edited) == ("attention", False)
    assert verify(folders / "attention", elements=2_000, netlist=False)["findings"] == []
    assert cost(folders / "attention").area == cost(design(DESIGNS["attention"]), max_n=9).area
    assert "# attention\n" in (folders / "attention" / "README.md").read_text()


@pytest.mark.parametrize("name", [
    "", "1st", "a-b", "a b", "größe", "softmax.v", "../up", "module", "bool", "TOP", "narrowmax_probed", "x" * 65,
    "a\n", 3,
])  # fmt: skip
def test_a_name_that_no_module_can_have_is_refused(name, tmp_path):
    with pytest.raises(DesignError, match=r"^the name is .*; give a letter or _ and then letters, digits and _, at "):
        build(DESIGNS["softmax"], tmp_path / "rtl", max_n=4, name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["aclk", "s_axis_tdata", "row_too_long", "in_beat_word", "pass0"])
def test_a_name_that_a_signal_of_the_unit_has_is_refused(name):
    with pytest.raises(DesignError, match=f"^the name is '{name}', which a port or a signal of the unit has; give an"):
        subject(DESIGNS["softmax"], max_n=4, name=name)


@pytest.mark.parametrize("name", ["unit", "x", "X", "_", "fifo", "rows", "Softmax", "a" * 64])
def test_other_names_can_be_had(name):
    made = subject(DESIGNS["attention"], max_n=4, name=name)
    assert lint(made.unit.files, name) == []
    assert all(file.startswith(name) for file in made.unit.files)
