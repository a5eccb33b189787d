"""Spaces: points, the designs at them, and why there is none."""

from __future__ import annotations

import pytest
from tests.search.fakes import Table

from narrowmax.errors import DesignError
from narrowmax.search.space import Space


def test_a_space_holds_every_setting_of_every_knob():
    space = Space(Table())
    assert space.names == ("input.integer", "input.fraction", "exp.fraction", "output.fraction")
    assert space.size == 5 * 5 * 5 * 8
    assert space.point(space.start) == (6, 6, 10, 14)
    assert space.design((6, 6, 10, 14)) is space.start
    assert space.design((3, 2, 7, 8)) == Table(3, 2, 7, 8)
    assert space.point(space.design((3, 2, 7, 8))) == (3, 2, 7, 8)


def test_one_bit_less_is_the_next_value_below():
    space = Space(Table())
    assert space.less((6, 6, 10, 14), 2) == (6, 6, 9, 14)
    assert space.less((2, 6, 10, 14), 0) is None
    space.ranges[2] = [6, 8, 10]
    assert space.less((6, 6, 10, 14), 2) == (6, 6, 8, 14)
    assert space.less((6, 6, 9, 14), 2) == (6, 6, 8, 14)


def test_a_point_without_a_design_says_why():
    space = Space(Table(4, 4, most=8))
    assert space.design((5, 4, 10, 14)) is None
    assert space.reason((5, 4, 10, 14)) == "table(input=Q5.4, exp=UQ0.10, output=UQ0.14) has a table too large"
    assert space.reason((4, 4, 10, 14)) == ""


def test_a_design_without_knobs_has_no_space():
    with pytest.raises(DesignError) as refused:
        Space(Table(knobs={}))
    assert str(refused.value) == (
        "table(input=Q6.6, exp=UQ0.10, output=UQ0.14) has no rounded wire to narrow; name an architecture that has"
    )
