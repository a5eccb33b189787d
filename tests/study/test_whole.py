"""The whole study on a small source: its folder, its record, a second run, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax import designs, report
from narrowmax.cli import run
from narrowmax.errors import DesignError, StoreError
from narrowmax.models import Logits
from narrowmax.store import Store, load
from narrowmax.study import Source, Work, comparing, whole
from narrowmax.study.whole import study, verdict

STARTS = {designs.design("table_divide"): ()}
START = designs.design("table_divide").text
TERMS = {"tolerance": {"top1": 0.01, "nll": 0.1}}


@pytest.fixture
def work(kept) -> Work:
    return Work(Store(kept))


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Fewer elements than a real verification, and no synthesis of what is large, for time."""
    monkeypatch.setattr(whole, "ELEMENTS", 20_000)
    monkeypatch.setattr(comparing, "LARGEST", 1_000)


def test_a_study_from_end_to_end_and_again(source, work, tmp_path):
    record = study(lambda: source, tmp_path / "out", TERMS, work, STARTS)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["record.json", "report.html", "rtl"]
    written = report.load(tmp_path / "out" / "record.json")
    assert written["schema"] == "narrowmax/study/1" and written["narrow"]["design"] == record["hardware"]["design"]
    assert all(loss["high"] < TERMS["tolerance"][metric] for metric, loss in written["narrow"]["loss"].items())
    assert written["hardware"]["verify"]["mismatches"] == 0 and written["hardware"]["verify"]["elements"] > 20_000
    assert written["hardware"]["diagram"]["svg"].startswith("<svg") and set(written["hardware"]["cost"]) == {
        "gates",
        "xc7",
    }
    assert {row["architecture"] for row in written["compare"]["rows"]} == set(designs.catalogue())
    assert set(written["hardware"]["build"]["files"]) <= {
        path.relative_to(tmp_path / "out" / "rtl").as_posix() for path in (tmp_path / "out" / "rtl").rglob("*")
    }
    assert report.is_page(tmp_path / "out" / "report.html")
    assert verdict(written) == 0 and "<svg" in (tmp_path / "out" / "report.html").read_text()
    again(source, work, tmp_path, written)


def again(source, work, tmp_path, first):
    """A second run makes nothing anew, says what it reused, and finds the same."""
    later = Work(Store(work.store.folder))
    second = study(lambda: source, tmp_path / "out", TERMS, later, STARTS)
    assert {line.split(":")[0] for line in second["reused"]} >= {"formats", "narrow", "compare", "verify", "cost"}
    assert later.store.misses == {}
    plain = load(tmp_path / "out" / "record.json")
    varying = {"created", "seconds", "reused", "hardware", "narrow"}
    assert {k: v for k, v in plain.items() if k not in varying} == {k: v for k, v in first.items() if k not in varying}
    assert plain["narrow"]["design"] == first["narrow"]["design"]
    assert plain["hardware"]["verify"] == first["hardware"]["verify"]


def test_a_source_without_labels_is_measured_compared_and_built(logits, work, tmp_path):
    plain = Source("plain", Logits("plain", logits.logits[:50]))
    record = study(lambda: plain, tmp_path / "out", {}, work, STARTS)
    for part in ("formats_sweep", "narrow"):
        assert record[part] is None and record[f"{part}_reason"] == whole.UNLABELLED
    assert record["hardware"]["design"] == START and verdict(record) == 0
    report.load(tmp_path / "out" / "record.json")


def test_a_claim_that_is_refused_leaves_a_record_that_says_so(logits, work, tmp_path):
    few = Source("few", Logits("few", logits.logits[:300], logits.labels[:300]))
    record = study(lambda: few, tmp_path / "out", {}, work, STARTS)
    assert record["narrow"] is None and "judged samples even where nothing is" in record["narrow_reason"]
    assert verdict(record) == 1
    assert (tmp_path / "out" / "report.html").exists()


def test_a_place_of_other_files_is_refused_before_any_work(work, tmp_path):
    (tmp_path / "out" / "rtl").mkdir(parents=True)
    (tmp_path / "out" / "rtl" / "mine.v").write_text("")
    with pytest.raises(StoreError, match="holds other files"):
        study(lambda: pytest.fail("it was loaded"), tmp_path / "out", {}, work, STARTS)


def test_other_files_beside_the_study_stay(source, work, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    small = Source("plain", Logits("plain", source.logits.logits[:20]))
    study(lambda: small, tmp_path / "out", {}, work, STARTS)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_lane_count_that_cannot_be_built_is_refused(source, work, tmp_path):
    plain = Source("plain", Logits("plain", source.logits.logits[:20]))
    with pytest.raises(DesignError, match="lanes"):
        study(lambda: plain, tmp_path / "out", {"lanes": 7}, work, {designs.design("softermax(chunk=16)"): ("chunk",)})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("mismatches", "narrow", "reason", "code"),
    [
        (0, {"design": "d"}, None, 0),
        (3, {"design": "d"}, None, 1),
        (0, None, whole.UNLABELLED, 0),
        (0, None, "too few", 1),
    ],
)
def test_verdicts(mismatches, narrow, reason, code):
    record = {"narrow": narrow, "narrow_reason": reason, "hardware": {"verify": {"mismatches": mismatches}}}
    assert verdict(record) == code


def test_the_command_prints_the_answer(tmp_path, logits, capsys, monkeypatch, kept):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NARROWMAX_CACHE", str(kept))
    np.savez("plain.npz", logits=logits.logits[:20])
    assert run(["study", "plain.npz", "--out", "s", "--architecture", "table_divide"]) == 0
    out, _ = capsys.readouterr()
    assert "equals the simulation bit for bit" in out and "s/report.html" in out
