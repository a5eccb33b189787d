"""Ctrl-C and a request to end, in the middle of each sort of work: nothing half-written, no child left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = "import sys; from narrowmax.cli import run; sys.exit(run(sys.argv[1:]))"
STUDY = ("study", "digits-cnn", "--architecture", "table_divide", "--out", "out")
# What is to be read on standard error before the signal is sent: in training, in search, in Yosys, in the compiler.
MOMENTS = {
    "training": (STUDY, "training digits-cnn: epoch 2"),
    "training with formats": (("train", "digits-cnn"), "float, seed 1: epoch 2"),
    "searching": (STUDY, "designs tried: 9"),
    "synthesis": (("cost", "softermax", "--max-n", "64"), "cost"),
    "compiling": (("verify", "table_divide", "--max-n", "10"), "building the simulator"),
}


def started(words, tmp_path) -> subprocess.Popen:
    (tmp_path / "tmp").mkdir(exist_ok=True, parents=True)
    environment = {**os.environ, "NARROWMAX_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "-v"], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def heard(process: subprocess.Popen, sign: str) -> str:
    """What `process` said on standard error up to the line with `sign`."""
    said = ""
    while sign not in said:
        line = process.stderr.readline()
        assert line, f"it ended before {sign!r}: {said}"
        said += line
    return said


def children_of(tmp_path) -> list[str]:
    """The commands of running processes that were given this test's folder for temporary files."""
    mark, found = f"TMPDIR={tmp_path / 'tmp'}\0".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes() and "State:\tZ" not in (place / "status").read_text():
                found.append((place / "cmdline").read_text())
        except OSError:
            pass  # ended meanwhile
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason=f"not on {sys.platform}")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interruption_leaves_nothing_half_done(tmp_path, moment, number):
    words, sign = MOMENTS[moment]
    process = started(words, tmp_path)
    said = heard(process, sign)
    time.sleep(0.3)
    assert process.poll() is None, said
    process.send_signal(number)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    sentence = "narrowmax: interrupted; what was finished is kept, and the same command goes on from there\n"
    assert rest.endswith(sentence) and "Traceback" not in rest
    assert out == ""
    assert children_of(tmp_path) == []
    assert [path for path in tmp_path.rglob("*") if "narrowmax-part" in path.name] == []
    assert not any(path.is_file() for path in (tmp_path / "tmp").rglob("*"))
    assert not (tmp_path / "out").exists()


def test_a_training_that_was_killed_goes_on_from_its_last_epoch(tmp_path):
    words = ("train", "digits-cnn", "--epochs", "4", "--seeds", "1", "--row", "updates=Q3.10:stochastic", "--json")
    process = started(words, tmp_path)
    while "stochastic, seed 1: epoch 3 of 4" not in process.stderr.readline():
        assert process.poll() is None
    process.kill()
    process.communicate()
    again, whole = started(words, tmp_path), started(words, tmp_path / "whole")
    (out, said), (expected, _) = again.communicate(timeout=120), whole.communicate(timeout=120)
    told = [line.rpartition(": ")[2] for line in said.splitlines() if " epoch " in line]
    assert told == ["epoch 3 of 4", "epoch 4 of 4"]
    assert json.loads(out)["epochs"] == json.loads(expected)["epochs"]


def test_a_child_that_runs_is_seen(tmp_path):
    words, sign = MOMENTS["compiling"]
    process = started(words, tmp_path)
    heard(process, sign)  # in the moment of its start a program has no environment to be found by
    assert len(children_of(tmp_path)) >= 1
    process.kill()
    process.communicate()


def test_an_interruption_is_json_too(tmp_path):
    process = started((*STUDY, "--json"), tmp_path)
    while "load" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and '"error": "interrupted' in out
