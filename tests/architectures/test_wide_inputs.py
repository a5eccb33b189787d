"""Inputs of more codes than can be enumerated: what is known of their distances is sampled."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.designs import design
from narrowmax.engines import array, bounds


@pytest.mark.parametrize(
    "wide, narrow",
    [("ivit_shiftmax(bits=20)", "ivit_shiftmax(bits=12)"), ("sole(input=Q10.7)", "sole(input=Q5.7)")],
)
def test_distances_of_many_bits_give_what_those_of_few_give(wide, narrow):
    """More codes than can be enumerated; `known` says then that a distance is not negative."""
    random = np.random.default_rng(0)
    codes, mask = random.integers(-2048, 2048, (200, 40)), random.random((200, 40)) < 0.8
    wide, narrow = (design(text).datapath(40) for text in (wide, narrow))
    assert (array.run(wide, codes, mask) == array.run(narrow, codes, mask)).all()
    assert all(a.proof == "sampled on 300 rows" for a in bounds.assertions(wide, rows=300) if "not negative" in a.why)
