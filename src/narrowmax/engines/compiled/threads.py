"""Work on many parts, by the thread that asks and by some that help."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache

_WAITS = object()  # for what is not done


def default_threads() -> int:
    """As many as torch uses, where that was imported, or as there are processors for this process."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return torch.get_num_threads()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(parts: Sequence, threads: int, work: Callable[[object], object]) -> Iterator:
    """`work(part)` of each part, in order, as soon as it is there; an error of any of them is raised.

    The thread that iterates works too, and everybody takes the next part when done: who has a slower processor takes
    fewer.  Where iteration ends early, or a part fails, parts that nobody has begun are left.
    """
    results, left = [_WAITS] * len(parts), deque(range(len(parts)))

    def take() -> bool:
        try:
            k = left.popleft()
        except IndexError:
            return False
        results[k] = work(parts[k])
        return True

    def serve() -> None:
        try:
            while take():
                pass
        except BaseException:
            left.clear()
            raise

    helpers = [_pool(threads - 1).submit(serve) for _ in range(min(threads, len(parts)) - 1)]
    process, given = os.getpid(), 0
    try:
        while take():
            while given < len(parts) and results[given] is not _WAITS:
                yield results[given]
                results[given] = None  # whoever wants it has it
                given += 1
    finally:
        left.clear()
        started = _ended(helpers) if os.getpid() == process else []  # a fork has no helpers: nobody would end
    for helper in started:
        helper.result()
    for part, result in zip(parts[given:], results[given:], strict=True):
        yield work(part) if result is _WAITS else result


def _ended(helpers: list[Future]) -> list[Future]:
    """Those that began, once they have ended."""
    started = [helper for helper in helpers if not helper.cancel()]
    wait(started)
    return started


@lru_cache(maxsize=1)
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="narrowmax")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads stay behind, and nobody would do the work
