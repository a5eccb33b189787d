"""From the words of a command line to an exit code, and every error to one sentence.

0 done   1 done, and the answer is no   2 the request was wrong
3 something outside failed   4 our bug   130 interrupted
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from narrowmax.cli import streams
from narrowmax.errors import NarrowmaxError

DONE, WRONG_REQUEST, OUTSIDE, OUR_BUG, INTERRUPTED = 0, 2, 3, 4, 130
ERROR = "narrowmax/error/1"
# Typer's own errors of usage have carried one base class through its versions, under changing names.
UsageError = typer.BadParameter.__mro__[1]


def run(words: Sequence[str]) -> int:
    """Do what `words` (without the program's name) ask for; the exit code.  Raises nothing."""
    words = list(words)
    streams.prepare()
    try:
        with _interruptible():
            return _called(words)
    except BaseException as error:
        return _failed(error, words)


def _called(words: list[str]) -> int:
    from narrowmax.cli.app import app
    from narrowmax.cli.frame import Finished

    done = app(words, prog_name="narrowmax", standalone_mode=False)
    if isinstance(done, Finished):
        return done.hand_over()
    if done == INTERRUPTED:  # what Typer, on its way, makes of an interruption
        raise KeyboardInterrupt
    return done or DONE


@contextmanager
def _interruptible() -> Iterator[None]:
    """Within, a request to end (SIGTERM, SIGHUP) is what Ctrl-C is: it unwinds, so nothing half-written is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What was set to be ignored stays so: `nohup` asks for it.
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _failed(error: BaseException, words: list[str]) -> int:
    """Say what went wrong, where it is looked for; the exit code."""
    if isinstance(error, BrokenPipeError):
        return _reader_left()
    code, sentence = _told(error)
    if "--debug" in words and sentence:
        traceback.print_exception(error)
    if sentence:
        _say(sentence, code, "--json" in words)
    return code


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and its sentence."""
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return INTERRUPTED, "interrupted; what was finished is kept, and the same command goes on from there"
    if isinstance(error, NarrowmaxError):
        return error.exit_code, str(error)
    if isinstance(error, UsageError):
        return WRONG_REQUEST, _usage(error)
    if isinstance(error, SystemExit):
        return (error.code if isinstance(error.code, int) else OUR_BUG), ""
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("narrowmax"):
        return OUTSIDE, f"the package {error.name} is needed for this and was not found; `pip install {error.name}`"
    if isinstance(error, OSError):
        return OUTSIDE, _refusal(error)
    if isinstance(error, MemoryError):
        return OUTSIDE, "the memory of this machine is not enough; give fewer rows, or a larger machine"
    return OUR_BUG, _bug(error)


def _refusal(error: OSError) -> str:
    where = f"{error.filename} could not be used" if error.filename else "the output could not be written"
    return f"{where} ({error.strerror or error}); free some space, or choose another place"


def _usage(error) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "narrowmax"
    message = error.format_message() or "there is nothing to do"
    return f"{message[:1].lower()}{message[1:].rstrip('.')}; `{path} --help` shows examples"


def _bug(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return (
        f"this is a bug of narrowmax, not of yours: {type(error).__name__}: {said}; "
        "run it again with --debug and report what it prints"
    )


def _say(sentence: str, code: int, as_json: bool) -> None:
    try:
        if as_json:
            print(streams.as_json({"schema": ERROR, "error": sentence, "exit_code": code}), flush=True)
        else:
            print(f"narrowmax: {sentence}", file=sys.stderr, flush=True)
    except OSError:
        print(f"narrowmax: {sentence}", file=sys.stderr, flush=True)


def _reader_left() -> int:
    """Whoever read our output has gone (`| head`): nothing is left to say, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OUTSIDE
