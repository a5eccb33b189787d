"""How far a command is, on standard error: a line that moves on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import threading
import time

from rich.console import Console

PATIENCE = 2.0  # seconds before anything is said
LONGEST = 60.0  # seconds without a line where there is no terminal and there is news


class Progress:
    """A context in which `tell` and `done` are heard.

    On a terminal a spinner shows the last line told, and is gone at the end.  Elsewhere the last line
    is printed now and then (see `pause`) where there is news, so that what is quick says nothing.
    verbose: every line told is printed at once
    """

    def __init__(self, verbose: bool = False):
        self._console = Console(file=sys.stderr, highlight=False, markup=False, soft_wrap=True)
        self._verbose, self._line, self._shown = verbose, "", ""
        self._status = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()
        if self._status is not None:
            self._status.stop()

    def tell(self, line: str) -> None:
        """Something begins, or goes on."""
        self._line = line
        if self._status is not None:
            self._status.update(line)
        if self._verbose:
            self._shown = line
            self._console.print(line)

    def done(self, line: str) -> None:
        """A step has ended.  Said at once when anything has been said before, or when it is a step of a long job."""
        self._line = ""
        if self._verbose or self._shown or self._status is not None:
            self._console.print(line)

    def note(self, line: str) -> None:
        """What was understood, at once."""
        self._console.print(line)

    def warn(self, sentence: str) -> None:
        """Something that whoever asked should know, at once."""
        self._console.print(f"narrowmax: {sentence}")

    def _watch(self) -> None:
        began = time.monotonic()
        while not self._end.wait(pause(time.monotonic() - began)):
            if self._console.is_terminal:
                self._spin()
                return
            if self._line and self._line != self._shown:
                self._shown = self._line
                self._console.print(self._line)

    def _spin(self) -> None:
        status = self._console.status(self._line)
        status.start()
        self._status = status


def pause(elapsed: float) -> float:
    """Seconds to the next line, a tenth of those that have passed: a log of hours has as many lines as one can read."""
    return min(max(PATIENCE, elapsed / 10), LONGEST)
