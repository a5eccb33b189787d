"""The plain bench of a hardware folder, under Verilator; `test_folders` runs it under Icarus, and the cocotb bench."""

import subprocess
from pathlib import Path

import pytest

from narrowmax import tools
from narrowmax.hardware import build

DESIGN = "table_divide(input=Q4.1, exp=UQ0.5, output=UQ0.4)"
RUNTIME = ("verilated", "verilated_threads", "verilated_timing", "verilated_random")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "rtl"
    build(DESIGN, folder, max_n=5, period_ns=0.7)
    return folder


@pytest.fixture(scope="module")
def simulator(folder, tmp_path_factory):
    """What `verilator --binary` makes of the bench, as the page says: here without make, which may be missing."""
    work = tmp_path_factory.mktemp("verilated")
    files = sorted([*folder.glob("rtl/*.v"), *folder.glob("bench/*.v")])
    verilator = tools.verilator()
    verilator.run("--cc", "--exe", "--main", "--timing", "--top-module", "softmax_tb", "--Mdir", ".", *files, cwd=work)
    include = Path(verilator.environment["VERILATOR_ROOT"]) / "include"
    (work / "all.cc").write_text("".join(f'#include "{file.name}"\n' for file in sorted(work.glob("V*.cpp"))))
    tools.compiler().run(
        "-std=c++20", "-w", "-O0", "-I.", f"-I{include}", f"-I{include / 'vltstd'}", "all.cc",
        *(include / f"{name}.cpp" for name in RUNTIME), "-o", "sim", "-lpthread", cwd=work,
    )  # fmt: skip
    return work / "sim"


def test_verilator_passes_and_sees_an_edit(folder, simulator, tmp_path):
    for name in ("stimulus.hex", "golden.hex"):
        (tmp_path / name).write_text((folder / "bench" / name).read_text())
    ran = subprocess.run([simulator], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stdout.startswith("PASS: ")
    golden = (tmp_path / "golden.hex").read_text().splitlines()
    golden[20] = f"{int(golden[20], 16) ^ 1:x}"
    (tmp_path / "golden.hex").write_text("\n".join(golden))
    ran = subprocess.run([simulator], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode != 0 and "FAIL: a wrong beat at output beat 20" in ran.stdout


def test_neither_the_bench_nor_the_unit_has_a_time_scale(folder):
    """Several simulators refuse a project in which some files have one and others none."""
    assert not [path for path in folder.rglob("*.v") if "`timescale" in path.read_text()]
