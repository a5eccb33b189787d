"""The trials that a unit is put through."""

import numpy as np
from tests.hardware.units import negate

from narrowmax.hardware import battery
from narrowmax.hardware.cosimulation import Simulation


def test_the_short_trials_cover_every_manner():
    trials = list(battery.trials(negate(), 0))
    manners = [trial.manner for trial in trials]
    assert any(manner.stall_in and manner.stall_out for manner in manners)
    assert any(manner.strict for manner in manners) and any(manner.drain_every == 1 for manner in manners)
    assert any(manner.ready_after_valid for manner in manners)
    assert sum(manner.abort_beats > 0 for manner in manners) == 8
    assert any(trial.rows.lengths.max() > 10 for trial in trials) and any(
        (trial.rows.lengths == 1).all() for trial in trials
    )
    assert len({manner.seed for manner in manners}) == len(manners)


def test_the_long_trials_hold_what_was_asked_for():
    trials = list(battery.long_trials(negate(), 3 << 20, 0))
    assert len(trials) == 3 and [bool(trial.manner.stall_in) for trial in trials] == [True, False, True]
    total = sum(len(trial.rows.codes) for trial in trials)
    assert abs(total - (3 << 20)) < 0.02 * total
    assert not np.array_equal(trials[0].rows.codes[:100], trials[1].rows.codes[:100])


def test_a_difference_names_the_first_result_that_is_wrong():
    made = negate(replace=[("8'd0 - {code[6], code}", "8'd0 - {code[6], code} + {7'd0, code == 7'd5}")])
    trial = battery.Trial("mine", battery.Rows.of([[1, 2, 3], [4, 4, 5, 5], [5]]), battery.Manner())
    found = battery.attempt(trial, Simulation(made.unit), made.expected(trial.rows))
    assert found.sentence == "row 1, element 2: the hardware gives -4, the simulation -5"
    assert (found.row, found.element, found.wanted, found.got, found.count) == (1, 2, -5, -4, 3)


def test_a_broken_rule_is_a_difference():
    made = negate(replace=[("closing = s_axis_tlast |", "closing =")])
    trial = battery.Trial("mine", battery.Rows.of([[1] * 10, [1, 2]]), battery.Manner())
    found = battery.attempt(trial, Simulation(made.unit), made.expected(trial.rows))
    assert found.sentence == "in row 1, cycle 11, the hardware sent a wrong tlast"
    assert found.element is None


def test_timing_is_measured():
    made = negate(4, 30)
    assert battery.timing(Simulation(made.unit), made.codes, 0) == (1, 8)
