"""Sums are found in drawings, on as many wires as they are on, and what enters them."""

from __future__ import annotations

import pytest

from narrowmax.datapath import Linear, Scientific, SignMagnitude
from narrowmax.designs import design, sums
from narrowmax.designs.sums import Unclear


@pytest.mark.parametrize(
    ("text", "entering", "found", "scale"),
    [
        ("table_divide", ["e"], ["sum"], Linear),
        ("float_softmax", ["e"], ["sum"], SignMagnitude),
        ("softex", ["e"], ["sum"], SignMagnitude),
        ("softex(order=serial)", ["e"], ["sum"], SignMagnitude),
        ("pseudo_softmax(shift=1)", ["k"], ["m", "exponent"], Scientific),
    ],
)
def test_what_is_added_and_the_sum(text, entering, found, scale):
    datapath = design(text).datapath(32)
    added, sum = sums.entering(datapath), sums.sum_of(datapath)
    assert [datapath.names[w] for w in added.moving] == entering and isinstance(added.scale, scale)
    assert [datapath.names[w] for w in sum.moving] == found
    inside, numerator = sums.to_the_output(datapath, sum.moving)
    assert datapath.output in inside and numerator not in inside


def test_a_number_on_two_wires():
    datapath = design("pseudo_softmax").datapath(4)
    added = sums.entering(datapath)
    assert added.value({added.moving[0]: 3}) == 8.0  # the mantissa is a constant


def test_drawings_without_a_sum():
    with pytest.raises(Unclear, match="no sum of elements is in the drawing"):
        sums.entering(design("argmax").datapath(4))
