"""Wires in view."""

from dataclasses import replace

import numpy as np
import pytest
from tests.hardware.units import negate

from narrowmax.errors import ToolFailed
from narrowmax.hardware.battery import Difference, Rows, Trial
from narrowmax.hardware.cosimulation import Manner
from narrowmax.hardware.subjects import subject
from narrowmax.hardware.tracing import first_wire, probed, sightings, unlike, watched

SOFTERMAX = "softermax(chunk=4)"  # wires of every rate: element, chunk and row


def seen(made, rows):
    return probed(made.unit).run(rows, Manner(stall_in=32, stall_out=32), probe_room=int(rows.lengths.sum()))


def some_rows(made, seed=0):
    random = np.random.default_rng(seed)
    low, high = made.codes
    return Rows.of([(random.integers(low, high + 1, n), random.random(n) < 0.8) for n in (7, 1, 9, 4, 5, 9, 2)])


def test_every_wire_of_every_rate_is_as_defined():
    made = subject(SOFTERMAX, lanes=2, max_n=9)
    assert {probe.rate for probe in made.unit.probes} == {"element", "chunk", "row"}
    rows = some_rows(made)
    wanted = sightings(made, rows)
    assert unlike(made, wanted, seen(made, rows)) is None
    assert all(sighting.care.any() for sighting in wanted) and len(wanted) == len(made.unit.probes)


def test_one_wrong_value_of_each_rate_is_seen():
    made = subject(SOFTERMAX, lanes=2, max_n=9)
    rows = some_rows(made)
    wanted, ran = sightings(made, rows), seen(made, rows)
    for rate in ("element", "chunk", "row"):
        sighting = next(s for s in wanted if s.probe.rate == rate and s.care[-1])
        sighting.wanted[-1, 0] ^= 1
        found = unlike(made, wanted, ran, first_row=30)
        assert found.startswith(f"the first wire that differs is {sighting.probe.wire} in row 36")
        sighting.wanted[-1, 0] ^= 1
    assert unlike(made, wanted, ran) is None


def test_values_too_few_are_seen():
    made = negate()
    rows = some_rows(made)
    ran = seen(made, rows.first(2))
    assert unlike(made, sightings(made, rows), ran) == "the wire negated holds 5 items, where the simulation has 21"


def test_a_folder_that_was_edited_cannot_be_watched():
    made = replace(negate(replace=[("lane_0 (", "renamed_0 (")]), edited=True)
    difference = Difference(Trial("mine", Rows.of([[1]]), Manner()), "a sentence", 0, 0)
    assert first_wire(made, difference) == "its wires cannot be seen, since this Verilog is not what the design gives"


def test_wires_that_are_not_where_the_unit_says_are_an_error():
    with pytest.raises(ToolFailed, match="Can't find definition of 'lane_0'"):
        watched(negate(replace=[("lane_0 (", "renamed_0 (")]))


def test_a_unit_without_probes_shows_nothing():
    made = negate()
    made.unit.probes = ()
    assert first_wire(made, Difference(Trial("mine", Rows.of([[1]]), Manner()), "a sentence", 0, 0)) is None
