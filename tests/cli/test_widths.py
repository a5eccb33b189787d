"""Lines that fit the terminal; what is to be copied is never folded, and a pipe gets whole rows."""

from __future__ import annotations

import pytest

from narrowmax.cli.app import app

NAMES = [command.callback.__name__ for command in app.registered_commands]
DESIGN = "softermax(chunk=8)"


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits_lines_of_80(narrowmax, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    said = narrowmax(*name.split(), "--help").out
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize(
    "words",
    [
        ("tasks",), ("tools",), ("designs", DESIGN), ("measure", "logits.npz"),
        ("simulate", "logits.npz", "--design", DESIGN), ("doctor", "logits.npz"), ("designs",),
    ],
)  # fmt: skip
def test_answers_fit_the_terminal(narrowmax, monkeypatch, file, words, columns):
    whole = narrowmax(*words).out
    monkeypatch.setenv("COLUMNS", str(columns))
    said = narrowmax(*words).out
    wide = [line for line in said.splitlines() if len(line) > columns]
    assert all("softermax(" in line for line in wide) and len(wide) <= 1
    assert "…" not in said and set(whole.split()) - set(said.split()) <= {word for word in whole.split() if "─" in word}


def test_a_pipe_gets_whole_rows(narrowmax, monkeypatch, file):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = narrowmax("measure", file).out.splitlines()
    assert lines[0].split()[:2] == ["softmax", "epoch"] and lines[0].split()[-1] == "ties" and len(lines[0]) > 80
