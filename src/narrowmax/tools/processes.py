"""Running an outside program: a limit on its time, one sentence when it fails, nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from narrowmax.errors import ToolFailed, ToolMissing

_GRACE_SECONDS = 2.0  # between the polite signal and the one that cannot be refused


@dataclass(frozen=True)
class Finished:
    """What a program left: its exit status, its two outputs as text, and the wall seconds it took."""

    status: int
    stdout: str
    stderr: str
    seconds: float


def run(
    command: Sequence[str | os.PathLike],
    *,
    name: str | None = None,
    cwd: str | os.PathLike | None = None,
    environment: Mapping[str, str] | None = None,
    input: str | None = None,
    timeout: float = 600.0,
    accept: Sequence[int] = (0,),
) -> Finished:
    """Run `command` to its end and return what it left.

    The program gets a process group of its own, and the whole group is ended when the time is up
    or when this process is interrupted, so no child outlives the call.

    name: what messages call the program; the first word of the command unless given
    environment: variables added to this process's own
    input: text for standard input, which is empty otherwise
    timeout: wall seconds
    accept: the exit statuses that are no failure

    Raises ToolMissing where the program is not there, ToolFailed where it fails or runs out of time.
    """
    words = [os.fspath(word) for word in command]
    name = name or Path(words[0]).name
    started = time.monotonic()
    with _started(words, name, cwd, environment) as process:
        try:
            stdout, stderr = process.communicate(input or "", timeout)
        except subprocess.TimeoutExpired:
            raise ToolFailed(
                f"{name} ran past its limit of {timeout:g} seconds and was ended; "
                "give it a smaller job or a longer limit"
            ) from None
    if process.returncode not in accept:
        raise ToolFailed(_sentence(name, process.returncode, stdout, stderr))
    return Finished(process.returncode, stdout, stderr, time.monotonic() - started)


@contextmanager
def _started(words, name, cwd, environment) -> Iterator[subprocess.Popen]:
    process = _popen(words, name, cwd, environment)
    try:
        yield process
    finally:
        # Also on KeyboardInterrupt; the group may hold children of a program that ended by itself.
        end_group(process)


def _popen(words, name, cwd, environment) -> subprocess.Popen:
    if cwd is not None and not Path(cwd).is_dir():
        raise ToolFailed(f"{name} cannot run in {cwd}, which is not a folder; make the folder first")
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise ToolMissing(
            f"{name} cannot be started from {words[0]} ({error.strerror}); `narrowmax tools` shows how to get it"
        ) from None


def end_group(process: subprocess.Popen) -> None:
    """End a process started in its own session, with all its children; already ended is fine."""
    running = process.poll() is None
    if running and _signalled(process, signal.SIGTERM):
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    _signalled(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _signalled(process: subprocess.Popen, number: int) -> bool:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _sentence(name: str, status: int, stdout: str, stderr: str) -> str:
    if status < 0:
        how = f"was ended by signal {-status} ({signal.Signals(-status).name})"
    else:
        how = f"failed with exit status {status}"
    said = _telling_line(stderr) or _telling_line(stdout)
    return f"{name} {how}" + (f", saying: {said}" if said else " and said nothing")


def _telling_line(text: str) -> str:
    """The first line that speaks of an error, else the last one; at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines[-1:] or [""])[0][:300]
