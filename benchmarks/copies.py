"""The same work in several processes at once, each with memory of its own: what the machine gives to more than one.

Threads can hardly gain more than processes that share nothing do: cores may be halves of one, or be lent to others, and
memory is one for all.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection


class Copies:
    """A context with processes that wait for work; a call lets all do theirs once, and waits for the last.

    make: makes the work, in each process; both are sent there, so `make` stands in a module
    Raises RuntimeError where a process ends instead of answering.
    """

    def __init__(self, make: Callable[[], Callable[[], object]], count: int):
        self._make, self._count = make, count

    def __enter__(self) -> Copies:
        context = multiprocessing.get_context("spawn")  # a fork would share pools of threads that are not there
        pairs = [context.Pipe() for _ in range(self._count)]
        self._ends = [end for end, _ in pairs]
        self._processes = [context.Process(target=_serve, args=(self._make, far), daemon=True) for _, far in pairs]
        for process, (_, far) in zip(self._processes, pairs, strict=True):
            process.start()
            far.close()
        return self

    def __exit__(self, *_) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.join()

    def __call__(self) -> None:
        try:
            for end in self._ends:
                end.send(True)
            for end in self._ends:
                end.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError(
                "a process that was to do its share of the work has ended: see what it printed"
            ) from error


def _serve(make: Callable[[], Callable[[], object]], end: Connection) -> None:
    work = make()
    while True:
        try:
            end.recv()
        except EOFError:
            return
        work()
        end.send(True)
