"""docs/real_networks.md says what its record says, and the record what the networks do."""

from __future__ import annotations

import pytest
from docs import real_networks
from tests.networks_of_others import tasks

from narrowmax.store import load


@pytest.fixture(scope="module")
def records():
    return load(real_networks.RECORDS)


def test_the_page_is_drawn_from_its_record(records):
    page = real_networks.PAGE.read_text(encoding="utf-8")
    assert set(records) == set(real_networks.STUDIES)
    assert real_networks.drawn(page, records) == page
    assert set(real_networks.TABLES) == {found[2] for found in real_networks.PLACE.finditer(page)}


def test_the_record_has_what_is_known_of_the_networks(records):
    assert round(100 * records["keywords"]["all"]["top1"], 2) == 92.68
    assert round(records["stories"]["float"]["perplexity"], 2) == 3.55 and records["stories"]["tokens"] == 1804
    assert records["stories"]["reach"]["low"] == pytest.approx(-255, abs=1)
    assert records["sorting"]["float"]["top1"] == 1 and records["sorting"]["samples"] == 729
    assert round(100 * records["micronet"]["float"]["top1"], 2) == 80.54
    assert max(records[name]["off"] for name in ("micronet", "resnet20")) < 1e-3


def test_a_study_runs_again_and_tells_the_same(shared_data, records):
    """The quick ones of the sorter: its range, and what the designs do."""
    found = real_networks.attention(lambda: tasks.sorting_task(shared_data), lambda line: None)
    kept = records["sorting"]
    assert found["reach"]["low"] == pytest.approx(kept["reach"]["low"], rel=1e-4)
    assert [row["design"] for row in found["rows"]] == [row["design"] for row in kept["rows"]]
    assert [row["losses"]["top1"] for row in found["rows"]] == [row["losses"]["top1"] for row in kept["rows"]]


@pytest.mark.long
@pytest.mark.parametrize("name", ["keywords", "stories", "sentences", "resnet20"])
def test_every_study_tells_the_same(shared_data, records, name):
    found, kept = real_networks.STUDIES[name](lambda line: None), records[name]
    assert [row["design"] for row in found["rows"]] == [row["design"] for row in kept["rows"]]
    for key, value in found["float"].items():
        assert value == pytest.approx(kept["float"][key], rel=1e-3, abs=1e-6)
    for now, then in zip(found["rows"], kept["rows"], strict=True):
        if name == "stories":
            assert now["perplexity"] == pytest.approx(then["perplexity"], rel=0.01)
            continue
        for metric, loss in now["losses"].items():
            assert loss["difference"] == pytest.approx(then["losses"][metric]["difference"], rel=0.05, abs=0.003)
