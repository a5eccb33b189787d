"""Counts become findings only where they prove something, in words with their figures."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.models.doctor import signs
from narrowmax.models.doctor.findings import TRAPS, Ledger, as_dicts, named
from narrowmax.models.sites import Site

HERE = Site("layer", "classifier", "softmax")


def one(trap: str, **counts) -> str | None:
    ledger = Ledger()
    ledger.add(trap, "layer", **counts)
    found = ledger.findings()
    return found[0].evidence if found else None


@pytest.mark.parametrize("beyond, told", [(49, False), (50, True), (100, True)])
def test_rounding_has_no_effect_where_most_values_have_no_fraction(beyond, told):
    counts = {"values": 100, "changed": 0, "most_bits": 24, "function": "round", "dtype": "float32"}
    assert (one("rounding-without-effect", beyond=beyond, **counts) is not None) == told


@pytest.mark.parametrize("tied, told", [(0, False), (1, False), (2, True), (20, True)])
def test_ties_are_told_from_a_thousandth_on(tied, told):
    assert (one("ties", rows=2000, tied=tied) is not None) == told


@pytest.mark.parametrize("dtype, bits", signs.SIGNIFICAND_BITS.items())
def test_the_bits_of_the_type_decide(dtype, bits):
    edge = np.array([2.0 ** (bits - 1)])
    for values, found in ((edge, 1), (edge / 2, 0)):
        ledger = Ledger()
        signs.rounding(ledger, "a", "round", dtype, values, values)
        assert [f"{dtype}, which has {bits} bits" in one.evidence for one in ledger.findings()] == [True] * found


def test_one_row_that_is_no_distribution_clears_a_call():
    ledger, rows = Ledger(), np.full((5, 4), 0.25)
    rows[2, 0] = -1
    signs.softmax(ledger, HERE, rows, -1, None)
    assert "softmax-twice" not in [found.trap for found in ledger.findings()]
    signs.softmax(ledger, HERE, np.full((5, 4), 0.25), -1, None)
    assert "softmax-twice" in [found.trap for found in ledger.findings()]


def test_rows_of_one_element_prove_nothing():
    ledger = Ledger()
    signs.softmax(ledger, HERE, np.ones((5, 1)), -1, None)
    assert ledger.findings() == []


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axis_and_mask(axis):
    ledger, rows = Ledger(), np.array([[0.5, 0.5, 9.0]] * 4)
    present = np.array([True, True, False])
    rows, present = (rows.T, present[:, None]) if axis == 0 else (rows, present)
    signs.softmax(ledger, HERE, rows, axis, present)
    assert {found.trap for found in ledger.findings()} == {"softmax-twice", "ties"}


def test_masked_infinities_are_fine_and_others_are_not():
    ledger = Ledger()
    signs.softmax(ledger, HERE, np.array([[1.0, -np.inf, 2.0]]), -1, None)
    signs.softmax(ledger, HERE, np.array([[1.0, np.inf, 2.0]]), -1, np.array([[True, False, True]]))
    assert ledger.findings() == []
    signs.softmax(ledger, HERE, np.array([[1.0, np.nan, np.inf]]), -1, None)
    assert [found.evidence for found in ledger.findings()] == ["2 inputs of the softmax are NaN or infinite"]


def test_probabilities_and_their_logs():
    for log, values, bad in ((True, np.log([[0.5, 0.5]]), 0), (True, [[1.0, 2.0]], 1), (False, [[0.5, 0.6]], 1)):
        ledger = Ledger()
        signs.probabilities(ledger, "loss", "a loss", np.array(values), -1, log)
        assert len(ledger.findings()) == bad
    ledger = Ledger()
    signs.probabilities(ledger, "loss", "a loss", np.array([[1e5, 2.0]]), -1, True)
    assert ledger.findings() and "nan" not in ledger.findings()[0].evidence


def test_counts_add_up_and_places_stay_apart():
    ledger = Ledger()
    for where in ("a", "a", "b"):
        ledger.add("not-finite", where, bad=1)
    assert [(found["where"], found["evidence"][0]) for found in as_dicts(ledger.findings())] == [("a", "2"), ("b", "1")]
    assert ledger.places("not-finite") == [("a", ""), ("b", "")]


def test_every_trap_has_a_meaning_and_a_remedy():
    for trap in TRAPS.values():
        assert trap.meaning.endswith(".") and trap.remedy


def test_many_parameters_are_named_in_short():
    assert named(list("abc")) == "a, b, c"
    assert named(list("abcdef")) == "a, b, c, d and 2 more"
