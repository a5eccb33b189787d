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

# The command line; it sends itself the signal `number`, unless that is 0, so many seconds after it has said `sign`.
PROGRAM = """
import os, signal, sys, threading

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background of a shell

class Hearing:
    heard = False

    def __getattr__(self, name):
        return getattr(sys.__stderr__, name)

    def write(self, text):
        sys.__stderr__.write(text)
        sys.__stderr__.flush()
        if number and sign in text and not self.heard:
            self.heard = True
            if seconds:
                threading.Timer(seconds, os.kill, (os.getpid(), number)).start()
            else:
                os.kill(os.getpid(), number)

sign, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sys.stderr = Hearing()
from narrowmax.cli import run
sys.exit(run(sys.argv[4:]))
"""
STUDY = ("study", "digits-cnn", "--architecture", "table_divide", "--out", "out")
# What is said in training and in search shortly before the signal; in Yosys and in the compiler it is sent once they
# are at work.
MOMENTS = {
    "training": (STUDY, "training digits-cnn: epoch 2", signal.SIGINT),
    "training with formats": (("train", "digits-cnn"), "float, seed 1: epoch 2", signal.SIGTERM),
    "searching": (STUDY, "designs tried: 9", signal.SIGTERM),
    "synthesis": (("cost", "softermax", "--max-n", "64"), None, signal.SIGTERM),
    "compiling": (("verify", "table_divide", "--max-n", "10"), None, signal.SIGINT),
}
HANGS = 600  # seconds after which something hangs, however slow the machine is


def started(words, tmp_path, sign: str = "", number: int = 0, seconds: float = 0.0) -> subprocess.Popen:
    (tmp_path / "tmp").mkdir(exist_ok=True, parents=True)
    environment = {**os.environ, "NARROWMAX_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, sign, str(int(number)), str(seconds), *words, "-v"],
        cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def until(condition) -> None:
    """Wait for `condition`, which holds sooner or later."""
    limit = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def running(tmp_path) -> dict[int, int]:
    """The processes that were given this test's folder for temporary files, and the clock ticks each has worked."""
    mark, found = f"TMPDIR={tmp_path / 'tmp'}\0".encode(), {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, *numbers = (place / "stat").read_text().rpartition(")")[2].split()
            if state not in "ZX" and mark in (place / "environ").read_bytes():
                found[int(place.name)] = int(numbers[10]) + int(numbers[11])
        except OSError:
            pass  # ended meanwhile
    return found


def has_a_child_at_work(process: subprocess.Popen, tmp_path) -> bool:
    """One that has worked for a while: who began it has gone on to wait for it."""
    assert process.poll() is None, process.stderr.read()
    return any(ticks >= 5 for child, ticks in running(tmp_path).items() if child != process.pid)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason=f"not on {sys.platform}")
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interruption_leaves_nothing_half_done(tmp_path, moment):
    words, sign, number = MOMENTS[moment]
    process = started(words, tmp_path, *((sign, number, 0.1) if sign else ()))
    if sign is None:
        until(lambda: has_a_child_at_work(process, tmp_path))
        process.send_signal(number)
    out, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 130, rest
    sentence = "narrowmax: interrupted; what was finished is kept, and the same command goes on from there\n"
    assert rest.endswith(sentence) and "Traceback" not in rest
    assert out == ""
    until(lambda: not running(tmp_path))  # who was killed may need a moment to be gone
    assert [path for path in tmp_path.rglob("*") if "narrowmax-part" in path.name] == []
    assert not any(path.is_file() for path in (tmp_path / "tmp").rglob("*"))
    assert not (tmp_path / "out").exists()


def test_a_training_that_was_killed_goes_on_from_its_last_epoch(tmp_path):
    words = ("train", "digits-cnn", "--epochs", "3", "--seeds", "1", "--row", "updates=Q3.10:stochastic", "--json")
    killed = started(words, tmp_path, "stochastic, seed 1: epoch 2 of 3", signal.SIGKILL)
    killed.communicate(timeout=HANGS)
    assert killed.returncode == -signal.SIGKILL
    again, whole = started(words, tmp_path), started(words, tmp_path / "whole")
    (out, said), (expected, _) = again.communicate(timeout=HANGS), whole.communicate(timeout=HANGS)
    told = [line.rpartition(": ")[2] for line in said.splitlines() if " epoch " in line]
    assert told == ["epoch 2 of 3", "epoch 3 of 3"]
    assert json.loads(out)["epochs"] == json.loads(expected)["epochs"]


def test_an_interruption_is_json_too(tmp_path):
    process = started((*STUDY, "--json"), tmp_path, "load", signal.SIGTERM)
    out, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 130 and '"error": "interrupted' in out
