"""Every architecture in Verilog, on one lane and on all, and in Icarus; a million elements each in the long tests."""

import shutil
import subprocess

import pytest

from narrowmax.designs import catalogue, design
from narrowmax.engines import verilog
from narrowmax.errors import DesignError
from narrowmax.hardware import build, subjects, verify
from narrowmax.hardware.linting import lint

BUILT = sorted(name for name in catalogue() if design(f"{name}()").has_hardware)
MAX_N = 16  # of the softermax family a chunk, so that all lanes can be built
HEAVY = ("ethos_u", "ibert", "softex", "tflite_int8")  # wide products, whose synthesis takes minutes
LARGE = (*HEAVY, "float_softmax")  # on all lanes their model takes minutes to compile


@pytest.mark.parametrize(("name", "lanes"), [(n, k) for n in BUILT for k in (1, 4 if n in LARGE else MAX_N)])
def test_many_elements_agree(name, lanes):
    agrees(name, lanes, 100_000, netlist=lanes == 1 and name not in HEAVY)


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 4, MAX_N])
@pytest.mark.parametrize("name", BUILT)
def test_a_million_elements_agree(name, lanes):
    agrees(name, lanes, 1_000_000, netlist=lanes == 1)


def agrees(name: str, lanes: int, elements: int, netlist: bool) -> None:
    """The unit of the defaults gives what the drawing gives, in as many lanes as a chunk has room for."""
    lanes = min(lanes, design(f"{name}()").parameters.get("chunk", lanes))
    made = subjects.subject(f"{name}()", lanes=lanes, max_n=MAX_N)
    assert lint(made.unit.files, made.unit.top) == []
    record = verify(made, elements=elements, netlist=netlist)
    assert record["findings"] == []
    assert (record["mismatches"], record["elements"] >= elements) == (0, True)
    assert record["latency_cycles"] == made.unit.latency_cycles
    assert record["initiation_interval"] == made.unit.initiation_interval


@pytest.mark.parametrize("name", BUILT)
def test_short_rows_and_long_periods_are_written(name):
    """Sums and counts of a row of one element are constants, which a block may read from outside."""
    for max_n in range(1, 10):
        datapath = design(f"{name}()").datapath(max_n)
        for period_ns in (10.0, 100.0):
            assert verilog.emit(datapath, period_ns=period_ns).max_n == max_n


def test_a_unit_whose_block_reads_a_constant_from_outside_agrees():
    for name in ("table_reciprocal", "sole"):
        record = verify(subjects.subject(f"{name}()", max_n=1), elements=2000, netlist=False)
        assert record["findings"] == []


@pytest.mark.parametrize("divider", ["pipelined", "sequential"])
def test_longer_rows_than_lanes_and_chunks(divider):
    """Buffers of a length that is no power of two, rows that end inside a chunk, a sequential divider."""
    for text in ("table_divide(output=UQ0.8:half_even)", "softermax(chunk=4)"):
        made = subjects.subject(text, lanes=2, max_n=39, divider=divider)
        assert verify(made, elements=100_000, netlist=False)["findings"] == []


@pytest.mark.parametrize("name", BUILT)
def test_the_bench_of_the_folder_passes_in_icarus(name, tmp_path):
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    folder = tmp_path / "rtl"
    build(design(f"{name}()"), folder, lanes=4, max_n=MAX_N)
    sources = [*folder.glob("rtl/*.v"), *folder.glob("bench/*_tb.v")]
    bench = folder / "bench"
    subprocess.run(["iverilog", "-g2012", "-Wall", "-o", "sim", *sources], cwd=bench, check=True)
    ran = subprocess.run(["vvp", "sim"], cwd=bench, check=True, capture_output=True, text=True)
    assert "PASS" in ran.stdout


def test_ideal_is_refused():
    with pytest.raises(DesignError, match="has no hardware"):
        verify("ideal()")
