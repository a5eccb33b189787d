"""Running an outside program: what it left, how it failed, and that nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from narrowmax.errors import ToolFailed, ToolMissing
from narrowmax.tools import run

PYTHON = sys.executable


def test_outputs_status_and_seconds_are_returned():
    began = time.monotonic()
    finished = run([PYTHON, "-c", "import sys; print('out'); print('err', file=sys.stderr)"])
    assert 0 < finished.seconds <= time.monotonic() - began
    assert (finished.status, finished.stdout, finished.stderr) == (0, "out\n", "err\n")


def test_input_folder_and_environment_reach_the_program(tmp_path):
    program = "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['WORD'])"
    finished = run([PYTHON, "-c", program], input="text", cwd=tmp_path, environment={"WORD": "word"})
    assert finished.stdout.split() == ["text", os.path.realpath(tmp_path), "word"]


def test_standard_input_is_empty_unless_given():
    assert run([PYTHON, "-c", "import sys; print(len(sys.stdin.read()))"]).stdout == "0\n"


def test_bytes_that_are_no_text_do_no_harm():
    assert run([PYTHON, "-c", r"import sys; sys.stdout.buffer.write(b'a\xffb')"]).stdout == "a\ufffdb"


def test_accepted_status_is_no_failure():
    assert run([PYTHON, "-c", "raise SystemExit(3)"], accept=(0, 3)).status == 3


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("raise SystemExit(3)", "tool failed with exit status 3 and said nothing"),
        ("raise SystemExit('Error: no such net')", "tool failed with exit status 1, saying: Error: no such net"),
        ("print('ERROR: bad'); raise SystemExit(2)", "tool failed with exit status 2, saying: ERROR: bad"),
        ("print('first'); print('last'); raise SystemExit(2)", "tool failed with exit status 2, saying: last"),
        ("import os; os.kill(os.getpid(), 9)", "tool was ended by signal 9 (SIGKILL) and said nothing"),
    ],
)
def test_failure_is_one_sentence(program, sentence):
    with pytest.raises(ToolFailed) as caught:
        run([PYTHON, "-c", program], name="tool")
    assert str(caught.value) == sentence


def test_program_that_is_not_there_is_missing():
    with pytest.raises(ToolMissing) as caught:
        run(["/no/such/program"])
    assert str(caught.value) == (
        "program cannot be started from /no/such/program (No such file or directory); "
        "`narrowmax tools` shows how to get it"
    )


def test_folder_that_is_not_there_is_not_the_programs_fault():
    with pytest.raises(ToolFailed, match=r"^tool cannot run in /no/such/folder, which is not a folder; make"):
        run([PYTHON, "-c", ""], name="tool", cwd="/no/such/folder")


def has_ended(process: int) -> bool:
    """Whether a process is gone, or dead and waiting for whoever is to collect it."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def wait_for(condition, seconds: float = 600.0) -> bool:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    return condition()


# A program with a child that will not listen, which writes the child's number to the file it is given.
PARENT = """
import pathlib, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.readline()
part = pathlib.Path(sys.argv[1] + ".part")
part.write_text(str(child.pid))
part.rename(sys.argv[1])
time.sleep(600)
"""


def test_time_is_limited_and_children_are_ended_too(tmp_path):
    for limit in (1.5, 15, 150):  # on a busy machine it has no child yet when a short time is up
        with pytest.raises(ToolFailed) as caught:
            run([PYTHON, "-c", PARENT, tmp_path / "child"], name="tool", timeout=limit)
        assert str(caught.value) == (
            f"tool ran past its limit of {limit} seconds and was ended; give it a smaller job or a longer limit"
        )
        if (tmp_path / "child").exists():
            break
    assert wait_for(lambda: has_ended(int((tmp_path / "child").read_text())))


def test_interrupt_ends_the_program_and_its_children(tmp_path):
    caller = (  # what a shell runs in the background ignores the signal
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from narrowmax.tools import run; run(sys.argv[1:])"
    )
    process = subprocess.Popen([PYTHON, "-c", caller, PYTHON, "-c", PARENT, tmp_path / "child"], stderr=subprocess.PIPE)
    assert wait_for((tmp_path / "child").exists)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert b"KeyboardInterrupt" in said
    assert wait_for(lambda: has_ended(int((tmp_path / "child").read_text())))
