"""Orders of folds in Verilog: which lanes can keep which, and that none is built in another's place."""

import pytest

from narrowmax.datapath import Rate, draw, fit, fold, total
from narrowmax.engines import verilog
from narrowmax.errors import DesignError
from narrowmax.formats import parse
from narrowmax.hardware import Subject, verify

SMALL = {"elements": 5_000, "netlist": False}


def halved_sum(a, b):
    """Neither associative nor commutative."""
    return (a + b + b) >> 1


def ordered(order, max_n=8, chunk=None, to=Rate.ROW, body=halved_sum):
    def function(row):
        result = fold(body, row.x, order=order, to=to)
        return fit((total(result) if to is Rate.CHUNK else result) + row.x, -2048, 2047, "saturate")

    return draw(function, parse("Q4.0"), parse("Q12.0"), max_n, chunk=chunk)


def over_chunks(order, max_n):
    """An order over the values of chunks of 2."""

    def function(row):
        return fit(fold(halved_sum, total(row.x, to=Rate.CHUNK), order=order) + row.x, -2048, 2047, "saturate")

    return draw(function, parse("Q4.0"), parse("Q12.0"), max_n, chunk=2)


def agrees(datapath, lanes):
    assert verify(Subject(verilog.emit(datapath, lanes), datapath, 10.0), **SMALL)["findings"] == []


@pytest.mark.parametrize(
    "datapath, lanes, able",
    [
        (ordered("tree"), 1, "1 lane cannot keep the order tree of the fold w1; 8 lanes can"),
        (ordered("tree"), 4, "4 lanes cannot keep the order tree of the fold w1; 8 lanes can"),
        (ordered("tree", 100), 1, "1 lane cannot keep the order tree of the fold w1; no number of lanes can"),
        (ordered("tree", 11, 4, Rate.CHUNK), 2, "2 lanes cannot keep the order tree of the fold w1; 4 lanes can"),
        (ordered("interleaved(3)"), 1, "1 lane cannot keep the order interleaved(3) of the fold w1; 3 or 8 lanes can"),
        (ordered("interleaved(3)", 100), 2, "2 lanes cannot keep the order interleaved(3) of the fold w1; 3 lanes can"),
        (over_chunks("tree", 8), 2, "2 lanes cannot keep the order tree of the fold w2; no number of lanes can"),
        (over_chunks("interleaved(2)", 8), 1,
         "1 lane cannot keep the order interleaved(2) of the fold w2; no number of lanes can"),
    ],
)  # fmt: skip
def test_lanes_that_cannot_keep_an_order_are_refused(datapath, lanes, able):
    with pytest.raises(DesignError) as refused:
        verilog.emit(datapath, lanes)
    assert str(refused.value) == able


@pytest.mark.parametrize(
    "datapath, lanes",
    [
        (ordered("tree", body=lambda a, b: a.maximum(b)), 3),  # the same in any order
        (ordered("interleaved(3)", body=lambda a, b: a + b), 2),
        (ordered("interleaved(1)"), 3),  # serial
        (ordered("interleaved(9)"), 2),
        (over_chunks("tree", 4), 1),  # two chunks: a pair
    ],
    ids=["tree of maxima", "interleaved sum", "one way", "ways of one", "a tree of two"],
)
def test_an_order_that_comes_to_a_freer_one_is_built(datapath, lanes):
    agrees(datapath, lanes)


@pytest.mark.long
@pytest.mark.parametrize("max_n", [3, 4, 5, 14])
def test_ways_as_many_as_lanes(max_n):
    agrees(ordered("interleaved(3)", max_n), 3)
