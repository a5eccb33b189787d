"""The page of the matrix is current, and no row on it fails."""

from __future__ import annotations

import pytest
from docs import networks, versions
from tests.models.matrix import harness

GOOD = harness.row("a", seen=True, name=True, replaced=True)


def test_the_page_is_current():
    page = networks.PAGE.read_text(encoding="utf-8")
    assert page == networks.drawn(page, networks.records()), f"run `{networks.COMMAND}`"


def test_no_row_on_the_page_fails():
    for record in networks.records().values():
        assert list(record) == ["schema", "framework", "versions", "rows"] and record["schema"] == harness.SCHEMA
        assert [sentence for one in record["rows"] for sentence in harness.problems(one)] == []
        assert len({one["case"] for one in record["rows"]}) == len(record["rows"]) > 0


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (GOOD | {"mask": False}, "a: mask is wrong"),
        (harness.row("a"), "a: give cells, or the message that refuses the case"),
        (GOOD | {"extra": 1}, f"a: has {', '.join([*harness.KEYS, 'extra'])} instead of {', '.join(harness.KEYS)}"),
    ],
)
def test_a_row_that_fails_is_seen(one, sentence):
    assert harness.problems(GOOD) == [] == harness.problems(harness.row("a", refused="use b instead"))
    assert harness.problems(one) == [sentence]


def test_a_table_is_drawn():
    rows = [GOOD, harness.row("b|c", refused="say d", note="E:")]
    drawn = networks.section({"framework": "F", "versions": {"f": "1"}, "rows": rows})
    assert drawn.splitlines()[-2:] == [
        "| a | yes | yes | – | – | yes |  |",
        "| b\\|c | refused | refused | refused | refused | refused | E: “say d” |",
    ]
    part = harness.row("a", seen=True, name=True, refused="say d")
    drawn = networks.section({"framework": "F", "versions": {"f": "1"}, "rows": [part]})
    assert drawn.splitlines()[-1] == "| a | yes | yes | – | refused | refused | “say d” |"


def test_a_wrong_row_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "RECORDS", tmp_path)
    with pytest.raises(ValueError, match="^a: seen is wrong$"):
        harness.write("f", "F", {}, [GOOD | {"seen": False}])
    assert list(tmp_path.iterdir()) == []


def test_the_versions_on_the_page_are_those_of_the_locks():
    page = networks.PAGE.read_text(encoding="utf-8")
    assert versions.table() in page
    assert versions.version("keras", versions.LOWEST) != versions.version("keras", versions.NEWEST)
    assert versions.version("onnxruntime", versions.LOWEST).startswith("1.20.") and "ONNX Runtime 1.20 runs" in page


def test_the_records_are_of_the_versions_that_are_locked():
    """What is drawn from a record beside the table of versions does not contradict it."""
    packages = {"tensorflow": "tensorflow-cpu"}
    stated = [record["versions"] for record in networks.records().values()]
    found = {(name, told) for record in stated for name, told in record.items()}
    assert len(stated) == 7
    assert found == {(name, versions.version(packages.get(name, name), versions.NEWEST)) for name, _ in found}
