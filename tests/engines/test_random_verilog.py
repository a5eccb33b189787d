"""Random legal graphs: what the Verilog of each gives in simulation, beside the array engine.

The array engine is compared with the definition on the same graphs in `test_every_engine`.
"""

import pytest
from tests.engines.graphs import Limits, random_example

from narrowmax.engines import verilog
from narrowmax.hardware import Subject, verify
from narrowmax.hardware.linting import lint

# orders that any number of lanes can honour; the others are tried in test_verilog on lanes that can
LIMITS = Limits(orders=("exact", "serial"), chunks=(None, 1, 2, 4))
DIVIDERS = ("pipelined", "sequential")
PERIODS = (10.0, 3.0, 1.5)


def agrees(seed: int) -> None:
    example = random_example(seed, LIMITS)
    datapath = example.datapath()
    fitting = [k for k in (1, 2, 3, 4, datapath.max_n) if k <= datapath.max_n and (datapath.chunk or k) % k == 0]
    unit = verilog.emit(datapath, fitting[seed % len(fitting)], PERIODS[seed % 3], DIVIDERS[seed % 2])
    assert lint(unit.files, unit.top) == [], example
    assert verify(Subject(unit, datapath, 10.0), elements=3000, netlist=False)["findings"] == [], example


@pytest.mark.parametrize("seed", range(8))
def test_random_graphs(seed):
    agrees(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8, 200))
def test_many_random_graphs(seed):
    agrees(seed)
