"""Where wires can be watched: every name that a probe has stands in the Verilog."""

import re

from tests.engines.graphs import random_example

from narrowmax.datapath import Datapath, Rate, draw, fold, largest
from narrowmax.engines import verilog
from narrowmax.errors import DesignError
from narrowmax.formats import parse
from narrowmax.hardware import Subject, verify


def test_every_probe_of_random_drawings_can_be_read():
    probes = 0
    for seed in range(150):
        for lanes in (1, 2, 3):
            for period_ns in (10.0, 1.0):
                probes += len(readable(random_example(seed).datapath(), lanes, period_ns))
    assert probes > 5000


def readable(datapath: Datapath, lanes: int, period_ns: float) -> tuple:
    """The probes, all of which stand in the text; none where the lanes do not fit the drawing."""
    try:
        unit = verilog.emit(datapath, lanes, period_ns)
    except DesignError:
        return ()
    for probe in unit.probes:
        for path in (probe.signal, *probe.valid):
            instance, name = path.split(".")
            assert re.search(rf"\b{name}\b", unit.files[f"{unit.top}_{instance}.v"]), probe
    return unit.probes


def folded(row):
    """A fold over chunks, each alone in its row, after a division: nothing reads the chunk's end in its last cycle."""
    ratio = row.x.maximum(0).divide(row.x.maximum(1), 1)
    by_chunk = fold(lambda a, b: ((a + b) >> 1).named("mean"), ratio, order="serial", to=Rate.CHUNK)
    return fold(lambda a, b: a + b, by_chunk, order="tree", to=Rate.ROW).low_bits(4)


def test_a_wire_whose_moment_nothing_reads_is_not_watched():
    datapath = draw(folded, parse("Q7.0"), parse("UQ4.0"), 13, chunk=16)
    assert readable(datapath, 1, 10.0)
    assert verify(Subject(verilog.emit(datapath), datapath, 10.0), elements=500, netlist=False)["findings"] == []


def test_a_wire_that_can_be_watched_is():
    datapath = draw(lambda row: row.x - largest(row.x).named("top"), parse("Q3.0"), parse("Q4.0"), 4)
    assert {probe.wire for probe in verilog.emit(datapath, 2).probes} >= {"x", "top"}
