"""Steps, what they reuse, and the records they make."""

from __future__ import annotations

import pytest

from narrowmax import __version__
from narrowmax.store import Store, dumps, loads
from narrowmax.study import Work


def test_a_step_is_told_and_timed(work):
    ended = []
    work.done = ended.append
    with work.step("measure"):
        pass
    assert work.told == ["measure"] and ended == [f"measure: {work.seconds['measure']:.1f} s"]
    assert work.reused == []


def test_what_was_found_is_said_and_what_was_just_made_is_not(work):
    for _ in range(2):
        with work.step("price"):
            assert work.remember("thing", [1], lambda: {"a": 1}) == {"a": 1}
    assert work.reused == []
    later = Work(Store(work.store.folder))
    with later.step("price"):
        later.remember("thing", [1], lambda: {"a": 2})
        later.remember("thing", [2], lambda: {"a": 2})
    assert later.reused == ["price: 1 of 2 results"]


def test_what_is_remembered_depends_on_the_code_that_computes(work, monkeypatch):
    work.remember("thing", [1], lambda: "old")
    monkeypatch.setattr("narrowmax.study.work.code_digest", lambda *rooms: "other code")
    assert work.remember("thing", [1], lambda: "new") == "new"


def test_a_step_that_fails_is_not_counted(work):
    with pytest.raises(ZeroDivisionError), work.step("price"):
        raise ZeroDivisionError
    assert work.seconds == {}


def test_a_record_says_what_made_it(work):
    with work.step("one"):
        pass
    made = loads(dumps(work.record("thing", source="s", value=1)))
    assert (made["schema"], made["narrowmax"], made["source"], made["value"]) == (
        "narrowmax/thing/1",
        __version__,
        "s",
        1,
    )
    assert list(made["seconds"]) == ["one"] and made["versions"]["numpy"] and made["machine"]["cores"] >= 1
    assert work.record("thing", seconds=3.5)["seconds"] == 3.5


def test_progress_of_a_search_is_words(work):
    work.progress("select", 7, None)
    work.progress("cost", 1, 4)
    assert work.told == ["narrowing: designs tried: 7", "narrowing: synthesising design 1 of 4"]
