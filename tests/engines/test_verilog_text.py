"""The text that a hardware engineer receives: every front end takes it in silence, and its lines can be read."""

import shutil
import subprocess

import pytest

from narrowmax.datapath import draw, fit, largest, total
from narrowmax.engines import schedule, verilog
from narrowmax.engines.verilog.text import WIDEST, instance, module
from narrowmax.formats import parse
from narrowmax.hardware import Subject, subjects, verify
from narrowmax.hardware.linting import lint

UNITS = [
    ("softermax(chunk=4)", {"lanes": 2, "max_n": 39, "divider": "sequential", "period_ns": 2.0}),
    ("table_divide()", {"lanes": 64, "max_n": 64, "period_ns": 0.5}),
    ("table_reciprocal()", {"lanes": 3, "max_n": 16}),
    ("argmax()", {"lanes": 1, "max_n": 1}),
]


@pytest.fixture(params=UNITS, ids=lambda u: u[0])
def folder(request, tmp_path):
    text, how = request.param
    for name, source in subjects.subject(text, **how).unit.files.items():
        (tmp_path / name).write_text(source)
    return tmp_path


def test_icarus_takes_it_in_silence(folder):
    if not shutil.which("iverilog"):
        pytest.skip("iverilog is not installed")
    command = ["iverilog", "-g2012", "-Wall", "-s", "softmax", "-o", folder / "sim", *sorted(folder.glob("*.v"))]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_yosys_takes_it_in_silence(folder):
    yosys = pytest.importorskip("pyosys.libyosys")
    design, said = yosys.Design(), folder / "said"
    for command in [*(f"read_verilog -sv {f}" for f in sorted(folder.glob("*.v"))),
                    "hierarchy -check -top softmax", "proc", "check -assert"]:  # fmt: skip
        yosys.run_pass(f"tee -q -o {said} {command}", design)
        assert "arning" not in said.read_text()


def test_lines_are_short(folder):
    long = [line for f in folder.glob("*.v") for line in f.read_text().splitlines() if len(line) > 1.4 * WIDEST]
    assert long == []


def test_a_long_instance_has_a_port_a_line():
    assert instance("fifo", "f", {"a": "b"}, {"W": 3}) == "fifo #(.W(3)) f (.a(b));"
    text = module("m", "Why.", ["input  logic a"], [instance("fifo", "f", {"p" * 60: "a", "q" * 60: "a"})])
    assert text.splitlines()[4:8] == ["  fifo f (", f"    .{'p' * 60}(a),", f"    .{'q' * 60}(a)", "  );"]


def test_a_long_expression_goes_over_several_lines():
    text = module("m", "Why.", ["output logic y"], ["assign y = {" + ", ".join(["a_name"] * 30) + "};"]).splitlines()[
        4:-1
    ]
    assert max(map(len, text)) <= WIDEST and text[0].startswith("  assign y = {a_name,")
    assert "".join(text).replace(" ", "") == "assigny={" + ",".join(["a_name"] * 30) + "};"


# -- what the buffers hold: the same bits whichever is thought cheaper ----------------------------
def three_passes(row):
    away = (row.x - largest(row.x)) * 3
    square = away * away - row.position
    return fit(square - total(square) * row.present + largest(square - away) + row.n, -2048, 2047, "saturate")


def priced(price, monkeypatch):
    """The unit, its datapath, and in how many places it multiplies, where a bit of buffer has that price."""
    monkeypatch.setattr(schedule, "_BUFFER_BIT", price)
    datapath = draw(three_passes, parse("Q4.0"), parse("Q12.0"), 7)
    unit = verilog.emit(datapath, 2)
    return unit, datapath, sum(text.count(" * ") for text in unit.files.values())


def test_dear_buffers_make_passes_compute_again(monkeypatch):
    assert priced(0.0, monkeypatch)[2] < priced(1e9, monkeypatch)[2]


def test_what_a_later_pass_computes_again_is_not_computed_for_nobody(monkeypatch):
    monkeypatch.setattr(schedule, "_BUFFER_BIT", 1e9)
    datapath = draw(lambda row: (row.x * row.x) * 3 - row.n, parse("Q4.0"), parse("Q12.0"), 7)
    first, second = schedule.plan(datapath, 2).passes
    assert [w.name for w in first.wires] == ["x", "n"]
    assert datapath.output in second.wires
    unit = verilog.emit(datapath, 2, period_ns=0.5)
    for probe in unit.probes:  # each can be watched: its flag exists in its cycle
        module, flag = probe.valid[0].split(".")
        assert f"logic {flag}" in unit.files[f"softmax_{module}.v"]


@pytest.mark.parametrize("price", [0.0, 1e9], ids=["stored", "computed again"])
def test_a_wire_may_be_stored_or_computed_again(price, monkeypatch):
    unit, datapath, _ = priced(price, monkeypatch)
    assert lint(unit.files, unit.top) == []
    assert verify(Subject(unit, datapath, 10.0), elements=5_000, netlist=False)["findings"] == []


def test_ways_without_number_are_not_walked_one_by_one():
    """Forty rotations, in each of which both wires meet both: 2**40 ways from the first to the last."""

    def turned(row):
        a, b = row.x - largest(row.x), row.x
        for _ in range(40):
            a, b = a - (b >> 3), b + (a >> 3)
        return (a - total(b)).low_bits(4)

    assert len(schedule.plan(draw(turned, parse("Q4.0"), parse("UQ4.0"), 4), 1).passes) == 3
