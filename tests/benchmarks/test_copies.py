"""The same work in several processes: all of them do it, and one that ends is told."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from benchmarks.copies import Copies


def writing(folder: Path):
    """Work that leaves a mark of its process."""

    def work():
        with (folder / f"{os.getpid()}").open("a") as file:
            file.write("x")

    return work


def ending():
    return lambda: os._exit(1)


def test_every_process_does_the_work_once_a_call(tmp_path):
    with Copies(partial(writing, tmp_path), 2) as twice:
        for _ in range(3):
            twice()
    marks = list(tmp_path.iterdir())
    assert len(marks) == 2
    assert str(os.getpid()) not in {mark.name for mark in marks}
    assert {mark.read_text() for mark in marks} == {"xxx"}


def test_a_process_that_ends_is_told():
    with Copies(ending, 2) as twice, pytest.raises(RuntimeError, match="has ended"):
        twice()
