"""Where a unit comes from, and what says what is right."""

import json

import numpy as np
import pytest
from tests.hardware.units import negate

from narrowmax.designs import design
from narrowmax.engines import interpret
from narrowmax.errors import DataError, DesignError
from narrowmax.hardware import build
from narrowmax.hardware.stimulus import Rows
from narrowmax.hardware.subjects import simulate, subject


def test_a_design_and_its_text_give_the_same_unit():
    one, other = subject(design("argmax()"), lanes=2, max_n=7), subject("argmax()", lanes=2, max_n=7)
    assert one.unit.files == other.unit.files and one.design == other.design == design("argmax()").text
    assert (one.unit.lanes, one.unit.max_n, one.period_ns, one.name) == (2, 7, 10.0, one.design)
    assert subject(one) is one


def test_max_n_is_1024_unless_given():
    assert subject("argmax()").unit.max_n == 1024


def test_expected_results_are_in_the_order_of_the_rows():
    made = negate(2, 4)
    rows = Rows.of([[1, 2, 3], ([4, 5], [True, False]), [6, 7, 8, 9, 10], [11]])  # the third is too long
    assert made.expected(rows).tolist() == [-1, -2, -3, -4, 0, -6, -7, -8, -9, -11]


def test_expected_results_of_a_row_output():
    made = subject("argmax()", max_n=4)
    rows = Rows.of([[1, 9, 3], [5], ([7, 1], [False, True])])
    wanted = [interpret.run(made.datapath, *[part.tolist() for part in rows.row(i)])[0] for i in range(3)]
    assert made.expected(rows).tolist() == wanted


def test_what_the_array_engine_cannot_hold_is_simulated_by_the_definition(monkeypatch):
    from narrowmax.engines import array
    from narrowmax.errors import RangeError

    def refuse(datapath):
        raise RangeError("too wide")

    monkeypatch.setattr(array, "refuse_wide", refuse)
    codes, present = np.array([[1, -2], [3, 4]]), np.array([[True, True], [True, False]])
    assert simulate(negate().datapath, codes, present).tolist() == [[-1, 2], [-3, 0]]


def test_a_design_without_hardware_is_refused():
    with pytest.raises(DesignError, match="has no hardware"):
        subject("ideal()")


@pytest.mark.parametrize("text", ["argmax(input=Q32.24)", "argmax(input=UQ32.24)", "hls4ml(input=Q32.31)"])
def test_the_widest_codes_are_driven(text, tmp_path):
    assert build(text, tmp_path / "rtl", max_n=4)["max_n"] == 4


def test_codes_that_no_array_holds_are_refused():
    with pytest.raises(DesignError, match=r"has 64 bits, and codes of up to 63 are simulated; take fewer"):
        subject("hls4ml(input=UQ32.32)")


@pytest.fixture
def changed(tmp_path):
    """A hardware folder, as a function that changes entries of its manifest."""
    build("argmax(input=Q4.1)", tmp_path, max_n=4, name="x")
    manifest = json.loads((tmp_path / "manifest.json").read_text())

    def change(**entries):
        (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **entries}))
        return tmp_path

    return change


@pytest.mark.parametrize(("entry", "value", "why"), [
    ("period_ns", 1e-05, "the period is 1e-05 ns; 0.01 to 1,000,000 is allowed, such as 10"),
    ("period_ns", 2_000_000, "the period is 2000000 ns; 0.01 to 1,000,000 is allowed, such as 10"),
    ("divider", "none", "the divider is 'none'; pipelined or sequential is allowed"),
    ("top", "a-b", "the name is 'a-b'; "),
    ("top", "pass0", "the name is 'pass0', which a port or a signal of the unit has; "),
    ("lanes", 0, ""), ("lanes", 99, ""), ("max_n", 0, ""), ("max_n", -1, ""), ("max_n", 10**30, ""),
    ("design", "", ""), ("design", "argmin()", ""), ("design", "argmax(input=Q)", ""), ("design", "ideal()", ""),
])  # fmt: skip
def test_a_manifest_that_no_unit_follows_is_named(changed, entry, value, why):
    folder = changed(**{entry: value})
    with pytest.raises(DataError) as raised:
        subject(folder)
    assert str(raised.value).startswith(f"{folder}/manifest.json cannot be followed, build the folder again: {why}")


@pytest.mark.parametrize("top", ["other", "x_pass0", "x_fifo", "X"])
def test_a_manifest_with_another_top_than_its_files_is_named(changed, top):
    folder = changed(top=top)
    with pytest.raises(DataError) as raised:
        subject(folder)
    assert str(raised.value) == (
        f"{folder}/manifest.json has {top!r} for its top, which is the top of none of its files; build the folder again"
    )


def test_a_manifest_may_list_its_files_in_any_order_and_more_of_them(changed):
    """A signal of a file may have the name of the top, which uses no module of that name."""
    folder = changed()
    listed = [*sorted(json.loads((folder / "manifest.json").read_text())["rtl"], reverse=True), "rtl/mine.v"]
    mine = "module mine (input logic x, output logic y);\n  // x here (\n  assign y =\n  x;\nendmodule\n"
    (folder / "rtl" / "mine.v").write_text(mine)
    assert subject(changed(rtl=listed)).unit.files.keys() == {name.removeprefix("rtl/") for name in listed}
