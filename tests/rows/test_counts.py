"""What is kept of rows: it adds up, whichever way it is put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError
from narrowmax.rows.counts import COUNTERS, LARGEST, RECORD, SMALLEST, Counts


@given(st.lists(st.lists(st.floats(-1e3, 1e3), max_size=5), max_size=5))
def test_moments_of_parts_are_those_of_the_whole(parts):
    counts, values = Counts((), ()), [value for part in parts for value in part]
    for part in parts:
        counts.add_moments(len(part), np.mean(part or [0]), len(part) * np.var(part or [0]))
    assert counts["sampled_values"] == len(values)
    assert counts.end("mean") == pytest.approx(np.mean(values or [0]), abs=1e-9)
    assert counts.end("square") == pytest.approx(len(values) * np.var(values or [0]), rel=1e-9, abs=1e-6)


def test_ends_are_the_farthest():
    counts = Counts((), ())
    counts.extend(low=-1.0, shortest=3, high=2.0, closest=0.5)
    counts.extend(low=0.0, shortest=2, high=1.0, closest=0.25)
    assert [counts.end(name) for name in (*SMALLEST, *LARGEST)] == [-1.0, 2.0, 2.0, 0.0, 0.0, 0.5]


def test_a_record_holds_the_fields_that_it_names_and_no_more():
    assert RECORD.names == (*COUNTERS, "mean", "square", *SMALLEST, *LARGEST)
    assert RECORD.itemsize == 8 * len(RECORD.names)


def test_the_same_r_and_formats_merge_in_any_order_and_others_are_refused():
    one, two = Counts((5, 2.5, 5), ("fp16", "Q5.3")), Counts((2.5, 5), ("Q5.3", "fp16"))
    two.inside += [1, 2]
    two.fits.counts[0] = 7
    one.merge(two)
    assert one.within.tolist() == [2.5, 5] and one.inside.tolist() == [1, 2]
    assert one.fits.of("Q5.3", one.digits) == (7, 7, 7)
    for other in (Counts((2.5,), ("fp16", "Q5.3")), Counts((2.5, 5), ("fp16",))):
        with pytest.raises(DataError, match="^statistics counted at different R or formats cannot be merged"):
            one.merge(other)
