"""What a command says of itself where there is no terminal."""

from __future__ import annotations

import threading

import pytest

from narrowmax.cli import progress


@pytest.mark.parametrize(("elapsed", "seconds"), [(0, 2), (20, 2), (100, 10), (3600, 60)])
def test_a_log_of_hours_is_not_one_of_thousands_of_lines(elapsed, seconds):
    assert progress.pause(elapsed) == seconds


def test_what_is_quick_says_nothing(capsys):
    with progress.Progress() as told:
        told.tell("narrowing: designs tried: 1")
        told.done("narrow: 0.0 s")
    assert capsys.readouterr().err == ""


def test_what_takes_long_says_the_last_line_once(capsys, monkeypatch):
    looked, often = [], threading.Event()

    def pause(elapsed):
        looked.append(elapsed)
        if len(looked) == 10:
            often.set()
        return 0.001

    monkeypatch.setattr(progress, "pause", pause)
    told = progress.Progress()
    told.tell("narrowing: designs tried: 1")
    told.tell("narrowing: designs tried: 2")
    with told:
        assert often.wait(600)
        told.done("narrow: 0.5 s")
    assert capsys.readouterr().err == "narrowing: designs tried: 2\nnarrow: 0.5 s\n"
