"""The pool takes out what an answer settles, and nothing else."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from narrowmax.search.pool import Pool

GRID = list(itertools.product(range(3), range(4), range(2)))


def left(pool: Pool) -> set:
    return set(map(tuple, pool.points.tolist()))


@given(st.sampled_from(GRID))
def test_what_is_taken_out(point):
    below = {other for other in GRID if all(a <= b for a, b in zip(other, point))}
    above = {other for other in GRID if all(a >= b for a, b in zip(other, point))}
    for drop, gone in ((Pool.drop, {point}), (Pool.drop_below, below), (Pool.drop_above, above)):
        pool = Pool(GRID, 3)
        drop(pool, point)
        assert left(pool) == set(GRID) - gone and len(pool) == len(GRID) - len(gone)


@given(st.lists(st.sampled_from(GRID), min_size=1, unique=True))
def test_the_middle_is_one_of_them(points):
    assert Pool(points, 3).middle() in points


def test_the_middle_has_much_on_both_sides():
    assert Pool(list(itertools.product(range(50), range(50))), 2).middle() in {
        (i, j) for i in range(8, 16) for j in range(8, 16)
    }


def test_an_empty_pool_is_one():
    assert len(Pool([], 3)) == 0
    Pool([], 3).drop((1, 2, 3))
