"""Verilator's warnings."""

from tests.hardware.units import negate_unit

from narrowmax.hardware import lint


def test_a_clean_unit_is_silent():
    unit = negate_unit()
    assert lint(unit.files, unit.top) == []


def test_a_warning_is_reported_with_its_line():
    unit = negate_unit(replace=[("waiting < 3'd4", "waiting < 4'd4")])
    (warning,) = lint(unit.files, unit.top)
    assert warning.startswith("%Warning-WIDTHEXPAND: negate.v:50:43: ")


def test_a_waiver_counts_as_a_warning():
    unit = negate_unit(replace=[("  assign accept", "  /* verilator lint_off WIDTHEXPAND */\n  assign accept")])
    assert lint(unit.files, unit.top) == ["negate.v switches a warning off"]


def test_an_error_is_reported():
    unit = negate_unit(replace=[("assign accept =", "assign accept = =")])
    assert lint(unit.files, unit.top)[0].startswith("%Error: negate.v:45:19: syntax error, unexpected '='")
