"""The hardware folder: what is in it, and that it runs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from narrowmax import __version__
from narrowmax.designs import design
from narrowmax.errors import DataError, DesignError, StoreError
from narrowmax.hardware import build, cost, folders, verify

DESIGN = "table_divide(input=Q4.1, exp=UQ0.5, output=UQ0.4)"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "rtl"
    return folder, build(design(DESIGN), folder, lanes=2, max_n=9, period_ns=8)


def test_the_record_says_what_was_built(built):
    folder, record = built
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(record["files"]) == files
    assert files >= {
        "README.md", "manifest.json", "rtl/softmax.v", "bench/softmax_tb.v", "bench/test_softmax.py", "softmax.core",
        "bench/stimulus.hex", "bench/golden.hex", "constraints/softmax.sdc", "constraints/softmax.xdc",
    }  # fmt: skip
    assert (record["lanes"], record["max_n"], record["period_ns"], record["folder"]) == (2, 9, 8, str(folder))
    assert record["initiation_interval"] == 5 and record["latency_cycles"] > 5


def test_the_manifest_says_from_what(built):
    folder, record = built
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["design"] == record["design"] and manifest["narrowmax"] == __version__
    assert manifest["schema"] == "narrowmax/hardware/1" and manifest["divider"] == "pipelined"
    assert design(manifest["design"]).text == manifest["design"]


def test_building_again_gives_the_same_files(built, tmp_path):
    folder, record = built
    build(DESIGN, tmp_path / "again", lanes=2, max_n=9, period_ns=8)
    for name in record["files"]:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_constraints_and_page_hold_the_numbers(built):
    folder, record = built
    assert "create_clock -name aclk -period 8 [get_ports aclk]" in (folder / "constraints/softmax.sdc").read_text()
    page = (folder / "README.md").read_text()
    for text in (
        record["design"],
        f"{record['latency_cycles']} cycles",
        "| `s_axis_tdata` | input | 16 |",
        "row_too_long",
        "a row of nothing; it comes out as a beat with `tkeep` all 0",
        "SystemVerilog (IEEE 1800-2012)",
    ):
        assert text in page


def test_the_folder_verifies_and_has_a_cost(built):
    folder, record = built
    found = verify(folder, elements=10_000, netlist=False)
    assert found["mismatches"] == 0 and found["design"] == record["design"]
    assert cost(str(folder)).area == cost(DESIGN, lanes=2, max_n=9, period_ns=8).area


def test_an_edited_folder_does_not_verify(built, tmp_path):
    folder = tmp_path / "edited"
    shutil.copytree(built[0], folder)
    top = folder / "rtl" / "softmax_pass0.v"
    top.write_text(top.read_text().replace(" > ", " < "))
    record = verify(folder, elements=5_000, netlist=False)
    assert record["mismatches"] > 0 and record["repeat"] == f"narrowmax verify {folder} --elements 5000 --seed 0"


def test_icarus_passes_and_sees_an_edit(built, tmp_path):
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    assert icarus(built[0], tmp_path).startswith("PASS: ")
    folder = tmp_path / "edited"
    shutil.copytree(built[0], folder)
    golden = (folder / "bench/golden.hex").read_text().splitlines()
    golden[20] = f"{int(golden[20], 16) ^ 1:x}"
    (folder / "bench/golden.hex").write_text("\n".join(golden))
    assert icarus(folder, tmp_path).startswith("FAIL: a wrong beat at output beat 20")


def icarus(folder: Path, work: Path) -> str:
    sources = sorted(map(str, [*folder.glob("rtl/*.v"), *folder.glob("bench/*.v")]))
    subprocess.run(["iverilog", "-g2012", "-o", str(work / "sim"), *sources], check=True)
    ran = subprocess.run(["vvp", str(work / "sim")], cwd=folder / "bench", capture_output=True, text=True)
    assert (ran.returncode == 0) == ran.stdout.startswith("PASS")
    return ran.stdout


def test_cocotb_passes(built, tmp_path):
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    program = (
        "import sys; from pathlib import Path; from cocotb_tools.runner import get_results, get_runner\n"
        "folder, work = map(Path, sys.argv[1:])\n"
        "runner = get_runner('icarus')\n"
        "sources = sorted(folder.glob('rtl/*.v'))\n"
        "runner.build(sources=sources, hdl_toplevel='softmax', build_args=['-g2012'], build_dir=work)\n"
        "results = runner.test(hdl_toplevel='softmax', test_module='test_softmax', build_dir=work,\n"
        "    test_dir=work, extra_env={'PYTHONPATH': str(folder / 'bench')})\n"
        "assert get_results(results) == (1, 0)\n"
    )
    command = [sys.executable, "-c", program, str(built[0]), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="holds other files, such as mine.txt, which are not overwritten"):
        build(DESIGN, tmp_path, max_n=4)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_of_ours_is_replaced_whole(tmp_path):
    folder = tmp_path / "rtl"
    build(DESIGN, folder, max_n=4)
    build(DESIGN, folder, max_n=5, lanes=2)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == set(folders.written_files(folder))
    assert json.loads((folder / "manifest.json").read_text())["max_n"] == 5


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON", '{"schema": "narrowmax/hardware/1", "files": 3}'])
def test_a_manifest_of_another_program_gives_no_leave(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match="holds other files, such as manifest.json, which are not overwritten"):
        build(DESIGN, tmp_path, max_n=4)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("manifest.json", text)]


def test_what_tools_left_in_a_folder_stays(tmp_path):
    """Verilator, Icarus, cocotb, Vivado, Yosys; and a user."""
    build(DESIGN, tmp_path, max_n=4)
    left = ("obj_dir/Vsoftmax.mk", "bench/dump.vcd", "bench/__pycache__/test_softmax.pyc", "sim_build/sim.vvp",
            "results.xml", "vivado.log", ".Xil/run/x", "synth.json", "thesis.tex")  # fmt: skip
    for name in left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    built = build(DESIGN, tmp_path, max_n=5)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {*left, *built["files"]} and all((tmp_path / name).read_text() == name for name in left)
    assert json.loads((tmp_path / "manifest.json").read_text())["max_n"] == 5


def test_nothing_is_left_where_building_fails(tmp_path, monkeypatch):
    with pytest.raises(DesignError):
        build(DESIGN, tmp_path / "rtl", lanes=9, max_n=4)
    with pytest.raises(DesignError):
        build("ideal()", tmp_path / "rtl")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folders.store, "dump", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(DESIGN, tmp_path / "rtl", max_n=4)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "sentence"), [
    (None, " has no manifest.json; give a folder that `narrowmax build` wrote"),
    ("{}", "manifest.json is not of the schema narrowmax/hardware/1; build the folder again"),
    ("[]", "manifest.json is not of the schema narrowmax/hardware/1; build the folder again"),
    ('{"schema": "narrowmax/hardware/1", "design": 3}', "manifest.json has no usable 'design'; build the folder again"),
])  # fmt: skip
def test_a_folder_that_is_none_of_ours_is_refused(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError) as raised:
        verify(tmp_path)
    assert str(raised.value).startswith(str(tmp_path)) and str(raised.value).endswith(sentence)


def test_a_manifest_leads_to_no_file_outside(built, tmp_path):
    folder = tmp_path / "rtl"
    shutil.copytree(built[0], folder)
    (tmp_path / "secret.v").write_text("module secret; endmodule")
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("../secret.v", "/etc/passwd"):
        (folder / "manifest.json").write_text(json.dumps({**manifest, "rtl": [name]}))
        with pytest.raises(
            DataError,
            match=f"^the manifest names '{name}', which leads outside {folder}; only files inside it are read$",
        ):
            cost(folder)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "rtl": ["rtl/gone.v"]}))
    with pytest.raises(DataError, match=r"gone.v is missing or larger than \d+ bytes; build the folder again$"):
        cost(folder)
