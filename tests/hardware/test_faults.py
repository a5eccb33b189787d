"""Planting faults and catching them."""

import pytest
from tests.hardware.units import negate

from narrowmax.designs import catalogue, design
from narrowmax.hardware import faults
from narrowmax.hardware.faults import campaign, candidates, chosen, mutated, planted
from narrowmax.hardware.linting import lint
from narrowmax.hardware.subjects import subject


def test_candidates_stand_where_they_say():
    files = negate().unit.files
    for fault in candidates(files):
        assert files[fault.file][fault.start : fault.end] == fault.before != fault.after
        assert files[fault.file].splitlines()[fault.line - 1].count(fault.before.splitlines()[0]) >= 1


def test_the_chosen_are_spread_over_rules_and_files():
    files = negate().unit.files
    some = chosen(files, 60, 0)
    assert [fault.number for fault in some] == list(range(1, 61))
    assert {fault.rule for fault in some} == {fault.rule for fault in candidates(files)}
    assert {fault.file for fault in some} == set(files)
    assert len({(fault.start, fault.after) for fault in some}) == 60
    assert chosen(files, 60, 0) == some != chosen(files, 60, 1)
    assert len(chosen(files, 10**6, 0)) == len(candidates(files))


def test_a_mutated_text_differs_at_one_place():
    files = negate().unit.files
    fault = chosen(files, 1, 0)[0]
    after = mutated(files, fault)
    assert [name for name in files if files[name] != after[name]] == [fault.file]
    assert len(after[fault.file]) - len(files[fault.file]) == len(fault.after) - len(fault.before)


def test_the_planted_text_holds_every_number():
    files = negate().unit.files
    some = chosen(files, 60, 0)
    made = planted(files, some)
    text = "".join(made.values())
    assert all(text.count(f"== 32'd{fault.number})") == 1 for fault in some)
    assert not [line for line in lint(made, "negate") if line.startswith("%Error")]


def test_at_least_fifty_faults_are_caught_or_proven_to_be_none():
    result = campaign(negate(4, 12), 60)
    summary = result.summary()
    assert summary["faults_planted"] == 60 and summary["faults_caught"] >= 50
    assert summary["faults_caught"] + summary["faults_equivalent"] + summary["faults_survived"] == 60
    assert summary["survivors"] == [str(fault) for fault in result.survived]


BUILT = [name for name in catalogue() if design(f"{name}()").has_hardware]
# An index for a row, two passes with and without a division, one pass, logarithms, floats: what is caught depends on
# the frame more than on what fills it.  The others are long tests.
QUICK = ("argmax", "ethos_u", "ita", "log_domain", "online", "pseudo_softmax", "table_divide")


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in BUILT])
def test_faults_in_every_architecture(name):
    """What survives is harmless by an argument that no solver here finds: a maximum may take an element twice,
    or something lower than all.  Rows are of several chunks, so that what counts them is seen to work."""
    result = campaign(subject(f"{name}()", lanes=2, max_n=40), 64)
    assert len(result.survived) <= 4, [str(fault) for fault in result.survived]
    assert len(result.caught) >= 50


def test_no_fault_is_found_where_none_is_chosen():
    made = negate(replace=[("8'd0 - {code", "8'd1 - {code")])  # wrong from the start
    with pytest.raises(
        AssertionError, match=r"^the trial 'blocks by themselves' fails without a fault; verify the unit first$"
    ):
        campaign(made, 2)


def test_a_fault_that_changes_nothing_is_proven(monkeypatch):
    same = faults.Fault(1, "negate.v", 1, "by hand", "accept & kept", "kept & accept", 0, 0)
    text = negate().unit.files["negate.v"]
    place = text.index("accept & kept")
    same = faults.replace(same, start=place, end=place + len(same.before))
    monkeypatch.setattr(faults, "chosen", lambda *_: [same])
    result = campaign(negate())
    assert result.equivalent == {1: "the module is the same function"} and result.survived == ()


def test_a_fault_in_a_block_that_no_input_shows_is_proven(monkeypatch):
    text = negate().unit.files["negate_code.v"]
    before = "present ? 8'd0 - {code[6], code} : 8'd0"
    place = text.index(before)
    same = faults.Fault(
        1, "negate_code.v", 8, "by hand", before, "present ? ~{code[6], code} + 8'd1 : 8'd0", place, place + len(before)
    )
    monkeypatch.setattr(faults, "chosen", lambda *_: [same])
    result = campaign(negate())
    assert result.equivalent == {1: "the block gives the same for every input that can occur"}


def test_a_survivor_is_reported(monkeypatch):
    # a shorter queue changes no result and no measured time, and is not the same logic either
    text = negate().unit.files["negate.v"]
    place = text.index("waiting < 3'd4")
    short = faults.Fault(
        1, "negate.v", 50, "constant one too low", "waiting < 3'd4", "waiting < 3'd3", place, place + 14
    )
    monkeypatch.setattr(faults, "chosen", lambda *_: [short])
    result = campaign(negate())
    assert result.summary()["survivors"] == ["negate.v:50: constant one too low: waiting < 3'd4 became waiting < 3'd3"]
