"""Simulating a unit: what a good one passes, and each rule broken in turn."""

import numpy as np
import pytest
from tests.hardware.units import negate, negate_unit

from narrowmax.hardware.cosimulation import Manner, Simulation, packed, unpacked
from narrowmax.hardware.stimulus import Rows, random_rows
from narrowmax.hardware.tracing import probed


@pytest.fixture(scope="module")
def simulation():
    return Simulation(negate_unit())


def some_rows(seed=0, elements=500, lanes=2, max_n=10):
    return random_rows(elements, -64, 63, max_n, lanes, np.random.default_rng(seed))


def broken(old, new, rows=None, **manner):
    """How a unit with `new` in place of `old` breaks a rule."""
    simulation = Simulation(negate_unit(replace=[(old, new)]))
    return simulation.run(some_rows() if rows is None else rows, Manner(**manner)).error


@pytest.mark.parametrize("manner", [
    Manner(), Manner(strict=True, stall_in=64, stall_out=64), Manner(stall_out=200, stall_length=9),
    Manner(stall_in=200, stall_length=9),
    Manner(drain_every=1), Manner(ready_after_valid=True), Manner(abort_beats=1), Manner(abort_beats=33, stall_out=50),
])  # fmt: skip
def test_a_good_unit_passes_in_every_manner(simulation, manner):
    rows = some_rows()
    ran = simulation.run(rows, manner)
    assert ran.error is None and ran.rows_out == len(rows)
    np.testing.assert_array_equal(ran.outputs, np.where(rows.present, -rows.codes, 0))


@pytest.mark.parametrize("lanes", [1, 3, 8, 64])
def test_every_number_of_lanes(lanes):
    rows = some_rows(lanes=lanes, max_n=70)
    ran = Simulation(negate_unit(lanes, 70)).run(rows, Manner(stall_in=64, stall_out=64, strict=True))
    assert ran.error is None
    np.testing.assert_array_equal(ran.outputs, np.where(rows.present, -rows.codes, 0))


def test_the_power_up_state_and_the_stalls_follow_the_seed(simulation):
    def cycles(seed):
        return simulation.run(some_rows(), Manner(seed=seed, stall_in=64)).cycles

    assert cycles(1) == cycles(1) != cycles(2)


def test_a_register_without_reset_shows_at_power_up():
    error = broken("      waiting <= 3'd0;\n", "")
    assert error is not None


def test_rows_beyond_the_longest_are_cut_and_flagged(simulation):
    rows = Rows.of([list(range(10)), list(range(25)), [5], list(range(11))])
    ran = simulation.run(rows)
    assert ran.error is None
    wanted = [-code for row in (range(10), range(10), [5], range(10)) for code in row]
    assert ran.outputs.tolist() == wanted


def test_cycles_are_counted_from_beat_to_beat(simulation):
    rows = Rows.of([[1] * 10] * 4)
    ran = simulation.run(rows)
    assert (ran.delivered - ran.accepted).tolist() == [1, 1, 1, 1]
    assert np.diff(ran.accepted).tolist() == [5, 5, 5]
    assert (ran.finished - ran.delivered).tolist() == [4, 4, 4, 4]


OVERLONG = Rows.of([[1] * 12, [1] * 3])


@pytest.mark.parametrize(("old", "new", "rows", "manner", "error"), [
    ("waiting != 3'd0;", "waiting > 3'd1;", None, {}, "hung: nothing was accepted or delivered for 640 cycles"),
    ("m_axis_tvalid = waiting != 3'd0", "m_axis_tvalid = (waiting != 3'd0) & (waiting[0] | aclk | position[1])", None,
     {"stall_out": 200}, "let tvalid fall before tready took the beat"),
    ("waiting < 3'd4", "waiting < 3'd5", None, {"stall_out": 200}, "changed tdata while the beat waited"),
    ("= queue[head];", "= queue[head] ^ {1'd0, {2{waiting == 3'd4}}, 16'd0};", None, {"stall_out": 200},
     "changed tkeep while the beat waited"),
    ("= queue[head];", "= queue[head] ^ {waiting[1], 18'd0};", None, {"stall_out": 200},
     "changed tlast while the beat waited"),
    ("s_axis_tkeep & held, negated", "~2'd0, negated", None, {}, "sent a wrong tkeep"),
    ("closing = s_axis_tlast |", "closing =", None, {}, "sent a wrong tlast"),
    ("      waiting <= 3'd0;\n", "      waiting <= 3'd1;\n", None, {}, "held tvalid high in reset"),
    ("awake <= aresetn", "awake <= 1'b1", None, {}, "held tready high in reset, when a beat would be lost"),
    ("s_axis_tkeep & ~held", "s_axis_tkeep & held", None, {}, "raised row_too_long without such a row"),
    ("row_too_long | over", "over", OVERLONG, {}, "did not raise row_too_long, or let it fall"),
    ("m_axis_tvalid = waiting != 3'd0", "m_axis_tvalid = (waiting != 3'd0) & ~s_axis_tlast", None,
     {"strict": True, "stall_in": 64}, "has a path from an input to an output without a register"),
    ("always_ff @(posedge aclk) begin\n", "always_ff @(posedge aclk) if (aresetn & position == 16'd4) $error(\"no\");\n"
     "  always_ff @(posedge aclk) begin\n", None, {}, "failed an assertion of its own"),
    ("always_ff @(posedge aclk) begin\n", "always_ff @(posedge aclk) if (position == 16'd4) $finish;\n"
     "  always_ff @(posedge aclk) begin\n", None, {}, "failed an assertion of its own"),
])  # fmt: skip
def test_each_broken_rule_is_named(old, new, rows, manner, error):
    assert broken(old, new, rows, **manner) == error


def test_a_beat_without_input_is_named():
    waits = ("      waiting <= 3'd0;\n", "      waiting <= {2'd0, m_axis_tready};\n")  # one beat appears from nowhere
    ran = Simulation(negate_unit(replace=[waits])).run(some_rows(), Manner(stall_in=255, stall_length=9, seed=3))
    assert ran.error in ("sent a row before its first beat went in", "held tvalid high in reset")


def test_a_beat_after_the_last_is_named():
    again = (
        "waiting <= waiting + {2'd0, accept & kept}",
        "waiting <= waiting + {2'd0, accept & kept} + {2'd0, finish}",
    )
    counter = (
        "  logic finish;\n  logic [15:0] count;\n  assign finish = count == 16'd40;\n"
        "  always_ff @(posedge aclk) count <= (!aresetn | accept) ? 16'd0 : count + 16'd1;\n"
    )
    extra = ("  assign kept =", counter + "  assign kept =")
    ran = Simulation(negate_unit(replace=[again, extra])).run(Rows.of([[1, 2]]))
    assert ran.error == "sent a beat after the last row"


def test_a_broken_run_says_where():
    ran = Simulation(negate_unit(replace=[("closing = s_axis_tlast |", "closing =")])).run(Rows.of([[1] * 10, [1, 2]]))
    assert (ran.error, ran.error_row, ran.error_cycle) == ("sent a wrong tlast", 1, 11)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("signed", [True, False])
def test_packing_and_unpacking_are_inverse(size, signed):
    bits = min(8 * size, 63)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    codes = np.concatenate([[low, high, 0, 1], np.random.default_rng(0).integers(low, high, 100)])
    assert len(packed(codes, size)) == size * len(codes)
    np.testing.assert_array_equal(unpacked(packed(codes, size), len(codes), size, signed), codes)


def test_probes_show_wires_cycle_by_cycle():
    made = negate()
    ran = probed(made.unit).run(Rows.of([[1, 2, 3], [4]]), probe_room=16)
    bytes_seen = [seen[:, 0].astype(np.uint8).astype(np.int8).tolist() for seen in ran.probes]
    assert bytes_seen[0] == [-1, -3, -4]  # lane 0: elements 0 and 2 of the first row, 0 of the second
    assert bytes_seen[1][0] == -2 and len(bytes_seen[1]) == 3
